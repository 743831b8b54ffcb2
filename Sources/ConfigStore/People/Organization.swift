public import Domain

/// A customer of Emban: a team with its keys, dashboards and tenants.
public struct Organization: Sendable, Hashable {
  public let id: OrganizationID
  public let name: String
  /// The plan's name (`free`, `starter`, `growth`, `scale`).
  public let plan: String
  /// Origins (`https://app.example.com`) on whose pages embeds may stand; empty for all.
  public let allowedOrigins: [String]
  /// After how many UTC days its events are removed; nil for never.
  public let retentionDays: Int?
  /// The IANA name of the time zone that embed sessions get which name none; nil for UTC.
  public let timeZone: String?
  /// The theme that new dashboards begin with, as ``Domain/Theme`` writes it; nil for none.
  public let branding: JSONValue?
  public let createdAt: Instant

  public init(
    id: OrganizationID, name: String, plan: String, allowedOrigins: [String], retentionDays: Int? = nil, timeZone: String? = nil,
    branding: JSONValue? = nil, createdAt: Instant
  ) {
    self.id = id
    self.name = name
    self.plan = plan
    self.allowedOrigins = allowedOrigins
    self.retentionDays = retentionDays
    self.timeZone = timeZone
    self.branding = branding
    self.createdAt = createdAt
  }

  static let columns: Statement = "id, name, plan, allowed_origins, retention_days, time_zone, branding, created_at"

  init(row: Row) throws {
    self.init(
      id: try row.id("id"), name: try row.text("name"), plan: try row.text("plan"),
      allowedOrigins: try row.strings("allowed_origins"), retentionDays: try row.optionalInteger("retention_days").map { Int($0) },
      timeZone: try row.optionalText("time_zone"), branding: try row.optionalJSON("branding"), createdAt: try row.instant("created_at"))
  }
}

public struct OrganizationRepository: Sendable {
  let database: any ConfigDatabase

  public init(_ database: any ConfigDatabase) { self.database = database }

  public func get(_ id: OrganizationID) async throws -> Organization? {
    try await database.read { try $0.first("SELECT \(Organization.columns) FROM organizations WHERE id = \(id)").map(Organization.init) }
  }

  /// Every organisation, oldest first: for the program's own commands, never for a route.
  public func all() async throws -> [Organization] {
    try await database.read {
      try $0.query("SELECT \(Organization.columns) FROM organizations ORDER BY created_at, id").map(Organization.init)
    }
  }

  /// Changes what is not nil; `.some(nil)` as `retentionDays` keeps events for ever, as `timeZone` and `branding` it empties them.
  /// - Throws: ``Domain/AppError`` 404.
  public func update(
    _ id: OrganizationID, name: String? = nil, plan: String? = nil, allowedOrigins: [String]? = nil, retentionDays: Int?? = nil,
    timeZone: String?? = nil, branding: JSONValue?? = nil
  ) async throws -> Organization {
    let origins = allowedOrigins.map { JSONValue.strings($0) }
    var statement: Statement = """
      UPDATE organizations SET name = COALESCE(\(name), name), plan = COALESCE(\(plan), plan), \
      allowed_origins = COALESCE(\(origins), allowed_origins)
      """
    if let retentionDays { statement += ", retention_days = \(retentionDays)" }
    if let timeZone { statement += ", time_zone = \(timeZone)" }
    if let branding { statement += ", branding = \(branding)" }
    statement += " WHERE id = \(id) RETURNING \(Organization.columns)"
    return try await database.write { [statement] connection in
      let row = try connection.first(statement)
      guard let row else { throw AppError.notFound("There is no such organization.") }
      return try Organization(row: row)
    }
  }

  /// The organisation's environments in alphabetical order.
  public func environments(_ id: OrganizationID) async throws -> [EnvironmentName] {
    try await database.read {
      try $0.query("SELECT name FROM environments WHERE org_id = \(id) ORDER BY name").map { try $0.id("name") }
    }
  }

  static func insert(_ organization: Organization, into connection: any ConfigConnection) throws {
    try connection.execute(
      """
      INSERT INTO organizations (\(Organization.columns)) VALUES (\(organization.id), \(organization.name), \(organization.plan), \
      \(JSONValue.strings(organization.allowedOrigins)), \(organization.retentionDays), \(organization.timeZone), \(organization.branding), \
      \(organization.createdAt))
      """)
    for environment in [EnvironmentName.production, .development] {
      try connection.execute(
        """
        INSERT INTO environments (org_id, name, created_at) \
        VALUES (\(organization.id), \(environment), \(organization.createdAt))
        """)
    }
  }
}
