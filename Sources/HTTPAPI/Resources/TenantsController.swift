import Access
import ConfigStore
import Domain
import Hummingbird
import Ingest

/// `/v1/tenants/{tenant_id}/data`: erases a customer.
struct TenantsController: Controller {
  let eraser: TenantEraser
  let cache: ResultCache?
  let audit: AuditLog

  var endpoints: [Endpoint] {
    [Endpoint(.delete, "/v1/tenants/:tenant_id/data", .admin, erase)]
  }

  private func erase(_ request: APIRequest) async throws -> Response {
    let environment = try request.readQuery { $0.string("environment", length: 1...50) }
    let account = try request.account(environment: environment.map { EnvironmentName($0) })
    let tenant = TenantID(try request.parameter("tenant_id"))
    // Written down before: an erasure that was asked for and did not end must be known, too.
    try await audit.record(
      "tenant.erase", "tenant", tenant.rawValue, by: account, from: request,
      after: ["environment": .string(account.environment.rawValue)])
    let count = try await eraser.erase(tenant, of: IngestScope(organization: account.organization, environment: account.environment))
    // No question finds the tenant's answers any more; here they need not stay in memory either.
    cache?.removeAll()
    return .json(["tenant_id": .string(tenant.rawValue), "deleted_events": .int(count)])
  }
}
