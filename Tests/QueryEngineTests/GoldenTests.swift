import ClickHouse
import Domain
import Foundation
import QueryEngine
import Testing

/// The text and the parameters of statements, beside those in `Tests/Golden`. After a wanted change:
/// `EMBAN_UPDATE_GOLDEN=1 swift test --filter GoldenTests`, then read the difference.
@Suite struct GoldenTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Golden")

  private func check(_ name: String, _ statements: [Statement], sourceLocation: SourceLocation = #_sourceLocation) throws {
    let text = statements.map { statement in
      var parts = ["-- \(statement.purpose.rawValue)\n" + Self.readable(statement.sql)]
      if let fallback = statement.fallback { parts.append("-- \(statement.purpose.rawValue), bounded\n" + Self.readable(fallback)) }
      return parts.joined(separator: "\n")
    }.joined(separator: "\n")
    let file = Self.folder.appending(path: "\(name).sql")
    if ProcessInfo.processInfo.environment["EMBAN_UPDATE_GOLDEN"] != nil {
      try FileManager.default.createDirectory(at: Self.folder, withIntermediateDirectories: true)
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
    let golden = try? String(contentsOf: file, encoding: .utf8)
    #expect(text == golden, "differs from Tests/Golden/\(name).sql", sourceLocation: sourceLocation)
  }

  private static func readable(_ sql: SQL) -> String {
    var text = sql.text
    for keyword in ["FROM emban", "FROM `", "FROM (", "WHERE", "GROUP BY", "HAVING", "ORDER BY", "LIMIT", "ARRAY JOIN", "AS top SELECT"] {
      text = text.replacing(" \(keyword)", with: "\n\(keyword)")
    }
    text = text.replacing(" AND ", with: "\n  AND ")
    return text + "\n" + sql.parameters.map { "--   \($0.name) \($0.type) = \($0.value)\n" }.joined()
  }

  private func plan(
    _ query: WidgetQuery, _ kind: WidgetKind, state: ViewState = ViewState(), permissions: EmbedPermissions = EmbedPermissions(),
    zone: String = "UTC"
  ) throws -> [Statement] {
    try Planner(scope: scope(permissions: permissions, zone: Zone(zone)), dashboard: usage).plan(query, kind: kind, state: state).statements
  }

  @Test(arguments: Metric.allCases) func kpi(metric: Metric) throws {
    let query = WidgetQuery(
      eventName: "api.call", metric: metric, numericProp: metric.needsNumericProperty ? "latency_ms" : nil,
      time: .period(.week))
    try check("kpi-\(metric.rawValue)", plan(query, .kpi))
  }

  @Test func kpiCompared() throws {
    try check(
      "kpi-compared", plan(WidgetQuery(eventName: "api.call", metric: .p95, numericProp: "latency_ms", compare: .previousPeriod), .kpi))
    try check(
      "kpi-compared-year", plan(WidgetQuery(metric: .countUnique, uniqueProp: "session.id", compare: .previousYear), .kpi))
  }

  @Test func kpiUnderAllKindsOfFilter() throws {
    let query = WidgetQuery(
      eventName: "api.call",
      filters: [
        .string(.property("status"), .notEqual, values: ["error"]), .string(.property("region"), .isIn, values: ["eu", "us"]),
        .string(.userID, .isNotIn, values: ["u1", "u2"]), .string(.property("path"), .contains, values: ["100%_\\"]),
        .numeric("tokens", .atLeast(1)), .numeric("tokens", .atMost(1e6)), .numeric("cost", .between(0.5, 2)),
      ])
    let state = ViewState(
      period: .day, dimensions: ["model": ["gpt-4", "it's"]], numericRanges: ["latency_ms": NumericRange(min: 0, max: 500)])
    try check(
      "kpi-filtered",
      plan(query, .kpi, state: state, permissions: EmbedPermissions(lockedFilters: ["plan": ["pro"], "a`b.c\\": ["x", "y"]])))
  }

  @Test(arguments: Granularity.allCases) func timeseries(granularity: Granularity) throws {
    let days = DateRange(from: .day(day("2026-11-01")), to: .day(day("2026-11-01")))
    let query = WidgetQuery(eventName: "api.call", time: .range(days), granularity: granularity)
    try check("timeseries-\(granularity.rawValue)", plan(query, .timeseries, zone: "Europe/Berlin"))
  }

  @Test func timeseriesGroupedAndCompared() throws {
    let query = WidgetQuery(
      eventName: "api.call", metric: .sum, numericProp: "tokens", groupBy: .property("model"), time: .period(.week),
      compare: .previousPeriod)
    try check("timeseries-grouped-compared", plan(query, .timeseries))
    var overlapping = query
    overlapping.time = .range(DateRange(from: .day(day("2024-01-01")), to: .day(day("2026-01-01"))))
    overlapping.compare = .previousYear
    overlapping.groupBy = nil
    try check("timeseries-overlapping", plan(overlapping, .timeseries))
  }

  @Test func groups() throws {
    try check("breakdown", plan(WidgetQuery(eventName: "api.call", groupBy: .property("model")), .breakdown))
    try check(
      "breakdown-event-name",
      plan(WidgetQuery(metric: .avg, numericProp: "latency_ms", groupBy: .eventName, limit: 3, order: .ascending), .breakdown))
    try check(
      "table-compared",
      plan(WidgetQuery(eventName: "api.call", metric: .sum, numericProp: "tokens", groupBy: .userID, compare: .previousPeriod), .table))
  }

  @Test func secondMetrics() throws {
    var query = WidgetQuery(
      eventName: "api.call", time: .period(.week), compare: .previousPeriod, secondMetric: .p95, secondNumericProp: "latency_ms")
    try check("timeseries-second", plan(query, .timeseries))
    query.groupBy = .property("model")
    try check("breakdown-second", plan(query, .breakdown))
  }

  @Test func theRest() throws {
    var query = WidgetQuery(
      eventName: "api.call", metric: .avg, numericProp: "latency_ms", groupBy: .property("model"), time: .period(.week), other: true)
    try check("breakdown-other", plan(query, .breakdown))
    try check("timeseries-other", plan(query, .timeseries))
    (query.compare, query.metric, query.secondMetric, query.uniqueProp) = (.previousPeriod, .sum, .countUnique, "plan")
    try check("table-other-compared", plan(query, .table))
  }

  @Test func heatmapAndPivot() throws {
    try check("heatmap", plan(WidgetQuery(eventName: "api.call", time: .period(.week)), .heatmap, zone: "Asia/Kolkata"))
    let query = WidgetQuery(
      eventName: "api.call", metric: .p90, numericProp: "latency_ms", groupBy: .property("model"), groupBy2: .userID, time: .period(.week))
    try check("table-pivot", plan(query, .table))
  }

  @Test func exploring() throws {
    let planner = Planner(scope: try scope(permissions: EmbedPermissions(lockedFilters: ["plan": ["pro"]])), dashboard: usage)
    try check("filter-values", planner.filterValues(of: .property("model"), search: "gp%", limit: 10).statements)
    let query = try #require(usage.widgets[0].query)
    try check(
      "drill-next", planner.drill(into: query, DrillDown([.init(.property("endpoint"), "/chat")], next: .property("model"))).statements)
    try check("drill-rows", planner.drill(into: query, DrillDown([.init(.property("endpoint"), "/chat")])).statements)
    let bucket = DateRange(from: .instant(moment("2026-11-20T00:00:00Z")), to: .instant(moment("2027-11-21T00:00:00Z")))
    try check(
      "drill-range", planner.drill(into: query, DrillDown([.init(.property("endpoint"), "/chat")], range: bucket, limit: 5)).statements)
    let organization = try scope(tenant: .all)
    try check("tenants", Planner(scope: organization).tenants(after: TenantID("acme"), limit: 20).statements)
    let days = CivilDate(daysSinceEpoch: 20_482)...CivilDate(daysSinceEpoch: 20_486)
    try check("usage", UsagePlan(scope: organization, days: days).statements)
    let discovery = Discovery(scope: organization)
    try check(
      "discover", [discovery.overview] + discovery.details([["api.call", 5, 0, 0, 1, 1_790_000_000_000], ["it's", 2, 0, 0, 1, 0]]))
  }
}
