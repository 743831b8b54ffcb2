/// Web origins (`https://app.example.com`, `http://localhost:3000`, `https://*.example.com`) as they appear in allow lists.
public enum Origin {
  /// Whether the text is a scheme, a host (its first label may be `*`) and at most a port, and nothing else. Only such text may
  /// reach a `frame-ancestors` header.
  public static func isValid(_ text: String) -> Bool {
    let scheme: String
    if text.hasPrefix("https://") {
      scheme = "https://"
    } else if text.hasPrefix("http://") {
      scheme = "http://"
    } else {
      return false
    }
    var rest = text.dropFirst(scheme.count)
    if rest.hasPrefix("*.") { rest = rest.dropFirst(2) }
    let parts = rest.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard let host = parts.first, 1...253 ~= host.utf8.count, !host.hasPrefix("."), !host.hasSuffix(".") else { return false }
    let isHost = host.utf8.allSatisfy {
      UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0
        || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
    }
    guard isHost else { return false }
    return parts.count == 1 || Int(parts[1]).map { 1...65_535 ~= $0 } ?? false
  }

  /// Whether an allow list permits the origin that a browser sent. An empty list permits every origin.
  public static func isAllowed(_ origin: String, by list: [String]) -> Bool {
    list.isEmpty
      || list.contains { allowed in
        if allowed.lowercased() == origin.lowercased() { return true }
        guard let wildcard = allowed.firstRange(of: "*.") else { return false }
        let scheme = allowed[..<wildcard.lowerBound].lowercased()
        let suffix = "." + allowed[wildcard.upperBound...].lowercased()
        let candidate = origin.lowercased()
        return candidate.hasPrefix(scheme) && candidate.hasSuffix(suffix) && candidate.count > scheme.count + suffix.count
      }
  }
}
