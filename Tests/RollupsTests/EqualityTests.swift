import ClickHouse
import Domain
import QueryEngine
import Rollups
import TestSupport
import Testing

/// The same question planned with rollups and without, on the real server: the same answer.
@Suite(.serialized) struct EqualityTests {
  static let zones = ["UTC", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"]

  /// Of one dimension, as far as rollups go, and of the events' names.
  private static let filters: [[QueryFilter]] = [
    [],
    [.string(.property("model"), .equal, values: ["gpt-4"])],
    [.string(.property("model"), .equal, values: [""])],
    [.string(.property("model"), .notEqual, values: ["gpt-4"])],
    [.string(.property("model"), .isIn, values: ["claude", "a`b", "nothing"])],
    [.string(.property("model"), .isNotIn, values: ["claude", ""]), .string(.property("model"), .contains, values: ["GPT"])],
    [.string(.property("model"), .contains, values: ["O"]), .string(.eventName, .isNotIn, values: ["it's"])],
  ]

  private static let ranges: [TimeSelection] = [
    .period(.quarter),
    .range(DateRange(from: .day(day("2026-09-10")), to: .day(day("2026-11-03")))),
    .range(DateRange(from: .instant(moment("2026-09-20T05:17:00Z")), to: .instant(moment("2026-11-20T09:43:00Z")))),
  ]

  private struct Both {
    var rolled: QueryResult
    var raw: QueryResult
    /// The raw answer from bounded memory, where there is one.
    var bounded: QueryResult
    var usesRollups: Bool
  }

  /// - Parameter rolled: whether the question must be answered from rollups; nil for either.
  private func ask(
    _ query: WidgetQuery, _ kind: WidgetKind, _ world: World, _ data: TenantData, zone: Zone,
    permissions: EmbedPermissions = EmbedPermissions(), rolled: Bool? = true
  ) async throws -> Both {
    let scope = try world.scope(zone, permissions: permissions)
    let plan = try Planner(scope: scope, tenantData: data).plan(query, kind: kind)
    let raw = try Planner(scope: scope).plan(query, kind: kind)
    if let rolled { #expect(plan.usesRollups == rolled, "\(kind) \(query) \(zone)") }
    #expect(!raw.usesRollups)
    let exact = try await world.executor.run(raw)
    var bounded = exact
    if raw.statements.contains(where: { $0.fallback != nil }) {
      var answers: [[[JSONValue]]] = []
      for statement in raw.statements {
        answers.append(try await world.client.query(statement.fallback ?? statement.sql, as: scope.role).rows)
      }
      bounded = ResultShaper.shape(raw, answers)
    }
    return Both(rolled: try await world.executor.run(plan), raw: exact, bounded: bounded, usesRollups: plan.usesRollups)
  }

  private func expectEqual(_ both: Both, _ metric: Metric, sourceLocation: SourceLocation = #_sourceLocation, _ what: String) {
    // Percentiles of few events: the nearest event instead of a value between two, as the raw answer from bounded memory has it.
    let expected = metric.quantile == nil || !both.usesRollups ? both.raw : both.bounded
    let rolled = both.rolled
    #expect(rolled.columns == expected.columns, "\(what)", sourceLocation: sourceLocation)
    #expect(rolled.meta.truncated == expected.meta.truncated, "\(what)", sourceLocation: sourceLocation)
    #expect(
      Self.agree(rolled.rows, expected.rows), "\(what)\n\(rolled.rows.prefix(8))\n\(expected.rows.prefix(8))",
      sourceLocation: sourceLocation)
    #expect(
      Self.agree(rolled.previous?.rows ?? [], expected.previous?.rows ?? []), "previous, \(what)", sourceLocation: sourceLocation)
  }

  private static func agree(_ left: [[JSONValue]], _ right: [[JSONValue]], within part: Double = 1e-9) -> Bool {
    left.count == right.count
      && zip(left, right).allSatisfy { left, right in
        left.count == right.count
          && zip(left, right).allSatisfy { left, right in
            guard let first = left.numberValue, let second = right.numberValue else { return left == right }
            return abs(first - second) <= part * max(1, abs(second))
          }
      }
  }

  private func query(_ metric: Metric, _ filters: [QueryFilter] = [], time: TimeSelection, event: String? = nil) -> WidgetQuery {
    WidgetQuery(
      eventName: event, metric: metric, numericProp: metric.needsNumericProperty ? (metric == .sum ? "tokens" : "latency_ms") : nil,
      time: time, filters: filters)
  }

  @Test(arguments: Metric.allCases, zones) func kpi(metric: Metric, zone: String) async throws {
    let world = try await World.shared()
    let data = try await world.tenantData()
    // In each zone another part of all combinations.
    let place = Self.zones.firstIndex(of: zone) ?? 0
    for index in 0..<4 {
      let number = place * 4 + index
      var query = query(
        metric, Self.filters[number % Self.filters.count], time: Self.ranges[number % Self.ranges.count],
        event: number % 2 == 1 ? "api.call" : nil)
      query.compare = [nil, .previousPeriod, .previousYear][(number / 3) % 3]
      let both = try await ask(query, .kpi, world, data, zone: Zone(zone))
      expectEqual(both, metric, "\(query) \(zone)")
      #expect(both.rolled.meta.approximate == (metric.quantile != nil || metric.countsUniques))
    }
  }

  @Test(arguments: Metric.allCases, zones) func timeseries(metric: Metric, zone: String) async throws {
    let world = try await World.shared()
    let data = try await world.tenantData()
    let place = Self.zones.firstIndex(of: zone) ?? 0
    let kinds: [(Dimension?, Comparison?)] = [(nil, nil), (.property("model"), nil), (nil, .previousPeriod), (.eventName, .previousPeriod)]
    for (index, granularity) in [Granularity.hour, .day, .week, .month].enumerated() {
      let number = place + index
      let (dimension, compare) = kinds[number % kinds.count]
      var query = query(metric, time: Self.ranges[number % Self.ranges.count])
      if granularity == .hour { query.time = .range(DateRange(from: .day(day("2026-10-20")), to: .day(day("2026-11-09")))) }
      (query.granularity, query.groupBy, query.compare, query.limit) = (granularity, dimension, compare, dimension == nil ? nil : 4)
      let both = try await ask(query, .timeseries, world, data, zone: Zone(zone), rolled: nil)
      // Days begin within half-hours in Kathmandu, too many to be edges; states of single values are kept for whole days only.
      if zone != "Asia/Kathmandu", dimension == nil { #expect(both.usesRollups, "\(query) \(zone)") }
      expectEqual(both, metric, "\(query) \(zone)")
    }
  }

  @Test(arguments: Metric.allCases) func groups(metric: Metric) async throws {
    let world = try await World.shared()
    let data = try await world.tenantData()
    for dimension in [Dimension.property("model"), .property("region"), .property("nothing"), .eventName] {
      for (zone, other, compare, limit) in [
        ("UTC", true, nil, 2), ("America/New_York", false, Comparison.previousPeriod, 100), ("Asia/Kolkata", true, .previousYear, 2),
      ] {
        var query = query(metric, time: Self.ranges[limit == 2 ? 0 : 2])
        (query.groupBy, query.compare, query.limit, query.other) = (dimension, compare, limit, other)
        query.order = limit == 2 ? .descending : .ascending
        if dimension != .eventName { query.filters = [.string(dimension, .notEqual, values: ["gpt-4"])] }
        let both = try await ask(query, limit == 2 ? .breakdown : .table, world, data, zone: Zone(zone))
        expectEqual(both, metric, "\(query) \(zone)")
      }
    }
  }

  @Test(arguments: Metric.allCases) func pivotsAndHeatmaps(metric: Metric) async throws {
    let world = try await World.shared()
    let data = try await world.tenantData()
    for zone in Self.zones {
      var query = query(metric, time: Self.ranges[0])
      (query.groupBy, query.groupBy2) = (.property("model"), .eventName)
      expectEqual(try await ask(query, .table, world, data, zone: Zone(zone)), metric, "\(query) \(zone)")
      let week = self.query(metric, time: Self.ranges[2])
      let both = try await ask(week, .heatmap, world, data, zone: Zone(zone), rolled: zone != "Asia/Kathmandu")
      expectEqual(both, metric, "\(week) \(zone)")
    }
  }

  @Test func twoMetrics() async throws {
    let world = try await World.shared()
    let data = try await world.tenantData()
    for (second, property) in [(Metric.avg, "latency_ms"), (.count, nil), (.max, "delta"), (.min, "tokens"), (.countUnique, nil)] {
      for kind in [WidgetKind.breakdown, .timeseries] {
        var query = query(.sum, time: Self.ranges[1])
        (query.secondMetric, query.secondNumericProp) = (second, property)
        if kind == .breakdown { query.groupBy = .property("model") } else { query.granularity = .week }
        expectEqual(try await ask(query, kind, world, data, zone: Zone("America/New_York")), .sum, "\(query)")
      }
    }
  }

  /// What the session locks holds in rollups as in events.
  @Test func lockedFilters() async throws {
    let world = try await World.shared()
    let data = try await world.tenantData()
    let locked = EmbedPermissions(lockedFilters: ["model": ["gpt-4", "llama"]])
    for metric in Metric.allCases {
      let query = query(metric, time: Self.ranges[0])
      let both = try await ask(query, .kpi, world, data, zone: .utc, permissions: locked)
      expectEqual(both, metric, "\(query)")
      if metric.isAdditive { #expect(both.rolled.rows != (try await ask(query, .kpi, world, data, zone: .utc)).rolled.rows) }
    }
    let names = EmbedPermissions(lockedFilters: ["event_name": ["login"]])
    var grouped = query(.count, time: Self.ranges[0])
    grouped.groupBy = .eventName
    let both = try await ask(grouped, .breakdown, world, data, zone: .utc, permissions: names)
    #expect(both.rolled.rows.map { $0[0] } == ["login"])
    expectEqual(both, .count, "\(grouped)")
    // Two dimensions at once are in no row.
    let second = EmbedPermissions(lockedFilters: ["region": ["eu"]])
    grouped.groupBy = .property("model")
    _ = try await ask(grouped, .breakdown, world, data, zone: .utc, permissions: second, rolled: false)
  }

  @Test func whatIsNotRolledUpIsAnsweredFromEvents() async throws {
    let world = try await World.shared()
    let data = try await world.tenantData()
    var queries: [(WidgetQuery, WidgetKind)] = []
    var one = query(.count, [.numeric("latency_ms", .atLeast(1))], time: Self.ranges[0])
    queries.append((one, .kpi))
    one = query(.count, [.string(.userID, .equal, values: ["u1"])], time: Self.ranges[0])
    queries.append((one, .kpi))
    one = query(.count, time: Self.ranges[0])
    one.groupBy = .userID
    queries.append((one, .breakdown))
    one.groupBy = .property("model")
    one.groupBy2 = .property("region")
    queries.append((one, .table))
    one = query(.countUnique, time: Self.ranges[0])
    one.uniqueProp = "model"
    queries.append((one, .kpi))
    one = query(.count, time: .period(.hour))
    queries.append((one, .timeseries))
    one = query(.p95, time: Self.ranges[0])
    (one.secondMetric, one.secondNumericProp, one.groupBy) = (.p95, "tokens", .property("model"))
    queries.append((one, .breakdown))
    // Too many values: nothing of it is counted in advance.
    one = query(.count, [.string(.property("session"), .equal, values: ["s1"])], time: Self.ranges[0])
    for (query, kind) in queries { _ = try await ask(query, kind, world, data, zone: .utc, rolled: false) }
    var strict = data
    strict.policy = RollupPolicy()
    _ = try await ask(query(.count, time: Self.ranges[0]), .kpi, world, strict, zone: .utc, rolled: false)
    strict.policy.minimumEvents = 10_000
    _ = try await ask(one, .kpi, world, strict, zone: .utc, rolled: false)
    _ = try await ask(query(.count, time: Self.ranges[0]), .kpi, world, strict, zone: .utc, rolled: true)
    _ = try await ask(query(.p95, time: Self.ranges[0]), .kpi, world, strict, zone: .utc, rolled: false)
    _ = try await ask(query(.count, time: .period(.day)), .kpi, world, strict, zone: .utc, rolled: false)
  }

  /// All tenants of an organisation together are not rolled up.
  @Test func allTenants() async throws {
    let world = try await World.shared()
    let scope = try Scope(
      organization: OrganizationID(world.organization), environment: .production, tenant: .all, now: World.now, zone: .utc)
    let data = try await world.executor.run(TenantDataPlan(scope: scope))
    #expect(data.version.events == 60_000)
    #expect(data.days.isEmpty)
    let plan = try Planner(scope: scope, tenantData: data).plan(query(.count, time: Self.ranges[0]), kind: .kpi)
    #expect(!plan.usesRollups)
  }

  /// Over days without a rollup, with late events, and halfway through a rebuild.
  @Test func patchesOfEvents() async throws {
    let world = try await World(events: 20_000)
    try await world.build()
    try await world.insert(500, seed: 9, from: "2026-09-15T00:00:00Z", to: "2026-10-20T00:00:00Z", storedAt: "2026-11-20T15:07:10Z")
    // And a day whose count is wrong.
    try await world.client.execute(
      """
      INSERT INTO emban.tenant_days SELECT org_id, environment, tenant_id, day, event_name, 1, last_ingested FROM emban.tenant_days
      WHERE org_id = \(bind: world.organization) AND day = '2026-10-28' AND event_name = 'login' LIMIT 1
      """)
    let data = try await world.tenantData()
    let patches = data.days.filter { $0.rollup == nil }.count
    #expect(patches == 37)
    for metric in Metric.allCases {
      for zone in ["UTC", "America/New_York", "Asia/Kolkata"] {
        var query = query(metric, time: Self.ranges[0])
        expectEqual(try await ask(query, .kpi, world, data, zone: Zone(zone)), metric, "\(query) \(zone)")
        query.granularity = .week
        expectEqual(try await ask(query, .timeseries, world, data, zone: Zone(zone)), metric, "\(query) \(zone)")
        query.granularity = nil
        query.groupBy = .property("model")
        expectEqual(try await ask(query, .table, world, data, zone: Zone(zone)), metric, "\(query) \(zone)")
      }
    }
  }

  /// Against the exact answer, where there are enough events for a percentile to mean something.
  @Test func percentilesAndUsersAreWithinOnePercent() async throws {
    let world = try await World.shared()
    let data = try await world.tenantData()
    for metric in Metric.allCases where metric.quantile != nil || metric.countsUniques {
      for (kind, dimension) in [(WidgetKind.kpi, nil), (.timeseries, nil), (.breakdown, Dimension.property("model"))] {
        var query = query(metric, time: Self.ranges[0])
        if kind == .timeseries { query.granularity = .month }
        query.groupBy = dimension
        let both = try await ask(query, kind, world, data, zone: .utc)
        // By their first column: what is nearly equal may stand in another order.
        let exact = Dictionary(both.raw.rows.map { ($0[0], $0) }, uniquingKeysWith: { first, _ in first })
        let worst = both.rolled.rows.flatMap { row in kind == .kpi ? [(row[0], both.raw.rows[0][0])] : Array(zip(row, exact[row[0]] ?? []))
        }
        .map { left, right -> Double in
          guard let left = left.numberValue, let right = right.numberValue, right != 0 else { return left == right ? 0 : 1 }
          return abs(left - right) / abs(right)
        }.max()
        #expect(both.rolled.rows.count == both.raw.rows.count)
        #expect(worst ?? 1 <= 0.01, "\(metric) \(kind)")
      }
    }
  }
}
