public import ClickHouse
public import Domain

/// How to ask for the ``TenantData`` of a scope.
///
/// ```swift
/// let data = try await executor.run(TenantDataPlan(scope: scope))
/// ```
public struct TenantDataPlan: Sendable {
  public let scope: Scope

  public init(scope: Scope) { self.scope = scope }

  /// A single one, run as the scope's own role.
  public var statements: [Statement] { [Statement(.tenantData, sql)] }

  private var sql: SQL {
    let conditions = RollupTables.conditions(of: scope)
    let counts: SQL = "FROM \(identifier: RollupTables.days) WHERE \(conditions)"
    guard case .one = scope.tenant else {
      return "SELECT sum(n), toUnixTimestamp64Milli(max(last_ingested)) \(counts)"
    }
    // Days that were rolled up alike come in one row: the names of properties, then the days, their events and their builds. Months follow,
    // each in a row of its own.
    return """
      SELECT sum(events), toUnixTimestamp64Milli(max(last)), if(built = events, build, 0) > 0 AS is_valid, \
      if(is_valid, lists, (\(Self.noLists))) AS held, \
      groupArray(toInt32(date)) AS dates, groupArray(events), groupArray(build) FROM \
      (SELECT date, sum(count) AS events, max(ingested) AS last, max(number) AS build, argMax(built_count, number) AS built, \
      argMax(names, number) AS lists FROM \
      (SELECT day AS date, n AS count, last_ingested AS ingested, toUInt64(0) AS number, toInt64(0) AS built_count, \
      (\(Self.noLists)) AS names \(counts) \
      UNION ALL SELECT day, 0, toDateTime64(0, 3, 'UTC'), build, n, \
      (dimensions, halves, omitted_dimensions, measures, omitted_measures) \
      FROM \(identifier: RollupTables.builds) WHERE \(conditions) AND width = 'day') \
      GROUP BY date HAVING events != 0) GROUP BY is_valid, held \
      UNION ALL SELECT 0, 0, 2, (dimensions, halves, omitted_dimensions, measures, omitted_measures), [toInt32(day)], [n], [build] \
      FROM \(identifier: RollupTables.builds) WHERE \(conditions) AND width = 'month' ORDER BY build DESC LIMIT 1 BY day
      """
  }

  private static let noLists: SQL = SQL.join(Array(repeating: "emptyArrayString()", count: 5), separator: ", ")

  /// - Parameter rows: those of the statement.
  public func shape(_ rows: [[JSONValue]]) -> TenantData {
    var events = 0
    var last: Int64 = 0
    var days: [TenantData.Day] = []
    var months: [TenantData.Month] = []
    for row in rows {
      events += row[0].numberValue.map { Int($0) } ?? 0
      last = max(last, row[1].numberValue.map { Int64($0) } ?? 0)
      guard row.count > 6 else { continue }
      let names = (row[3].arrayValue ?? []).map { Set(($0.arrayValue ?? []).compactMap { $0.stringValue.map { ExactText($0) } }) }
      let width = row[2].numberValue
      let rollup =
        width != 0 && names.count == 5
        ? TenantData.Rollup(
          dimensions: names[0], halves: names[1], omittedDimensions: names[2], measures: names[3], omittedMeasures: names[4]) : nil
      func numbers(_ column: Int) -> [Int] { (row[column].arrayValue ?? []).map { $0.numberValue.map { Int($0) } ?? 0 } }
      for ((day, count), build) in zip(zip(numbers(4), numbers(5)), numbers(6)) {
        let day = CivilDate(daysSinceEpoch: day)
        if width != 2 {
          days.append(TenantData.Day(day: day, events: count, build: rollup == nil ? 0 : build, rollup: rollup))
        } else if let rollup {
          months.append(TenantData.Month(first: day, events: count, build: build, rollup: rollup))
        }
      }
    }
    return TenantData(
      version: TenantData.Version(events: events, lastIngested: last > 0 ? Instant(milliseconds: last) : nil), days: days,
      months: months)
  }
}

extension Executor {
  public func run(_ plan: TenantDataPlan) async throws -> TenantData {
    plan.shape(try await rows(of: plan.statements, role: plan.scope.role).first?.rows ?? [])
  }
}

/// The tables of what is counted in advance, and whose rows of them a scope may see.
enum RollupTables {
  static let days: SQLIdentifier = "emban.tenant_days"
  static let builds: SQLIdentifier = "emban.rollup_days"
  static let rows: SQLIdentifier = "emban.rollups"

  static func conditions(of scope: Scope) -> SQL {
    let whole: SQL = "org_id = \(bind: scope.organization.rawValue) AND environment = \(bind: scope.environment.rawValue)"
    guard case .one(let tenant) = scope.tenant else { return whole }
    return "\(whole) AND tenant_id = \(bind: tenant.rawValue)"
  }
}
