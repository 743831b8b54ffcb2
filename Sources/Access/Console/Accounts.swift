public import ConfigStore
public import Domain

/// Somebody who has just signed in. `token` goes into the cookie (``ConsoleSessions/cookie(_:secure:)``) and is kept nowhere.
public struct SignedIn: Sendable, CustomStringConvertible {
  public let user: User
  public let organization: Organization
  public let role: Role
  public let token: String

  public var description: String { "\(user.id) [redacted]" }
}

/// Registration, login and logout, each written to the audit log.
public struct Accounts: Sendable {
  let users: UserRepository
  let organizations: OrganizationRepository
  let memberships: MembershipRepository
  private let registrations: RegistrationRepository
  let audit: AuditRepository
  let sessions: ConsoleSessions
  let hasher: PasswordHasher
  let limiter: LoginLimiter
  let defaultPlan: String
  let invites: InviteRepository
  let resets: PasswordResetRepository
  let clock: @Sendable () -> Instant

  /// - Parameter defaultPlan: The plan of new organisations (`EMBAN_DEFAULT_PLAN`).
  public init(
    _ database: any ConfigDatabase, hasher: PasswordHasher, limiter: LoginLimiter, defaultPlan: String,
    clock: @escaping @Sendable () -> Instant
  ) {
    users = UserRepository(database)
    organizations = OrganizationRepository(database)
    memberships = MembershipRepository(database)
    registrations = RegistrationRepository(database)
    audit = AuditRepository(database)
    invites = InviteRepository(database)
    resets = PasswordResetRepository(database)
    sessions = ConsoleSessions(database, clock: clock)
    self.hasher = hasher
    self.limiter = limiter
    self.defaultPlan = defaultPlan
    self.clock = clock
  }

  /// Makes a user, an organisation with both environments, the owner's membership and an admin key of production, and signs the user in.
  /// Somebody who has an account and belongs to no organisation makes an organisation by that, with the password of the account.
  /// - Throws: ``Domain/AppError`` 422 that names `email`, `password`, `name` or `organization`; 409 `email_taken`; 429; 503.
  public func register(
    email: String, password: String, name: String? = nil, organization: String? = nil, visitor: Visitor = Visitor()
  ) async throws -> (signedIn: SignedIn, apiKey: MintedAPIKey) {
    let problems = Problems()
    let mail = EmailAddress(email)
    if mail == nil { problems.add("email", "email", "must be an e-mail address") }
    PasswordRules.check(password, email: email, problems: problems)
    for (field, text) in [("name", name), ("organization", organization)] { DisplayName.check(text, field: field, problems: problems) }
    guard let mail, problems.list.isEmpty else { throw AppError.invalid(problems.list) }
    if try await users.find(email: mail) != nil { return try await beginAgain(mail, password, organization, visitor) }
    try limiter.spend(email: nil, address: visitor.address)
    let hash = try await hasher.hash(password)
    let now = clock()
    let local = String(mail.value.prefix { $0 != "@" })
    let user = User(
      id: UserID(IDGenerator.make("usr")), email: mail, name: DisplayName.read(name) ?? local, passwordHash: hash, createdAt: now)
    let team = newOrganization(organization, of: user, at: now)
    let key = APIKeys.mint(team.id, environment: .production, name: "Default", scope: .admin, by: user.id.rawValue, at: now)
    try await registrations.register(
      Registration(user: user, organization: team, apiKey: key.key, apiKeyHash: key.secret.sha256))
    limiter.refund(email: nil, address: visitor.address)
    let membership = Membership(organizationID: team.id, userID: user.id, role: .owner, createdAt: now)
    let token = try await sessions.create(membership, visitor: visitor).token
    try await note("user.register", user.id, team.id, visitor)
    return (SignedIn(user: user, organization: team, role: .owner, token: token), key)
  }

  /// Signs a user in, to the organisation joined first.
  /// - Parameter cookie: The request's `Cookie` header: the session that it holds is replaced in the browser, and ends.
  /// - Throws: ``Domain/AppError`` 401 `invalid_credentials`, the same whether the address or the password is wrong; 403 `no_organization`;
  ///   429; 503.
  public func login(email: String, password: String, visitor: Visitor = Visitor(), cookie: String? = nil) async throws -> SignedIn {
    let user = try await prove(EmailAddress(email), password, visitor)
    guard let membership = try await memberships.list(of: user.id).first,
      let organization = try await organizations.get(membership.organizationID)
    else { throw AppError.forbidden("no_organization", "You are not a member of any organization.") }
    let token = try await sessions.create(membership, visitor: visitor, provenBy: user.passwordHash).token
    if let replaced = ConsoleSessions.token(inCookieHeader: cookie) { try await sessions.destroy(replaced) }
    try await note("user.login", user.id, organization.id, visitor)
    return SignedIn(user: user, organization: organization, role: membership.role, token: token)
  }

  /// The person of an address, whose password this is.
  /// - Parameter mail: nil takes as long as any, and is nobody's.
  /// - Throws: ``Domain/AppError`` 401 `invalid_credentials`; 429; 503.
  func prove(_ mail: EmailAddress?, _ password: String, _ visitor: Visitor) async throws -> User {
    try limiter.spend(email: mail, address: visitor.address)
    let user = try await verified(mail, password)
    limiter.refund(email: mail, address: visitor.address)
    return user
  }

  /// As ``prove(_:_:_:)``, without a limit.
  func verified(_ mail: EmailAddress?, _ password: String) async throws -> User {
    let user: User? = if let mail { try await users.find(email: mail) } else { nil }
    // What is longer than any password can be takes the same time, and is wrong.
    let verdict = try await hasher.verify(
      password, against: password.utf8.count <= PasswordRules.maximumBytes ? user?.passwordHash : nil)
    guard let user, case .correct(let needsRehash) = verdict else {
      // Nothing is written here: the time of a write would tell that the address has an account.
      throw AppError.unauthorized("invalid_credentials", "The e-mail address or the password is wrong.")
    }
    guard needsRehash else { return user }
    let hash = try await hasher.hash(password)
    // Somebody else was faster: with the same password, or with another one, which then is the right one.
    guard try await users.setPasswordHash(hash, of: user.id, replacing: user.passwordHash) else {
      return try await verified(mail, password)
    }
    return User(id: user.id, email: user.email, name: user.name, passwordHash: hash, createdAt: user.createdAt)
  }

  /// Ends the session of a cookie; does nothing when it ended already.
  /// - Parameter cookie: The request's `Cookie` header.
  public func logout(cookie: String?, visitor: Visitor = Visitor()) async throws {
    guard let token = ConsoleSessions.token(inCookieHeader: cookie), let session = try await sessions.verify(token) else { return }
    try await sessions.destroy(token)
    try await note("user.logout", session.userID, session.organizationID, visitor)
  }

  /// The person and organisation of a signed-in principal; nil when either is gone.
  public func profile(_ principal: UserPrincipal) async throws -> (user: User, organization: Organization)? {
    guard let user = try await users.get(principal.userID), let organization = try await organizations.get(principal.organizationID)
    else { return nil }
    return (user, organization)
  }

  /// The organisations that a person is a member of, the one joined first at the beginning.
  public func organizations(of user: UserID) async throws -> [(organization: Organization, role: Role)] {
    try await memberships.organizations(of: user)
  }

  /// Another name for the person who is signed in.
  /// - Throws: ``Domain/AppError`` 422 that names `name`.
  public func rename(_ principal: UserPrincipal, to name: String, visitor: Visitor = Visitor()) async throws {
    let name = try Self.required(name)
    guard let before = try await users.get(principal.userID), let after = try await users.rename(principal.userID, to: name) else { return }
    try await note(
      "user.update", principal.userID, principal.organizationID, visitor, before: ["name": .string(before.name)],
      after: ["name": .string(after.name)])
  }

  /// Goes on in another organisation of the person's, in a session of its own.
  /// - Throws: ``Domain/AppError`` 404 `organization_not_found`.
  public func change(_ principal: UserPrincipal, to target: OrganizationID, visitor: Visitor = Visitor()) async throws -> SignedIn {
    guard let membership = try await memberships.get(target, principal.userID), let organization = try await organizations.get(target),
      let user = try await users.get(principal.userID)
    else { throw AppError.notFound("You are not a member of such an organization.", code: "organization_not_found") }
    let token = try await sessions.create(membership, visitor: visitor, replacing: principal.sessionID).token
    try await note("user.switch", user.id, target, visitor)
    return SignedIn(user: user, organization: organization, role: membership.role, token: token)
  }

  /// Writes down what a person did with the own account.
  func note(
    _ action: String, _ user: UserID, _ organization: OrganizationID, _ visitor: Visitor, before: JSONValue? = nil, after: JSONValue? = nil
  ) async throws {
    try await audit.append(entry(action, user, organization, visitor, before: before, after: after))
  }

  /// A line about what a person did with the own account.
  func entry(
    _ action: String, _ user: UserID, _ organization: OrganizationID, _ visitor: Visitor, before: JSONValue? = nil, after: JSONValue? = nil
  ) -> AuditEntry {
    AuditEntry(
      organizationID: organization, at: clock(), actor: user.rawValue, action: action, entity: "user", entityID: user.rawValue,
      address: visitor.address ?? "", before: before, after: after)
  }

  /// A name that must be there, as it is stored.
  /// - Throws: ``Domain/AppError`` 422 that names `name`.
  static func required(_ name: String) throws(AppError) -> String {
    let problems = Problems()
    DisplayName.check(name, field: "name", problems: problems)
    guard let read = DisplayName.read(name), problems.list.isEmpty else {
      throw problems.list.isEmpty
        ? .invalid("name", "length", "must be 1 to \(Limits.nameLength) bytes long") : .invalid(problems.list)
    }
    return read
  }
}
