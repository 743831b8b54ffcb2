internal import ClickHouse
internal import Domain

/// The one place that writes the name of the events table. A reference cannot be made without a ``Scope``, and always carries its
/// conditions, whatever else the statement does: in the outer query as in every subquery.
struct EventsSource {
  private static let table: SQLIdentifier = "emban.events"

  let scope: Scope

  init(_ scope: Scope) { self.scope = scope }

  /// `FROM events WHERE <scope> AND <conditions>`, to be followed by GROUP BY and the like.
  func from(where conditions: [SQL]) -> SQL {
    "FROM \(identifier: Self.table) WHERE \(SQL.join(scopeConditions + conditions.filter { !$0.isEmpty }, separator: " AND "))"
  }

  private var scopeConditions: [SQL] {
    var conditions: [SQL] = [
      "org_id = \(bind: scope.organization.rawValue)", "environment = \(bind: scope.environment.rawValue)",
    ]
    if case .one(let tenant) = scope.tenant { conditions.append("tenant_id = \(bind: tenant.rawValue)") }
    return conditions + scope.lockedFilters.map { Conditions.matches($0.dimension, anyOf: $0.values) }
  }
}
