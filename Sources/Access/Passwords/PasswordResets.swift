public import ConfigStore
public import Domain

/// Links with which people set a password that they have forgotten.
///
/// Whether an address has an account is told to nobody: a request is answered before anything is looked up, and what follows from it
/// happens in ``run()``.
public final class PasswordResets: Sendable {
  /// How a person gets the link.
  public enum Delivery: String, Sendable, Hashable {
    case mail
    /// From whoever runs the server: there is no mail server.
    case `operator`
  }

  private let users: UserRepository
  private let resets: PasswordResetRepository
  private let limiter: LoginLimiter
  private let publicURL: String
  private let mail: MailSender?
  private let clock: @Sendable () -> Instant
  private let failed: @Sendable (any Error) -> Void
  private let requests: AsyncStream<EmailAddress>
  private let source: AsyncStream<EmailAddress>.Continuation

  /// - Parameters:
  ///   - limiter: for these requests alone.
  ///   - publicURL: where people reach this server, without a slash at the end.
  ///   - mail: nil when there is no mail server.
  ///   - failed: is told of mails that could not be sent.
  public init(
    _ database: any ConfigDatabase, limiter: LoginLimiter, publicURL: String, mail: MailSender?,
    clock: @escaping @Sendable () -> Instant, failed: @escaping @Sendable (any Error) -> Void = { _ in }
  ) {
    users = UserRepository(database)
    resets = PasswordResetRepository(database)
    self.limiter = limiter
    self.publicURL = publicURL
    self.mail = mail
    self.clock = clock
    self.failed = failed
    // A mail server that is away must not fill the memory; who asked first waits longest and is served.
    (requests, source) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1_000))
  }

  /// How many mails are handed over at once: a mail server that hangs with one must not keep the others waiting.
  private static let mailsAtOnce = 3

  /// Why nothing comes of a request that was answered; the description is a sentence for the log.
  struct Dropped: Error, CustomStringConvertible {
    let description = "Too many mails with links to set a password wait for the mail server: one is not sent."
  }

  /// Notes that somebody has forgotten a password. For an address that many have asked for already the answer is the same, and no mail is sent: a
  /// refusal would let strangers keep people from asking.
  /// - Throws: ``Domain/AppError`` 422 that names `email`; 429 for a remote address that asks too often.
  public func request(_ email: String, visitor: Visitor = Visitor()) throws(AppError) -> Delivery {
    guard let address = EmailAddress(email) else { throw .invalid("email", "email", "must be an e-mail address") }
    try limiter.spend(email: nil, address: visitor.address)
    guard mail != nil else { return .operator }
    if limiter.maySend(to: address, askedFrom: visitor.address), case .dropped = source.yield(address) { failed(Dropped()) }
    return .mail
  }

  /// Sends the mails that were asked for, a few at a time, until it is cancelled.
  public func run() async {
    await withTaskGroup(of: Void.self) { group in
      var open = 0
      for await address in requests {
        if open == Self.mailsAtOnce {
          await group.next()
          open -= 1
        }
        open += 1
        group.addTask { await self.serve(address) }
      }
      group.cancelAll()
    }
  }

  private func serve(_ address: EmailAddress) async {
    do {
      try await send(to: address)
    } catch is CancellationError {
      return
    } catch {
      failed(error)
    }
  }

  /// A link for an operator to hand over, written down in every organisation of the person.
  /// - Returns: nil when the address has no account.
  public func link(for address: EmailAddress) async throws -> String? {
    guard let user = try await users.find(email: address) else { return nil }
    let now = clock()
    return try await link(for: user, from: .operator, seconds: Limits.operatorResetSeconds) { membership in
      AuditEntry(
        organizationID: membership.organizationID, at: now, actor: "system", action: "user.reset_link", entity: "user",
        entityID: membership.userID.rawValue)
    }
  }

  private func send(to address: EmailAddress) async throws {
    guard let mail, let user = try await users.find(email: address) else { return }
    let link = try await link(for: user, from: .mail, seconds: Limits.resetSeconds)
    try await mail(
      MailMessage(
        to: user.email.value, subject: "Set a new password for Emban",
        text: """
          Somebody, probably you, has asked for a new password for \(user.email).

          Set it here, within an hour:
          \(link)

          The link works once. If you did not ask for it, do nothing: your password stays as it is.

          """))
  }

  private func link(
    for user: User, from source: PasswordResetRepository.Source, seconds: Int, noting note: AuditNote<Membership>? = nil
  ) async throws -> String {
    let token = LinkToken.make()
    let now = clock()
    try await resets.put(
      tokenHash: token.sha256, for: user.id, from: source, createdAt: now, expiresAt: now.adding(seconds: Double(seconds)), noting: note)
    return LinkToken.link(publicURL, page: "reset", token: token)
  }
}
