internal import ClickHouse
public import Domain

/// A customer with events.
public struct TenantSummary: Sendable, Hashable {
  public var tenant: TenantID
  public var events: Int
  public var firstSeen: Instant
  public var lastSeen: Instant

  public var json: JSONValue {
    [
      "tenant_id": .string(tenant.rawValue), "events": .int(events), "first_seen": firstSeen.json, "last_seen": lastSeen.json,
    ]
  }
}

/// How to ask for the customers of a scope, in the order of their ids.
public struct TenantsPlan: Sendable {
  public let scope: Scope
  public let statements: [Statement]
  let limit: Int

  /// The page, and whether there is another after it: ask for it with the last id as `after`.
  public func shape(_ rows: [[JSONValue]]) -> (tenants: [TenantSummary], more: Bool) {
    let tenants = rows.prefix(limit).map { row in
      TenantSummary(
        tenant: TenantID(row[0].stringValue ?? ""), events: row[1].numberValue.map { Int($0) } ?? 0,
        firstSeen: Instant(milliseconds: row[2].numberValue.map { Int64($0) } ?? 0),
        lastSeen: Instant(milliseconds: row[3].numberValue.map { Int64($0) } ?? 0))
    }
    return (tenants, rows.count > limit)
  }
}

extension Planner {
  /// - Throws: ``AppError`` 422 for a limit out of range.
  public func tenants(after: TenantID? = nil, limit: Int = Limits.pageSize) throws(AppError) -> TenantsPlan {
    guard 1...Limits.maximumPageSize ~= limit else {
      throw .invalid("limit", "out_of_range", "must be between 1 and \(Limits.maximumPageSize)")
    }
    let further: SQL = after.map { "tenant_id > \(bind: $0.rawValue)" } ?? .empty
    let sql: SQL = """
      SELECT tenant_id, count() AS events, toUnixTimestamp64Milli(min(timestamp)), toUnixTimestamp64Milli(max(timestamp)) \
      \(EventsSource(scope).from(where: [further])) GROUP BY tenant_id ORDER BY tenant_id LIMIT \(bind: limit + 1)
      """
    return TenantsPlan(scope: scope, statements: [Statement(.tenants, sql)], limit: limit)
  }
}

extension Executor {
  public func run(_ plan: TenantsPlan) async throws -> (tenants: [TenantSummary], more: Bool) {
    plan.shape(try await rows(of: plan.statements, role: plan.scope.role).first?.rows ?? [])
  }
}
