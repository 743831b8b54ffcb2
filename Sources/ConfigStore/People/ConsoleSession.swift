public import Domain

/// A signed-in person's session in the console, together with what every request needs to know about the person.
public struct ConsoleSession: Sendable, Hashable {
  public let id: SessionID
  public let userID: UserID
  public let organizationID: OrganizationID
  /// The member's role as it is now, not as it was at login.
  public let role: Role
  public let createdAt: Instant
  public let expiresAt: Instant
  public let lastSeenAt: Instant
  /// From where it was begun, and what the browser called itself; empty when that is not known.
  public let address: String
  public let userAgent: String

  public init(
    id: SessionID, userID: UserID, organizationID: OrganizationID, role: Role, createdAt: Instant, expiresAt: Instant,
    lastSeenAt: Instant, address: String = "", userAgent: String = ""
  ) {
    self.id = id
    self.userID = userID
    self.organizationID = organizationID
    self.role = role
    self.createdAt = createdAt
    self.expiresAt = expiresAt
    self.lastSeenAt = lastSeenAt
    self.address = address
    self.userAgent = userAgent
  }

  /// Of the sessions `s` of members `m`.
  static let columns: Statement =
    "s.id, s.user_id, s.org_id, m.role, s.created_at, s.expires_at, s.last_seen_at, s.address, s.user_agent"

  init(row: Row) throws {
    self.init(
      id: try row.id("id"), userID: try row.id("user_id"), organizationID: try row.id("org_id"), role: try row.role(),
      createdAt: try row.instant("created_at"), expiresAt: try row.instant("expires_at"), lastSeenAt: try row.instant("last_seen_at"),
      address: try row.text("address"), userAgent: try row.text("user_agent"))
  }
}

/// Console sessions, found by the SHA-256 of their token; the token itself is stored nowhere.
public struct SessionRepository: Sendable {
  private let database: any ConfigDatabase

  public init(_ database: any ConfigDatabase) { self.database = database }

  /// Stores a session of an existing member; `session.role` is not stored, for it is the membership's. Of a person's sessions the
  /// ``Domain/Limits/consoleSessions`` visited last are kept.
  /// - Parameters:
  ///   - passwordHash: what the person's must still be, for a session that a password opens; nil for any.
  ///   - replaced: a session of the person in whose place this one comes, and which must not have ended; nil for none.
  /// - Returns: Whether it was stored; not when a condition does not hold.
  /// - Throws: ``ConfigStoreError/foreignKeyViolation`` when there is no such membership.
  @discardableResult
  public func insert(
    _ session: ConsoleSession, tokenHash: String, ifPasswordIs passwordHash: String? = nil, replacing replaced: SessionID? = nil
  ) async throws -> Bool {
    try await database.write { connection in
      let user = session.userID
      if let passwordHash,
        try !connection.exists("SELECT 1 AS found FROM users WHERE id = \(user) AND password_hash = \(passwordHash)")
      {
        return false
      }
      if let replaced, try connection.execute("DELETE FROM console_sessions WHERE id = \(replaced) AND user_id = \(user)") == 0 {
        return false
      }
      try connection.execute(
        """
        INSERT INTO console_sessions (id, token_hash, org_id, user_id, created_at, expires_at, last_seen_at, address, user_agent) \
        VALUES (\(session.id), \(tokenHash), \(session.organizationID), \(user), \(session.createdAt), \
        \(session.expiresAt), \(session.lastSeenAt), \(session.address), \(session.userAgent))
        """)
      try connection.execute(
        """
        DELETE FROM console_sessions WHERE user_id = \(user) AND id <> \(session.id) AND id NOT IN (SELECT id FROM console_sessions \
        WHERE user_id = \(user) AND id <> \(session.id) ORDER BY last_seen_at DESC, id LIMIT \(Limits.consoleSessions - 1))
        """)
      return true
    }
  }

  /// The session with its member's present role; nil when it ended, expired or never was.
  public func find(tokenHash: String, at now: Instant) async throws -> ConsoleSession? {
    try await database.read {
      try $0.first(
        """
        SELECT \(ConsoleSession.columns) FROM console_sessions s \
        JOIN memberships m ON m.org_id = s.org_id AND m.user_id = s.user_id \
        WHERE s.token_hash = \(tokenHash) AND s.expires_at > \(now)
        """
      ).map(ConsoleSession.init)
    }
  }

  /// A person's sessions in all organisations, the one visited last first.
  public func list(of user: UserID, at now: Instant) async throws -> [ConsoleSession] {
    try await database.read {
      try $0.query(
        """
        SELECT \(ConsoleSession.columns) FROM console_sessions s JOIN memberships m ON m.org_id = s.org_id AND m.user_id = s.user_id \
        WHERE s.user_id = \(user) AND s.expires_at > \(now) ORDER BY s.last_seen_at DESC, s.id
        """
      ).map(ConsoleSession.init)
    }
  }

  /// Ends a session of the person.
  /// - Returns: The organisation that it was of; nil when the person has no such session.
  public func delete(_ id: SessionID, of user: UserID) async throws -> OrganizationID? {
    try await database.write {
      try $0.first("DELETE FROM console_sessions WHERE id = \(id) AND user_id = \(user) RETURNING org_id").map { try $0.id("org_id") }
    }
  }

  /// Ends all sessions of a person but one.
  /// - Parameters:
  ///   - kept: the one that goes on; nil for none.
  ///   - note: is asked for each organisation of the person, with how many were ended in all of them.
  /// - Returns: How many were ended.
  @discardableResult
  public func deleteAll(
    of user: UserID, but kept: SessionID? = nil, noting note: AuditNote<(membership: Membership, ended: Int)>? = nil
  ) async throws -> Int {
    var statement: Statement = "DELETE FROM console_sessions WHERE user_id = \(user)"
    if let kept { statement += " AND id <> \(kept)" }
    return try await database.write { [statement] connection in
      let ended = try connection.execute(statement)
      if let note { try AuditRepository.append(everywhereOf: user, { note(($0, ended)) }, into: connection) }
      return ended
    }
  }

  /// Notes a visit and moves the end of the session.
  public func touch(_ id: SessionID, at now: Instant, expiresAt: Instant) async throws {
    _ = try await database.write {
      try $0.execute("UPDATE console_sessions SET last_seen_at = \(now), expires_at = \(expiresAt) WHERE id = \(id)")
    }
  }

  /// - Returns: Whether there was such a session.
  @discardableResult
  public func delete(tokenHash: String) async throws -> Bool {
    try await database.write { try $0.execute("DELETE FROM console_sessions WHERE token_hash = \(tokenHash)") > 0 }
  }

  /// Removes what expired before `now`.
  /// - Returns: How many sessions.
  @discardableResult
  public func purge(at now: Instant) async throws -> Int {
    try await database.write { try $0.execute("DELETE FROM console_sessions WHERE expires_at <= \(now)") }
  }
}
