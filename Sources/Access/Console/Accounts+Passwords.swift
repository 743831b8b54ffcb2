public import ConfigStore
public import Domain

extension Accounts {
  /// Gives the person who is signed in another password. Every session of the person ends but one, which begins anew.
  /// - Returns: The token of that session, for the cookie; nil for somebody who was removed from the organisation meanwhile.
  /// - Throws: ``Domain/AppError`` 401 `invalid_credentials` for a wrong present password; 422 that names `password`; 429; 503.
  public func changePassword(
    of principal: UserPrincipal, from current: String, to password: String, visitor: Visitor = Visitor()
  ) async throws -> String? {
    let user = try await confirm(principal, current, visitor) { user, problems in
      PasswordRules.check(password, email: user.email.value, problems: problems)
    }
    let hash = try await hasher.hash(password)
    let note = everywhere("user.password_change", visitor)
    guard try await users.setPasswordHash(hash, of: user.id, replacing: user.passwordHash, signingOut: true, noting: note) else {
      throw AppError.conflict("password_changed", "The password was changed by somebody else just now.")
    }
    guard let membership = try await memberships.get(principal.organizationID, principal.userID) else { return nil }
    return try await sessions.create(membership, visitor: visitor, provenBy: hash).token
  }

  /// Has the person who is signed in prove it once more, before what cannot be taken back. What strangers try with the address does not count: it would
  /// keep somebody from changing the password that is being guessed.
  /// - Parameter check: what else must be right, and is told before the password is looked at.
  /// - Throws: ``Domain/AppError`` 401 `invalid_credentials`; 422; 429; 503.
  @discardableResult
  public func confirm(
    _ principal: UserPrincipal, _ password: String, _ visitor: Visitor, check: (User, Problems) -> Void = { _, _ in }
  ) async throws -> User {
    guard let user = try await users.get(principal.userID) else { throw AppError.unauthorized("unauthorized", "Sign in first.") }
    let problems = Problems()
    check(user, problems)
    try problems.throwIfAny()
    try limiter.spend(person: user.id)
    let proven = try await verified(user.email, password)
    limiter.refund(person: user.id)
    return proven
  }

  /// Sets the password of whoever holds a link, and ends all the person's sessions.
  /// - Parameter token: from the link of ``PasswordResets``.
  /// - Throws: ``Domain/AppError`` 404 `reset_link_invalid`; 422 that names `password`; 429; 503.
  public func resetPassword(token: String, to password: String, visitor: Visitor = Visitor()) async throws {
    // Each attempt costs one: what is tried at random is slowed down, and a good link need not be found twice.
    try limiter.spend(email: nil, address: visitor.address)
    guard LinkToken.isWellFormed(token), let user = try await resets.find(tokenHash: token.sha256, at: clock()) else {
      throw Self.noResetLink
    }
    let problems = Problems()
    PasswordRules.check(password, email: user.email.value, problems: problems)
    try problems.throwIfAny()
    let hash = try await hasher.hash(password)
    let note = everywhere("user.password_reset", visitor)
    guard try await resets.use(tokenHash: token.sha256, passwordHash: hash, at: clock(), noting: note) else { throw Self.noResetLink }
    limiter.refund(email: nil, address: visitor.address)
  }

  private static var noResetLink: AppError {
    .notFound("This link was used already, has expired, or never was one: ask for another.", code: "reset_link_invalid")
  }

  /// A password opens every organisation of the person, so each of them is told.
  private func everywhere(_ action: String, _ visitor: Visitor) -> AuditNote<Membership> {
    { entry(action, $0.userID, $0.organizationID, visitor) }
  }
}
