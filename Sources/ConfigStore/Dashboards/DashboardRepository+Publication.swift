public import Domain

extension DashboardRepository {
  /// Freezes the draft into the next numbered snapshot and puts that online, in one transaction. With `expected` only when the
  /// draft is still at that revision.
  /// - Throws: ``Domain/AppError`` 404, 409 `revision_conflict`.
  public func publish(
    _ organization: OrganizationID, _ reference: String, expecting expected: Int? = nil, by actor: String, at now: Instant
  ) async throws -> DashboardVersion {
    try await database.write { connection in
      // The update comes first: it takes the row's lock in a database with many writers, so that numbers stay without gaps.
      var statement: Statement = """
        UPDATE dashboards SET last_version = last_version + 1, published_version = last_version + 1 \
        WHERE \(Self.matches(organization, reference))
        """
      if let expected { statement += " AND revision = \(expected)" }
      statement += " RETURNING \(StoredDashboard.columns)"
      guard let row = try connection.first(statement) else { throw try Self.refusal(organization, reference, in: connection) }
      let dashboard = try StoredDashboard(row: row)
      try connection.execute(
        """
        INSERT INTO dashboard_versions (dashboard_id, version, name, config, revision, published_at, published_by) \
        VALUES (\(dashboard.id), \(dashboard.lastVersion), \(dashboard.name), \(dashboard.config), \(dashboard.revision), \
        \(now), \(actor))
        """)
      guard let version = try Self.version(dashboard.lastVersion, of: dashboard.id, in: connection) else {
        throw AppError.internal(cause: "The snapshot \(dashboard.lastVersion) of \(dashboard.id) was not stored.")
      }
      return version
    }
  }

  /// Takes the dashboard offline and keeps its snapshots. Does nothing when it is offline.
  /// - Throws: ``Domain/AppError`` 404.
  public func unpublish(_ organization: OrganizationID, _ reference: String) async throws -> StoredDashboard {
    try await database.write { connection in
      let row = try connection.first(
        """
        UPDATE dashboards SET published_version = NULL WHERE \(Self.matches(organization, reference)) \
        RETURNING \(StoredDashboard.columns)
        """)
      guard let row else { throw Self.missing }
      return try StoredDashboard(row: row)
    }
  }

  /// Copies a snapshot (the newest one when `version` is nil) back into the draft. The slug stays.
  /// - Throws: ``Domain/AppError`` 404 `dashboard_not_found` or `version_not_found`, 409 `nothing_to_restore` or `revision_conflict`.
  public func restore(
    _ organization: OrganizationID, _ reference: String, version: Int? = nil, expecting expected: Int? = nil, by actor: String,
    at now: Instant
  ) async throws -> StoredDashboard {
    try await database.write { connection in
      guard let dashboard = try Self.find(organization, reference, in: connection) else { throw Self.missing }
      guard dashboard.lastVersion > 0 else {
        throw AppError.conflict("nothing_to_restore", "This dashboard was never published: there is nothing to restore.")
      }
      guard let snapshot = try Self.version(version ?? dashboard.lastVersion, of: dashboard.id, in: connection) else {
        throw AppError.notFound("The dashboard has no such version.", code: "version_not_found")
      }
      var statement: Statement = """
        UPDATE dashboards SET name = \(snapshot.name), config = \(snapshot.config), revision = revision + 1, updated_at = \(now), \
        updated_by = \(actor) WHERE org_id = \(organization) AND id = \(dashboard.id)
        """
      if let expected { statement += " AND revision = \(expected)" }
      statement += " RETURNING \(StoredDashboard.columns)"
      guard let row = try connection.first(statement) else {
        throw try Self.refusal(organization, dashboard.id.rawValue, in: connection)
      }
      return try StoredDashboard(row: row)
    }
  }

  /// What embeds show; nil when there is no such dashboard or it is offline.
  public func published(_ organization: OrganizationID, _ reference: String) async throws -> DashboardVersion? {
    try await database.read { connection in
      try connection.first(
        """
        SELECT \(DashboardVersion.columns) FROM dashboards d \
        JOIN dashboard_versions v ON v.dashboard_id = d.id AND v.version = d.published_version \
        WHERE \(Self.matches(organization, reference))
        """
      ).map(DashboardVersion.init)
    }
  }

  /// Tells one published state of a dashboard from every other: a version never changes, the slug may.
  public struct PublishedMark: Sendable, Hashable {
    public let dashboardID: DashboardID
    public let version: Int
    public let slug: String

    public init(dashboardID: DashboardID, version: Int, slug: String) {
      self.dashboardID = dashboardID
      self.version = version
      self.slug = slug
    }
  }

  /// What ``published(_:_:)`` would answer, without the configuration.
  public func publishedMark(_ organization: OrganizationID, _ id: DashboardID) async throws -> PublishedMark? {
    try await database.read { connection in
      let row = try connection.first(
        "SELECT slug, published_version FROM dashboards WHERE org_id = \(organization) AND id = \(id) AND published_version IS NOT NULL")
      return try row.map { PublishedMark(dashboardID: id, version: try $0.integer("published_version"), slug: try $0.text("slug")) }
    }
  }

  /// One snapshot; nil when there is none of this number or no such dashboard.
  public func version(_ organization: OrganizationID, _ reference: String, _ version: Int) async throws -> DashboardVersion? {
    try await database.read { connection in
      try connection.first(
        """
        SELECT \(DashboardVersion.columns) FROM dashboards d JOIN dashboard_versions v ON v.dashboard_id = d.id \
        WHERE \(Self.matches(organization, reference)) AND v.version = \(version)
        """
      ).map(DashboardVersion.init)
    }
  }

  /// The dashboard's snapshots, newest first; empty when there is no such dashboard.
  public func versions(
    _ organization: OrganizationID, _ reference: String, _ request: PageRequest = .first
  ) async throws -> Page<DashboardVersion> {
    var statement: Statement = """
      SELECT \(DashboardVersion.columns) FROM dashboards d JOIN dashboard_versions v ON v.dashboard_id = d.id \
      WHERE \(Self.matches(organization, reference))
      """
    // Numbers order snapshots even when two were made in the same millisecond.
    if let number = request.position.flatMap({ Int($0.id) }) { statement += " AND v.version < \(number)" }
    statement += " ORDER BY v.version DESC LIMIT \(request.limit + 1)"
    let versions = try await database.read { [statement] in try $0.query(statement).map(DashboardVersion.init) }
    return Page(versions, request: request) { ($0.publishedAt, String($0.version)) }
  }

  private static func version(
    _ number: Int, of dashboard: DashboardID, in connection: any ConfigConnection
  ) throws -> DashboardVersion? {
    try connection.first(
      """
      SELECT \(DashboardVersion.columns) FROM dashboards d JOIN dashboard_versions v ON v.dashboard_id = d.id \
      WHERE v.dashboard_id = \(dashboard) AND v.version = \(number)
      """
    ).map(DashboardVersion.init)
  }
}
