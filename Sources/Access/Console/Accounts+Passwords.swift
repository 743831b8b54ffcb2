public import ConfigStore
public import Domain

extension Accounts {
  /// Gives the person who is signed in another password. Every session of the person ends but one, which begins anew.
  /// - Returns: The token of that session, for the cookie.
  /// - Throws: ``Domain/AppError`` 401 `invalid_credentials` for a wrong present password; 422 that names `password`; 429; 503.
  public func changePassword(
    of principal: UserPrincipal, from current: String, to password: String, visitor: Visitor = Visitor()
  ) async throws -> String {
    let user = try await confirm(principal, current, visitor) { user, problems in
      PasswordRules.check(password, email: user.email.value, problems: problems)
    }
    let hash = try await hasher.hash(password)
    guard try await users.setPasswordHash(hash, of: user.id, replacing: user.passwordHash, signingOut: true),
      let membership = try await memberships.get(principal.organizationID, principal.userID)
    else { throw AppError.conflict("password_changed", "The password was changed by somebody else just now.") }
    let token = try await sessions.create(membership, visitor: visitor).token
    try await noteEverywhere("user.password_change", user.id, visitor)
    return token
  }

  /// Has the person who is signed in prove it once more, before what cannot be taken back.
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
    return try await prove(user.email, password, visitor)
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
    guard try await resets.use(tokenHash: token.sha256, passwordHash: hash, at: clock()) else { throw Self.noResetLink }
    limiter.refund(email: nil, address: visitor.address)
    try await noteEverywhere("user.password_reset", user.id, visitor)
  }

  private static var noResetLink: AppError {
    .notFound("This link was used already, has expired, or never was one: ask for another.", code: "reset_link_invalid")
  }

  /// A password opens every organisation of the person, so each of them is told.
  private func noteEverywhere(_ action: String, _ user: UserID, _ visitor: Visitor) async throws {
    for membership in try await memberships.list(of: user) { try await note(action, user, membership.organizationID, visitor) }
  }
}
