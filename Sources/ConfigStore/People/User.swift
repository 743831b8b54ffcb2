public import Domain

/// A person who can sign in. Which organisations they belong to is told by ``Membership``.
public struct User: Sendable, Hashable {
  public let id: UserID
  public let email: EmailAddress
  public let name: String
  /// The self-describing hash of the password; never leaves the server.
  public let passwordHash: String
  public let createdAt: Instant

  public init(id: UserID, email: EmailAddress, name: String, passwordHash: String, createdAt: Instant) {
    self.id = id
    self.email = email
    self.name = name
    self.passwordHash = passwordHash
    self.createdAt = createdAt
  }

  static let columns: Statement = "id, email, name, password_hash, created_at"

  init(row: Row) throws {
    self.init(
      id: try row.id("id"), email: EmailAddress(stored: try row.text("email")), name: try row.text("name"),
      passwordHash: try row.text("password_hash"), createdAt: try row.instant("created_at"))
  }
}

public struct UserRepository: Sendable {
  private let database: any ConfigDatabase

  public init(_ database: any ConfigDatabase) { self.database = database }

  public func get(_ id: UserID) async throws -> User? {
    try await database.read { try $0.first("SELECT \(User.columns) FROM users WHERE id = \(id)").map(User.init) }
  }

  public func find(email: EmailAddress) async throws -> User? {
    try await database.read { try $0.first("SELECT \(User.columns) FROM users WHERE email = \(email.value)").map(User.init) }
  }

  /// Stores a new password hash, unless the password was changed since `previous` was read (a rehash must not undo a change).
  /// With `signingOut` every console session of the user, and a link to set a forgotten password, ends in the same transaction.
  /// - Parameter note: is asked for each organisation of the person.
  /// - Returns: Whether the hash was stored.
  @discardableResult
  public func setPasswordHash(
    _ hash: String, of id: UserID, replacing previous: String, signingOut: Bool = false, noting note: AuditNote<Membership>? = nil
  ) async throws -> Bool {
    try await database.write { connection in
      let changed = try connection.execute(
        "UPDATE users SET password_hash = \(hash) WHERE id = \(id) AND password_hash = \(previous)")
      if changed > 0, signingOut {
        try connection.execute("DELETE FROM console_sessions WHERE user_id = \(id)")
        try connection.execute("DELETE FROM password_links WHERE user_id = \(id)")
      }
      if changed > 0 { try AuditRepository.append(everywhereOf: id, note, into: connection) }
      return changed > 0
    }
  }

  /// - Returns: The person as they are now; nil when there is no such person.
  public func rename(_ id: UserID, to name: String) async throws -> User? {
    try await database.write {
      try $0.first("UPDATE users SET name = \(name) WHERE id = \(id) RETURNING \(User.columns)").map(User.init)
    }
  }

  public static var emailTaken: AppError {
    .conflict(
      "email_taken", "There is an account with this e-mail address already.",
      details: [FieldProblem(field: "email", code: "taken", expected: "an address without an account")])
  }

  static func insert(_ user: User, into connection: any ConfigConnection) throws {
    let row = try connection.first(
      """
      INSERT INTO users (\(User.columns)) VALUES (\(user.id), \(user.email.value), \(user.name), \(user.passwordHash), \
      \(user.createdAt)) ON CONFLICT (email) DO NOTHING RETURNING id
      """)
    guard row != nil else { throw emailTaken }
  }
}
