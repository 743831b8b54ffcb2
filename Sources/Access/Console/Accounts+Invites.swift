public import ConfigStore
public import Domain

/// An invite as its holder sees it before accepting.
public struct OfferedInvite: Sendable {
  public let invite: Invite
  public let organization: Organization
  /// Whether the address has an account, whose password is then asked for.
  public let hasAccount: Bool
}

extension Accounts {
  /// What an invite is of.
  /// - Throws: ``Domain/AppError`` 404 `invite_invalid`; 429.
  public func invite(token: String, visitor: Visitor = Visitor()) async throws -> OfferedInvite {
    try limiter.spend(email: nil, address: visitor.address)
    let offered = try await offered(token)
    limiter.refund(email: nil, address: visitor.address)
    return offered
  }

  /// Makes whoever holds an invite a member, and signs them in: with the password of the account that the address has, or with a new
  /// account of this password.
  /// - Parameter name: of a new account; otherwise the part of the address before the `@`.
  /// - Throws: ``Domain/AppError`` 404 `invite_invalid`; 401 `invalid_credentials`; 422 that names `password` or `name`; 409 `email_taken`; 429; 503.
  public func acceptInvite(
    token: String, password: String, name: String? = nil, visitor: Visitor = Visitor()
  ) async throws -> SignedIn {
    let offered = try await invite(token: token, visitor: visitor)
    let mail = offered.invite.email
    let user: User
    if offered.hasAccount {
      user = try await prove(mail, password, visitor)
    } else {
      let problems = Problems()
      PasswordRules.check(password, email: mail.value, problems: problems)
      DisplayName.check(name, field: "name", problems: problems)
      try problems.throwIfAny()
      let local = String(mail.value.prefix { $0 != "@" })
      user = User(
        id: UserID(IDGenerator.make("usr")), email: mail, name: DisplayName.read(name) ?? local,
        passwordHash: try await hasher.hash(password),
        createdAt: clock())
    }
    let now = clock()
    let membership = try await invites.accept(tokenHash: token.sha256, by: user, isNew: !offered.hasAccount, at: now) { used in
      AuditEntry(
        organizationID: used.membership.organizationID, at: now, actor: user.id.rawValue, action: "member.join", entity: "member",
        entityID: user.id.rawValue, address: visitor.address ?? "",
        after: [
          "email": .string(mail.value), "role": .string(used.membership.role.rawValue), "invite": .string(used.invite.id.rawValue),
        ])
    }
    guard let membership else { throw Self.noInvite }
    let session = try await sessions.create(membership, visitor: visitor, provenBy: user.passwordHash).token
    return SignedIn(user: user, organization: offered.organization, role: membership.role, token: session)
  }

  private func offered(_ token: String) async throws -> OfferedInvite {
    guard LinkToken.isWellFormed(token), let found = try await invites.find(tokenHash: token.sha256, at: clock()) else {
      throw Self.noInvite
    }
    let hasAccount = try await users.find(email: found.invite.email) != nil
    return OfferedInvite(invite: found.invite, organization: found.organization, hasAccount: hasAccount)
  }

  private static var noInvite: AppError {
    .notFound("This invite was accepted already, was withdrawn, has expired, or never was one.", code: "invite_invalid")
  }
}
