import ClickHouse
import Domain
import QueryEngine
import Testing

/// What a drill-down may ask, and how it is read.
@Suite struct DrillTests {
  private func planner(_ permissions: EmbedPermissions = EmbedPermissions()) throws -> Planner {
    Planner(scope: try scope(permissions: permissions), dashboard: usage)
  }

  private let query = WidgetQuery(eventName: "api.call", groupBy: .property("endpoint"), time: .period(.week))

  private func plan(_ range: (String, String), _ permissions: EmbedPermissions = EmbedPermissions(), state: ViewState = ViewState()) throws
    -> Plan
  {
    let range = DateRange(from: .instant(moment(range.0)), to: .instant(moment(range.1)))
    return try planner(permissions).drill(into: query, DrillDown([], range: range, next: .property("model")), state: state)
  }

  @Test func aRangeNarrowsAndNeverWidens() throws {
    let day = ("2026-11-18T00:00:00Z", "2026-11-19T00:00:00Z")
    #expect(try plan(day).time.range == range(day.0, day.1))
    #expect(try plan(("2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z")).time.range == range("2026-11-14T00:00:00Z", "2026-11-21T00:00:00Z"))
    // The Monday of a week that began before the span.
    #expect(try plan(("2026-11-09T00:00:00Z", "2026-11-16T00:00:00Z")).time.range == range("2026-11-14T00:00:00Z", "2026-11-16T00:00:00Z"))
    for outside in [("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"), ("2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z")] {
      #expect(try plan(outside).time.range.milliseconds == 0, "\(outside)")
    }
    let bounded = EmbedPermissions(maxDateRangeDays: 2)
    #expect(try plan(("2026-11-01T00:00:00Z", "2026-11-30T00:00:00Z"), bounded).time.range.from >= moment("2026-11-18T00:00:00Z"))
    let hour = EmbedPermissions(allowedPeriods: [.hour])
    #expect(try plan(("2026-11-01T00:00:00Z", "2026-11-30T00:00:00Z"), hour).time.range.milliseconds == 3_600_000)
    let error = #expect(throws: AppError.self) { try plan(day, hour, state: ViewState(period: .week)) }
    #expect(error?.code == "period_not_allowed")
    #expect(error?.concernsView == true)
  }

  @Test func everyLevelMustBeOpen() throws {
    for levels in [["endpoint", "secret"], ["secret", "endpoint"], ["secret"]] {
      let drill = DrillDown(levels.map { .init(.property($0), "x") })
      let error = #expect(throws: AppError.self) { try planner().drill(into: query, drill) }
      #expect(error?.code == "dimension_not_allowed")
    }
    let drill = DrillDown([.init(.property("endpoint"), "/a"), .init(.property("model"), "gpt-4")], next: .property("model"))
    let parameters = try planner().drill(into: query, drill).statements[0].sql.parameters.map(\.value)
    #expect(parameters.contains("/a") && parameters.contains("gpt-4"))
  }

  @Test func theDimensionsOfASessionAreThoseItMayOpen() throws {
    #expect(try planner().drillDimensions == [.property("endpoint"), .property("model")])
    let named = EmbedPermissions(allowedDimensions: ["region", "model", "latency_ms", "user_id"])
    #expect(try planner(named).drillDimensions == [.property("model"), .property("region"), .userID])
    for dimension in try planner(named).drillDimensions {
      #expect(throws: Never.self) { try planner(named).drill(into: query, DrillDown([.init(dimension, "x")], next: dimension)) }
    }
  }

  @Test func numericPropertiesThatASessionNamesAreNumbersAmongUnderlyingEvents() throws {
    let named = EmbedPermissions(allowedDimensions: ["model", "latency_ms"])
    let columns = ResultShaper.shape(try planner(named).drill(into: query, DrillDown([.init(.property("model"), "x")])), [[]]).columns
    #expect(columns.map(\.name) == ["time", "model", "latency_ms"])
    #expect(columns.map(\.type) == [.datetime, .string, .number])
  }

  @Test func lockedFiltersHoldInEveryLevel() throws {
    let locked = EmbedPermissions(lockedFilters: ["model": ["gpt-4"]])
    let plan = try planner(locked).drill(into: query, DrillDown([.init(.property("model"), "claude")]))
    let parameters = plan.statements[0].sql.parameters.map(\.value)
    #expect(parameters.contains("gpt-4") && parameters.contains("claude"))
  }

  @Test(arguments: [
    (#"{}"#, "dimension", "missing"), (#"{"value": "x"}"#, "dimension", "missing"), (#"{"dimension": "model"}"#, "value", "missing"),
    (#"{"range": {"from": "2026-11-01", "to": "2026-11-02"}, "value": "x"}"#, "value", "not_applicable"),
    (#"{"range": {"from": "2026-11-03", "to": "2026-11-02"}}"#, "range.to", "range_order"),
    (#"{"range": {"from": "yesterday", "to": "2026-11-02"}}"#, "range.from", "timestamp_format"),
    (#"{"range": "7d"}"#, "range", "wrong_type"),
    (#"{"dimension": "model", "value": ["x"]}"#, "value", "wrong_type"),
    (#"{"dimension": "model", "value": "x", "filters": [{"dimension": "a"}]}"#, "filters[0].value", "missing"),
    (#"{"dimension": "model", "value": "x", "filters": [{"value": "a"}]}"#, "filters[0].dimension", "missing"),
    (
      #"{"dimension": "model", "value": "x", "filters": [{"dimension": "a", "value": "b", "op": "neq"}]}"#, "filters[0].op", "unknown_field"
    ),
    (#"{"dimension": "model", "value": "x", "filters": [1,2,3,4,5,6,7,8,9,10,11]}"#, "filters", "count"),
    (#"{"dimension": "model", "value": "x", "limit": 1001}"#, "limit", "out_of_range"),
  ])
  func whatIsWrongIsNamed(body: String, field: String, code: String) throws {
    let problems = Problems()
    var reader = ObjectReader(try JSONParser.parse(body), problems: problems)
    _ = DrillDown.read(from: &reader)
    reader.finish()
    #expect(problems.list.contains { $0.field == field && $0.code == code }, "\(problems.list)")
  }

  @Test func aDrillDownIsReadWhole() throws {
    let problems = Problems()
    var reader = ObjectReader(
      try JSONParser.parse(
        #"{"dimension": "model", "value": "", "filters": [{"dimension": "user_id", "value": "u1"}], "next_dimension": "event_name", "limit": 7}"#
      ), problems: problems)
    #expect(
      DrillDown.read(from: &reader)
        == DrillDown([.init(.userID, "u1"), .init(.property("model"), "")], next: .eventName, limit: 7))
    #expect(problems.list.isEmpty)
  }
}
