public import Domain

/// A key that signs an organisation's embed tokens, known by its `kid`. Its secret is derived from the server's secret key.
public struct SigningKey: Sendable, Hashable {
  public let kid: String
  public let organizationID: OrganizationID
  public let createdAt: Instant
  /// Since when it signs nothing any more; tokens that it signed before live on until they expire.
  public let retiredAt: Instant?

  static let columns: Statement = "kid, org_id, created_at, retired_at"

  init(row: Row) throws {
    kid = try row.text("kid")
    organizationID = try row.id("org_id")
    createdAt = try row.instant("created_at")
    retiredAt = try row.optionalInstant("retired_at")
  }
}

public struct SigningKeyRepository: Sendable {
  private let database: any ConfigDatabase

  public init(_ database: any ConfigDatabase) { self.database = database }

  public func find(kid: String) async throws -> SigningKey? {
    try await database.read {
      try $0.first("SELECT \(SigningKey.columns) FROM signing_keys WHERE kid = \(kid)").map(SigningKey.init)
    }
  }

  /// The organisation's keys, newest first.
  public func list(_ organization: OrganizationID) async throws -> [SigningKey] {
    try await database.read {
      try $0.query("SELECT \(SigningKey.columns) FROM signing_keys WHERE org_id = \(organization) ORDER BY created_at DESC, kid")
        .map(SigningKey.init)
    }
  }

  /// The key that signs now; `kid` becomes the organisation's first one when it has none.
  public func current(_ organization: OrganizationID, orInsert kid: String, at now: Instant) async throws -> SigningKey {
    let current: Statement = """
      SELECT \(SigningKey.columns) FROM signing_keys WHERE org_id = \(organization) AND retired_at IS NULL
      """
    if let row = try await database.read({ try $0.first(current) }) { return try SigningKey(row: row) }
    return try await database.write { connection in
      try connection.execute(
        """
        INSERT INTO signing_keys (\(SigningKey.columns)) VALUES (\(kid), \(organization), \(now), \(Instant?.none)) \
        ON CONFLICT (org_id) WHERE retired_at IS NULL DO NOTHING
        """)
      guard let row = try connection.first(current) else {
        throw AppError.internal(cause: "No signing key for \(organization) after inserting one.")
      }
      return try SigningKey(row: row)
    }
  }

  /// Retires the current key and puts `kid` in its place.
  public func rotate(_ organization: OrganizationID, to kid: String, at now: Instant) async throws -> SigningKey {
    try await database.write { connection in
      try connection.execute("UPDATE signing_keys SET retired_at = \(now) WHERE org_id = \(organization) AND retired_at IS NULL")
      let row = try connection.first(
        """
        INSERT INTO signing_keys (\(SigningKey.columns)) VALUES (\(kid), \(organization), \(now), \(Instant?.none)) \
        RETURNING \(SigningKey.columns)
        """)
      guard let row else { throw AppError.internal(cause: "The new signing key of \(organization) was not stored.") }
      return try SigningKey(row: row)
    }
  }
}
