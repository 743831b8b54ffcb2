import NIOHTTP1

extension EmbanClient {
  private struct Question: Encodable {
    var query: EmbanQuery
    var tenantID: String?
    var kind: EmbanQuery.Kind?
    var timezone: String?
    var environment: String?

    enum CodingKeys: String, CodingKey {
      case query, kind, timezone, environment
      case tenantID = "tenant_id"
    }
  }

  /// Asks a question.
  ///
  ///     let calls = try await emban.query(EmbanQuery(eventName: "api.call", period: .last7d), tenantID: "acme").value
  ///
  /// - Parameters:
  ///   - tenantID: one customer; nil for all of the organisation.
  ///   - kind: the form of the answer; nil lets the query's members decide.
  ///   - timezone: an IANA name, by which days begin; UTC when nil.
  ///   - environment: a key has its own.
  /// - Throws: ``EmbanError``, `CancellationError`.
  public func query(
    _ query: EmbanQuery, tenantID: String? = nil, kind: EmbanQuery.Kind? = nil, timezone: String? = nil, environment: String? = nil
  ) async throws -> EmbanQueryResult {
    var request = Transport.Request(.POST, "/v1/query")
    request.body = try Transport.body(
      Question(query: query, tenantID: tenantID, kind: kind, timezone: timezone, environment: environment))
    return try await transport.send(request).decode(EmbanQueryResult.self)
  }

  /// Has the next answers made anew, of a customer, on a dashboard, of both or of everything; open dashboards ask again by themselves.
  /// Answers are never older than the events they are of: this is for a pipeline that wants to say so.
  /// - Throws: ``EmbanError``, `CancellationError`.
  public func refreshCache(tenantID: String? = nil, dashboardID: String? = nil) async throws {
    var request = Transport.Request(.POST, "/v1/cache/refresh")
    request.body = try Transport.body(["tenant_id": tenantID, "dashboard_id": dashboardID].compactMapValues(\.self))
    _ = try await transport.send(request)
  }
}
