/// Tells whether a browser's request comes from our own pages.
public struct OriginGuard: Sendable {
  private let ownOrigin: Origin?

  /// - Parameter publicURL: `EMBAN_PUBLIC_URL`; nil when only the `Host` header can tell who we are.
  public init(publicURL: String?) { ownOrigin = publicURL.flatMap(Origin.init) }

  /// Whether the `Origin` header, or `Referer` in its absence, is our public URL's or that of the host which was asked. False when both
  /// are absent, and for the opaque origin `null`.
  public func isOwn(origin: String?, referer: String?, host: String?) -> Bool {
    guard let text = origin ?? referer, let source = Origin(text) else { return false }
    if source == ownOrigin { return true }
    // Where people reach us by https, a page that came without it may be anybody's who is on the way; but not of the same machine.
    if ownOrigin?.scheme == "https", source.scheme != "https", !source.isLoopback { return false }
    // Behind a proxy that ends TLS we cannot know our own scheme; the host is what a foreign page cannot have.
    guard let host, let asked = Origin("\(source.scheme)://\(host)") else { return false }
    return source == asked
  }
}

/// Scheme, host and port of a URL; the port is spelt out where the URL leaves it to the scheme.
private struct Origin: Hashable {
  let scheme: String
  let host: String
  let port: Int

  var isLoopback: Bool { host == "localhost" || host == "[::1]" || host.hasPrefix("127.") && host.allSatisfy { $0.isNumber || $0 == "." } }

  init?(_ url: String) {
    guard let marker = url.firstRange(of: "://") else { return nil }
    scheme = url[..<marker.lowerBound].lowercased()
    guard scheme == "http" || scheme == "https" else { return nil }
    var authority = url[marker.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" && $0 != "\\" }
    guard !authority.contains("@") else { return nil }
    port =
      if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
        Int(authority[authority.index(after: colon)...]) ?? -1
      } else {
        scheme == "https" ? 443 : 80
      }
    if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") { authority = authority[..<colon] }
    host = authority.lowercased()
    guard !host.isEmpty, 1...65_535 ~= port else { return nil }
  }
}
