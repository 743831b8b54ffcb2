import ClickHouse
import Domain
import QueryEngine
import TestSupport
import Testing

@Suite struct ExploreTests {
  @Test func filterValuesComeWithTheirCounts() async throws {
    let samples = try await Samples.shared()
    let all = try await samples.executor.run(samples.planner().filterValues(of: .property("model")))
    // The dashboard's widgets look at api.call only; the filter bar shows 30 days.
    let events = Oracle(samples.events, name: "api.call", within: range("2026-10-22T00:00:00Z", "2026-11-21T00:00:00Z"))
    let expected = events.groups(.property("model")).mapValues(\.events.count).filter { $0.key != "" }
    #expect(Dictionary(all.values.map { ($0.value, $0.count) }, uniquingKeysWith: +) == expected)
    #expect(all.values.map(\.count) == all.values.map(\.count).sorted(by: >))
    #expect(!all.truncated)

    let found = try await samples.executor.run(samples.planner().filterValues(of: .property("model"), search: "gPt", limit: 1))
    #expect(found.values.count == 1)
    #expect(found.truncated)
    #expect(found.values.allSatisfy { $0.value.lowercased().contains("gpt") })
    for hopeless in ["%", "_", "zz'"] {
      #expect(try await samples.executor.run(samples.planner().filterValues(of: .property("model"), search: hopeless)).values.isEmpty)
    }

    let locked = EmbedPermissions(lockedFilters: ["model": ["claude"]])
    let narrowed = try await samples.executor.run(samples.planner(permissions: locked).filterValues(of: .property("model")))
    #expect(
      narrowed.json == ["dimension": "model", "values": [["value": "claude", "count": .int(expected["claude"] ?? 0)]], "truncated": false])
  }

  @Test func drillingShowsTheNextLevelAndTheEvents() async throws {
    let samples = try await Samples.shared()
    let query = WidgetQuery(
      eventName: "api.call", metric: .sum, numericProp: "latency_ms", groupBy: .property("model"), compare: .previousPeriod)
    let planner = Planner(scope: try samples.planner().scope)
    let next = try await samples.executor.run(
      planner.drill(into: query, DrillDown([.init(.property("model"), "a'b\\c")], next: .property("end.point"))))
    let events = Oracle(samples.events, name: "api.call", within: next.meta.range).filtered { $0.stringProps["model"] == "a'b\\c" }
    let expected = events.groups(.property("end.point")).mapValues { $0.value(query) }
    #expect(next.columns.map(\.name) == ["end.point", "value", "share"])
    #expect(next.rows.count == expected.count)
    for row in next.rows { #expect(agree(row[1], expected[row[0].stringValue ?? "?"] ?? nil)) }

    let rows = try await samples.executor.run(planner.drill(into: query, DrillDown([.init(.property("model"), "a'b\\c")], limit: 5)))
    let newest = events.events.sorted { $0.timestamp > $1.timestamp }.prefix(5)
    #expect(rows.columns.map(\.name) == ["time", "event_name", "user_id", "model", "latency_ms"])
    #expect(
      rows.rows
        == newest.map {
          [$0.timestamp.json, .string($0.eventName), .string($0.userID ?? ""), "a'b\\c", .optional($0.numericProps["latency_ms"])]
        })
    #expect(rows.meta.truncated)
  }

  @Test func tenantsComeInPages() async throws {
    let samples = try await Samples.shared()
    let planner = try samples.planner(tenant: .all)
    let first = try await samples.executor.run(planner.tenants(limit: 1))
    #expect(first.more)
    let acme = Oracle(samples.events).events
    let summary = try #require(first.tenants.first)
    #expect(first.tenants.count == 1)
    #expect(summary.tenant == TenantID("acme"))
    #expect(summary.events == acme.count)
    #expect(summary.firstSeen == acme.map(\.timestamp).min())
    #expect(summary.lastSeen == acme.map(\.timestamp).max())
    let second = try await samples.executor.run(planner.tenants(after: TenantID("acme"), limit: 1))
    #expect(second.tenants.map(\.tenant) == [TenantID("globex")])
    #expect(!second.more)
  }

  @Test func discoveryFindsWhatWasSent() async throws {
    let samples = try await Samples.shared()
    let report = try await samples.executor.run(Discovery(scope: samples.planner(tenant: .all).scope))
    let names = Oracle(samples.events, tenant: nil).groups(.eventName)
    #expect(Set(report.events.map(\.name)) == Set(names.keys))
    for event in report.events {
      let oracle = try #require(names[event.name])
      let events = oracle.events
      #expect(event.count == events.count)
      #expect(event.firstSeen == events.map(\.timestamp).min())
      #expect(event.lastSeen == events.map(\.timestamp).max())
      #expect(event.tenants == 2)
      #expect(event.sampled == events.count)
      #expect(event.withUser == events.filter { $0.userID != nil }.count)
      #expect(Set(event.dimensions.map(\.name)) == ["model", "end.point", "we`ird\\"])
      for dimension in event.dimensions {
        let values = Dictionary(grouping: events.compactMap { $0.stringProps[dimension.name] }, by: { $0 }).mapValues(\.count)
        #expect(dimension.cardinality == values.count)
        #expect(dimension.events == values.values.reduce(0, +))
        #expect(Dictionary(dimension.topValues.map { ($0.value, $0.count) }, uniquingKeysWith: +) == values)
      }
      #expect(Set(event.measures.map(\.name)) == ["latency_ms", "delta"])
      for measure in event.measures {
        func value(_ metric: Metric) -> Double? { oracle.value(WidgetQuery(metric: metric, numericProp: measure.name)) }
        #expect(agree(.number(measure.min), value(.min)))
        #expect(agree(.number(measure.max), value(.max)))
        #expect(agree(.number(measure.average), value(.avg)))
        #expect(agree(.number(measure.p50), value(.p50)))
        #expect(agree(.number(measure.p95), value(.p95)))
      }
    }
  }

  @Test func discoveryOfNothingIsEmpty() async throws {
    let client = try await TestClickHouse.shared().client
    let executor = Executor { sql, role in try await client.query(sql, as: role) }
    let report = try await executor.run(Discovery(scope: scope(organization: "org_nothing", tenant: .all)))
    #expect(report.json == ["events": []])
    let error = #expect(throws: AppError.self) { try AutoDashboard.make(from: report) }
    #expect(error?.status == 422)
    #expect(error?.code == "no_events")
  }

  @Test func theDashboardMadeOfADiscoveryWorks() async throws {
    let samples = try await Samples.shared()
    let report = try await samples.executor.run(Discovery(scope: samples.planner(tenant: .all).scope))
    let config = try AutoDashboard.make(from: report)
    let planner = Planner(scope: try samples.planner().scope, dashboard: config)
    for widget in config.widgets {
      let query = try #require(widget.query)
      let result = try await samples.executor.run(planner.plan(query, kind: widget.kind, state: ViewState(period: .month)))
      #expect(!result.rows.isEmpty, "\(widget.title)")
    }
  }
}
