public import Domain

/// How much of everything an organisation has.
public struct OrganizationCounts: Sendable, Hashable {
  public let members: Int
  /// Open and not expired.
  public let invites: Int
  /// Not revoked.
  public let apiKeys: Int
  public let dashboards: Int
  public let publishedDashboards: Int
  /// Neither expired nor revoked.
  public let embedSessions: Int
}

extension OrganizationRepository {
  /// - Parameter environment: of keys and embed sessions; nil for all.
  public func counts(_ id: OrganizationID, environment: EnvironmentName? = nil, at now: Instant) async throws -> OrganizationCounts {
    try await database.read { connection in
      var keys: Statement = "SELECT COUNT(*) AS count FROM api_keys WHERE org_id = \(id) AND revoked_at IS NULL"
      var sessions: Statement = """
        SELECT COUNT(*) AS count FROM embed_sessions WHERE org_id = \(id) AND revoked_at IS NULL AND expires_at > \(now)
        """
      if let environment {
        keys += " AND environment = \(environment)"
        sessions += " AND environment = \(environment)"
      }
      return OrganizationCounts(
        members: try connection.count("SELECT COUNT(*) AS count FROM memberships WHERE org_id = \(id)"),
        invites: try connection.count("SELECT COUNT(*) AS count FROM invites WHERE org_id = \(id) AND expires_at > \(now)"),
        apiKeys: try connection.count(keys),
        dashboards: try connection.count("SELECT COUNT(*) AS count FROM dashboards WHERE org_id = \(id)"),
        publishedDashboards: try connection.count(
          "SELECT COUNT(*) AS count FROM dashboards WHERE org_id = \(id) AND published_version IS NOT NULL"),
        embedSessions: try connection.count(sessions))
    }
  }
}
