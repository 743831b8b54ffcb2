import Domain

/// The header of an embed token, read by ourselves before any JWT library sees the token: a library that picks the algorithm or the
/// key by what the token says can be talked into another one. jwt-kit falls back to its first key for an unknown `kid`.
struct EmbedTokenHeader: Sendable, Hashable {
  let kid: String

  /// The longest token taken, in bytes: it travels in URLs and headers.
  static let maximumTokenBytes = 8_192

  /// Nil unless the token is three parts of base64url, and its header says HS256 and names a `kid` of our form, and nothing that would
  /// have to be understood (`crit`).
  init?(token: String) {
    guard token.utf8.count <= Self.maximumTokenBytes else { return nil }
    let parts = token.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }), parts[2].count == 43, let bytes = Self.decoded(parts[0]),
      Self.decoded(parts[1]) != nil, Self.decoded(parts[2]) != nil, let header = try? JSONParser.parse(bytes),
      case .object(let members) = header, members["alg"] == "HS256", members["typ"] == nil || members["typ"] == "JWT",
      members["crit"] == nil, let kid = members["kid"]?.stringValue, Self.isWellFormed(kid: kid)
    else { return nil }
    self.kid = kid
  }

  /// `ek_` and 20 lower-case letters and digits, as ``IDGenerator`` makes them: nothing that a path or a query could be made of.
  static func isWellFormed(kid: String) -> Bool {
    kid.hasPrefix("ek_") && kid.utf8.count == 23
      && kid.utf8.dropFirst(3).allSatisfy {
        UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0
      }
  }

  /// Strict base64url without padding (RFC 7515, section 2): one text for one value, so that a token cannot be varied.
  static func decoded(_ text: some Collection<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count * 3 / 4)
    var bits: UInt32 = 0
    var count = 0
    for character in text {
      let value: UInt8
      switch character {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = character - UInt8(ascii: "A")
      case UInt8(ascii: "a")...UInt8(ascii: "z"): value = character - UInt8(ascii: "a") + 26
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = character - UInt8(ascii: "0") + 52
      case UInt8(ascii: "-"): value = 62
      case UInt8(ascii: "_"): value = 63
      default: return nil
      }
      bits = bits << 6 | UInt32(value)
      count += 6
      if count >= 8 {
        count -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
      }
    }
    guard count < 6, bits & (1 << UInt32(count) - 1) == 0 else { return nil }
    return bytes
  }
}
