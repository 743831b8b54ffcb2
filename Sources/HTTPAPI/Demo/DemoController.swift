import Access
public import ConfigStore
public import Domain
import Hummingbird

/// A customer of the demo's host product.
public struct DemoTenant: Sendable {
  public let id: TenantID
  public let name: String
  public let plan: String

  public init(id: TenantID, name: String, plan: String) {
    self.id = id
    self.name = name
    self.plan = plan
  }
}

/// `/demo`: a small host product with its own back end, which keeps the key and mints a session for whichever customer is looked
/// at. Served by `emban demo` only; without a login, as a demo of made-up data may be.
struct DemoController: Controller {
  let assets: Assets
  let sessions: EmbedSessionsController
  let setup: DemoSetup

  var endpoints: [Endpoint] {
    [
      Endpoint(.get, "/demo", .public, page),
      Endpoint(.get, "/demo/api/tenants", .public, listTenants),
      Endpoint(.post, "/demo/api/session", .public, bodyLimit: Limits.publicBodyBytes, createSession),
    ]
  }

  private func page(_ request: APIRequest) async throws -> Response {
    guard let file = assets.file("pages/demo.html") else { throw AppError.notFound("There is no demo page.") }
    return assets.response(
      file, to: request.request,
      headers: [
        .contentSecurityPolicy:
          "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; connect-src 'self'; font-src 'self'; "
          + "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        .cacheControl: "no-store", .permissionsPolicy: PagesController.permissions,
      ])
  }

  private func current() async throws -> StoredDashboard {
    guard let organization = setup.organization(), let dashboard = try await setup.dashboard(organization),
      dashboard.publishedVersion != nil
    else {
      throw AppError.unavailable("demo_starting", "The demo is still being prepared.", retryAfter: 1)
    }
    return dashboard
  }

  private func listTenants(_: APIRequest) async throws -> Response {
    let dashboard = try await current()
    return .json([
      "dashboard_id": .string(dashboard.id.rawValue), "dashboard_name": .string(dashboard.name),
      "tenants": .array(
        setup.tenants.map { ["id": .string($0.id.rawValue), "name": .string($0.name), "plan": .string($0.plan)] }),
    ])
  }

  /// The address at which the browser has reached us, so that the page may frame it as its own: 127.0.0.1 as well as localhost.
  private static func address(of request: APIRequest, else publicURL: String) -> String {
    guard publicURL.hasPrefix("http://"), let host = request.request.head.authority, Origin.isValid("http://\(host)") else {
      return publicURL
    }
    return "http://\(host)"
  }

  private func createSession(_ request: APIRequest) async throws -> Response {
    let dashboard = try await current()
    let tenant = try await request.readBody { $0.requiredString("tenant_id", length: 1...Limits.tenantIDLength) }
    guard let tenant = setup.tenants.first(where: { $0.id.rawValue == tenant }) else {
      throw AppError.invalid("tenant_id", "unknown_value", "must be one of the demo's customers")
    }
    let issued = try await sessions.create(
      EmbedSessionRequest(tenant: tenant.id, dashboard: dashboard.id.rawValue),
      for: Account(organization: dashboard.organizationID, environment: .production, actor: "demo"))
    return .json(
      [
        "embed_url": .string(sessions.embedURL(issued, at: Self.address(of: request, else: sessions.publicURL))),
        "token": .string(issued.token),
        "expires_at": issued.session.expiresAt.json, "dashboard_id": .string(dashboard.id.rawValue),
      ], status: .created)
  }
}
