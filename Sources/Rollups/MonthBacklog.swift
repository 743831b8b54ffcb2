internal import ClickHouse
internal import Domain

/// A month of a tenant whose days are all rolled up, and which is to be joined from them: a value without I/O.
struct MonthBacklog: Sendable, Hashable {
  let tenant: TenantKey
  let first: CivilDate
  let events: Int
  /// Later than those of its days.
  let build: Int
  /// Days with the build whose rows stand for all their events.
  let days: [Day]
  let dimensions: [ExactText]
  let omittedDimensions: [ExactText]
  let measures: [ExactText]
  let omittedMeasures: [ExactText]

  struct Day: Sendable, Hashable {
    let day: CivilDate
    let build: Int
  }

  /// The first day after it.
  var end: CivilDate { first.adding(months: 1) }

  // MARK: What is to be built

  /// Rows of: organisation, environment, tenant, number of the month (202611), events, newest build of its days, days, their builds, and of
  /// names of properties: dimensions of every day, of any day, omitted on any day, measures of any day, omitted on any day.
  /// - Parameters:
  ///   - own: further conditions on the tenant.
  ///   - today: what is not over then is left out.
  static func statement(own: SQL, today: CivilDate) -> SQL {
    let end: SQL = "toDate32(\(bind: today.startOfMonth.iso8601))"
    let rows = RollupTable.daysAndBuilds(
      of: "\(own) AND day < \(end)",
      inDays: """
        (org_id, environment, tenant_id) IN \
        (SELECT org_id, environment, tenant_id FROM \(identifier: RollupTable.builds) WHERE \(own))
        """)
    return """
      SELECT due.* FROM (SELECT org_id, environment, tenant_id, toYYYYMM(date) AS month, sum(events) AS total, max(newest) AS latest, \
      groupArray(toInt32(date)), groupArray(newest), groupArrayIntersect(held.1), groupUniqArrayArray(held.1), \
      groupUniqArrayArray(held.2), groupUniqArrayArray(held.3), groupUniqArrayArray(held.4) FROM \
      (SELECT org_id, environment, tenant_id, date, sum(count) AS events, max(number) AS newest, argMax(counted, number) AS built, \
      argMax(names, number) AS held FROM (\(rows)) \
      GROUP BY org_id, environment, tenant_id, date HAVING events != 0) \
      GROUP BY org_id, environment, tenant_id, month HAVING countIf(newest = 0 OR built != events) = 0) AS due \
      LEFT JOIN (SELECT org_id, environment, tenant_id, toYYYYMM(day) AS month, max(build) AS made, argMax(n, build) AS joined \
      FROM \(identifier: RollupTable.builds) WHERE \(own) AND width = 'month' GROUP BY org_id, environment, tenant_id, month) AS done \
      USING (org_id, environment, tenant_id, month) WHERE joined != total OR made <= latest
      """
  }

  /// - Parameter row: one of the statement's.
  init?(row: [JSONValue], now: Instant) {
    guard row.count >= 13, let tenant = TenantKey(row),
      let first = CivilDate(year: row[3].intValue / 100, month: row[3].intValue % 100, day: 1)
    else { return nil }
    self.tenant = tenant
    self.first = first
    events = row[4].intValue
    build = max(Int(now.milliseconds), row[5].intValue + 1)
    func numbers(_ column: Int) -> [Int] { (row[column].arrayValue ?? []).map(\.intValue) }
    func names(_ column: Int) -> Set<ExactText> { Set((row[column].arrayValue ?? []).compactMap { $0.stringValue.map { ExactText($0) } }) }
    days = zip(numbers(6), numbers(7)).map { Day(day: CivilDate(daysSinceEpoch: $0), build: $1) }.sorted { $0.day < $1.day }
    // A day that leaves one out has no rows for the values of it, nor one for events without it.
    let everyDay = names(8)
    dimensions = everyDay.sorted()
    omittedDimensions = names(9).union(names(10)).subtracting(everyDay).sorted()
    omittedMeasures = names(12).sorted()
    measures = names(11).subtracting(names(12)).sorted()
  }

  // MARK: Statements

  /// The rows of its days → rows of the month.
  var insert: SQL {
    let builds = days.map { "(\($0.day.daysSinceEpoch), \($0.build))" }.joined(separator: ", ")
    return """
      INSERT INTO \(identifier: RollupTable.rows) (org_id, environment, tenant_id, width, dimension, measure, event_name, bucket, value, build, \
      n, s, mn, mx, quantiles, users) \
      SELECT \(tenant.columns), 'month', dimension, measure, event_name, toDateTime(\(bind: first.midnightUTC)), value, \
      toUInt64(\(bind: build)), sum(n), sum(s), min(mn), max(mx), quantileBFloat16MergeState(quantiles), uniqCombined64MergeState(17)(users) \
      FROM \(identifier: RollupTable.rows) WHERE \(tenant.conditions) AND width = 'day' \
      AND dimension IN \(bind: dimensions.map(\.text)) AND measure IN \(bind: [""] + measures.map(\.text)) \
      AND bucket >= toDateTime(\(bind: first.midnightUTC)) AND bucket < toDateTime(\(bind: end.midnightUTC)) \
      AND (toInt32(toDate32(bucket)), build) IN (\(SQL(trusted: builds))) GROUP BY dimension, measure, event_name, value
      """
  }

  /// A row of: for how many dimensions there are rows, fewest and most events of one of them.
  var totals: SQL {
    """
    SELECT count(), min(total), max(total) FROM (SELECT dimension, sum(n) AS total FROM \(identifier: RollupTable.rows) \
    WHERE \(tenant.conditions) AND width = 'month' AND measure = '' AND build = \(bind: build) \
    AND bucket = toDateTime(\(bind: first.midnightUTC)) GROUP BY dimension)
    """
  }

  /// The record of the month, JSON; nil when its rows do not all count its events.
  /// - Parameter rows: those of ``totals``.
  func record(_ rows: [[JSONValue]]) -> String? {
    guard rows.first?.map(\.intValue) == [dimensions.count, events, events] else { return nil }
    return BuildRecord(
      tenant: tenant, width: "month", day: first, build: build, events: events, dimensions: dimensions, halves: [],
      omittedDimensions: omittedDimensions, measures: measures, omittedMeasures: omittedMeasures
    ).line
  }
}
