import Domain
import QueryEngine
import Testing

@Suite struct AutoDashboardTests {
  private func report(_ events: [DiscoverReport.EventSummary]) -> DiscoverReport { DiscoverReport(events: events, now: now) }

  private let calls = DiscoverReport.EventSummary(
    name: "api.call", count: 90_000, firstSeen: moment("2026-08-22T00:00:00Z"), lastSeen: now, tenants: 4, sampled: 20_000,
    withUser: 19_000,
    dimensions: [
      .init(name: "model", events: 20_000, cardinality: 5), .init(name: "endpoint", events: 20_000, cardinality: 40),
      .init(name: "region", events: 18_000, cardinality: 3), .init(name: "request_id", events: 20_000, cardinality: 20_000),
      .init(name: "version", events: 20_000, cardinality: 1), .init(name: "rare", events: 12, cardinality: 4),
    ],
    measures: [
      .init(name: "cost_usd", events: 20_000, min: 0, max: 2, average: 0.1, p50: 0.05, p95: 1),
      .init(name: "latency_ms", events: 20_000, min: 3, max: 900, average: 200, p50: 180, p95: 600),
      .init(name: "responseBytes", events: 20_000, min: 3, max: 9e6, average: 200, p50: 180, p95: 600),
    ])

  @Test func aDashboardFitsWhatWasFound() throws {
    let config = try AutoDashboard.make(from: report([calls]))
    #expect(config.name == "API calls overview")
    #expect(
      config.widgets.map(\.title) == [
        "API calls", "Active users", "Total cost", "P95 latency", "API calls over time by model", "Total cost over time",
        "API calls by model",
        "API calls by region", "Total cost by model", "API calls per endpoint", "API calls by weekday and hour",
      ])
    #expect(
      config.widgets.map { "\($0.kind.rawValue) \($0.chart.rawValue)" } == [
        "kpi stat", "kpi stat", "kpi stat", "kpi stat", "timeseries area", "timeseries bar", "breakdown bar", "breakdown list",
        "breakdown bar",
        "table table", "heatmap heatmap",
      ])
    #expect(config.filters.map(\.id) == ["f_period", "f_1", "f_2", "f_3"])
    #expect(config.filters.compactMap(\.dimension?.name) == ["model", "region", "endpoint"])
    #expect(config.widgets[2].format == ValueFormat(style: .currency, decimals: 2, unit: "USD"))
    #expect(config.widgets[3].format == ValueFormat(style: .duration, unit: "ms"))
    #expect(config.widgets.prefix(4).allSatisfy { $0.query?.compare == .previousPeriod && $0.query?.time == .period(.month) })
  }

  @Test func everyDashboardIsOneThatCouldBeSent() throws {
    for events in Self.odd(calls) {
      let config = try AutoDashboard.make(from: report([events]))
      #expect(throws: Never.self, "\(config.json.serialized())") { try DashboardConfig.read(config.json) }
      #expect(try DashboardConfig.read(config.json) == config)
      for (index, widget) in config.widgets.enumerated() {
        let query = try #require(widget.query)
        #expect(throws: Never.self) { try Planner(scope: scope(), dashboard: config).plan(query, kind: widget.kind) }
        for other in config.widgets.prefix(index) { #expect(!overlap(widget.position, other.position), "\(widget.title) \(other.title)") }
      }
    }
  }

  private static func odd(_ calls: DiscoverReport.EventSummary) -> [DiscoverReport.EventSummary] {
    var bare = calls
    (bare.dimensions, bare.measures, bare.withUser) = ([], [], 0)
    var users = bare
    users.withUser = 5
    var noNumbers = calls
    noNumbers.measures = []
    var oneDimension = calls
    oneDimension.dimensions = [.init(name: "time", events: 20_000, cardinality: 2)]
    var hostile = calls
    hostile.name = "<script>alert(1)</script>\u{202E}" + String(repeating: "漢", count: 70)
    hostile.dimensions = [
      .init(name: String(repeating: "é", count: 64), events: 20_000, cardinality: 9), .init(name: "---", events: 20_000, cardinality: 9),
    ]
    hostile.measures = [.init(name: "%%%", events: 20_000, min: -1, max: 1, average: 0, p50: 0, p95: 1)]
    var old = calls
    (old.firstSeen, old.lastSeen) = (moment("2023-11-16T18:15:46.680Z"), moment("2023-11-16T19:14:21.000Z"))
    var years = calls
    (years.firstSeen, years.lastSeen) = (moment("2019-01-01T00:00:00Z"), moment("2023-11-16T19:14:21.000Z"))
    var today = calls
    today.firstSeen = moment("2026-11-20T12:00:00Z")
    var paused = calls
    paused.lastSeen = moment("2026-10-20T12:00:00Z")
    return [calls, bare, users, noNumbers, oneDimension, hostile, old, years, today, paused]
  }

  private func overlap(_ first: GridPosition, _ second: GridPosition) -> Bool {
    first.x < second.x + second.w && second.x < first.x + first.w && first.y < second.y + second.h && second.y < first.y + first.h
  }

  @Test func eventsOfLongAgoAreShownWhenTheyHappened() throws {
    var old = calls
    (old.firstSeen, old.lastSeen) = (moment("2023-11-16T18:15:46.680Z"), moment("2023-11-16T19:14:21.000Z"))
    let config = try AutoDashboard.make(from: report([old]))
    let hours = DateRange(from: .instant(moment("2023-11-16T18:00:00Z")), to: .instant(moment("2023-11-16T20:00:00Z")))
    #expect(config.widgets.allSatisfy { $0.query?.time == .range(hours) && $0.query?.compare == nil })
    #expect(config.filters.first?.control == .dateRange)
    (old.firstSeen, old.lastSeen) = (moment("2019-01-01T00:00:00Z"), moment("2023-11-16T19:14:21.000Z"))
    let days = DateRange(from: .day(day("2023-08-19")), to: .day(day("2023-11-16")))
    #expect(try AutoDashboard.make(from: report([old])).widgets.first?.query?.time == .range(days))
  }
}
