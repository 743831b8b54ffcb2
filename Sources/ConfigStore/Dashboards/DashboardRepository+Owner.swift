public import Domain

extension DashboardRepository {
  /// The organisation that a dashboard belongs to: for routes that know a dashboard's id but no credential yet (which pages may frame
  /// it). Ids are unguessable; slugs are not and are not looked up here.
  public func owner(of id: DashboardID) async throws -> OrganizationID? {
    try await database.read { try $0.first("SELECT org_id FROM dashboards WHERE id = \(id)").map { try $0.id("org_id") } }
  }

  /// What embeds of all organisations show, for the operator's own commands: all of it, or the dashboards of one id or slug.
  public func publishedEverywhere(_ reference: String? = nil) async throws -> [(organization: OrganizationID, version: DashboardVersion)] {
    var statement: Statement = """
      SELECT d.org_id, \(DashboardVersion.columns) FROM dashboards d \
      JOIN dashboard_versions v ON v.dashboard_id = d.id AND v.version = d.published_version
      """
    if let reference { statement += " WHERE d.id = \(reference) OR d.slug = \(reference)" }
    statement += " ORDER BY d.org_id, d.name, d.id"
    return try await database.read { [statement] in
      try $0.query(statement).map { (try $0.id("org_id"), try DashboardVersion(row: $0)) }
    }
  }
}
