internal import ClickHouse
internal import Domain

/// A tenant of an organisation's environment.
struct TenantKey: Sendable, Hashable {
  let organization: String
  let environment: String
  let tenant: String

  /// The rows of the tenant, in any table.
  var conditions: SQL {
    "org_id = \(bind: organization) AND environment = \(bind: environment) AND tenant_id = \(bind: tenant)"
  }

  /// The tenant as the first columns of a SELECT into a table.
  var columns: SQL { "\(bind: organization), \(bind: environment), \(bind: tenant)" }

  /// Reads the first three cells of a row.
  init?(_ row: [JSONValue]) {
    guard row.count >= 3, let organization = row[0].stringValue, let environment = row[1].stringValue, let tenant = row[2].stringValue
    else { return nil }
    self.organization = organization
    self.environment = environment
    self.tenant = tenant
  }
}

extension JSONValue {
  var intValue: Int { numberValue.map { Int($0) } ?? 0 }
}
