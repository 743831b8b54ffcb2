/// A message of plain text to one person.
public struct MailMessage: Sendable, Hashable {
  /// An address, without a name.
  public let to: String
  public let subject: String
  /// Lines that end with `\n`.
  public let text: String

  public init(to: String, subject: String, text: String) {
    self.to = to
    self.subject = subject
    self.text = text
  }
}

/// Hands a message over to the mail server; returns when that has taken it.
public typealias MailSender = @Sendable (MailMessage) async throws -> Void
