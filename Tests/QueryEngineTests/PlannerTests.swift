import ClickHouse
import Domain
import QueryEngine
import Testing

@Suite struct PlannerTests {
  private let count = WidgetQuery(eventName: "api.call")

  private func planner(_ permissions: EmbedPermissions = EmbedPermissions(), dashboard: DashboardConfig? = usage) throws -> Planner {
    Planner(scope: try scope(permissions: permissions), dashboard: dashboard)
  }

  private func refusal(_ code: String, status: Int = 403, _ body: () throws -> Void, sourceLocation: SourceLocation = #_sourceLocation) {
    let error = #expect(throws: AppError.self, sourceLocation: sourceLocation) { try body() }
    #expect(error?.status == status, sourceLocation: sourceLocation)
    #expect((status == 403 ? error?.code : error?.details.first?.code) == code, sourceLocation: sourceLocation)
  }

  // MARK: Scope

  @Test func anIncompleteScopeIsNone() {
    for (organization, environment, tenant) in [("", "production", "acme"), ("org_1", "", "acme"), ("org_1", "production", "")] {
      let error = #expect(throws: AppError.self) {
        try Scope(
          organization: OrganizationID(organization), environment: EnvironmentName(environment), tenant: .one(TenantID(tenant)), now: now,
          zone: .utc)
      }
      #expect(error?.code == "scope_incomplete")
    }
  }

  @Test func aTenantsStatementsRunAsViewer() throws {
    guard case .viewer(let settings) = try scope().role else {
      Issue.record("not a viewer")
      return
    }
    #expect((settings.organization, settings.environment, settings.tenant) == ("org_1", "production", "acme"))
    guard case .analyst(let wide) = try scope(tenant: .all).role else {
      Issue.record("not an analyst")
      return
    }
    #expect(wide.tenant == nil)
  }

  // MARK: State

  @Test func onlyWhatTheDashboardShowsMayBeSet() throws {
    #expect(throws: Never.self) { try planner().plan(count, kind: .kpi, state: ViewState(dimensions: ["model": ["gpt-4"]])) }
    // No filter, but a widget groups by it.
    #expect(throws: Never.self) { try planner().plan(count, kind: .kpi, state: ViewState(dimensions: ["endpoint": ["/chat"]])) }
    refusal("dimension_not_allowed") { _ = try planner().plan(count, kind: .kpi, state: ViewState(dimensions: ["region": ["eu"]])) }
    let named = EmbedPermissions(allowedDimensions: ["region"])
    #expect(throws: Never.self) { try planner(named).plan(count, kind: .kpi, state: ViewState(dimensions: ["region": ["eu"]])) }
    refusal("dimension_not_allowed") { _ = try planner().plan(count, kind: .kpi, state: ViewState(dimensions: ["user_id": ["u"]])) }
    refusal("dimension_not_allowed") {
      _ = try planner().plan(count, kind: .kpi, state: ViewState(numericRanges: ["tokens": NumericRange(min: 1, max: nil)]))
    }
    refusal("dimension_not_allowed") {
      _ = try planner(dashboard: nil).plan(count, kind: .kpi, state: ViewState(dimensions: ["model": ["gpt-4"]]))
    }
  }

  @Test func onlyAllowedDimensionsMayBeSet() throws {
    let permissions = EmbedPermissions(allowedDimensions: ["endpoint"])
    refusal("dimension_not_allowed") {
      _ = try planner(permissions).plan(count, kind: .kpi, state: ViewState(dimensions: ["model": ["gpt-4"]]))
    }
    refusal("dimension_not_allowed") {
      _ = try planner(permissions).plan(count, kind: .kpi, state: ViewState(numericRanges: ["latency_ms": NumericRange(min: 1, max: nil)]))
    }
    refusal("dimension_not_allowed") { _ = try planner(permissions).filterValues(of: .property("model")) }
    refusal("dimension_not_allowed") { _ = try planner().filterValues(of: .property("region")) }
  }

  @Test func lockedFiltersCanNeitherBeChangedNorWidened() throws {
    let permissions = EmbedPermissions(lockedFilters: ["model": ["gpt-4", "gpt-4o"]])
    for values in [["claude"], ["gpt-4"], ["gpt-4", "gpt-4o", "claude"], [""]] {
      refusal("filter_locked") { _ = try planner(permissions).plan(count, kind: .kpi, state: ViewState(dimensions: ["model": values])) }
    }
    let same = try planner(permissions).plan(count, kind: .kpi, state: ViewState(dimensions: ["model": ["gpt-4o", "gpt-4"]]))
    #expect(same.statements == (try planner(permissions).plan(count, kind: .kpi)).statements)
    #expect(same.statements[0].sql.parameters.contains { $0.value == "['gpt-4','gpt-4o']" })
  }

  @Test func drillingFollowsWhatIsShown() throws {
    let query = try #require(usage.widgets[0].query)
    #expect(throws: Never.self) {
      try planner().drill(into: query, DrillDown([.init(.property("endpoint"), "/a")], next: .property("model")))
    }
    refusal("dimension_not_allowed") { _ = try planner().drill(into: query, DrillDown([.init(.property("secret"), "x")])) }
    refusal("dimension_not_allowed") {
      _ = try planner().drill(into: query, DrillDown([.init(.property("endpoint"), "x")], next: .property("secret")))
    }
    refusal("dimension_not_allowed") { _ = try planner().drill(into: query, DrillDown([.init(.property("endpoint"), "x")], next: .userID)) }
    let permissions = EmbedPermissions(allowedDimensions: ["endpoint", "region"])
    #expect(throws: Never.self) {
      try planner(permissions).drill(into: query, DrillDown([.init(.property("endpoint"), "/a")], next: .property("region")))
    }
    refusal("dimension_not_allowed") {
      _ = try planner(permissions).drill(into: query, DrillDown([.init(.property("endpoint"), "/a")], next: .property("model")))
    }
  }

  @Test func underlyingRowsShowOnlyWhatIsAllowed() throws {
    let query = try #require(usage.widgets[0].query)
    let rows = try planner(EmbedPermissions(allowedDimensions: ["endpoint", "region"])).drill(
      into: query, DrillDown([.init(.property("endpoint"), "/a")]))
    let text = rows.statements[0].sql.text
    #expect(text.contains("`region`"))
    #expect(!text.contains("`model`"))
    #expect(!text.contains("user_id"))
    let all = ResultShaper.shape(try planner().drill(into: query, DrillDown([.init(.property("endpoint"), "/a")])), [[]])
    #expect(all.columns.map(\.name) == ["time", "event_name", "user_id", "endpoint", "model"])
  }

  // MARK: Queries

  @Test func queriesThatMakeNoSenseAreRefusedByField() throws {
    for (query, kind, field, code) in [
      (WidgetQuery(metric: .sum), WidgetKind.kpi, "numeric_prop", "missing"),
      (WidgetQuery(), .breakdown, "group_by", "missing"), (WidgetQuery(), .table, "group_by", "missing"),
      (WidgetQuery(groupBy: .eventName), .kpi, "group_by", "not_applicable"),
      (WidgetQuery(groupBy: .eventName, limit: 1_001), .table, "limit", "out_of_range"),
      (WidgetQuery(groupBy: .eventName, limit: 51), .timeseries, "limit", "out_of_range"),
      (WidgetQuery(), .text, "kind", "not_applicable"), (WidgetQuery(groupBy: .eventName), .heatmap, "group_by", "not_applicable"),
      (WidgetQuery(groupBy: .userID, groupBy2: .userID), .table, "group_by_2", "not_applicable"),
      (WidgetQuery(secondMetric: .sum), .timeseries, "second_numeric_prop", "missing"),
      (WidgetQuery(time: .period(.month), granularity: .minute), .timeseries, "granularity", "too_many_buckets"),
    ] {
      let error = #expect(throws: AppError.self) { try planner().plan(query, kind: kind) }
      #expect(error?.status == 422)
      #expect(error?.details.first?.field == field)
      #expect(error?.details.first?.code == code)
    }
  }

  @Test(arguments: [
    (Period.hour, Granularity.minute), (.day, .hour), (.week, .day), (.month, .day), (.quarter, .day), (.year, .month),
  ])
  func granularityFollowsThePeriod(period: Period, granularity: Granularity) throws {
    for zone in ["UTC", "America/New_York"] {
      let planner = Planner(scope: try scope(zone: Zone(zone)))
      #expect(try planner.plan(WidgetQuery(time: .period(period)), kind: .timeseries).granularity == granularity)
    }
  }

  @Test(arguments: [
    ("2026-11-01T00:00:00Z", "2026-11-01T02:00:00Z", Granularity.minute), ("2026-11-01T00:00:00Z", "2026-11-01T02:00:01Z", .hour),
    ("2026-11-01T00:00:00Z", "2026-11-04T00:00:00Z", .hour), ("2026-11-01T00:00:00Z", "2026-11-05T00:00:00Z", .day),
    ("2026-01-01T00:00:00Z", "2026-04-03T00:00:00Z", .day), ("2026-01-01T00:00:00Z", "2026-05-01T00:00:00Z", .week),
    ("2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z", .week), ("2024-01-01T00:00:00Z", "2026-01-01T00:00:00Z", .month),
  ])
  func granularityFollowsTheLengthOfARange(from: String, to: String, granularity: Granularity) throws {
    let time = TimeSelection.range(DateRange(from: .instant(moment(from)), to: .instant(moment(to))))
    #expect(try planner().plan(WidgetQuery(time: time), kind: .timeseries).granularity == granularity)
  }

  @Test func aViewersPeriodMayOverruleTheAuthorsGranularity() throws {
    let minutes = WidgetQuery(time: .period(.hour), granularity: .minute)
    #expect(try planner().plan(minutes, kind: .timeseries, state: ViewState(period: .quarter)).granularity == .day)
    let weeks = WidgetQuery(time: .period(.quarter), granularity: .week)
    #expect(try planner().plan(weeks, kind: .timeseries, state: ViewState(period: .month)).granularity == .week)
    #expect(try planner().plan(weeks, kind: .timeseries, state: ViewState(period: .hour)).granularity == .minute)
  }

  @Test func theKindOfABareQueryIsThatOfItsMembers() {
    #expect(Planner.kind(of: WidgetQuery()) == .kpi)
    #expect(Planner.kind(of: WidgetQuery(groupBy: .eventName)) == .breakdown)
    #expect(Planner.kind(of: WidgetQuery(groupBy: .eventName, granularity: .day)) == .timeseries)
  }
}
