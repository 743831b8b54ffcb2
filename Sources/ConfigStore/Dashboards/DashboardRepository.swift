public import Domain

/// Drafts, and their way to and from publication. Wherever a `reference` is taken, it is a dashboard's id or slug; ids hold an
/// underscore and slugs none, so that the two cannot be confused.
///
/// Every method is confined to one organisation: a dashboard of another one is as if it did not exist.
public struct DashboardRepository: Sendable {
  let database: any ConfigDatabase

  public init(_ database: any ConfigDatabase) { self.database = database }

  /// Stores a new draft at revision 1, offline.
  /// - Throws: ``Domain/AppError`` 409 `slug_taken` and 422, each naming `slug`.
  public func create(
    _ organization: OrganizationID, id: DashboardID = DashboardID(IDGenerator.make("dash")), slug: String, name: String,
    config: JSONValue, by actor: String, at now: Instant
  ) async throws -> StoredDashboard {
    try Self.check(slug: slug)
    return try await database.write {
      try Self.insert(organization, id: id, slug: slug, name: name, config: config, by: actor, at: now, into: $0)
    }
  }

  public func get(_ organization: OrganizationID, _ reference: String) async throws -> StoredDashboard? {
    try await database.read { try Self.find(organization, reference, in: $0) }
  }

  /// The organisation's dashboards, newest first.
  public func list(_ organization: OrganizationID, _ request: PageRequest = .first) async throws -> Page<StoredDashboard> {
    var statement: Statement = "SELECT \(StoredDashboard.columns) FROM dashboards WHERE org_id = \(organization)"
    if let position = request.position {
      statement += " AND (created_at, id) < (\(position.instant), \(position.id))"
    }
    statement += " ORDER BY created_at DESC, id DESC LIMIT \(request.limit + 1)"
    let dashboards = try await database.read { [statement] in try $0.query(statement).map(StoredDashboard.init) }
    return Page(dashboards, request: request) { ($0.createdAt, $0.id.rawValue) }
  }

  /// How many of the organisation's dashboards are online.
  public func countPublished(_ organization: OrganizationID) async throws -> Int {
    try await database.read {
      try $0.count("SELECT COUNT(*) AS count FROM dashboards WHERE org_id = \(organization) AND published_version IS NOT NULL")
    }
  }

  /// Replaces the draft. With `expected` only when it is still at that revision.
  /// - Throws: ``Domain/AppError`` 404, 409 `revision_conflict` (with the present `revision` in the body) or `slug_taken`, 422 for a
  ///   slug that cannot be one.
  public func update(
    _ organization: OrganizationID, _ reference: String, slug: String, name: String, config: JSONValue, expecting expected: Int? = nil,
    by actor: String, at now: Instant
  ) async throws -> StoredDashboard {
    try Self.check(slug: slug)
    do {
      return try await database.write { connection in
        var statement: Statement = """
          UPDATE dashboards SET slug = \(slug), name = \(name), config = \(config), revision = revision + 1, updated_at = \(now), \
          updated_by = \(actor) WHERE \(Self.matches(organization, reference))
          """
        if let expected { statement += " AND revision = \(expected)" }
        statement += " RETURNING \(StoredDashboard.columns)"
        guard let row = try connection.first(statement) else { throw try Self.refusal(organization, reference, in: connection) }
        return try StoredDashboard(row: row)
      }
    } catch ConfigStoreError.uniqueViolation {
      throw Self.slugTaken(slug)
    }
  }

  /// Removes the dashboard, its snapshots and its embed sessions; those of a data app go on with the others of the app. With `expected` only when the draft is still at that revision.
  /// - Throws: ``Domain/AppError`` 404, 409 `revision_conflict`.
  public func delete(_ organization: OrganizationID, _ reference: String, expecting expected: Int? = nil) async throws {
    try await database.write { connection in
      if let dashboard = try Self.find(organization, reference, in: connection)?.id {
        let next: Statement = """
          SELECT dashboard_id FROM data_app_dashboards WHERE app_id = embed_sessions.data_app_id AND dashboard_id <> \(dashboard) \
          ORDER BY position LIMIT 1
          """

        try connection.execute(
          """
          UPDATE embed_sessions SET dashboard_id = (\(next)) WHERE dashboard_id = \(dashboard) AND data_app_id IS NOT NULL AND EXISTS (\(next))
          """)
      }
      var statement: Statement = "DELETE FROM dashboards WHERE \(Self.matches(organization, reference))"
      if let expected { statement += " AND revision = \(expected)" }
      guard try connection.execute(statement) > 0 else { throw try Self.refusal(organization, reference, in: connection) }
    }
  }

  /// A copy of the draft under a free slug (`usage-copy`, `usage-copy-2` …), offline.
  /// - Throws: ``Domain/AppError`` 404.
  public func duplicate(
    _ organization: OrganizationID, _ reference: String, id: DashboardID = DashboardID(IDGenerator.make("dash")), by actor: String,
    at now: Instant
  ) async throws -> StoredDashboard {
    try await database.write { connection in
      guard let original = try Self.find(organization, reference, in: connection) else { throw Self.missing }
      let stem = String(original.slug.prefix(Limits.slugLength - 12)).trimmingHyphens + "-copy"
      var slug = stem
      var number = 1
      while try connection.exists("SELECT id FROM dashboards WHERE org_id = \(organization) AND slug = \(slug)") {
        number += 1
        slug = "\(stem)-\(number)"
      }
      var name = original.name
      while name.utf8.count + " (copy)".utf8.count > Limits.nameLength { name.removeLast() }
      return try Self.insert(
        organization, id: id, slug: slug, name: name + " (copy)", config: original.config, by: actor, at: now, into: connection)
    }
  }

  // MARK: - Shared with publication

  static let missing = AppError.notFound("There is no such dashboard.", code: "dashboard_not_found")

  static func slugTaken(_ slug: String) -> AppError {
    AppError.conflict(
      "slug_taken", "Another dashboard has the slug \(slug) already.",
      details: [FieldProblem(field: "slug", code: "taken", expected: "must be a slug that no other dashboard of yours has")])
  }

  static func check(slug: String) throws(AppError) {
    guard Slug.isValid(slug) else {
      throw .invalid("slug", "slug", "must be lower-case letters, digits and single hyphens, such as usage-overview")
    }
  }

  /// The condition on `dashboards` that picks the one meant.
  static func matches(_ organization: OrganizationID, _ reference: String) -> Statement {
    reference.hasPrefix("dash_")
      ? "org_id = \(organization) AND id = \(reference)" : "org_id = \(organization) AND slug = \(reference)"
  }

  static func find(
    _ organization: OrganizationID, _ reference: String, in connection: any ConfigConnection
  ) throws -> StoredDashboard? {
    try connection.first("SELECT \(StoredDashboard.columns) FROM dashboards WHERE \(matches(organization, reference))")
      .map(StoredDashboard.init)
  }

  /// Why a change that expected a revision met no row: nothing there, or somebody else saved first.
  static func refusal(
    _ organization: OrganizationID, _ reference: String, in connection: any ConfigConnection
  ) throws -> AppError {
    guard let present = try find(organization, reference, in: connection) else { return missing }
    return present.revisionConflict
  }

  private static func insert(
    _ organization: OrganizationID, id: DashboardID, slug: String, name: String, config: JSONValue, by actor: String, at now: Instant,
    into connection: any ConfigConnection
  ) throws -> StoredDashboard {
    let row = try connection.first(
      """
      INSERT INTO dashboards (\(StoredDashboard.columns)) VALUES (\(id), \(organization), \(slug), \(name), \(config), 1, \(now), \
      \(actor), \(now), \(actor), 0, NULL) ON CONFLICT (org_id, slug) DO NOTHING RETURNING \(StoredDashboard.columns)
      """)
    guard let row else { throw slugTaken(slug) }
    return try StoredDashboard(row: row)
  }
}

extension String {
  /// Without the hyphens that a cut may have left at the end.
  fileprivate var trimmingHyphens: String {
    var text = self
    while text.hasSuffix("-") { text.removeLast() }
    return text
  }
}
