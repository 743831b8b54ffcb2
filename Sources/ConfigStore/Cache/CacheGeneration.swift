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

  /// Begins the next generation.
  public func advance(_ organization: OrganizationID, tenant: TenantID?, dashboard: DashboardID?) async throws {
    try await database.write {
      _ = try $0.execute(
        """
        INSERT INTO cache_generations (org_id, tenant_id, dashboard_id, generation) \
        VALUES (\(organization), \(tenant?.rawValue ?? ""), \(dashboard?.rawValue ?? ""), 1) \
        ON CONFLICT (org_id, tenant_id, dashboard_id) DO UPDATE SET generation = cache_generations.generation + 1
        """)
    }
  }
}
