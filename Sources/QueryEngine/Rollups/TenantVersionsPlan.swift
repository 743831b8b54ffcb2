internal import ClickHouse
public import Domain

/// How to ask for the versions of many customers' events at once, of whichever organisations: for the program itself, which tells each viewer
/// of its own customer only, and nothing but that there was a change.
public struct TenantVersionsPlan: Sendable {
  public struct Found: Sendable, Hashable {
    public let version: TenantData.Version
    /// How long ago the last event was stored, in seconds by the event store's own clock; nil when there is none.
    public let age: Double?
  }

  private struct Place: Hashable {
    let organization: OrganizationID
    let environment: EnvironmentName
  }

  private struct Key: Hashable {
    let place: Place
    let tenant: TenantID
  }

  private let keys: [Key]

  /// - Parameter scopes: of one tenant each; one of all tenants has no version.
  public init(scopes: [Scope]) {
    keys = scopes.compactMap { scope in
      guard case .one(let tenant) = scope.tenant else { return nil }
      return Key(place: Place(organization: scope.organization, environment: scope.environment), tenant: tenant)
    }
  }

  /// A single one; none when nobody is asked for.
  var statements: [Statement] {
    guard !keys.isEmpty else { return [] }
    let conditions = Dictionary(grouping: keys, by: \.place).map { place, keys -> SQL in
      let tenants = SQL.membership(of: "tenant_id", in: keys.map(\.tenant.rawValue))
      return "(org_id = \(bind: place.organization.rawValue) AND environment = \(bind: place.environment.rawValue) AND \(tenants))"
    }
    let sql: SQL = """
      SELECT org_id, environment, tenant_id, sum(n), toUnixTimestamp64Milli(max(last_ingested)), toUnixTimestamp64Milli(now64(3)) \
      FROM \(identifier: RollupTables.days) WHERE \(SQL.join(conditions, separator: " OR ")) GROUP BY org_id, environment, tenant_id
      """
    return [Statement(.tenantData, sql)]
  }

  /// One for each scope of one tenant, in their order.
  /// - Parameter rows: those of the statement.
  func shape(_ rows: [[JSONValue]]) -> [Found] {
    var found: [Key: Found] = [:]
    for row in rows where row.count == 6 {
      let place = Place(organization: OrganizationID(row[0].stringValue ?? ""), environment: EnvironmentName(row[1].stringValue ?? ""))
      let (events, last, now) = (row[3].numberValue ?? 0, row[4].numberValue ?? 0, row[5].numberValue ?? 0)
      found[Key(place: place, tenant: TenantID(row[2].stringValue ?? ""))] = Found(
        version: TenantData.Version(events: Int(events), lastIngested: last > 0 ? Instant(milliseconds: Int64(last)) : nil),
        age: last > 0 ? max(0, (now - last) / 1000) : nil)
    }
    return keys.map { found[$0] ?? Found(version: TenantData.Version(events: 0, lastIngested: nil), age: nil) }
  }
}

extension Executor {
  /// As the event store's administrator: row policies hold for one organisation at a time.
  public func run(_ plan: TenantVersionsPlan) async throws -> [TenantVersionsPlan.Found] {
    plan.shape(try await rows(of: plan.statements, role: .admin).first?.rows ?? [])
  }
}
