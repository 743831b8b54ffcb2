import Access
import ConfigStore
import Domain
import Hummingbird
import QueryEngine

/// `/v1/embed-sessions`: signed, short-lived, revocable views of one published dashboard by one tenant.
struct EmbedSessionsController: Controller {
  let tokens: EmbedTokens
  let dashboards: DashboardRepository
  let audit: AuditLog
  let live: LiveFeed
  /// Where people reach this server, without a slash at the end.
  let publicURL: String

  var endpoints: [Endpoint] {
    [
      Endpoint(.post, "/v1/embed-sessions", .admin, create),
      Endpoint(.get, "/v1/embed-sessions", .admin, list),
      Endpoint(.delete, "/v1/embed-sessions", .admin, revokeAll),
      Endpoint(.delete, "/v1/embed-sessions/:id", .admin, revoke),
    ]
  }

  private func create(_ request: APIRequest) async throws -> Response {
    let account = try request.account()
    let body = try await request.readBody(EmbedSessionRequest.init)
    let issued = try await create(body, for: account)
    let session = issued.session
    try await audit.record(
      "embed_session.create", "embed_session", session.id.rawValue, by: account, from: request,
      after: ["tenant_id": .string(session.tenantID.rawValue), "dashboard_id": .string(session.dashboardID.rawValue)])
    return .json(
      [
        "token": .string(issued.token), "embed_url": .string(embedURL(issued)),
        "expires_at": session.expiresAt.json, "session_id": .string(session.id.rawValue),
      ], status: .created)
  }

  /// The contract's address of the embed page; its token is removed from the address bar at once and from no log, for it enters none.
  func embedURL(_ issued: IssuedEmbedSession, at address: String? = nil) -> String {
    "\(address ?? publicURL)/embed/\(issued.session.dashboardID)?token=\(issued.token)"
  }

  /// Makes a session of a published dashboard.
  /// - Throws: ``AppError`` 404 for an unknown dashboard, 409 for one that is not published.
  func create(_ body: EmbedSessionRequest, for account: Account) async throws -> IssuedEmbedSession {
    guard let dashboard = try await dashboards.get(account.organization, body.dashboard) else {
      throw AppError.notFound("There is no such dashboard.", code: "dashboard_not_found")
    }
    guard dashboard.publishedVersion != nil else {
      throw AppError.conflict("dashboard_not_published", "This dashboard is not published: publish it before you embed it.")
    }
    if let timezone = body.timezone { _ = try Zone(timezone) }
    return try await tokens.issue(
      NewEmbedSession(
        organizationID: account.organization, environment: account.environment, tenantID: body.tenant, dashboardID: dashboard.id,
        permissions: body.permissions, context: .object(body.context), timezone: body.timezone, locale: body.locale,
        allowedOrigins: body.allowedOrigins, expiresIn: body.expiresIn, createdBy: account.actor))
  }

  private func list(_ request: APIRequest) async throws -> Response {
    let (tenant, dashboard, page) = try request.readQuery {
      (
        $0.string("tenant_id", length: 1...Limits.tenantIDLength), $0.string("dashboard_id", length: 1...Limits.slugLength), $0.page()
      )
    }
    let account = try request.account()
    let found = try await tokens.listLive(
      account.organization, tenant: tenant.map { TenantID($0) }, dashboard: try await find(dashboard, account)?.id,
      environment: account.confinedTo,
      try PageRequest(limit: page.limit, cursor: page.cursor))
    return .page(found.items.map(\.json), nextCursor: found.nextCursor)
  }

  private func revoke(_ request: APIRequest) async throws -> Response {
    let account = try request.account()
    let id = SessionID(try request.parameter("id"))
    guard try await tokens.revoke(account.organization, id, environment: account.confinedTo) else {
      throw AppError.notFound("There is no such embed session.", code: "embed_session_not_found")
    }
    live.revoked([id])
    try await audit.record("embed_session.revoke", "embed_session", id.rawValue, by: account, from: request)
    return .noContent()
  }

  /// Of a customer, of a dashboard, or of both: which of them must be said, so that a forgotten parameter does not end everything.
  private func revokeAll(_ request: APIRequest) async throws -> Response {
    let account = try request.account()
    let (tenant, reference) = try request.readQuery { reader in
      if !reader.has("dashboard_id"), !reader.has("tenant_id") {
        reader.problem("tenant_id", "missing", "is required without dashboard_id and must be a string")
      }
      return (reader.string("tenant_id", length: 1...Limits.tenantIDLength), reader.string("dashboard_id", length: 1...Limits.slugLength))
    }
    let dashboard = try await find(reference, account)
    let revoked = try await tokens.revokeAll(
      account.organization, tenant: tenant.map { TenantID($0) }, dashboard: dashboard?.id, environment: account.confinedTo)
    live.revoked(revoked)
    try await audit.record(
      "embed_session.revoke_all", tenant == nil ? "dashboard" : "tenant", tenant ?? dashboard?.id.rawValue ?? "", by: account,
      from: request,
      after: .compact(["revoked": .int(revoked.count), "dashboard_id": dashboard.map { .string($0.id.rawValue) }]))
    return .noContent()
  }

  /// The dashboard of an id or slug; nil where none is named.
  private func find(_ reference: String?, _ account: Account) async throws -> StoredDashboard? {
    guard let reference else { return nil }
    guard let found = try await dashboards.get(account.organization, reference) else {
      throw AppError.notFound("There is no such dashboard.", code: "dashboard_not_found")
    }
    return found
  }
}

/// The body of `POST /v1/embed-sessions`.
struct EmbedSessionRequest: Sendable {
  var tenant: TenantID
  /// An id or a slug.
  var dashboard: String
  var expiresIn = Limits.defaultEmbedSeconds
  var permissions = EmbedPermissions()
  var context: [String: JSONValue] = [:]
  var timezone: String?
  var locale: String?
  var allowedOrigins: [String]?

  init(tenant: TenantID, dashboard: String) {
    self.tenant = tenant
    self.dashboard = dashboard
  }

  init(_ reader: inout ObjectReader) {
    tenant = TenantID(reader.requiredString("tenant_id", length: 1...Limits.tenantIDLength) ?? "")
    dashboard = reader.requiredString("dashboard_id", length: 1...Limits.slugLength) ?? ""
    expiresIn = reader.int("expires_in", in: Limits.embedSeconds) ?? Limits.defaultEmbedSeconds
    permissions = reader.nested("permissions", EmbedPermissions.read) ?? EmbedPermissions()
    context = reader.sessionContext("context")
    timezone = reader.string("timezone", length: 1...100)
    locale = reader.string("locale", length: 2...35)
    if let locale,
      !locale.utf8.allSatisfy({
        $0 < 0x80 && (Character(Unicode.Scalar($0)).isLetter || Character(Unicode.Scalar($0)).isNumber || $0 == 0x2D)
      })
    {
      reader.problem("locale", "locale", "must be a language tag such as en or de-CH")
    }
    allowedOrigins = reader.origins("allowed_origins")
  }
}

extension EmbedSession {
  var json: JSONValue {
    .compact([
      "session_id": .string(id.rawValue), "tenant_id": .string(tenantID.rawValue), "dashboard_id": .string(dashboardID.rawValue),
      "environment": .string(environment.rawValue), "permissions": permissions.json, "context": context,
      "data_app_id": dataAppID.map { .string($0.rawValue) },
      "timezone": .optional(timezone), "locale": .optional(locale),
      "allowed_origins": allowedOrigins.map { JSONValue.strings($0) } ?? .null, "created_at": createdAt.json,
      "created_by": .string(createdBy), "expires_at": expiresAt.json,
    ])
  }
}
