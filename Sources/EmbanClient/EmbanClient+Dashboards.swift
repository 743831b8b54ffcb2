import NIOHTTP1

/// A dashboard's draft, or its line in a list.
public struct EmbanDashboard: Sendable, Hashable, Decodable {
  public let id: String
  public let slug: String
  public let name: String
  /// `draft`, `published` or `unpublished`.
  public let status: String
  /// Grows with every change of the draft.
  public let revision: Int
  /// The number of the version that customers see.
  public let publishedVersion: Int?
  /// Everything that the server told, with `widgets`, `filters` and `theme` unless it came from a list.
  public let json: EmbanJSON

  private enum CodingKeys: String, CodingKey {
    case id, slug, name, status, revision
    case publishedVersion = "published_version"
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    id = try container.decode(String.self, forKey: .id)
    slug = try container.decode(String.self, forKey: .slug)
    name = try container.decode(String.self, forKey: .name)
    status = try container.decode(String.self, forKey: .status)
    revision = try container.decode(Int.self, forKey: .revision)
    publishedVersion = try container.decodeIfPresent(Int.self, forKey: .publishedVersion)
    json = try EmbanJSON(from: decoder)
  }
}

extension EmbanClient {
  private func path(_ dashboard: String, _ action: String = "") -> String { "/v1/dashboards/\(Transport.encoded(dashboard))\(action)" }

  /// Dashboards, newest first, without their configuration.
  /// - Parameters:
  ///   - limit: 1 to 200.
  ///   - cursor: ``EmbanPage/nextCursor`` of the page before.
  /// - Throws: ``EmbanError``, `CancellationError`.
  public func listDashboards(limit: Int? = nil, cursor: String? = nil) async throws -> EmbanPage<EmbanDashboard> {
    var request = Transport.Request(.GET, "/v1/dashboards")
    request.query = [("limit", limit.map(String.init)), ("cursor", cursor)]
    return try await transport.send(request).decode(EmbanPage<EmbanDashboard>.self)
  }

  /// A draft.
  /// - Parameter dashboard: an id or a slug.
  /// - Throws: ``EmbanError``, `.api` with `dashboard_not_found`; `CancellationError`.
  public func dashboard(_ dashboard: String) async throws -> EmbanDashboard {
    try await transport.send(Transport.Request(.GET, path(dashboard))).decode(EmbanDashboard.self)
  }

  /// Makes a draft.
  ///
  ///     let dashboard = try await emban.createDashboard(["name": "Usage", "slug": "usage", "widgets": [
  ///       ["id": "w_calls", "title": "Calls", "kind": "kpi", "query": ["event_name": "api.call", "metric": "count"]],
  ///     ]])
  ///     try await emban.publishDashboard(dashboard.id)
  ///
  /// - Throws: ``EmbanError``, `.api` with `slug_taken` or with the wrong fields in `details`; `CancellationError`. It is not repeated after
  ///   a lost answer: there might be two.
  public func createDashboard(_ configuration: EmbanJSON) async throws -> EmbanDashboard {
    var request = Transport.Request(.POST, "/v1/dashboards")
    request.body = try Transport.body(configuration)
    request.isRepeatable = false
    return try await transport.send(request).decode(EmbanDashboard.self)
  }

  /// Replaces the named members of a draft; a list is replaced whole. Customers see it when it is published.
  /// - Parameter revision: only when the draft is still at this revision.
  /// - Throws: ``EmbanError``, `.api` with `revision_conflict` when somebody else saved first; `CancellationError`.
  public func updateDashboard(_ dashboard: String, _ changes: EmbanJSON, ifRevision revision: Int? = nil) async throws -> EmbanDashboard {
    var request = Transport.Request(.PATCH, path(dashboard))
    request.body = try Transport.body(changes)
    if let revision {
      request.headers = [("If-Match", "\"\(revision)\"")]
      // The first attempt may have been the one that moved it on.
      request.isRepeatable = false
    }
    return try await transport.send(request).decode(EmbanDashboard.self)
  }

  /// Freezes the draft as a version and shows it to customers, after the server has checked that they see nothing of each other.
  /// - Throws: ``EmbanError``, `.api` with `isolation_check_failed`; `CancellationError`.
  public func publishDashboard(_ dashboard: String) async throws {
    var request = Transport.Request(.POST, path(dashboard, "/publish"))
    request.isRepeatable = false
    _ = try await transport.send(request)
  }

  /// Takes a dashboard offline; its versions stay.
  /// - Throws: ``EmbanError``, `CancellationError`.
  public func unpublishDashboard(_ dashboard: String) async throws {
    _ = try await transport.send(Transport.Request(.POST, path(dashboard, "/unpublish")))
  }

  /// Deletes a dashboard with its versions and sessions.
  /// - Throws: ``EmbanError``, `CancellationError`.
  public func deleteDashboard(_ dashboard: String) async throws {
    var request = Transport.Request(.DELETE, path(dashboard))
    request.isRepeatable = false
    _ = try await transport.send(request)
  }
}
