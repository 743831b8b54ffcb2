public import Domain

/// What a new password must be.
public enum PasswordRules {
  public static let minimumCharacters = 8
  public static let maximumBytes = 256

  /// Records under `password` what is wrong with it.
  public static func check(_ password: String, email: String, problems: Problems) {
    if password.count < minimumCharacters {
      problems.add("password", "too_short", "must be at least \(minimumCharacters) characters long")
    } else if password.utf8.count > maximumBytes {
      problems.add("password", "too_long", "must be at most \(maximumBytes) bytes long")
    } else if password.lowercased() == email.lowercased() {
      problems.add("password", "same_as_email", "must differ from the e-mail address")
    }
  }
}
