import ClickHouse
import Domain
import Foundation
import QueryEngine
import Testing

/// The statements over rollups, beside those in `Tests/Golden`. After a wanted change:
/// `EMBAN_UPDATE_GOLDEN=1 swift test --filter RollupGoldenTests`, then read the difference.
@Suite struct RollupGoldenTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Golden")

  /// Ten days; the second has no region, the third no rollup, the last is today.
  private static let data: TenantData = {
    let days = (0..<10).map { index in
      let whole = TenantData.Rollup(
        dimensions: index == 1 ? ["", "model"] : ["", "model", "region"], halves: index == 1 ? ["", "model"] : ["", "model", "region"],
        omittedDimensions: ["session"], measures: ["latency_ms", "tokens"], omittedMeasures: [])
      return TenantData.Day(
        day: day("2026-11-11").adding(days: index), events: 300_000, build: 1_000 + index, rollup: index == 2 || index == 9 ? nil : whole)
    }
    return TenantData(version: TenantData.Version(events: 3_000_000, lastIngested: World.now), days: days)
  }()

  /// From February on; the twentieth of June has no rollup.
  private static let year: TenantData = {
    let rollup = TenantData.Rollup(
      dimensions: ["", "model"], halves: [""], omittedDimensions: [], measures: ["tokens"], omittedMeasures: [])
    let first = day("2026-02-01")
    let days = (0..<293).map { index in
      TenantData.Day(
        day: first.adding(days: index), events: 10_000, build: 7, rollup: first.adding(days: index) == day("2026-06-20") ? nil : rollup)
    }
    let months = (0..<9).map { index in
      let month = first.adding(months: index)
      return TenantData.Month(
        first: month, events: days.reduce(0) { $0 + ($1.day.startOfMonth == month ? $1.events : 0) }, build: 8 + index / 5, rollup: rollup)
    }
    return TenantData(version: TenantData.Version(events: 2_930_000, lastIngested: World.now), days: days, months: months)
  }()

  @Test func aYearOfMonths() throws {
    #expect(Self.year.months.count == 8)
    let time = TimeSelection.range(DateRange(from: .day(day("2026-01-20")), to: .day(day("2026-11-10"))))
    try check("year", WidgetQuery(metric: .p95, numericProp: "tokens", time: time), .kpi, data: Self.year)
    try check("year-months", WidgetQuery(metric: .countUnique, time: time, granularity: .month), .timeseries, data: Self.year)
  }

  private func check(
    _ name: String, _ query: WidgetQuery, _ kind: WidgetKind, zone: String = "UTC", locked: [String: [String]] = [:],
    data: TenantData = Self.data,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let scope = try Scope(
      organization: OrganizationID("org_1"), environment: .production, tenant: TenantID("acme"),
      permissions: EmbedPermissions(lockedFilters: locked), now: World.now, zone: Zone(zone))
    let plan = try Planner(scope: scope, tenantData: data).plan(query, kind: kind)
    #expect(plan.usesRollups)
    let text = plan.statements.map { Self.readable($0.sql) }.joined(separator: "\n")
    let file = Self.folder.appending(path: "rollups-\(name).sql")
    if ProcessInfo.processInfo.environment["EMBAN_UPDATE_GOLDEN"] != nil {
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
    let golden = try? String(contentsOf: file, encoding: .utf8)
    #expect(text == golden, "differs from Tests/Golden/rollups-\(name).sql", sourceLocation: sourceLocation)
  }

  private static func readable(_ sql: SQL) -> String {
    var text = sql.text
    for keyword in ["FROM emban", "FROM `", "FROM (", "WHERE", "GROUP BY", "HAVING", "ORDER BY", "LIMIT", "UNION ALL"] {
      text = text.replacing(" \(keyword)", with: "\n\(keyword)")
    }
    text = text.replacing(" AND ", with: "\n  AND ")
    return text + "\n" + sql.parameters.map { "--   \($0.name) \($0.type) = \($0.value)\n" }.joined()
  }

  private static let week = TimeSelection.range(DateRange(from: .day(day("2026-11-11")), to: .day(day("2026-11-20"))))

  @Test func statements() throws {
    try check("kpi", WidgetQuery(eventName: "api.call", metric: .avg, numericProp: "latency_ms", time: Self.week), .kpi)
    try check("kpi-kolkata", WidgetQuery(metric: .p95, numericProp: "latency_ms", time: Self.week), .kpi, zone: "Asia/Kolkata")
    try check(
      "timeseries", WidgetQuery(metric: .sum, numericProp: "tokens", time: Self.week, granularity: .week), .timeseries,
      zone: "America/New_York")
    try check(
      "breakdown-region", WidgetQuery(metric: .countUnique, groupBy: .property("region"), time: Self.week), .breakdown,
      locked: ["event_name": ["login"]])
    try check(
      "table-compared",
      WidgetQuery(
        groupBy: .property("model"), time: .range(DateRange(from: .day(day("2026-11-14")), to: .day(day("2026-11-17")))),
        compare: .previousPeriod, filters: [.string(.property("model"), .notEqual, values: ["gpt-4"])]), .table)
  }
}
