import Domain
import QueryEngine
import Testing

/// The frame of answers, from rows as the server would send them.
@Suite struct ShaperTests {
  private func plan(_ query: WidgetQuery, _ kind: WidgetKind, zone: Zone = .utc) throws -> Plan {
    try Planner(scope: scope(zone: zone), dashboard: usage).plan(query, kind: kind)
  }

  @Test func aNumberWithItsChange() throws {
    let plan = try plan(WidgetQuery(time: .period(.week), compare: .previousPeriod), .kpi)
    let result = ResultShaper.shape(plan, [[[90, 80]]], elapsedMilliseconds: 3.14159)
    #expect(
      result.json == [
        "columns": [
          ["name": "value", "type": "number", "role": "measure"], ["name": "previous_value", "type": "number", "role": "comparison"],
          ["name": "delta_pct", "type": "number", "role": "comparison"],
        ],
        "rows": [["value": 90, "previous_value": 80, "delta_pct": 12.5]],
        "previous": ["from": "2026-11-07T00:00:00Z", "to": "2026-11-13T14:24:00Z", "rows": [["value": 80]]],
        "meta": [
          "from": "2026-11-14T00:00:00Z", "to": "2026-11-21T00:00:00Z", "granularity": .null, "timezone": "UTC", "rows": 1,
          "elapsed_ms": 3.1,
          "cached": false, "data_as_of": "2026-11-20T14:23:45Z", "truncated": false,
        ],
      ])
  }

  @Test(arguments: [
    (JSONValue.number(5), JSONValue.number(0), JSONValue.null), (5, .null, .null), (.null, 5, .null), (0, 5, -100), (-5, -10, 50),
    (5, -5, 200),
  ])
  func aChangeNeedsSomethingToCompareWith(value: JSONValue, before: JSONValue, change: JSONValue) throws {
    let plan = try plan(WidgetQuery(metric: .avg, numericProp: "x", compare: .previousPeriod), .kpi)
    #expect(ResultShaper.shape(plan, [[[value, before]]]).rows == [[value, before, change]])
  }

  @Test func emptyCountsAreZeroAndEmptyAveragesNothing() throws {
    #expect(ResultShaper.shape(try plan(WidgetQuery(), .kpi), [[]]).rows == [[0]])
    #expect(ResultShaper.shape(try plan(WidgetQuery(metric: .sum, numericProp: "x"), .kpi), [[[.null]]]).rows == [[0]])
    #expect(ResultShaper.shape(try plan(WidgetQuery(metric: .p95, numericProp: "x"), .kpi), [[[.null]]]).rows == [[.null]])
    #expect(ResultShaper.shape(try plan(WidgetQuery(), .kpi), [[[1]]]).json["previous"] == .null)
  }

  @Test func timeSeriesAreFilledUpToNow() throws {
    let plan = try plan(WidgetQuery(time: .period(.day)), .timeseries)
    let result = ResultShaper.shape(plan, [[[1, .int(moment("2026-11-20T10:00:00Z").milliseconds / 1000), 7]]])
    #expect(result.rows.count == 24)
    #expect(result.rows.first == ["2026-11-19T15:00:00Z", 0])
    #expect(result.rows.last == ["2026-11-20T14:00:00Z", 0])
    #expect(result.rows[19] == ["2026-11-20T10:00:00Z", 7])
    // Days of this month are still to come: they are not shown, unless they hold events already.
    let month = try self.plan(WidgetQuery(time: .range(DateRange(from: .day(day("2026-11-19")), to: .day(day("2026-11-25"))))), .timeseries)
    #expect(ResultShaper.shape(month, [[]]).rows == [["2026-11-19T00:00:00Z", 0], ["2026-11-20T00:00:00Z", 0]])
    let ahead = ResultShaper.shape(month, [[[1, .int(day("2026-11-22").daysSinceEpoch), 3]]])
    #expect(ahead.rows.map { $0[1] } == [0, 0, 0, 3])
  }

  @Test func groupedTimeSeriesAreFilledPerSeries() throws {
    let query = WidgetQuery(
      metric: .avg, numericProp: "x", groupBy: .property("time"),
      time: .range(DateRange(from: .day(day("2026-11-02")), to: .day(day("2026-11-03")))),
      granularity: .day, compare: .previousPeriod)
    let first = JSONValue.int(day("2026-11-02").daysSinceEpoch)
    let before = JSONValue.int(day("2026-11-01").daysSinceEpoch)
    let result = ResultShaper.shape(
      try plan(query, .timeseries), [[[1, first, 2.5, "b", 1, true], [1, first, 1, "a", 2, true], [0, before, 9, "a", 2, true]]])
    // A dimension that has the name of another column gives way.
    #expect(result.columns.map(\.name) == ["time", "time_", "value", "previous_value"])
    #expect(result.meta.truncated)
    #expect(
      result.rows == [
        ["2026-11-02T00:00:00Z", "b", 2.5, .null], ["2026-11-02T00:00:00Z", "a", 1, .null], ["2026-11-03T00:00:00Z", "b", .null, .null],
        ["2026-11-03T00:00:00Z", "a", .null, 9],
      ])
    #expect(
      result.previous?.rows == [
        ["2026-10-31T00:00:00Z", "b", .null], ["2026-10-31T00:00:00Z", "a", .null], ["2026-11-01T00:00:00Z", "b", .null],
        ["2026-11-01T00:00:00Z", "a", 9],
      ])
  }

  @Test func sharesAreOfTheTotalOverAllGroups() throws {
    let plan = try plan(WidgetQuery(groupBy: .property("model"), compare: .previousPeriod, limit: 2), .breakdown)
    let result = ResultShaper.shape(plan, [[["gpt-4", 60, 120, 5, 30], ["", 30, 120, 5, .null]]])
    #expect(result.columns.map(\.name) == ["model", "value", "share", "previous_value", "delta_pct"])
    #expect(result.rows == [["gpt-4", 60, 0.5, 30, 100], ["", 30, 0.25, 0, .null]])
    #expect(result.meta.truncated)
    let averages = ResultShaper.shape(
      try self.plan(WidgetQuery(metric: .avg, numericProp: "x", groupBy: .userID), .table), [[["u", 2, .null, 1]]])
    #expect(averages.columns.map(\.name) == ["user_id", "value"])
    #expect(averages.rows == [["u", 2]])
    #expect(!averages.meta.truncated)
  }
}
