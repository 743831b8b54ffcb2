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
  let dataApps: DataAppRepository
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
    var found: DashboardID?
    if let dashboard {
      found = try await dashboards.get(account.organization, dashboard)?.id
      guard found != nil else { throw AppError.notFound("There is no such dashboard.", code: "dashboard_not_found") }
    }
    try await advance(account, tenant: tenant, dashboards: found.map { [$0] }, request)
    return .noContent()
  }

  /// A data app is known by its name, or it is a published dashboard known by its slug.
  private func refreshDataApp(_ request: APIRequest) async throws -> Response {
    let (name, client) = try APIRequest.read(try await request.optionalJSON()) {
      ($0.string("dataAppName", length: 1...Limits.dataAppNameLength), $0.string("clientId", length: 1...Limits.tenantIDLength))
    }
    let account = try request.account()
    var found: [DashboardID]?
    if let name {
      if let app = try await dataApps.get(account.organization, name: name) {
        found = app.dashboards.map(\.id)
      } else if let dashboard = try await dashboards.dataApp(account.organization, name) {
        found = [dashboard.id]
      } else {
        throw AppError.notFound("There is no data app of this name.", code: "data_app_not_found")
      }
    }
    try await advance(account, tenant: client, dashboards: found, request)
    return .json(["status": "ok"])
  }

  /// - Parameter dashboards: nil for all.
  private func advance(_ account: Account, tenant: String?, dashboards: [DashboardID]?, _ request: APIRequest) async throws {
    let wanted: [DashboardID?] = dashboards.map { $0.map(Optional.some) } ?? [nil]
    for dashboard in wanted {
      try await generations.advance(account.organization, tenant: tenant.map { TenantID($0) }, dashboard: dashboard)
    }
    tenants?.forget(account.organization, tenant: tenant.map { TenantID($0) })
    try await audit.record(
      "cache.refresh", "cache", dashboards?.first?.rawValue ?? "", by: account, from: request,
      after: .compact(["tenant_id": tenant.map(JSONValue.string), "dashboards": dashboards.map { .strings($0.map(\.rawValue)) }]))
  }
}
