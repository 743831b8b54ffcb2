import Domain
import Foundation

/// An address that a browser would open: of the embed page, or of a page that embeds.
struct EmbedAddress: Sendable {
  enum Place: String, Sendable { case query = "behind ?", fragment = "behind #" }

  /// Scheme, host and port.
  let origin: String
  let host: String
  let isSecure: Bool
  /// Path and query, as they are sent: browsers keep the fragment to themselves.
  let target: String
  let path: String
  let token: String?
  let place: Place?

  init?(_ text: String) {
    guard let url = URLComponents(string: text), let scheme = url.scheme?.lowercased(), ["http", "https"].contains(scheme),
      let host = url.host?.lowercased(), !host.isEmpty
    else { return nil }
    isSecure = scheme == "https"
    self.host = host
    let isDefault = url.port == nil || url.port == (isSecure ? 443 : 80)
    origin = "\(scheme)://\(host)" + (isDefault ? "" : ":\(url.port ?? 0)")
    path = url.percentEncodedPath.isEmpty ? "/" : url.percentEncodedPath
    target = path + (url.percentEncodedQuery.map { "?\($0)" } ?? "")
    func token(in text: String?) -> String? {
      (text ?? "").split(separator: "&").first { $0.hasPrefix("token=") }
        .map { String($0.dropFirst("token=".count)) }.flatMap { $0.removingPercentEncoding }
    }
    if let found = token(in: url.percentEncodedFragment) {
      self.token = found
      place = .fragment
    } else {
      self.token = token(in: url.percentEncodedQuery)
      place = self.token == nil ? nil : .query
    }
  }

  /// The dashboard that the path names; nil for a page that is none of Emban's.
  var dashboard: String? {
    let parts = path.split(separator: "/")
    guard parts.count >= 2, parts[parts.count - 2] == "embed" else { return nil }
    return parts.last.flatMap { String($0).removingPercentEncoding }
  }

  /// For people: without what is secret.
  var title: String { origin + path + (place.map { " (token \($0.rawValue))" } ?? "") }

  /// Whether only programs on the same machine reach it.
  var isLoopback: Bool { Self.isLoopback(host) }

  static func isLoopback(_ host: String) -> Bool {
    host == "localhost" || host.hasSuffix(".localhost") || host.hasPrefix("127.") || host == "::1" || host == "[::1]"
  }

  /// What the token says of itself, unverified; nil when it is no token.
  var claims: JSONValue? {
    guard let parts = token?.split(separator: ".", omittingEmptySubsequences: false), parts.count == 3 else { return nil }
    var text = parts[1].replacing("-", with: "+").replacing("_", with: "/")
    text += String(repeating: "=", count: (4 - text.count % 4) % 4)
    guard let data = Data(base64Encoded: String(text)), let claims = try? JSONParser.parse(Array(data)), claims.objectValue != nil else {
      return nil
    }
    return claims
  }
}
