public import ConfigStore
public import Domain

/// An invite that was just made or renewed, and how its link went on its way.
public struct SentInvite: Sendable, CustomStringConvertible {
  public let invite: Invite
  /// For the inviter to hand over; nil when a mail is on its way instead.
  public let link: String?

  public var description: String { "\(invite.id) [redacted]" }
}

/// Invites people into an organisation, by mail where there is a mail server and by a link otherwise.
public struct Invites: Sendable {
  private let invites: InviteRepository
  private let users: UserRepository
  private let organizations: OrganizationRepository
  private let publicURL: String
  private let mail: MailSender?
  private let limiter: LoginLimiter
  private let clock: @Sendable () -> Instant
  private let failed: @Sendable (any Error) -> Void

  /// How many mails an organisation may send: five to one address and then one in ten minutes, a hundred in all and then one in 36 seconds. All
  /// organisations together send twenty to one address and then one in ten minutes.
  public static func limiter(_ clock: @escaping @Sendable () -> Instant) -> LoginLimiter {
    LoginLimiter(
      perEmail: .init(attempts: 5, secondsPerAttempt: 600), perEmailAnywhere: .init(attempts: 20, secondsPerAttempt: 600),
      perAddress: .init(attempts: 100, secondsPerAttempt: 36), clock: clock)
  }

  /// - Parameters:
  ///   - publicURL: where people reach this server, without a slash at the end.
  ///   - mail: nil when there is no mail server.
  ///   - failed: is told of mails that could not be sent; their links are answered instead.
  public init(
    _ database: any ConfigDatabase, publicURL: String, mail: MailSender?, clock: @escaping @Sendable () -> Instant,
    failed: @escaping @Sendable (any Error) -> Void = { _ in }
  ) {
    invites = InviteRepository(database)
    users = UserRepository(database)
    organizations = OrganizationRepository(database)
    self.publicURL = publicURL
    self.mail = mail
    limiter = Self.limiter(clock)
    self.clock = clock
    self.failed = failed
  }

  /// Invites the holder of an address, in place of an earlier invite.
  /// - Parameter note: what is to be written down of it, in the same transaction.
  /// - Throws: ``Domain/AppError`` 422 that names `email` or `role`; 403 `insufficient_scope` when somebody else than the owner invites an admin; 409
  ///   `already_member`, `too_many_invites`; 429 where mails are sent.
  public func invite(
    _ email: String, as role: Role, by inviter: UserPrincipal, noting note: AuditNote<Invite>? = nil
  ) async throws -> SentInvite {
    let problems = Problems()
    let address = EmailAddress(email)
    if address == nil { problems.add("email", "email", "must be an e-mail address") }
    if role == .owner { problems.add("role", "unknown_value", "must be one of admin, editor, member, viewer") }
    guard let address, problems.list.isEmpty else { throw AppError.invalid(problems.list) }
    try Self.require(inviter, mayInvite: role)
    try spendMail(to: address, from: inviter.organizationID)
    let token = LinkToken.make()
    let now = clock()
    let invite = Invite(
      id: InviteID(IDGenerator.make("inv")), organizationID: inviter.organizationID, email: address, role: role,
      createdBy: inviter.userID.rawValue, createdAt: now, expiresAt: now.adding(seconds: Double(Limits.inviteSeconds)))
    try await invites.put(invite, tokenHash: token.sha256, noting: note)
    return try await send(invite, token, inviter)
  }

  /// Sends an invite once more, with another link; the earlier one works no more. It is the invite of whoever sent it last.
  /// - Throws: ``Domain/AppError`` 404 `invite_not_found`; 403 `insufficient_scope`; 429 where mails are sent.
  public func resend(
    _ id: InviteID, by inviter: UserPrincipal, noting note: AuditNote<Invite>? = nil
  ) async throws -> SentInvite {
    guard let known = try await invites.get(inviter.organizationID, id) else { throw Self.notFound }
    // Whoever has the link can become what it says.
    try Self.require(inviter, mayInvite: known.role)
    try spendMail(to: known.email, from: inviter.organizationID)
    let token = LinkToken.make()
    let end = clock().adding(seconds: Double(Limits.inviteSeconds))
    let renewed = try await invites.renew(
      inviter.organizationID, id, by: inviter.userID, tokenHash: token.sha256, expiresAt: end, noting: note)
    guard let invite = renewed else { throw Self.notFound }
    return try await send(invite, token, inviter)
  }

  /// The organisation's invites that are open, newest first.
  public func list(_ organization: OrganizationID, _ request: PageRequest) async throws -> Page<Invite> {
    try await invites.list(organization, request, at: clock())
  }

  /// - Throws: ``Domain/AppError`` 404 `invite_not_found`.
  public func withdraw(_ id: InviteID, from organization: OrganizationID, noting note: AuditNote<Invite>? = nil) async throws {
    guard try await invites.delete(organization, id, noting: note) != nil else { throw Self.notFound }
  }

  private func send(_ invite: Invite, _ token: String, _ inviter: UserPrincipal) async throws -> SentInvite {
    let link = LinkToken.link(publicURL, page: "invite", token: token)
    guard let mail else { return SentInvite(invite: invite, link: link) }
    let name = try await users.get(inviter.userID)?.name ?? "Somebody"
    let organization = try await organizations.get(invite.organizationID)?.name ?? "a team"
    do {
      try await mail(.invite(invite, from: name, to: organization, link: link))
      return SentInvite(invite: invite, link: nil)
    } catch let error as CancellationError {
      throw error
    } catch {
      failed(error)
      return SentInvite(invite: invite, link: link)
    }
  }

  /// Whoever may invite must not make this server flood strangers: withdrawing and inviting again would do it without an end.
  private func spendMail(to address: EmailAddress, from organization: OrganizationID) throws(AppError) {
    if mail != nil { try limiter.spend(email: address, address: organization.rawValue) }
  }

  /// Making somebody an admin is a matter of the owner, as changing roles is: otherwise an admin would do it by removing and inviting.
  private static func require(_ inviter: UserPrincipal, mayInvite role: Role) throws(AppError) {
    guard role != .admin || inviter.role == .owner else {
      throw .forbidden("insufficient_scope", "Only the owner may make somebody an admin.")
    }
  }

  private static var notFound: AppError { .notFound("There is no such invite.", code: "invite_not_found") }
}

extension MailMessage {
  fileprivate static func invite(_ invite: Invite, from name: String, to organization: String, link: String) -> MailMessage {
    MailMessage(
      to: invite.email.value, subject: "Invitation to \(organization) on Emban",
      text: """
        \(name) invites you to join \(organization) on Emban, as \(invite.role.rawValue).

        Accept the invitation here:
        \(link)

        The link works once, until \(invite.expiresAt.iso8601). If you did not expect this, do nothing.

        """)
  }
}
