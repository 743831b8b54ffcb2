public import Domain

extension DashboardRepository {
  /// The organisation that a dashboard belongs to: for routes that know a dashboard's id but no credential yet (which pages may frame
  /// it). Ids are unguessable; slugs are not and are not looked up here.
  public func owner(of id: DashboardID) async throws -> OrganizationID? {
    try await database.read { try $0.first("SELECT org_id FROM dashboards WHERE id = \(id)").map { try $0.id("org_id") } }
  }
}
