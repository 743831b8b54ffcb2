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
  private let users: UserRepository
  private let organizations: OrganizationRepository
  private let memberships: MembershipRepository
  private let registrations: RegistrationRepository
  private let audit: AuditRepository
  private let sessions: ConsoleSessions
  private let hasher: PasswordHasher
  private let limiter: LoginLimiter
  private let defaultPlan: String
  private let clock: @Sendable () -> Instant

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
    sessions = ConsoleSessions(database, clock: clock)
    self.hasher = hasher
    self.limiter = limiter
    self.defaultPlan = defaultPlan
    self.clock = clock
  }

  /// Makes a user, an organisation with both environments, the owner's membership and an admin key of production, and signs the user in.
  /// - Parameter address: The remote address.
  /// - Throws: ``Domain/AppError`` 422 that names `email`, `password`, `name` or `organization`; 409 `email_taken`; 429; 503.
  public func register(
    email: String, password: String, name: String? = nil, organization: String? = nil, address: String? = nil
  ) async throws -> (signedIn: SignedIn, apiKey: MintedAPIKey) {
    let problems = Problems()
    let mail = EmailAddress(email)
    if mail == nil { problems.add("email", "email", "must be an e-mail address") }
    PasswordRules.check(password, email: email, problems: problems)
    for (field, text) in [("name", name), ("organization", organization)] where (text?.utf8.count ?? 0) > Limits.nameLength {
      problems.add(field, "length", "must be at most \(Limits.nameLength) bytes long")
    }
    guard let mail, problems.list.isEmpty else { throw AppError.invalid(problems.list) }
    try limiter.spend(email: nil, address: address)
    let hash = try await hasher.hash(password)
    let now = clock()
    let local = String(mail.value.prefix { $0 != "@" })
    let user = User(
      id: UserID(IDGenerator.make("usr")), email: mail, name: Self.present(name) ?? local, passwordHash: hash, createdAt: now)
    let team = Organization(
      id: OrganizationID(IDGenerator.make("org")), name: Self.present(organization) ?? "\(user.name)'s team", plan: defaultPlan,
      allowedOrigins: [], createdAt: now)
    let key = APIKeys.mint(team.id, environment: .production, name: "Default", scope: .admin, by: user.id.rawValue, at: now)
    try await registrations.register(
      Registration(user: user, organization: team, apiKey: key.key, apiKeyHash: key.secret.sha256))
    limiter.refund(email: nil, address: address)
    let membership = Membership(organizationID: team.id, userID: user.id, role: .owner, createdAt: now)
    let token = try await sessions.create(membership).token
    try await note("user.register", user, team.id, address)
    return (SignedIn(user: user, organization: team, role: .owner, token: token), key)
  }

  /// Signs a user in, to the organisation joined first.
  /// - Throws: ``Domain/AppError`` 401 `invalid_credentials`, the same whether the address or the password is wrong; 403 `no_organization`;
  ///   429; 503.
  public func login(email: String, password: String, address: String? = nil) async throws -> SignedIn {
    let mail = EmailAddress(email)
    try limiter.spend(email: mail, address: address)
    let user: User? = if let mail { try await users.find(email: mail) } else { nil }
    // What is longer than any password can be takes the same time, and is wrong.
    let verdict = try await hasher.verify(
      password, against: password.utf8.count <= PasswordRules.maximumBytes ? user?.passwordHash : nil)
    guard let user, case .correct(let needsRehash) = verdict else {
      // Nothing is written here: the time of a write would tell that the address has an account.
      throw AppError.unauthorized("invalid_credentials", "The e-mail address or the password is wrong.")
    }
    limiter.refund(email: mail, address: address)
    if needsRehash {
      let hash = try await hasher.hash(password)
      try await users.setPasswordHash(hash, of: user.id, replacing: user.passwordHash)
    }
    guard let membership = try await memberships.list(of: user.id).first,
      let organization = try await organizations.get(membership.organizationID)
    else { throw AppError.forbidden("no_organization", "You are not a member of any organization.") }
    let token = try await sessions.create(membership).token
    try await note("user.login", user, organization.id, address)
    return SignedIn(user: user, organization: organization, role: membership.role, token: token)
  }

  /// Ends the session of a cookie; does nothing when it ended already.
  /// - Parameter cookie: The request's `Cookie` header.
  public func logout(cookie: String?, address: String? = nil) async throws {
    guard let token = ConsoleSessions.token(inCookieHeader: cookie), let session = try await sessions.verify(token) else { return }
    try await sessions.destroy(token)
    try await audit.append(
      AuditEntry(
        organizationID: session.organizationID, at: clock(), actor: session.userID.rawValue, action: "user.logout", entity: "user",
        entityID: session.userID.rawValue, address: address ?? ""))
  }

  /// The person and organisation of a signed-in principal; nil when either is gone.
  public func profile(_ principal: UserPrincipal) async throws -> (user: User, organization: Organization)? {
    guard let user = try await users.get(principal.userID), let organization = try await organizations.get(principal.organizationID)
    else { return nil }
    return (user, organization)
  }

  private func note(_ action: String, _ user: User, _ organization: OrganizationID, _ address: String?) async throws {
    try await audit.append(
      AuditEntry(
        organizationID: organization, at: clock(), actor: user.id.rawValue, action: action, entity: "user", entityID: user.id.rawValue,
        address: address ?? ""))
  }

  /// Without surrounding white space; nil when nothing is left.
  private static func present(_ text: String?) -> String? {
    guard let text else { return nil }
    let words = text.split(whereSeparator: \.isWhitespace)
    return words.isEmpty ? nil : words.joined(separator: " ")
  }
}
