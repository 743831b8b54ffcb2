import Access
import ConfigStore
import Domain
import Hummingbird
import QueryEngine

/// `/v1/discover`: what events there are, and a first dashboard made of it. `/v1/events/recent`: how they come in. `/v1/tenants`: whose events there
/// are.
struct DiscoverController: Controller {
  let queries: QueryService
  let dashboards: DashboardRepository
  let organizations: OrganizationRepository
  let audit: AuditLog
  let clock: TimeSource

  var endpoints: [Endpoint] {
    [
      Endpoint(.get, "/v1/discover", .read, endsWithClient: true, discover),
      Endpoint(.post, "/v1/discover/auto-create", .edit, autoCreate),
      Endpoint(.get, "/v1/events/recent", .admin, endsWithClient: true, recent),
      Endpoint(.get, "/v1/tenants", .read, endsWithClient: true, tenants),
    ]
  }

  private func discover(_ request: APIRequest) async throws -> Response {
    let (tenant, environment) = try request.readQuery {
      ($0.string("tenant_id", length: 1...Limits.tenantIDLength), $0.string("environment", length: 1...50))
    }
    let account = try request.account(environment: environment.map { EnvironmentName($0) })
    let scope = try queries.scope(account, tenant: tenant.map { TenantID($0) }, timezone: nil)
    return .json(try await queries.executor.run(Discovery(scope: scope)).json)
  }

  private func autoCreate(_ request: APIRequest) async throws -> Response {
    let (name, environment) = try APIRequest.read(try await request.optionalJSON()) {
      ($0.string("name", length: 1...Limits.nameLength), $0.string("environment", length: 1...50))
    }
    let account = try request.account(environment: environment.map { EnvironmentName($0) })
    let report = try await queries.executor.run(
      Discovery(scope: try queries.scope(account, tenant: nil, timezone: nil)))
    var config = try AutoDashboard.make(from: report, name: name)
    if let organization = try await organizations.get(account.organization) { config = organization.begin(config) }
    let dashboard = try await dashboards.create(config, for: account, at: clock())
    try await audit.record(
      "dashboard.create", "dashboard", dashboard.id.rawValue, by: account, from: request, after: dashboard.summary)
    return .json(["dashboard_id": .string(dashboard.id.rawValue), "dashboard": dashboard.json], status: .created)
  }

  private func recent(_ request: APIRequest) async throws -> Response {
    let (tenant, name, environment) = try request.readQuery {
      (
        $0.requiredString("tenant_id", length: 1...Limits.tenantIDLength),
        $0.requiredString("event_name", length: 1...Limits.eventNameLength),
        $0.string("environment", length: 1...50)
      )
    }
    guard let tenant, let name else { return .json(["data": []]) }
    let account = try request.account(environment: environment.map { EnvironmentName($0) })
    let scope = try queries.scope(account, tenant: TenantID(tenant), timezone: nil)
    return .json(["data": .array(try await queries.executor.run(RecentEvents(scope: scope, eventName: name)))])
  }

  private func tenants(_ request: APIRequest) async throws -> Response {
    let (environment, page) = try request.readQuery { ($0.string("environment", length: 1...50), $0.page()) }
    let account = try request.account(environment: environment.map { EnvironmentName($0) })
    let scope = try queries.scope(account, tenant: nil, timezone: nil)
    let found = try await queries.executor.run(
      try Planner(scope: scope).tenants(after: page.cursor.map { TenantID($0) }, limit: page.limit))
    return .page(found.tenants.map(\.json), nextCursor: found.more ? found.tenants.last?.tenant.rawValue : nil)
  }
}
