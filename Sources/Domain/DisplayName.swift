/// The name of a person, a team or a key, as lists, mails and logs show it.
public enum DisplayName {
  /// Without surrounding white space, and with single spaces for all other; nil when nothing is left.
  public static func read(_ text: String?) -> String? {
    guard let text else { return nil }
    let words = text.split(whereSeparator: \.isWhitespace)
    return words.isEmpty ? nil : words.joined(separator: " ")
  }

  /// Records under `field` what is wrong with a name that is given.
  public static func check(_ text: String?, field: String, problems: Problems) {
    guard let text else { return }
    if text.utf8.count > Limits.nameLength {
      problems.add(field, "length", "must be at most \(Limits.nameLength) bytes long")
    } else if text.unicodeScalars.contains(where: isControl) {
      problems.add(field, "control_character", "must not contain control characters")
    }
  }

  /// What a terminal, a mail or a page would obey instead of showing it, white space aside: also what turns the direction of the text around it.
  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x202A...0x202E, 0x2066...0x2069: true
    default: scalar.properties.generalCategory == .control && !scalar.properties.isWhitespace
    }
  }
}
