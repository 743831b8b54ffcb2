import ClickHouse
import Domain
import Foundation
import QueryEngine
import Synchronization
import TestSupport
import Testing

/// Widgets that share a scan answer what each answers by itself.
@Suite struct FusionTests {
  // MARK: What is fused

  private static let widgets: [(WidgetQuery, WidgetKind)] = [
    (WidgetQuery(eventName: "api.call", compare: .previousPeriod), .kpi),
    (WidgetQuery(eventName: "api.call", metric: .p95, numericProp: "latency_ms", compare: .previousPeriod), .kpi),
    (WidgetQuery(eventName: "api.call", compare: .previousPeriod), .timeseries),
    (WidgetQuery(eventName: "api.call", metric: .p95, numericProp: "latency_ms", groupBy: .property("model")), .timeseries),
    (WidgetQuery(eventName: "api.call", groupBy: .property("endpoint"), limit: 8), .breakdown),
    (WidgetQuery(eventName: "api.call", metric: .sum, numericProp: "cost", groupBy: .property("model"), compare: .previousPeriod), .table),
    (WidgetQuery(eventName: "login", groupBy: .property("model")), .breakdown),
  ]

  private static func plans(of widgets: [(WidgetQuery, WidgetKind)] = widgets) throws -> [Plan] {
    try widgets.map { try Planner(scope: scope(), dashboard: usage).plan($0, kind: $1) }
  }

  /// A tenant with so many events on each of the last 120 days.
  private static func data(perDay events: Int) -> TenantData {
    let today = day("2026-11-20")
    return TenantData(
      version: TenantData.Version(events: events * 120, lastIngested: now),
      days: (0..<120).map { TenantData.Day(day: today.adding(days: -$0), events: events) })
  }

  private static func fused(_ view: ViewPlan) -> [[Int]] { view.steps.filter { $0.statement != nil }.map { $0.widgets.sorted() } }

  @Test func dashboardOfASmallTenantIsOneStatement() throws {
    let known = KnownDimensions()
    let plans = try Self.plans()
    for plan in plans { Self.teach(known, plan, values: 5) }
    let view = ViewPlan(plans, data: Self.data(perDay: 200), known: known)
    #expect(Self.fused(view) == [[0, 1, 2, 3, 4, 5]])
    #expect(view.steps.flatMap(\.widgets).sorted() == Array(plans.indices))
  }

  /// The endpoint is a column that nobody else reads, over half of the time: reading it alone is quicker.
  @Test func columnOfOneWidgetIsNotReadOverALongerTime() throws {
    let known = KnownDimensions()
    let plans = try Self.plans()
    for plan in plans { Self.teach(known, plan, values: 5) }
    let view = ViewPlan(plans, data: Self.data(perDay: 80_000), known: known)
    #expect(Self.fused(view) == [[0, 1, 2, 3, 5]])
  }

  @Test func dimensionsWithManyValuesStayApart() throws {
    let widgets: [(WidgetQuery, WidgetKind)] = [
      (WidgetQuery(eventName: "api.call"), .timeseries), (WidgetQuery(eventName: "api.call", groupBy: .property("session")), .breakdown),
      (WidgetQuery(eventName: "api.call", groupBy: .userID), .breakdown), (WidgetQuery(eventName: "api.call"), .kpi),
    ]
    let known = KnownDimensions()
    let plans = try Self.plans(of: widgets)
    for plan in plans { Self.teach(known, plan, values: 60_000) }
    let view = ViewPlan(plans, data: Self.data(perDay: 80_000), known: known)
    #expect(Self.fused(view) == [[0, 3]])
  }

  @Test func otherFiltersAndUnsharedKindsAreAskedAlone() throws {
    let filtered = WidgetQuery(eventName: "api.call", filters: [.string(.property("model"), .equal, values: ["gpt-4"])])
    var rest = WidgetQuery(eventName: "api.call", groupBy: .property("model"))
    rest.other = true
    let widgets: [(WidgetQuery, WidgetKind)] = [
      (filtered, .kpi), (WidgetQuery(eventName: "api.call"), .kpi), (rest, .breakdown), (WidgetQuery(metric: .count), .kpi),
    ]
    #expect(Self.fused(ViewPlan(try Self.plans(of: widgets), data: Self.data(perDay: 10))).isEmpty)
  }

  /// What an answer with so many groups would have told.
  private static func teach(_ known: KnownDimensions, _ plan: Plan, values: Int) {
    for name in ["model", "endpoint", "session", "user_id"] {
      known.note(Dimension(name), in: plan.scope, count: values, isAll: true)
    }
  }

  // MARK: Text

  @Test func textOfAFusedScan() throws {
    let known = KnownDimensions()
    let plans = try Self.plans()
    for plan in plans { Self.teach(known, plan, values: 5) }
    let view = ViewPlan(plans, data: Self.data(perDay: 200), known: known)
    try GoldenFile.check("fused-dashboard", view.steps.compactMap(\.statement))
    let kpis = try Self.plans(of: [
      (WidgetQuery(eventName: "api.call", time: .period(.week)), .kpi),
      (WidgetQuery(eventName: "api.call", metric: .sum, numericProp: "cost", time: .period(.week)), .kpi),
    ])
    try GoldenFile.check("fused-kpis", ViewPlan(kpis).steps.compactMap(\.statement))
  }

  // MARK: Answers

  /// Random dashboards over the real server: whatever is fused, the answers are those of the widgets asked one by one.
  @Test(arguments: [UInt64(1), 2, 3, 4]) func answersAreThoseOfTheWidgetsAlone(seed: UInt64) async throws {
    let samples = try await Samples.shared()
    var random = Randomness(seed)
    var fused = 0
    for round in 0..<6 {
      let zone = try Zone(random.pick(["UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]))
      let planner = try samples.planner(zone: zone)
      let plans = try (0..<8).map { _ in
        let (query, kind) = Self.anyQuery(&random)
        return try planner.plan(query, kind: kind)
      }
      let data = random.chance(0.5) ? Self.data(perDay: random.pick([20, 5_000])) : nil
      let view = ViewPlan(plans, data: data, known: KnownDimensions())
      let results = await Self.run(view, with: samples.executor)
      for (index, plan) in plans.enumerated() {
        let alone = try await samples.executor.run(plan)
        let shared = try #require(results[index]).get()
        #expect(shared.columns == alone.columns)
        #expect(Self.agree(shared.rows, alone.rows), "round \(round), widget \(index): \(shared.rows) is not \(alone.rows)")
        #expect(Self.agree(shared.previous?.rows ?? [], alone.previous?.rows ?? []))
        #expect(shared.meta.truncated == alone.meta.truncated)
      }
      fused += Self.fused(view).map(\.count).reduce(0, +)
    }
    #expect(fused > 5, "hardly anything was fused: \(fused)")
  }

  private static func anyQuery(_ random: inout Randomness) -> (WidgetQuery, WidgetKind) {
    let metric = random.pick(Metric.allCases)
    var query = WidgetQuery(
      eventName: random.pick(["api.call", "api.call", "api.call", nil]), metric: metric,
      numericProp: metric.needsNumericProperty ? random.pick(["latency_ms", "delta"]) : nil,
      time: .period(random.pick([.week, .month, .month, .quarter])),
      compare: random.pick([nil, .previousPeriod, .previousYear]), order: random.pick([.descending, .descending, .ascending]))
    let kind = random.pick([WidgetKind.kpi, .timeseries, .timeseries, .breakdown, .table, .heatmap])
    switch kind {
    case .timeseries:
      if random.chance(0.5) { query.groupBy = random.pick([.property("model"), .property("end.point")]) }
      if query.groupBy == nil, random.chance(0.3) { query.secondMetric = .count }
      if query.groupBy != nil { query.limit = random.pick([nil, 2]) }
    case .breakdown, .table:
      query.groupBy = random.pick([.property("model"), .property("we`ird\\"), .userID, .eventName])
      query.limit = random.pick([nil, 3])
      if random.chance(0.3) { query.secondMetric = .countUnique }
    case .heatmap: query.compare = nil
    default: break
    }
    return (query, kind)
  }

  /// A statement for several widgets that the server refuses: each widget is asked again by itself, and only the one that is wrong fails.
  @Test func failureOfOneStaysItsOwn() async throws {
    let samples = try await Samples.shared()
    let planner = try samples.planner()
    let plans = try [
      planner.plan(WidgetQuery(eventName: "api.call"), kind: .kpi),
      planner.plan(WidgetQuery(eventName: "api.call", metric: .max, numericProp: "latency_ms"), kind: .kpi),
    ]
    let view = ViewPlan(plans)
    let statement = try #require(view.steps.first?.statement)
    let refused: Set<SQL> = [statement.sql, plans[1].statements[0].sql]
    let client = try await TestClickHouse.shared().client
    let executor = Executor { sql, role in
      try await client.query(sql, as: role, settings: refused.contains(sql) ? ["max_rows_to_read": "1"] : [:])
    }
    let results = await Self.run(view, with: executor)
    let alone = try await samples.executor.run(plans[0])
    #expect(try #require(results[0]).get().rows == alone.rows)
    #expect(throws: ClickHouseError.self) { try #require(results[1]).get() }
  }

  private static func run(_ view: ViewPlan, with executor: Executor) async -> [Int: Result<QueryResult, any Error>] {
    let results = Results()
    for step in view.steps { await executor.run(step) { index, result in results.found.withLock { $0[index] = result } } }
    return results.found.withLock { $0 }
  }

  private final class Results: Sendable {
    let found = Mutex<[Int: Result<QueryResult, any Error>]>([:])
  }

  private static func agree(_ rows: [[JSONValue]], _ others: [[JSONValue]]) -> Bool {
    rows.count == others.count
      && zip(rows, others).allSatisfy { row, other in
        row.count == other.count
          && zip(row, other).allSatisfy { a, b in
            if let a = a.numberValue, let b = b.numberValue { return abs(a - b) <= 1e-9 * max(1, abs(b)) }
            return a == b
          }
      }
  }
}

/// The text and the parameters of statements, beside those in `Tests/Golden`: written anew with `EMBAN_UPDATE_GOLDEN=1`.
enum GoldenFile {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Golden")

  static func check(_ name: String, _ statements: [Statement], sourceLocation: SourceLocation = #_sourceLocation) throws {
    let text = statements.map { statement in
      var text = statement.sql.text
      for keyword in ["FROM (", "FROM `", "WHERE", "GROUP BY", "ARRAY JOIN"] { text = text.replacing(" \(keyword)", with: "\n\(keyword)") }
      text = text.replacing(", state_", with: ",\n  state_").replacing(" AND ", with: "\n  AND ")
      return text + "\n" + statement.sql.parameters.map { "--   \($0.name) \($0.type) = \($0.value)\n" }.joined()
    }.joined(separator: "\n")
    let file = folder.appending(path: "\(name).sql")
    if ProcessInfo.processInfo.environment["EMBAN_UPDATE_GOLDEN"] != nil { try text.write(to: file, atomically: true, encoding: .utf8) }
    let golden = try? String(contentsOf: file, encoding: .utf8)
    #expect(text == golden, "differs from Tests/Golden/\(name).sql", sourceLocation: sourceLocation)
  }
}
