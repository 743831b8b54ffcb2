public import Domain

/// Which generation of cached answers is the present one. A refresh begins the next, for an organisation, for one of its tenants, for one
/// of its dashboards or for one dashboard of one tenant; answers of an earlier one are never given again, by no process.
public struct CacheGenerationRepository: Sendable {
  private let database: any ConfigDatabase

  public init(_ database: any ConfigDatabase) { self.database = database }

  /// A number that every refresh raises which concerns answers of the tenant (nil for all tenants together) on the dashboard (nil for
  /// questions outside of dashboards).
  public func current(_ organization: OrganizationID, tenant: TenantID?, dashboard: DashboardID?) async throws -> Int {
    // An answer over all tenants holds the rows of each, and one outside of dashboards may be any dashboard's.
    var statement: Statement = "SELECT COALESCE(SUM(generation), 0) AS count FROM cache_generations WHERE org_id = \(organization)"
    if let tenant { statement += " AND tenant_id IN ('', \(tenant))" }
    if let dashboard { statement += " AND dashboard_id IN ('', \(dashboard))" }
    return try await database.read { [statement] in try $0.count(statement) }
  }

  /// Begins the next generation; nothing to do of an organisation that is no more.
  public func advance(_ organization: OrganizationID, tenant: TenantID?, dashboard: DashboardID?) async throws {
    try await database.write {
      _ = try $0.execute(
        """
        INSERT INTO cache_generations (org_id, tenant_id, dashboard_id, generation) \
        SELECT id, \(tenant?.rawValue ?? ""), \(dashboard?.rawValue ?? ""), 1 FROM organizations WHERE id = \(organization) \
        ON CONFLICT (org_id, tenant_id, dashboard_id) DO UPDATE SET generation = cache_generations.generation + 1
        """)
    }
  }

  /// How often the answers of organisations were refreshed, to tell when they are again.
  public func refreshes(of organizations: Set<OrganizationID>) async throws -> CacheRefreshes {
    var statement: Statement = """
      SELECT org_id, tenant_id, SUM(generation) AS count FROM cache_generations WHERE org_id IN (
      """
    for (place, id) in organizations.enumerated() { statement += place == 0 ? "\(id)" : ", \(id)" }
    statement += ") GROUP BY org_id, tenant_id"
    let rows = try await database.read { [statement] connection in
      try connection.query(statement).map {
        (try $0.id("org_id", as: OrganizationID.self), try $0.id("tenant_id", as: TenantID.self), try $0.integer("count"))
      }
    }
    var refreshes = CacheRefreshes()
    for (organization, tenant, count) in rows { refreshes.counts[organization, default: [:]][tenant] = count }
    return refreshes
  }
}

/// How often answers were refreshed, by organisation and tenant.
public struct CacheRefreshes: Sendable, Hashable {
  /// The tenant '' stands for all.
  fileprivate(set) var counts: [OrganizationID: [TenantID: Int]] = [:]

  /// A number that every refresh raises which concerns a tenant's answers.
  public func number(_ organization: OrganizationID, tenant: TenantID) -> Int {
    guard let counts = counts[organization] else { return 0 }
    return counts[TenantID(""), default: 0] + counts[tenant, default: 0]
  }
}
