public import Domain

/// A removal of an organisation's events that is under way, in one of the programs on the same stores.
public struct StoredRemoval: Sendable, Hashable {
  public let organization: OrganizationID
  public let id: String
  /// What is removed; nil while that is being found out.
  public let plan: String?
  /// When the program that does it was last heard of.
  public let touchedAt: Instant

  init(row: Row) throws {
    organization = try row.id("org_id")
    id = try row.text("id")
    plan = try row.optionalText("plan")
    touchedAt = try row.instant("touched_at")
  }
}

/// Removals under way: at most one of each organisation.
public struct RemovalRepository: Sendable {
  private let database: any ConfigDatabase

  public init(_ database: any ConfigDatabase) { self.database = database }

  private static let columns: Statement = "org_id, id, plan, touched_at"

  public func get(_ organization: OrganizationID) async throws -> StoredRemoval? {
    try await database.read {
      try $0.first("SELECT \(Self.columns) FROM removals WHERE org_id = \(organization)").map(StoredRemoval.init)
    }
  }

  /// All of them.
  public func list() async throws -> [StoredRemoval] {
    try await database.read { try $0.query("SELECT \(Self.columns) FROM removals ORDER BY org_id").map(StoredRemoval.init) }
  }

  /// - Returns: Whether it was begun; not while another of the organisation is under way.
  public func begin(_ organization: OrganizationID, id: String, at now: Instant) async throws -> Bool {
    try await database.write {
      try $0.execute(
        """
        INSERT INTO removals (org_id, id, plan, touched_at) VALUES (\(organization), \(id), NULL, \(now)) \
        ON CONFLICT (org_id) DO NOTHING
        """) > 0
    }
  }

  /// - Returns: Whether the removal is still there, without a plan until now: only then the plan may be performed.
  public func fix(_ organization: OrganizationID, id: String, plan: String) async throws -> Bool {
    try await database.write {
      try $0.execute("UPDATE removals SET plan = \(plan) WHERE org_id = \(organization) AND id = \(id) AND plan IS NULL") > 0
    }
  }

  /// Says that the program that does it lives; a time long ago says that it has given up.
  public func touch(_ organization: OrganizationID, id: String, at now: Instant) async throws {
    _ = try await database.write {
      try $0.execute("UPDATE removals SET touched_at = \(now) WHERE org_id = \(organization) AND id = \(id)")
    }
  }

  /// Drops a removal for which nothing was planned yet.
  /// - Returns: Whether it was dropped; not when it has a plan by now, or is over.
  public func abandon(_ organization: OrganizationID, id: String) async throws -> Bool {
    try await database.write {
      try $0.execute("DELETE FROM removals WHERE org_id = \(organization) AND id = \(id) AND plan IS NULL") > 0
    }
  }

  public func finish(_ organization: OrganizationID, id: String) async throws {
    _ = try await database.write { try $0.execute("DELETE FROM removals WHERE org_id = \(organization) AND id = \(id)") }
  }
}
