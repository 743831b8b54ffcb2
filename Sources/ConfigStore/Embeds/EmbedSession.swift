public import Domain

/// What a viewer's token stands for.
public struct EmbedSession: Sendable, Hashable {
  /// The token's `jti`.
  public let id: SessionID
  public let organizationID: OrganizationID
  public let environment: EnvironmentName
  public let tenantID: TenantID
  /// The dashboard; of a data app the first when the session was made.
  public let dashboardID: DashboardID
  /// The data app among whose dashboards the viewer chooses; nil for a session of one dashboard.
  public let dataAppID: DataAppID?
  public let permissions: EmbedPermissions
  /// Values that filters of the dashboard may refer to; an object.
  public let context: JSONValue
  /// IANA name of the viewer's time zone.
  public let timezone: String?
  public let locale: String?
  /// Origins on whose pages this embed may stand; nil for those of the organisation.
  public let allowedOrigins: [String]?
  public let createdAt: Instant
  public let createdBy: String
  public let expiresAt: Instant
  public let revokedAt: Instant?

  public init(
    id: SessionID, organizationID: OrganizationID, environment: EnvironmentName, tenantID: TenantID, dashboardID: DashboardID,
    dataAppID: DataAppID? = nil, permissions: EmbedPermissions, context: JSONValue = [:], timezone: String? = nil, locale: String? = nil,
    allowedOrigins: [String]? = nil, createdAt: Instant, createdBy: String, expiresAt: Instant, revokedAt: Instant? = nil
  ) {
    self.id = id
    self.organizationID = organizationID
    self.environment = environment
    self.tenantID = tenantID
    self.dashboardID = dashboardID
    self.dataAppID = dataAppID
    self.permissions = permissions
    self.context = context
    self.timezone = timezone
    self.locale = locale
    self.allowedOrigins = allowedOrigins
    self.createdAt = createdAt
    self.createdBy = createdBy
    self.expiresAt = expiresAt
    self.revokedAt = revokedAt
  }

  static let columns: Statement = """
    id, org_id, environment, tenant_id, dashboard_id, permissions, context, timezone, locale, allowed_origins, created_at, \
    created_by, expires_at, revoked_at, data_app_id
    """

  init(row: Row) throws {
    let problems = Problems()
    guard let permissions = EmbedPermissions.read(try row.json("permissions"), path: "permissions", problems: problems),
      problems.list.isEmpty
    else {
      // A permission that cannot be read must not become no restriction.
      throw AppError.internal(cause: "The permissions of an embed session cannot be read: \(problems.list)")
    }
    let origins = try row.json("allowed_origins")
    self.init(
      id: try row.id("id"), organizationID: try row.id("org_id"), environment: try row.id("environment"),
      tenantID: try row.id("tenant_id"), dashboardID: try row.id("dashboard_id"),
      dataAppID: try row.optionalText("data_app_id").map { DataAppID($0) }, permissions: permissions,
      context: try row.json("context"), timezone: try row.optionalText("timezone"), locale: try row.optionalText("locale"),
      allowedOrigins: origins.arrayValue?.compactMap(\.stringValue), createdAt: try row.instant("created_at"),
      createdBy: try row.text("created_by"), expiresAt: try row.instant("expires_at"), revokedAt: try row.optionalInstant("revoked_at"))
  }
}

public struct EmbedSessionRepository: Sendable {
  let database: any ConfigDatabase

  public init(_ database: any ConfigDatabase) { self.database = database }

  /// Stores a session. `dashboardID` must be a dashboard of the session's organisation.
  /// - Throws: ``Domain/AppError`` 404 `dashboard_not_found`, 422 that names `environment`.
  public func insert(_ session: EmbedSession) async throws {
    let origins: JSONValue = session.allowedOrigins.map { .strings($0) } ?? .null
    try await database.write { connection in
      let owned: Statement = """
        SELECT id FROM dashboards WHERE id = \(session.dashboardID) AND org_id = \(session.organizationID)
        """
      guard try connection.exists(owned) else { throw DashboardRepository.missing }
      if let app = session.dataAppID {
        guard try connection.exists("SELECT id FROM data_apps WHERE id = \(app) AND org_id = \(session.organizationID)") else {
          throw DataAppRepository.missing
        }
      }
      do {
        try connection.execute(
          """
          INSERT INTO embed_sessions (\(EmbedSession.columns)) VALUES (\(session.id), \(session.organizationID), \
          \(session.environment), \(session.tenantID), \(session.dashboardID), \(session.permissions.json), \(session.context), \
          \(session.timezone), \(session.locale), \(origins), \(session.createdAt), \(session.createdBy), \(session.expiresAt), \
          \(session.revokedAt), \(session.dataAppID?.rawValue))
          """)
      } catch ConfigStoreError.foreignKeyViolation {
        throw AppError.invalid("environment", "unknown_environment", "must be production or development")
      }
    }
  }

  /// The session, whether live or not. It is for the holder of its token, who proves the organisation by the signature.
  public func find(_ id: SessionID) async throws -> EmbedSession? {
    try await database.read {
      try $0.first("SELECT \(EmbedSession.columns) FROM embed_sessions WHERE id = \(id)").map(EmbedSession.init)
    }
  }

  /// The organisation's sessions that are neither expired nor revoked, of one tenant or of all, that may show one dashboard or any, of one
  /// environment or of all, newest first.
  public func listLive(
    _ organization: OrganizationID, tenant: TenantID? = nil, dashboard: DashboardID? = nil, environment: EnvironmentName? = nil,
    _ request: PageRequest = .first,
    at now: Instant
  ) async throws -> Page<EmbedSession> {
    var statement: Statement = """
      SELECT \(EmbedSession.columns) FROM embed_sessions WHERE org_id = \(organization) AND revoked_at IS NULL AND expires_at > \(now)
      """
    if let tenant { statement += " AND tenant_id = \(tenant)" }
    if let dashboard { statement += " AND \(Self.shows(dashboard))" }
    if let environment { statement += " AND environment = \(environment)" }
    if let position = request.position {
      statement += " AND (created_at, id) < (\(position.instant), \(position.id))"
    }
    statement += " ORDER BY created_at DESC, id DESC LIMIT \(request.limit + 1)"
    let sessions = try await database.read { [statement] in try $0.query(statement).map(EmbedSession.init) }
    return Page(sessions, request: request) { ($0.createdAt, $0.id.rawValue) }
  }

  /// Revokes a session for good.
  /// - Returns: Whether the organisation (in this environment, if one is named) has such a session; true as well when it was revoked before.
  @discardableResult
  public func revoke(
    _ organization: OrganizationID, _ id: SessionID, environment: EnvironmentName? = nil, at now: Instant
  ) async throws -> Bool {
    var statement: Statement = """
      UPDATE embed_sessions SET revoked_at = COALESCE(revoked_at, \(now)) WHERE org_id = \(organization) AND id = \(id)
      """
    if let environment { statement += " AND environment = \(environment)" }
    return try await database.write { [statement] in try $0.execute(statement) > 0 }
  }

  /// Revokes every live session of a tenant, or that may show a dashboard, or both at once, in one environment or in all. With neither it
  /// revokes nothing.
  /// - Returns: The ids of the sessions that this call revoked.
  @discardableResult
  public func revokeAll(
    _ organization: OrganizationID, tenant: TenantID? = nil, dashboard: DashboardID? = nil, environment: EnvironmentName? = nil,
    at now: Instant
  ) async throws -> [SessionID] {
    guard tenant != nil || dashboard != nil else { return [] }
    var statement: Statement = """
      UPDATE embed_sessions SET revoked_at = \(now) WHERE org_id = \(organization) AND revoked_at IS NULL AND expires_at > \(now)
      """
    if let tenant { statement += " AND tenant_id = \(tenant)" }
    if let dashboard { statement += " AND \(Self.shows(dashboard))" }
    if let environment { statement += " AND environment = \(environment)" }
    statement += " RETURNING id"
    return try await database.write { [statement] in try $0.query(statement).map { try $0.id("id") } }
  }

  /// The condition on sessions that a dashboard is open to: its own, and those of data apps that hold it.
  private static func shows(_ dashboard: DashboardID) -> Statement {
    """
    ((data_app_id IS NULL AND dashboard_id = \(dashboard)) \
    OR data_app_id IN (SELECT app_id FROM data_app_dashboards WHERE dashboard_id = \(dashboard)))
    """
  }

  /// Removes what expired before `now`.
  /// - Returns: How many sessions.
  @discardableResult
  public func purge(at now: Instant) async throws -> Int {
    try await database.write { try $0.execute("DELETE FROM embed_sessions WHERE expires_at <= \(now)") }
  }
}

extension EmbedSession {
  /// The host's name for the user whose session it is, as JSON where it is no text and no number; empty when the context names none.
  public var viewerID: String {
    guard let user = context["userId"], user != .null, user != "" else { return "" }
    return SoftFilter.text(of: user) ?? user.serialized()
  }
}
