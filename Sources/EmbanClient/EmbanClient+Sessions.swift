import NIOHTTP1

extension EmbanClient {
  private struct SessionRequest: Encodable {
    var tenantID: String
    var dashboardID: String
    var expiresIn: Int?
    var permissions: EmbanPermissions?
    var context: [String: EmbanJSON]?
    var timezone: String?
    var locale: String?
    var allowedOrigins: [String]?

    enum CodingKeys: String, CodingKey {
      case permissions, context, timezone, locale
      case tenantID = "tenant_id"
      case dashboardID = "dashboard_id"
      case expiresIn = "expires_in"
      case allowedOrigins = "allowed_origins"
    }
  }

  /// Makes a session: one customer may look at one published dashboard for a while.
  ///
  ///     let session = try await emban.createEmbedSession(tenantID: user.company, dashboardID: "usage", expiresIn: 900)
  ///
  /// - Parameters:
  ///   - tenantID: from your own session of the signed-in user, never from a request's parameter.
  ///   - dashboardID: an id or a slug.
  ///   - expiresIn: 60 to 86,400 seconds; an hour when nil.
  ///   - context: what soft filters (`{{context.userId}}`) are resolved with.
  ///   - timezone: an IANA name; the dashboard's own when nil.
  ///   - locale: a language tag, for numbers and dates.
  ///   - allowedOrigins: whose pages may show it; the organisation's when nil.
  /// - Throws: ``EmbanError``, such as `.api` with `dashboard_not_published`; `CancellationError`.
  public func createEmbedSession(
    tenantID: String, dashboardID: String, expiresIn: Int? = nil, permissions: EmbanPermissions? = nil,
    context: [String: EmbanJSON]? = nil, timezone: String? = nil, locale: String? = nil, allowedOrigins: [String]? = nil
  ) async throws -> EmbanEmbedSession {
    // Repeated after a lost answer, it leaves at worst a session whose token nobody has.
    var request = Transport.Request(.POST, "/v1/embed-sessions")
    request.body = try Transport.body(
      SessionRequest(
        tenantID: tenantID, dashboardID: dashboardID, expiresIn: expiresIn, permissions: permissions, context: context,
        timezone: timezone, locale: locale, allowedOrigins: allowedOrigins))
    return try await transport.send(request).decode(EmbanEmbedSession.self)
  }

  /// Live sessions, newest first.
  /// - Parameters:
  ///   - tenantID: of one customer; nil for all.
  ///   - limit: 1 to 200.
  ///   - cursor: ``EmbanPage/nextCursor`` of the page before.
  /// - Throws: ``EmbanError``, `CancellationError`.
  public func listEmbedSessions(
    tenantID: String? = nil, limit: Int? = nil, cursor: String? = nil
  ) async throws -> EmbanPage<EmbanSessionInfo> {
    var request = Transport.Request(.GET, "/v1/embed-sessions")
    request.query = [("tenant_id", tenantID), ("limit", limit.map(String.init)), ("cursor", cursor)]
    return try await transport.send(request).decode(EmbanPage<EmbanSessionInfo>.self)
  }

  /// Ends a session at once; its token opens nothing any more.
  /// - Throws: ``EmbanError``, `.api` with `embed_session_not_found` for an unknown one; `CancellationError`.
  public func revokeEmbedSession(_ sessionID: String) async throws {
    _ = try await transport.send(Transport.Request(.DELETE, "/v1/embed-sessions/\(Transport.encoded(sessionID))"))
  }

  /// Ends all sessions of a customer, for instance when they sign out or leave.
  /// - Throws: ``EmbanError``, `CancellationError`.
  public func revokeEmbedSessions(tenantID: String) async throws {
    var request = Transport.Request(.DELETE, "/v1/embed-sessions")
    request.query = [("tenant_id", tenantID)]
    _ = try await transport.send(request)
  }

  /// Ends all sessions of a dashboard.
  /// - Parameter dashboardID: an id or a slug.
  /// - Throws: ``EmbanError``, `CancellationError`.
  public func revokeEmbedSessions(dashboardID: String) async throws {
    var request = Transport.Request(.DELETE, "/v1/embed-sessions")
    request.query = [("dashboard_id", dashboardID)]
    _ = try await transport.send(request)
  }

  private struct GuestRequest: Encodable {
    var clientId: String
    var dataAppName: String
    var permissions: EmbanGuestPermissions?
    var expiryTime: Int?
    var params: [String: EmbanJSON]?
  }

  /// Makes a guest token: one customer may look at the dashboards of a data app.
  /// - Parameters:
  ///   - clientID: your customer.
  ///   - dataAppName: of a data app, or the slug of a published dashboard.
  ///   - expiryTime: seconds; an hour when nil.
  ///   - params: what soft filters (`{{context.userId}}`) are resolved with.
  /// - Throws: ``EmbanError``, such as `.api` with `DATA_APP_NOT_FOUND`; `CancellationError`.
  public func createGuestToken(
    clientID: String, dataAppName: String, permissions: EmbanGuestPermissions? = nil, expiryTime: Int? = nil,
    params: [String: EmbanJSON]? = nil
  ) async throws -> EmbanGuestToken {
    var request = Transport.Request(.POST, "/api/v2/guest-token/create")
    request.body = try Transport.body(
      GuestRequest(
        clientId: clientID, dataAppName: dataAppName, permissions: permissions, expiryTime: expiryTime, params: params))
    return try await transport.send(request).decode(EmbanGuestToken.self)
  }
}
