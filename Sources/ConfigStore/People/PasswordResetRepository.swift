public import Domain

/// Links for people who have forgotten their password, found by the SHA-256 of their token. Of each person the newest one that was mailed works,
/// and the newest one of the operator's: anybody can have a mail sent, and must not end a link by that which is on its way by hand.
public struct PasswordResetRepository: Sendable {
  private let database: any ConfigDatabase

  public init(_ database: any ConfigDatabase) { self.database = database }

  /// Who hands a link over.
  public enum Source: String, Sendable, Hashable {
    case mail
    case `operator`
  }

  /// Stores a link in place of an earlier one of the same person and source.
  /// - Parameter note: is asked for each organisation of the person.
  public func put(
    tokenHash: String, for user: UserID, from source: Source, createdAt: Instant, expiresAt: Instant,
    noting note: AuditNote<Membership>? = nil
  ) async throws {
    try await database.write { connection in
      try connection.execute(
        """
        INSERT INTO password_links (user_id, source, token_hash, created_at, expires_at) \
        VALUES (\(user), \(source.rawValue), \(tokenHash), \(createdAt), \(expiresAt)) ON CONFLICT (user_id, source) DO UPDATE SET \
        token_hash = excluded.token_hash, created_at = excluded.created_at, expires_at = excluded.expires_at
        """)
      try AuditRepository.append(everywhereOf: user, note, into: connection)
    }
  }

  /// Whose link it is; nil when it was used, expired or never was.
  public func find(tokenHash: String, at now: Instant) async throws -> User? {
    try await database.read { connection in
      guard
        let row = try connection.first("SELECT user_id FROM password_links WHERE token_hash = \(tokenHash) AND expires_at > \(now)")
      else { return nil }
      let user: UserID = try row.id("user_id")
      return try connection.first("SELECT \(User.columns) FROM users WHERE id = \(user)").map(User.init)
    }
  }

  /// Uses a link up: the person has the new password, and all console sessions and other links end, in one transaction.
  /// - Parameter note: is asked for each organisation of the person.
  /// - Returns: Whether the link was still good.
  public func use(
    tokenHash: String, passwordHash: String, at now: Instant, noting note: AuditNote<Membership>? = nil
  ) async throws -> Bool {
    try await database.write { connection in
      let used = try connection.first(
        "DELETE FROM password_links WHERE token_hash = \(tokenHash) AND expires_at > \(now) RETURNING user_id")
      guard let used else { return false }
      let user: UserID = try used.id("user_id")
      try connection.execute("UPDATE users SET password_hash = \(passwordHash) WHERE id = \(user)")
      try connection.execute("DELETE FROM console_sessions WHERE user_id = \(user)")
      try connection.execute("DELETE FROM password_links WHERE user_id = \(user)")
      try AuditRepository.append(everywhereOf: user, note, into: connection)
      return true
    }
  }

  /// Removes what expired before `now`.
  /// - Returns: How many links.
  @discardableResult
  public func purge(at now: Instant) async throws -> Int {
    try await database.write { try $0.execute("DELETE FROM password_links WHERE expires_at <= \(now)") }
  }
}
