import ClickHouse
import Domain
import QueryEngine
import TestSupport
import Testing

/// The engine on the real server against a plain computation over the same events.
@Suite struct OracleTests {
  private static let filters: [[QueryFilter]] = [
    [],
    [.string(.property("model"), .equal, values: ["gpt-4"])],
    [.string(.property("model"), .equal, values: [""])],
    [.string(.property("model"), .notEqual, values: ["gpt-4"])],
    [.string(.property("model"), .isIn, values: ["claude", "a'b\\c", "nothing"])],
    [.string(.property("model"), .isNotIn, values: ["claude", ""])],
    [.string(.property("end.point"), .contains, values: ["CHAT"])],
    [.string(.property("end.point"), .contains, values: ["100%_"])],
    [.string(.property("end.point"), .contains, values: ["É漢"])],
    [.string(.property("we`ird\\"), .isIn, values: ["1"]), .string(.userID, .isNotIn, values: ["u1", "u2", ""])],
    [.string(.eventName, .isIn, values: ["it's", "login"])],
    [.numeric("latency_ms", .atLeast(450))],
    [.numeric("latency_ms", .atMost(12.5))],
    [.numeric("delta", .between(-10, 10)), .string(.property("model"), .notEqual, values: [""])],
    [.numeric("nothing", .atMost(1))],
  ]

  private func query(_ metric: Metric, _ filters: [QueryFilter] = [], event: String? = "api.call") -> WidgetQuery {
    WidgetQuery(
      eventName: event, metric: metric, numericProp: metric.needsNumericProperty ? "latency_ms" : nil, time: .period(.month),
      filters: filters)
  }

  private func oracle(_ samples: Samples, _ query: WidgetQuery, _ range: TimeRange?, tenant: String = "acme") -> Oracle {
    Oracle(samples.events, tenant: tenant, name: query.eventName, within: range)
      .filtered { event in query.filters.allSatisfy { Oracle.holds($0, for: event) } }
  }

  @Test(arguments: Metric.allCases) func kpi(metric: Metric) async throws {
    let samples = try await Samples.shared()
    for filters in Self.filters {
      for compare in [nil, Comparison.previousPeriod] {
        var query = query(metric, filters, event: filters.isEmpty ? nil : "api.call")
        query.compare = compare
        let result = try await samples.executor.run(samples.planner().plan(query, kind: .kpi))
        #expect(result.rows.count == 1)
        let expected = oracle(samples, query, result.meta.range).value(query)
        #expect(agree(result.rows[0][0], expected), "\(filters) \(result.rows)")
        guard let previous = result.previous else {
          #expect(compare == nil && result.columns.count == 1)
          continue
        }
        let before = oracle(samples, query, previous.range).value(query)
        #expect(agree(result.rows[0][1], before), "\(filters) \(result.rows)")
        let delta: Double? = if let expected, let before, before != 0 { (expected - before) / abs(before) * 100 } else { nil }
        #expect(agree(result.rows[0][2], delta))
        #expect(agree(previous.rows[0][0], before))
      }
    }
  }

  @Test(arguments: Metric.allCases) func uniquesAreThoseOfAnyDimension(metric: Metric) async throws {
    guard metric.countsUniques else { return }
    let samples = try await Samples.shared()
    for property in ["model", "end.point", "user_id", "event_name", "nothing"] {
      var query = query(metric, event: nil)
      query.uniqueProp = property
      let result = try await samples.executor.run(samples.planner().plan(query, kind: .kpi))
      #expect(agree(result.rows[0][0], oracle(samples, query, result.meta.range).value(query)), "\(property)")
    }
  }

  @Test(arguments: Metric.allCases) func breakdownsAndTables(metric: Metric) async throws {
    let samples = try await Samples.shared()
    for dimension in [Dimension.property("model"), .property("end.point"), .property("nothing"), .eventName, .userID] {
      for (order, limit) in [(SortOrder.descending, 1_000), (.ascending, 1_000), (.descending, 3)] {
        for compare in [nil, Comparison.previousPeriod] {
          var query = query(metric, event: nil)
          (query.groupBy, query.order, query.limit, query.compare) = (dimension, order, limit, compare)
          let result = try await samples.executor.run(samples.planner().plan(query, kind: limit == 3 ? .breakdown : .table))
          try check(result, samples, query, dimension)
        }
      }
    }
  }

  private func check(_ result: QueryResult, _ samples: Samples, _ query: WidgetQuery, _ dimension: Dimension) throws {
    let groups = oracle(samples, query, result.meta.range).groups(dimension)
    let sorted = groups.map { ($0.key, $0.value.value(query)) }.sorted { left, right in
      guard left.1 != right.1 else { return Array(left.0.utf8).lexicographicallyPrecedes(Array(right.0.utf8)) }
      guard let first = left.1, let second = right.1 else { return left.1 != nil }
      return query.order == .descending ? first > second : first < second
    }
    let wanted = sorted.prefix(query.limit ?? .max)
    #expect(result.meta.truncated == (sorted.count > wanted.count))
    #expect(result.rows.map { $0[0] } == wanted.map { JSONValue.string($0.0) }, "\(query)")
    let total = groups.values.compactMap { $0.value(query) }.reduce(0, +)
    let before = result.previous.map { oracle(samples, query, $0.range).groups(dimension) }
    for (row, (name, value)) in zip(result.rows, wanted) {
      #expect(agree(row[1], value), "\(query) \(name)")
      let share = result.columns.firstIndex { $0.name == "share" }
      #expect((share != nil) == query.metric.isAdditive)
      if let share { #expect(agree(row[share], value.map { $0 / total })) }
      if let before, let place = result.columns.firstIndex(where: { $0.name == "previous_value" }) {
        let earlier = before[name].map { $0.value(query) } ?? (query.metric.zeroWhenEmpty ? 0 : nil)
        #expect(agree(row[place], earlier), "\(query) \(name)")
      }
    }
  }

  @Test(arguments: Metric.allCases.map { ($0, "America/New_York") } + [(.count, "UTC"), (.p95, "Asia/Kolkata")])
  func timeseries(metric: Metric, zone: String) async throws {
    let samples = try await Samples.shared()
    let zone = try Zone(zone)
    for (granularity, days) in [(Granularity.hour, 3), (.day, 30), (.week, 60), (.month, 80)] {
      for dimension in [nil, Dimension.property("model")] {
        for compare in [nil, Comparison.previousPeriod] {
          var query = query(metric)
          let last = day("2026-11-20")
          query.time = .range(DateRange(from: .day(last.adding(days: 1 - days)), to: .day(last)))
          (query.granularity, query.groupBy, query.compare, query.limit) = (granularity, dimension, compare, dimension == nil ? nil : 4)
          let result = try await samples.executor.run(samples.planner(zone: zone).plan(query, kind: .timeseries))
          try check(result, samples, query, zone)
        }
      }
    }
  }

  private func check(_ result: QueryResult, _ samples: Samples, _ query: WidgetQuery, _ zone: Zone) throws {
    let granularity = try #require(result.meta.granularity)
    let current = oracle(samples, query, result.meta.range)
    var series: [String?] = [nil]
    if let dimension = query.groupBy {
      let totals = current.groups(dimension).map { ($0.key, $0.value.value(query)) }
      series = totals.sorted { ($1.1 ?? -.infinity, $0.0) < ($0.1 ?? -.infinity, $1.0) }.prefix(query.limit ?? 8).map(\.0)
    }
    let calendar = LocalCalendar(zone)
    func key(_ event: Event) -> String {
      "\(calendar.start(of: granularity, event.timestamp).iso8601) \(query.groupBy.map { Oracle.text($0, of: event) } ?? "")"
    }
    let now = Dictionary(grouping: current.events, by: key)
    var seen = 0
    for row in result.rows {
      let name = query.groupBy == nil ? "" : row[1].stringValue ?? "?"
      let found = now["\(row[0].stringValue ?? "") \(name)"] ?? []
      seen += found.count
      let value = Oracle(found, tenant: nil).value(query)
      #expect(agree(row[query.groupBy == nil ? 1 : 2], value), "\(query) \(zone) \(row)")
    }
    // Every event of a shown series lies in a bucket that is shown, and the series are the largest in their order.
    #expect(seen == current.events.filter { event in query.groupBy.map { series.contains(Oracle.text($0, of: event)) } ?? true }.count)
    if query.groupBy != nil { #expect(result.rows.prefix(series.count).map { $0[1].stringValue } == series, "\(query)") }
    #expect(result.rows.count % series.count == 0)

    guard let previous = result.previous else { return }
    #expect(previous.rows.count == result.rows.count)
    let earlier = oracle(samples, query, previous.range)
    let before = Dictionary(grouping: earlier.events, by: key)
    for (row, old) in zip(result.rows, previous.rows) {
      let name = query.groupBy == nil ? "" : old[1].stringValue ?? "?"
      let value = Oracle(before["\(old[0].stringValue ?? "") \(name)"] ?? [], tenant: nil).value(query)
      let start = old[0].stringValue.flatMap(Instant.init(iso8601:))
      let within = start.map { $0 < previous.range.to } ?? false
      #expect(agree(old[query.groupBy == nil ? 1 : 2], within ? value : nil), "\(query) \(zone) \(old)")
      #expect(row.last == old.last)
    }
  }

  // MARK: Scope

  @Test func tenantsAndLocksNarrowEverything() async throws {
    let samples = try await Samples.shared()
    let permissions = EmbedPermissions(lockedFilters: ["model": ["gpt-4", "claude"]])
    let query = query(.count, event: nil)
    for (tenant, name) in [
      (Scope.Tenant.one(TenantID("acme")), "acme" as String?), (.one(TenantID("globex")), "globex"), (.one(TenantID("nobody")), "nobody"),
      (.all, nil),
    ] {
      let result = try await samples.executor.run(samples.planner(permissions: permissions, tenant: tenant).plan(query, kind: .kpi))
      let expected = Oracle(samples.events, tenant: name, within: result.meta.range)
        .filtered { ["gpt-4", "claude"].contains($0.stringProps["model"] ?? "") }
      #expect(result.rows == [[.int(expected.events.count)]])
    }
    let other = Planner(scope: try scope(organization: "org_other"))
    #expect(try await samples.executor.run(other.plan(query, kind: .kpi)).rows == [[0]])
  }

  @Test func stateIsAndedToTheQuery() async throws {
    let samples = try await Samples.shared()
    let query = query(.sum, [.string(.property("end.point"), .equal, values: ["/chat"])])
    let state = ViewState(
      period: .week, dimensions: ["model": ["gpt-4", "GPT-4o"]], numericRanges: ["latency_ms": NumericRange(min: 100, max: 700)])
    let result = try await samples.executor.run(samples.planner().plan(query, kind: .kpi, state: state))
    let expected = oracle(samples, query, result.meta.range).filtered {
      ["gpt-4", "GPT-4o"].contains($0.stringProps["model"] ?? "") && 100...700 ~= $0.numericProps["latency_ms"] ?? -1
    }
    #expect(!expected.events.isEmpty)
    #expect(agree(result.rows[0][0], expected.value(query)))
    #expect(result.meta.range == range("2026-11-14T00:00:00Z", "2026-11-21T00:00:00Z"))
  }

  // MARK: Percentiles

  @Test(arguments: [Metric.p50, .p90, .p95, .p99]) func boundedPercentilesAreOffByLessThanOnePercent(metric: Metric) async throws {
    let samples = try await Samples.shared()
    let plan = try samples.planner().plan(query(metric), kind: .kpi)
    #expect(plan.statements[0].fallback != nil)
    // In place of the exact statement one that needs more memory than it may have: the server refuses it, and the executor falls back by
    // itself. (The exact one is too small to be refused for certain: memory is counted once a thread has gathered some megabytes.)
    let refused = plan.statements[0].sql
    let client = try await TestClickHouse.shared().client
    let poor = Executor { sql, role in
      guard sql == refused else { return try await client.query(sql, as: role) }
      return try await client.query(
        "SELECT groupArray(toString(number)) FROM numbers(10000000)", as: role, settings: ["max_memory_usage": "50000000"])
    }
    let result = try await poor.run(plan)
    let exact = try #require(oracle(samples, query(metric), result.meta.range).value(query(metric)))
    let value = try #require(result.rows[0][0].numberValue)
    #expect(abs(value - exact) / exact < 0.01)
    #expect(result.meta.approximate)
    #expect(result.json["meta"]?["approximate"] == true)
  }
}
