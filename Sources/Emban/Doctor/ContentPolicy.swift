/// A content security policy, as far as embedding needs it (https://www.w3.org/TR/CSP3/).
struct ContentPolicy: Sendable {
  private var directives: [String: [String]] = [:]

  init(_ header: String) {
    for part in header.split(separator: ";") {
      let words = part.split(whereSeparator: \.isWhitespace).map(String.init)
      // Of a directive that stands twice the first counts.
      if let name = words.first?.lowercased(), directives[name] == nil { directives[name] = Array(words.dropFirst()) }
    }
  }

  /// Every policy of an answer; all of them hold at once.
  static func all(_ headers: [String]) -> [ContentPolicy] {
    headers.flatMap { $0.split(separator: ",") }.map { ContentPolicy(String($0)) }
  }

  func sources(_ names: String...) -> [String]? {
    for name in names { if let found = directives[name] { return found } }
    return nil
  }

  /// Whether a list of sources lets an origin through.
  /// - Parameter own: the origin of the page that the policy came with.
  static func allows(_ sources: [String], _ origin: String, own: String) -> Bool {
    sources.contains { source in
      let source = source.lowercased()
      switch source {
      case "*": return true
      case "'self'": return origin == own
      case "http:", "https:": return origin.hasPrefix(source) || (source == "http:" && origin.hasPrefix("https:"))
      default: return matches(source, origin)
      }
    }
  }

  /// A source of host and port, with or without a scheme; `*.` stands for any label, `:*` for any port.
  private static func matches(_ source: String, _ origin: String) -> Bool {
    guard let originScheme = origin.firstRange(of: "://") else { return false }
    var source = source[...]
    let scheme = origin[..<originScheme.lowerBound]
    if let mark = source.firstRange(of: "://") {
      guard source[..<mark.lowerBound] == scheme || (source[..<mark.lowerBound] == "http" && scheme == "https") else { return false }
      source = source[mark.upperBound...]
    }
    source = source.prefix { $0 != "/" }
    func split(_ text: Substring) -> (host: Substring, port: Substring?) {
      guard let colon = text.lastIndex(of: ":"), !text.hasSuffix("]") else { return (text, nil) }
      return (text[..<colon], text[text.index(after: colon)...])
    }
    let wanted = split(source)
    let given = split(origin[originScheme.upperBound...])
    guard wanted.port == "*" || wanted.port == given.port else { return false }
    if wanted.host.hasPrefix("*.") { return given.host.hasSuffix(wanted.host.dropFirst()) && given.host.count > wanted.host.count - 1 }
    return wanted.host == given.host
  }
}
