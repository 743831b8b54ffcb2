import Access
import ConfigStore
import Domain
import Hummingbird

/// `POST /api/v2/guest-token/create`: the token of a customer for a data app, for back ends that speak the guest-token API. The token is an
/// ordinary embed token.
struct GuestTokensController: Controller {
  let tokens: EmbedTokens
  let dataApps: DataAppRepository
  let dashboards: DashboardRepository
  let audit: AuditLog

  var endpoints: [Endpoint] {
    [Endpoint(.post, "/api/v2/guest-token/create", .admin, create)]
  }

  private func create(_ request: APIRequest) async throws -> Response {
    let account = try request.account()
    let body = try GuestTokenRequest.read(try await request.json())
    let (app, dashboard) = try await dashboard(of: body.dataApp, account.organization)
    let issued = try await tokens.issue(
      NewEmbedSession(
        organizationID: account.organization, environment: account.environment, tenantID: body.client, dashboardID: dashboard,
        dataAppID: app, permissions: body.permissions, context: .object(body.params), expiresIn: body.expiresIn, createdBy: account.actor))
    try await audit.record(
      "embed_session.create", "embed_session", issued.session.id.rawValue, by: account, from: request,
      after: [
        "tenant_id": .string(body.client.rawValue), "data_app": .string(body.dataApp), "dashboard_id": .string(dashboard.rawValue),
      ])
    return .json(["token": .string(issued.token), "expiresAt": issued.session.expiresAt.json])
  }

  /// The data app of a name and the first of its published dashboards, or the published dashboard that has the name as its slug.
  private func dashboard(of name: String, _ organization: OrganizationID) async throws -> (DataAppID?, DashboardID) {
    if let app = try await dataApps.get(organization, name: name) {
      guard let first = app.dashboards.first(where: \.isPublished) else {
        throw AppError.notFound("None of the dashboards of this data app is published.", code: "data_app_not_found")
      }
      return (app.id, first.id)
    }
    guard let dashboard = try await dashboards.dataApp(organization, name) else {
      throw AppError.notFound("There is no data app of this name.", code: "data_app_not_found")
    }
    return (nil, dashboard.id)
  }
}

extension DashboardRepository {
  /// The published dashboard that counts as a data app of its own, by its slug.
  func dataApp(_ organization: OrganizationID, _ name: String) async throws -> StoredDashboard? {
    guard let found = try await get(organization, name), found.publishedVersion != nil, found.slug.isExactly(name) else { return nil }
    return found
  }
}

/// The body of a request for a guest token.
private struct GuestTokenRequest {
  let client: TenantID
  let dataApp: String
  let permissions: EmbedPermissions
  let expiresIn: Int
  let params: [String: JSONValue]

  /// - Throws: ``AppError`` 422 `client_id_error` when nothing but the client is wrong, otherwise `invalid_request`.
  static func read(_ body: JSONValue) throws(AppError) -> GuestTokenRequest {
    let problems = Problems()
    var reader = ObjectReader(body, problems: problems)
    let client = reader.requiredString("clientId", length: 1...Limits.tenantIDLength)
    let dataApp = reader.requiredString("dataAppName", length: 1...Limits.dataAppNameLength)
    let permissions = reader.nested("permissions", readPermissions)
    let expiresIn = reader.int("expiryTime", in: Limits.embedSeconds)
    let params = reader.sessionContext("params")
    reader.finish()
    if !problems.list.isEmpty, problems.list.allSatisfy({ $0.field == "clientId" }) {
      throw AppError.invalid(problems.list, code: "client_id_error")
    }
    try problems.throwIfAny()
    return GuestTokenRequest(
      client: TenantID(client ?? ""), dataApp: dataApp ?? "", permissions: permissions ?? EmbedPermissions(),
      expiresIn: expiresIn ?? Limits.defaultEmbedSeconds, params: params)
  }

  /// What is left out is as in any embed session.
  private static func readPermissions(_ value: JSONValue, path: String, problems: Problems) -> EmbedPermissions? {
    var reader = ObjectReader(value, path: path, problems: problems)
    guard reader.isObject else { return nil }
    let initial = EmbedPermissions()
    let permissions = EmbedPermissions(
      allowExport: reader.bool("isEnableDownloadMetrics") ?? initial.allowExport,
      allowUnderlyingData: reader.bool("isEnableUnderlyingData") ?? initial.allowUnderlyingData,
      allowCustomizeLayout: reader.bool("isEnableCustomizeLayout") ?? initial.allowCustomizeLayout,
      allowManageWidgets: reader.bool("isEnableManageMetrics") ?? initial.allowManageWidgets)
    reader.finish()
    return permissions
  }
}

extension ObjectReader {
  /// What a back end says of the session's user: free-form, and bounded.
  mutating func sessionContext(_ key: String) -> [String: JSONValue] {
    let context = object(key) ?? [:]
    if context.count > Limits.contextEntries {
      problem(key, "count", "must hold at most \(Limits.contextEntries) entries")
    } else if JSONValue.object(context).serializedBytes().count > Limits.contextBytes {
      problem(key, "length", "must be at most \(Limits.contextBytes) bytes as JSON")
    }
    switch context["userId"] {
    case nil, .null?, .bool?: break
    case .number?:
      // Others are not told apart: 1157920892373161954 and …955 are the same number here.
      if context["userId"].flatMap(SoftFilter.text) == nil {
        problem("\(key).userId", "user_id", "must be a text, or a whole number below 9e15")
      }
    case .string(let user)?:
      if user.utf8.count > Limits.userIDLength || user.unicodeScalars.contains("\0") {
        problem("\(key).userId", "length", "must be at most \(Limits.userIDLength) bytes without NUL characters")
      }
    case let user?:
      if user.serializedBytes().count > Limits.userIDLength {
        problem("\(key).userId", "length", "must be at most \(Limits.userIDLength) bytes as JSON")
      }
    }
    return context
  }
}
