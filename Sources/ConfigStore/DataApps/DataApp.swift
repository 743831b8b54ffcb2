public import Domain

/// A named group of dashboards that one guest token opens.
public struct DataApp: Sendable, Hashable {
  /// A dashboard of the group.
  public struct Member: Sendable, Hashable {
    public let id: DashboardID
    public let slug: String
    public let name: String
    /// The number of its newest snapshot, 0 before the first.
    public let lastVersion: Int
    /// Nil while it is offline.
    public let publishedVersion: Int?

    public var isPublished: Bool { publishedVersion != nil }

    init(row: Row) throws {
      id = try row.id("id")
      slug = try row.text("slug")
      name = try row.text("name")
      lastVersion = try row.integer("last_version")
      publishedVersion = try row.optionalInteger("published_version").map { Int($0) }
    }
  }

  public let id: DataAppID
  public let organizationID: OrganizationID
  public let name: String
  /// In the order in which they are offered.
  public let dashboards: [Member]
  public let createdAt: Instant
  public let createdBy: String
  public let updatedAt: Instant
  public let updatedBy: String

  static let columns: Statement = "id, org_id, name, created_at, created_by, updated_at, updated_by"

  init(row: Row, dashboards: [Member]) throws {
    id = try row.id("id")
    organizationID = try row.id("org_id")
    name = try row.text("name")
    self.dashboards = dashboards
    createdAt = try row.instant("created_at")
    createdBy = try row.text("created_by")
    updatedAt = try row.instant("updated_at")
    updatedBy = try row.text("updated_by")
  }
}

/// Data apps. Every method is confined to one organisation: what belongs to another one is as if it did not exist.
public struct DataAppRepository: Sendable {
  let database: any ConfigDatabase

  public init(_ database: any ConfigDatabase) { self.database = database }

  /// Stores a data app.
  /// - Parameter dashboards: ids or slugs, each once.
  /// - Throws: ``Domain/AppError`` 409 `data_app_taken`, `too_many_data_apps`; 422 that names `dashboards`.
  public func create(
    _ organization: OrganizationID, name: String, dashboards: [String], by actor: String, at now: Instant
  ) async throws -> DataApp {
    try await database.write { connection in
      let count = try connection.count("SELECT COUNT(*) AS count FROM data_apps WHERE org_id = \(organization)")
      guard count < Limits.dataApps else {
        throw AppError.conflict("too_many_data_apps", "An organization has at most \(Limits.dataApps) data apps.")
      }
      let members = try Self.resolve(dashboards, organization, in: connection)
      let id = DataAppID(IDGenerator.make("app"))
      let row = try connection.first(
        """
        INSERT INTO data_apps (\(DataApp.columns)) VALUES (\(id), \(organization), \(name), \(now), \(actor), \(now), \(actor)) \
        ON CONFLICT (org_id, name) DO NOTHING RETURNING \(DataApp.columns)
        """)
      guard let row else { throw Self.taken(name) }
      try Self.place(members, of: id, in: connection)
      return try DataApp(row: row, dashboards: try Self.members(of: id, in: connection))
    }
  }

  /// The data app of a name; nil when there is none.
  public func get(_ organization: OrganizationID, name: String) async throws -> DataApp? {
    try await database.read { try Self.find(organization, name, in: $0) }
  }

  /// The organisation's data apps, newest first.
  public func list(_ organization: OrganizationID, _ request: PageRequest = .first) async throws -> Page<DataApp> {
    var statement: Statement = "SELECT \(DataApp.columns) FROM data_apps WHERE org_id = \(organization)"
    if let position = request.position { statement += " AND (created_at, id) < (\(position.instant), \(position.id))" }
    statement += " ORDER BY created_at DESC, id DESC LIMIT \(request.limit + 1)"
    let apps = try await database.read { [statement] connection in
      try connection.query(statement).map { try DataApp(row: $0, dashboards: try Self.members(of: try $0.id("id"), in: connection)) }
    }
    return Page(apps, request: request) { ($0.createdAt, $0.id.rawValue) }
  }

  /// Changes the name, the dashboards or both; nil leaves a part as it is.
  /// - Returns: The data app before and after.
  /// - Throws: ``Domain/AppError`` 404 `data_app_not_found`, and what ``create(_:name:dashboards:by:at:)`` throws.
  public func update(
    _ organization: OrganizationID, name: String, to newName: String?, dashboards: [String]?, by actor: String, at now: Instant
  ) async throws -> (before: DataApp, after: DataApp) {
    do {
      return try await database.write { connection in
        guard let before = try Self.find(organization, name, in: connection) else { throw Self.missing }
        if let dashboards {
          let members = try Self.resolve(dashboards, organization, in: connection)
          try connection.execute("DELETE FROM data_app_dashboards WHERE app_id = \(before.id)")
          try Self.place(members, of: before.id, in: connection)
        }
        try connection.execute(
          """
          UPDATE data_apps SET name = \(newName ?? before.name), updated_at = \(now), updated_by = \(actor) \
          WHERE org_id = \(organization) AND id = \(before.id)
          """)
        guard let after = try Self.find(organization, newName ?? before.name, in: connection) else { throw Self.missing }
        return (before, after)
      }
    } catch ConfigStoreError.uniqueViolation {
      throw Self.taken(newName ?? name)
    }
  }

  /// Deletes a data app; its sessions end.
  /// - Throws: ``Domain/AppError`` 404 `data_app_not_found`.
  public func delete(_ organization: OrganizationID, name: String) async throws -> DataApp {
    try await database.write { connection in
      guard let app = try Self.find(organization, name, in: connection) else { throw Self.missing }
      try connection.execute("DELETE FROM data_apps WHERE org_id = \(organization) AND id = \(app.id)")
      return app
    }
  }

  /// The published dashboards of a data app, in its order and by the names that were published: what its sessions may choose among.
  public func published(_ organization: OrganizationID, _ id: DataAppID) async throws -> [DataApp.Member] {
    try await database.read { connection in
      try connection.query(
        """
        SELECT d.id, d.slug, v.name, d.last_version, d.published_version FROM data_app_dashboards m \
        JOIN data_apps a ON a.id = m.app_id JOIN dashboards d ON d.id = m.dashboard_id AND d.org_id = a.org_id \
        JOIN dashboard_versions v ON v.dashboard_id = d.id AND v.version = d.published_version \
        WHERE a.id = \(id) AND a.org_id = \(organization) AND d.published_version IS NOT NULL ORDER BY m.position
        """
      ).map(DataApp.Member.init)
    }
  }

  // MARK: -

  static let missing = AppError.notFound("There is no data app of this name.", code: "data_app_not_found")

  private static func taken(_ name: String) -> AppError {
    AppError.conflict(
      "data_app_taken", "Another data app has this name already.",
      details: [FieldProblem(field: "name", code: "taken", expected: "must be a name that no other data app of yours has")])
  }

  private static func find(_ organization: OrganizationID, _ name: String, in connection: any ConfigConnection) throws -> DataApp? {
    guard let row = try connection.first("SELECT \(DataApp.columns) FROM data_apps WHERE org_id = \(organization) AND name = \(name)")
    else { return nil }
    return try DataApp(row: row, dashboards: try members(of: try row.id("id"), in: connection))
  }

  private static func members(of id: DataAppID, in connection: any ConfigConnection) throws -> [DataApp.Member] {
    try connection.query(
      """
      SELECT d.id, d.slug, d.name, d.last_version, d.published_version FROM data_app_dashboards m \
      JOIN dashboards d ON d.id = m.dashboard_id WHERE m.app_id = \(id) ORDER BY m.position
      """
    ).map(DataApp.Member.init)
  }

  /// The dashboards that ids or slugs stand for.
  private static func resolve(
    _ references: [String], _ organization: OrganizationID, in connection: any ConfigConnection
  ) throws -> [DashboardID] {
    let problems = Problems()
    var found: [DashboardID] = []
    for (index, reference) in references.enumerated() {
      guard let row = try connection.first("SELECT id FROM dashboards WHERE \(DashboardRepository.matches(organization, reference))") else {
        problems.add("dashboards[\(index)]", "unknown_dashboard", "must be the id or slug of a dashboard of yours")
        continue
      }
      let id: DashboardID = try row.id("id")
      if found.contains(id) { problems.add("dashboards[\(index)]", "duplicate", "must be given once") }
      found.append(id)
    }
    try problems.throwIfAny()
    return found
  }

  private static func place(_ dashboards: [DashboardID], of id: DataAppID, in connection: any ConfigConnection) throws {
    for (position, dashboard) in dashboards.enumerated() {
      try connection.execute(
        "INSERT INTO data_app_dashboards (app_id, dashboard_id, position) VALUES (\(id), \(dashboard), \(position))")
    }
  }
}
