public import Domain

/// Whose layout and widgets these are: a user of a customer, on one dashboard.
public struct Viewer: Sendable, Hashable {
  public let organization: OrganizationID
  public let environment: EnvironmentName
  public let tenant: TenantID
  /// As the host's back end names the user; '' for all whose sessions name none.
  public let user: String
  public let dashboard: DashboardID

  public init(organization: OrganizationID, environment: EnvironmentName, tenant: TenantID, user: String, dashboard: DashboardID) {
    self.organization = organization
    self.environment = environment
    self.tenant = tenant
    self.user = user
    self.dashboard = dashboard
  }

  /// The condition on the rows of this viewer.
  var matches: Statement {
    """
    org_id = \(organization) AND environment = \(environment) AND tenant_id = \(tenant) AND user_id = \(user) \
    AND dashboard_id = \(dashboard)
    """
  }
}

/// A widget that a viewer has made.
public struct ViewerWidget: Sendable, Hashable {
  /// `w_own_…`.
  public let id: String
  /// As in a dashboard, with its id.
  public let widget: JSONValue

  init(row: Row) throws {
    id = try row.text("id")
    widget = try row.json("widget")
  }
}

/// What viewers keep: their layouts, and their own widgets.
public struct ViewerRepository: Sendable {
  private let database: any ConfigDatabase

  public init(_ database: any ConfigDatabase) { self.database = database }

  // MARK: Layouts

  /// The positions by widget, an object; nil when the viewer has none of their own.
  public func layout(of viewer: Viewer) async throws -> JSONValue? {
    try await database.read {
      try $0.first("SELECT positions FROM viewer_layouts WHERE \(viewer.matches)").map { try $0.json("positions") }
    }
  }

  /// Keeps the positions; the same ones again write nothing.
  /// - Throws: ``Domain/AppError`` 404 `dashboard_not_published` when the dashboard has been removed in the meantime.
  public func store(layout positions: JSONValue, of viewer: Viewer, at now: Instant) async throws {
    try await write { connection in
      _ = try connection.execute(
        """
        INSERT INTO viewer_layouts (org_id, environment, tenant_id, user_id, dashboard_id, positions, updated_at) \
        VALUES (\(viewer.organization), \(viewer.environment), \(viewer.tenant), \(viewer.user), \(viewer.dashboard), \(positions), \(now)) \
        ON CONFLICT (org_id, environment, tenant_id, user_id, dashboard_id) \
        DO UPDATE SET positions = \(positions), updated_at = \(now) WHERE viewer_layouts.positions <> \(positions)
        """)
    }
  }

  public func removeLayout(of viewer: Viewer) async throws {
    try await database.write { _ = try $0.execute("DELETE FROM viewer_layouts WHERE \(viewer.matches)") }
  }

  // MARK: Widgets

  /// The viewer's widgets, oldest first.
  public func widgets(of viewer: Viewer) async throws -> [ViewerWidget] {
    try await database.read {
      try $0.query("SELECT id, widget FROM viewer_widgets WHERE \(viewer.matches) ORDER BY created_at, id").map(ViewerWidget.init)
    }
  }

  /// - Throws: ``Domain/AppError`` 409 `too_many_own_widgets`, 404 `dashboard_not_published` when the dashboard has been removed in the meantime.
  public func add(_ id: String, _ widget: JSONValue, of viewer: Viewer, at now: Instant) async throws {
    try await write { connection in
      let count = try connection.count("SELECT COUNT(*) AS count FROM viewer_widgets WHERE \(viewer.matches)")
      guard count < Limits.ownWidgets else {
        throw AppError.conflict("too_many_own_widgets", "There are \(Limits.ownWidgets) widgets of your own on this dashboard already.")
      }
      try connection.execute(
        """
        INSERT INTO viewer_widgets (id, org_id, environment, tenant_id, user_id, dashboard_id, widget, created_at) \
        VALUES (\(id), \(viewer.organization), \(viewer.environment), \(viewer.tenant), \(viewer.user), \(viewer.dashboard), \(widget), \(now))
        """)
    }
  }

  /// - Returns: Whether the viewer had such a widget.
  public func removeWidget(_ id: String, of viewer: Viewer) async throws -> Bool {
    try await database.write { try $0.execute("DELETE FROM viewer_widgets WHERE id = \(id) AND \(viewer.matches)") > 0 }
  }

  private func write(_ work: @escaping @Sendable (any ConfigConnection) throws -> Void) async throws {
    do { try await database.write(work) } catch ConfigStoreError.foreignKeyViolation {
      throw AppError.notFound("This dashboard is not published.", code: "dashboard_not_published")
    }
  }

  // MARK: Erasure

  /// Removes everything that a customer's users keep.
  public func erase(_ tenant: TenantID, of organization: OrganizationID, _ environment: EnvironmentName) async throws {
    let condition: Statement = "org_id = \(organization) AND environment = \(environment) AND tenant_id = \(tenant)"
    try await database.write { connection in
      try connection.execute("DELETE FROM viewer_layouts WHERE \(condition)")
      try connection.execute("DELETE FROM viewer_widgets WHERE \(condition)")
    }
  }
}
