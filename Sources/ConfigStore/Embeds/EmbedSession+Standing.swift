public import Domain

extension EmbedSessionRepository {
  /// Whether a session that was not revoked has something to show.
  public enum Standing: Sendable, Hashable {
    case live
    /// Its dashboard, or every one of its data app, is not published.
    case offline
  }

  /// How many ids one statement names.
  private static let idsPerStatement = 500

  /// How sessions stand, of any organisation, for whoever holds their tokens. Those that were revoked, or are gone, are missing.
  public func standing(of ids: [SessionID]) async throws -> [SessionID: Standing] {
    var standing: [SessionID: Standing] = [:]
    for start in stride(from: 0, to: ids.count, by: Self.idsPerStatement) {
      let chunk = ids[start..<min(start + Self.idsPerStatement, ids.count)]
      var statement: Statement = """
        SELECT s.id AS id, CASE WHEN s.data_app_id IS NULL THEN d.published_version ELSE (SELECT MAX(p.published_version) \
        FROM data_app_dashboards m JOIN dashboards p ON p.id = m.dashboard_id WHERE m.app_id = s.data_app_id) END AS published \
        FROM embed_sessions s JOIN dashboards d ON d.id = s.dashboard_id WHERE s.revoked_at IS NULL AND s.id IN (
        """
      for (place, id) in chunk.enumerated() { statement += place == 0 ? "\(id)" : ", \(id)" }
      statement += ")"
      let rows = try await database.read { [statement] connection in
        try connection.query(statement).map { (try $0.id("id") as SessionID, try $0.optionalInteger("published") != nil) }
      }
      for (id, isPublished) in rows { standing[id] = isPublished ? .live : .offline }
    }
    return standing
  }
}
