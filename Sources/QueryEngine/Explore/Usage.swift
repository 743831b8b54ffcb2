internal import ClickHouse
public import Domain

/// How many events an organisation has stored, by UTC day, from what is counted as they are stored: no event is read.
public struct UsageReport: Sendable, Hashable {
  public struct Day: Sendable, Hashable {
    public let day: CivilDate
    public let events: Int
    /// Customers with events on that day.
    public let tenants: Int
  }

  /// Every day of the range, in its order.
  public let days: [Day]
  /// Customers with events within the range, and of any time.
  public let tenants: Int
  public let tenantsTotal: Int

  public var events: Int { days.reduce(0) { $0 + $1.events } }

  /// The calendar months that the range touches, each by its first day, with the events of those of its days that are within the range.
  public var months: [(first: CivilDate, events: Int)] {
    var months: [(first: CivilDate, events: Int)] = []
    for day in days {
      if months.last?.first != day.day.startOfMonth { months.append((day.day.startOfMonth, 0)) }
      months[months.count - 1].events += day.events
    }
    return months
  }
}

/// How to ask for a ``UsageReport``.
public struct UsagePlan: Sendable {
  public let scope: Scope
  public let statements: [Statement]
  private let days: ClosedRange<CivilDate>

  /// - Parameter days: UTC days, both ends included.
  public init(scope: Scope, days: ClosedRange<CivilDate>) {
    self.scope = scope
    self.days = days
    let source: SQL = "FROM \(identifier: RollupTables.days) WHERE \(RollupTables.conditions(of: scope))"
    let isWithin: SQL = """
      toInt32(day) >= \(bind: days.lowerBound.daysSinceEpoch) AND toInt32(day) <= \(bind: days.upperBound.daysSinceEpoch)
      """
    statements = [
      Statement(
        .result,
        """
        SELECT toInt32(day) AS number, sum(events), count() FROM (SELECT day, tenant_id, sum(n) AS events \(source) AND \(isWithin) \
        GROUP BY day, tenant_id HAVING events > 0) GROUP BY number ORDER BY number
        """),
      Statement(
        .tenants,
        """
        SELECT countIf(inside > 0), count() FROM (SELECT tenant_id, sumIf(n, \(isWithin)) AS inside, sum(n) AS total \(source) \
        GROUP BY tenant_id HAVING total > 0)
        """),
    ]
  }

  func shape(_ answers: [[[JSONValue]]]) -> UsageReport {
    func number(_ value: JSONValue) -> Int { value.numberValue.map { Int($0) } ?? 0 }
    var found: [Int: UsageReport.Day] = [:]
    for row in answers.first ?? [] where row.count == 3 {
      let day = CivilDate(daysSinceEpoch: number(row[0]))
      found[day.daysSinceEpoch] = UsageReport.Day(day: day, events: number(row[1]), tenants: number(row[2]))
    }
    let totals = answers.dropFirst().first?.first ?? []
    return UsageReport(
      days: (days.lowerBound.daysSinceEpoch...days.upperBound.daysSinceEpoch).map {
        found[$0] ?? UsageReport.Day(day: CivilDate(daysSinceEpoch: $0), events: 0, tenants: 0)
      },
      tenants: totals.first.map(number) ?? 0, tenantsTotal: totals.dropFirst().first.map(number) ?? 0)
  }
}

extension Executor {
  public func run(_ plan: UsagePlan) async throws -> UsageReport {
    plan.shape(try await rows(of: plan.statements, role: plan.scope.role).map(\.rows))
  }
}
