public import Domain

/// What an API key may do: everything of its organisation, or nothing but sending events.
public enum KeyScope: String, Sendable, Hashable, CaseIterable {
  case admin
  case ingest
}

/// An API key as it can be shown: all but the secret, of which only the hash is stored.
public struct APIKey: Sendable, Hashable {
  public let id: KeyID
  public let organizationID: OrganizationID
  public let environment: EnvironmentName
  public let name: String
  public let scope: KeyScope
  /// The first eight characters of the secret, by which people recognise it.
  public let prefix: String
  /// The user or key that made it.
  public let createdBy: String
  public let createdAt: Instant
  /// Within a minute; nil when it was never used.
  public let lastUsedAt: Instant?
  public let revokedAt: Instant?

  public init(
    id: KeyID, organizationID: OrganizationID, environment: EnvironmentName, name: String, scope: KeyScope, prefix: String,
    createdBy: String, createdAt: Instant, lastUsedAt: Instant? = nil, revokedAt: Instant? = nil
  ) {
    self.id = id
    self.organizationID = organizationID
    self.environment = environment
    self.name = name
    self.scope = scope
    self.prefix = prefix
    self.createdBy = createdBy
    self.createdAt = createdAt
    self.lastUsedAt = lastUsedAt
    self.revokedAt = revokedAt
  }

  static let columns: Statement =
    "id, org_id, environment, name, scope, prefix, created_by, created_at, last_used_at, revoked_at"

  init(row: Row) throws {
    let scope = try row.text("scope")
    guard let scope = KeyScope(rawValue: scope) else {
      throw AppError.internal(cause: "The configuration store holds an unknown key scope \(scope).")
    }
    self.init(
      id: try row.id("id"), organizationID: try row.id("org_id"), environment: try row.id("environment"),
      name: try row.text("name"), scope: scope, prefix: try row.text("prefix"), createdBy: try row.text("created_by"),
      createdAt: try row.instant("created_at"), lastUsedAt: try row.optionalInstant("last_used_at"),
      revokedAt: try row.optionalInstant("revoked_at"))
  }
}

public struct APIKeyRepository: Sendable {
  private let database: any ConfigDatabase

  public init(_ database: any ConfigDatabase) { self.database = database }

  /// Stores a key; `hash` is the SHA-256 of its secret.
  /// - Throws: ``Domain/AppError`` 422 that names `environment` when the organisation has no such environment.
  public func insert(_ key: APIKey, hash: String, noting note: AuditNote<APIKey>? = nil) async throws {
    do {
      try await database.write { connection in
        try Self.insert(key, hash: hash, into: connection)
        try AuditRepository.append(note?(key), into: connection)
      }
    } catch ConfigStoreError.foreignKeyViolation {
      throw AppError.invalid("environment", "unknown_environment", "must be production or development")
    }
  }

  /// The key that is not revoked and whose secret has this hash.
  public func find(hash: String) async throws -> APIKey? {
    try await database.read {
      try $0.first("SELECT \(APIKey.columns) FROM api_keys WHERE secret_hash = \(hash) AND revoked_at IS NULL").map(APIKey.init)
    }
  }

  public func get(_ organization: OrganizationID, _ id: KeyID) async throws -> APIKey? {
    try await database.read {
      try $0.first("SELECT \(APIKey.columns) FROM api_keys WHERE org_id = \(organization) AND id = \(id)").map(APIKey.init)
    }
  }

  /// The organisation's keys that are not revoked, newest first.
  public func list(
    _ organization: OrganizationID, environment: EnvironmentName? = nil, _ request: PageRequest = .first
  ) async throws -> Page<APIKey> {
    var statement: Statement = "SELECT \(APIKey.columns) FROM api_keys WHERE org_id = \(organization) AND revoked_at IS NULL"
    if let environment { statement += " AND environment = \(environment)" }
    if let position = request.position {
      statement += " AND (created_at, id) < (\(position.instant), \(position.id))"
    }
    statement += " ORDER BY created_at DESC, id DESC LIMIT \(request.limit + 1)"
    let keys = try await database.read { [statement] in try $0.query(statement).map(APIKey.init) }
    return Page(keys, request: request) { ($0.createdAt, $0.id.rawValue) }
  }

  /// How many keys that are not revoked the organisation has.
  public func count(_ organization: OrganizationID) async throws -> Int {
    try await database.read {
      try $0.count("SELECT COUNT(*) AS count FROM api_keys WHERE org_id = \(organization) AND revoked_at IS NULL")
    }
  }

  /// Revokes a key for good.
  /// - Returns: The key; nil when the organisation (in this environment, if one is named) has no such key or it was revoked before.
  public func revoke(
    _ organization: OrganizationID, _ id: KeyID, environment: EnvironmentName? = nil, at now: Instant,
    noting note: AuditNote<APIKey>? = nil
  ) async throws -> APIKey? {
    var statement: Statement = """
      UPDATE api_keys SET revoked_at = \(now) WHERE org_id = \(organization) AND id = \(id) AND revoked_at IS NULL
      """
    if let environment { statement += " AND environment = \(environment)" }
    statement += " RETURNING \(APIKey.columns)"
    return try await database.write { [statement] connection in
      guard let key = try connection.first(statement).map(APIKey.init) else { return nil }
      try AuditRepository.append(note?(key), into: connection)
      return key
    }
  }

  /// Notes that the key was used.
  public func touch(_ id: KeyID, at now: Instant) async throws {
    _ = try await database.write { try $0.execute("UPDATE api_keys SET last_used_at = \(now) WHERE id = \(id)") }
  }

  static func insert(_ key: APIKey, hash: String, into connection: any ConfigConnection) throws {
    try connection.execute(
      """
      INSERT INTO api_keys (\(APIKey.columns), secret_hash) VALUES (\(key.id), \(key.organizationID), \(key.environment), \
      \(key.name), \(key.scope.rawValue), \(key.prefix), \(key.createdBy), \(key.createdAt), \(key.lastUsedAt), \(key.revokedAt), \
      \(hash))
      """)
  }
}
