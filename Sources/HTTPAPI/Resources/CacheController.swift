import Access
import ConfigStore
import Domain
import Hummingbird
import QueryEngine

/// Throws cached answers away: `POST /v1/cache/refresh`, and the same as the guest-token API calls it, `POST
/// /api/v2/data-app/refresh-cache`. Answers are never older than the events they are of; this is for whoever wants to be sure.
struct CacheController: Controller {
  let generations: CacheGenerationRepository
  let dashboards: DashboardRepository
  let audit: AuditLog
  let tenants: TenantDataMemory?

  var endpoints: [Endpoint] {
    [
      Endpoint(.post, "/v1/cache/refresh", .admin, refresh),
      Endpoint(.post, "/api/v2/data-app/refresh-cache", .admin, refreshDataApp),
    ]
  }

  private func refresh(_ request: APIRequest) async throws -> Response {
    let (tenant, dashboard) = try APIRequest.read(try await request.optionalJSON()) {
      ($0.string("tenant_id", length: 1...Limits.tenantIDLength), $0.string("dashboard_id", length: 1...Limits.slugLength))
    }
    let account = try request.account()
    var found: StoredDashboard?
    if let dashboard {
      found = try await dashboards.get(account.organization, dashboard)
      guard found != nil else { throw AppError.notFound("There is no such dashboard.", code: "dashboard_not_found") }
    }
    try await advance(account, tenant: tenant, dashboard: found, request)
    return .noContent()
  }

  /// A data app is known by its name: the slug of a published dashboard.
  private func refreshDataApp(_ request: APIRequest) async throws -> Response {
    let (name, client) = try APIRequest.read(try await request.optionalJSON()) {
      ($0.string("dataAppName", length: 1...Limits.slugLength), $0.string("clientId", length: 1...Limits.tenantIDLength))
    }
    let account = try request.account()
    var found: StoredDashboard?
    if let name {
      found = try await dashboards.get(account.organization, name)
      guard let found, found.publishedVersion != nil, found.slug == name else {
        throw AppError.notFound("There is no data app of this name.", code: "data_app_not_found")
      }
    }
    try await advance(account, tenant: client, dashboard: found, request)
    return .json(["status": "ok"])
  }

  private func advance(_ account: Account, tenant: String?, dashboard: StoredDashboard?, _ request: APIRequest) async throws {
    try await generations.advance(account.organization, tenant: tenant.map { TenantID($0) }, dashboard: dashboard?.id)
    tenants?.forget(account.organization, tenant: tenant.map { TenantID($0) })
    try await audit.record(
      "cache.refresh", "cache", dashboard?.id.rawValue ?? "", by: account, from: request,
      after: .compact(["tenant_id": tenant.map(JSONValue.string), "dashboard_id": dashboard.map { .string($0.id.rawValue) }]))
  }
}
