/// The secret of a link that is mailed or handed over: 43 letters and digits, 256 bits. It stands behind the `#` of the address, which
/// browsers send to no server and write into no log.
enum LinkToken {
  private static let length = 43

  static func make() -> String { Randomness.base62(length) }

  /// Whether a text can be one of ours at all.
  static func isWellFormed(_ text: String) -> Bool {
    text.utf8.count == length
      && text.utf8.allSatisfy {
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0
          || UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0
      }
  }

  /// The address of a page of the console that reads a token.
  static func link(_ publicURL: String, page: String, token: String) -> String { "\(publicURL)/app/\(page)#token=\(token)" }
}
