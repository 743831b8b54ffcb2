/// An e-mail address as the store keeps it: without surrounding white space, in lower case, so that one person has one account.
public struct EmailAddress: Sendable, Hashable, CustomStringConvertible {
  public let value: String

  /// Nil for what cannot be an address: no single `@` with something on both sides, a domain with an empty label, white space or
  /// control characters, more than 254 bytes. Whether anybody reads mail there only a mail can tell.
  public init?(_ text: String) {
    let trimmed = text.drop(while: \.isWhitespace)
    let value = String(trimmed.prefix(trimmed.count - trimmed.reversed().prefix(while: \.isWhitespace).count)).lowercased()
    let parts = value.split(separator: "@", omittingEmptySubsequences: false)
    guard value.utf8.count <= 254, parts.count == 2, !parts[0].isEmpty, parts[0].utf8.count <= 64,
      parts[1].split(separator: ".", omittingEmptySubsequences: false).allSatisfy({ !$0.isEmpty }),
      value.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value != 0x7F && !$0.properties.isWhitespace })
    else { return nil }
    self.value = value
  }

  /// A value that the store holds and that was checked on its way in.
  init(stored value: String) { self.value = value }

  public var description: String { value }
}
