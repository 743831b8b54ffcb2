import ClickHouse
import Domain
import QueryEngine
import TestSupport
import Testing

/// Second metrics, the rest beyond a limit, heatmaps and pivots on the real server, against a plain computation over the same events.
@Suite struct KindOracleTests {
  private func query(_ metric: Metric, by dimension: Dimension? = nil) -> WidgetQuery {
    WidgetQuery(
      eventName: "api.call", metric: metric, numericProp: metric.needsNumericProperty ? "latency_ms" : nil, groupBy: dimension,
      time: .period(.month))
  }

  private func oracle(_ samples: Samples, _ query: WidgetQuery, _ range: TimeRange) -> Oracle {
    Oracle(samples.events, name: query.eventName, within: range)
      .filtered { event in query.filters.allSatisfy { Oracle.holds($0, for: event) } }
  }

  private func place(_ name: String, in columns: [ResultColumn]) throws -> Int {
    try #require(columns.firstIndex { $0.name == name }, "no column \(name)")
  }

  // MARK: Second metric

  @Test(arguments: Metric.allCases) func aSecondMetricIsOfTheSameRows(second: Metric) async throws {
    let samples = try await Samples.shared()
    for (kind, dimension) in [
      (WidgetKind.timeseries, nil), (.breakdown, Dimension.property("model")), (.table, .userID), (.table, .property("nothing")),
    ] {
      for (compare, other) in [(nil, false), (Comparison.previousPeriod, false), (nil, true), (.previousPeriod, true)] {
        var query = query(.sum, by: dimension)
        (query.secondMetric, query.compare) = (second, compare)
        query.secondNumericProp = second.needsNumericProperty ? "delta" : nil
        if dimension == nil { query.granularity = .week } else { (query.limit, query.other) = (4, other) }
        let result = try await samples.executor.run(samples.planner().plan(query, kind: kind))
        let current = oracle(samples, query, result.meta.range)
        let value = try place("value", in: result.columns)
        let secondValue = try place("second_value", in: result.columns)
        for row in result.rows {
          let events: Oracle
          if let dimension {
            let shown = result.rows.compactMap { $0[0].stringValue }
            events =
              row[0].stringValue.map { name in current.filtered { Oracle.text(dimension, of: $0) == name } }
              ?? current.without(shown, of: dimension)
          } else {
            let calendar = LocalCalendar(.utc)
            events = current.filtered { calendar.start(of: .week, $0.timestamp).json == row[0] }
          }
          #expect(agree(row[value], events.value(query)), "\(query) \(row)")
          #expect(agree(row[secondValue], events.secondValue(query)), "\(query) \(row)")
        }
        #expect(result.columns.contains { $0.name == "previous_value" } == (compare != nil))
      }
    }
  }

  // MARK: Rest

  @Test(arguments: Metric.allCases) func theRestIsOfAllEventsBeyondTheLimit(metric: Metric) async throws {
    let samples = try await Samples.shared()
    for dimension in [Dimension.property("model"), .userID, .eventName, .property("nothing")] {
      for (order, limit, compare) in [
        (SortOrder.descending, 2, nil), (.ascending, 3, Comparison.previousPeriod), (.descending, 2, .previousPeriod),
        (.descending, 1_000, .previousPeriod), (.descending, 1_000, nil),
      ] {
        var query = query(metric, by: dimension)
        (query.eventName, query.other, query.order, query.limit, query.compare) = (nil, true, order, limit, compare)
        let result = try await samples.executor.run(samples.planner().plan(query, kind: limit == 2 ? .breakdown : .table))
        let current = oracle(samples, query, result.meta.range)
        let ranked = current.ranked(dimension, query)
        let shown = ranked.prefix(limit).map(\.name)
        #expect(result.rows.map { $0[0] } == shown.map { .string($0) } + (ranked.count > limit ? [.null] : []), "\(query)")
        #expect(result.meta.truncated == (ranked.count > limit))
        let before = result.previous.map { oracle(samples, query, $0.range) }
        for row in result.rows {
          func of(_ all: Oracle) -> Oracle {
            row[0].stringValue.map { name in all.filtered { Oracle.text(dimension, of: $0) == name } } ?? all.without(shown, of: dimension)
          }
          let value = of(current).value(query)
          #expect(agree(row[1], value), "\(query) \(row)")
          if metric.isAdditive, let value, let total = current.value(query) { #expect(agree(row[2], value / total), "\(query) \(row)") }
          guard let before else { continue }
          #expect(agree(row[try place("previous_value", in: result.columns)], of(before).value(query)), "\(query) \(row)")
        }
      }
    }
  }

  @Test(arguments: Metric.allCases) func theRestOfATimeSeriesIsOneMore(metric: Metric) async throws {
    let samples = try await Samples.shared()
    let calendar = LocalCalendar(.utc)
    for (dimension, limit, compare) in [
      (Dimension.property("model"), 2, nil), (.property("model"), 2, Comparison.previousPeriod), (.userID, 50, nil),
      (.property("end.point"), 50, .previousYear), (.eventName, 1, .previousPeriod),
    ] {
      var query = query(metric, by: dimension)
      (query.eventName, query.other, query.limit, query.compare, query.granularity) = (nil, true, limit, compare, .day)
      let result = try await samples.executor.run(samples.planner().plan(query, kind: .timeseries))
      let current = oracle(samples, query, result.meta.range)
      let ranked = current.ranked(dimension, query)
      let shown = ranked.prefix(limit).map(\.name)
      let series = shown.map { JSONValue.string($0) } + (ranked.count > limit ? [.null] : [])
      #expect(result.meta.truncated == (ranked.count > limit))
      #expect(result.rows.count == 30 * series.count)
      for (index, row) in result.rows.enumerated() {
        #expect(row[1] == series[index % series.count])
        func of(_ all: Oracle, _ time: JSONValue) -> Oracle {
          let events = all.filtered { calendar.start(of: .day, $0.timestamp).json == time }
          return row[1].stringValue.map { name in events.filtered { Oracle.text(dimension, of: $0) == name } }
            ?? events.without(shown, of: dimension)
        }
        #expect(agree(row[2], of(current, row[0]).value(query)), "\(query) \(row)")
        guard let previous = result.previous else { continue }
        let earlier = previous.rows[index]
        // The day that is not over is compared with as much of a day.
        #expect(agree(earlier[2], of(oracle(samples, query, previous.range), earlier[0]).value(query)), "\(query) \(earlier)")
        #expect(row.last == earlier.last)
      }
    }
  }

  @Test func longSeriesSayThatThereAreMore() async throws {
    let samples = try await Samples.shared()
    for (limit, truncated) in [(2, true), (6, false), (50, false)] {
      var query = query(.count, by: .property("model"))
      query.limit = limit
      let result = try await samples.executor.run(samples.planner().plan(query, kind: .timeseries))
      #expect(result.meta.truncated == truncated, "\(limit)")
    }
  }

  // MARK: Heatmap

  @Test(arguments: Metric.allCases) func heatmaps(metric: Metric) async throws {
    let samples = try await Samples.shared()
    for name in metric == .count ? zones : ["America/New_York", "Australia/Lord_Howe"] {
      let zone = try Zone(name)
      var query = query(metric)
      query.time = .period(.quarter)
      let result = try await samples.executor.run(samples.planner(zone: zone).plan(query, kind: .heatmap))
      #expect(
        result.columns.map { "\($0.name) \($0.type) \($0.role)" } == [
          "weekday number dimension", "hour number dimension", "value number measure",
        ])
      #expect(result.rows.map { [$0[0], $0[1]] } == (1...7).flatMap { day in (0..<24).map { [.int(day), .int($0)] } })
      let calendar = LocalCalendar(zone)
      let cells = Dictionary(grouping: oracle(samples, query, result.meta.range).events) { calendar.hourOfWeek($0.timestamp) }
      for row in result.rows {
        let events = cells[row.prefix(2).map { Int($0.numberValue ?? -1) }] ?? []
        #expect(agree(row[2], Oracle(events, tenant: nil).value(query)), "\(name) \(row)")
      }
    }
  }

  /// The server's clock is the calendar's, minute by minute, around every oddity of a zone.
  @Test(arguments: zones) func hoursOfTheWeekAreThoseOfTheLocalClock(name: String) async throws {
    let clickhouse = try await TestClickHouse.shared()
    let calendar = LocalCalendar(try Zone(name))
    for start in [
      "2026-03-07T17:00:00Z", "2026-10-31T18:30:00Z", "2026-03-28T20:00:00Z", "2026-10-24T20:00:00Z", "2026-04-03T20:00:00Z",
      "2026-10-02T21:45:00Z", "2018-11-03T12:00:00Z", "2022-03-21T12:00:00Z", "2022-09-20T22:00:00Z", "2026-02-14T20:00:00Z",
      "2026-03-21T20:00:00Z", "2011-12-29T12:00:00Z", "2023-04-27T12:00:00Z",
    ].map(moment) {
      let rows = try await clickhouse.client.query(
        """
        SELECT toUnixTimestamp64Milli(timestamp), toDayOfWeek(timestamp, 0, \(bind: name)), toHour(timestamp, \(bind: name)) FROM \
        (SELECT fromUnixTimestamp64Milli(\(bind: Int(start.milliseconds)) + number * 450000, 'UTC') AS timestamp FROM numbers(400))
        """, as: .admin
      ).rows
      let wrong = rows.filter { row in
        let instant = Instant(milliseconds: Int64(row[0].numberValue ?? 0))
        return calendar.hourOfWeek(instant) != row[1...].map { Int($0.numberValue ?? -1) }
      }
      #expect(rows.count == 400)
      #expect(wrong.isEmpty, "\(name) \(wrong.prefix(3))")
    }
  }

  // MARK: Pivot

  @Test(arguments: Metric.allCases) func pivots(metric: Metric) async throws {
    let samples = try await Samples.shared()
    for (rows, columns, limit, order) in [
      (Dimension.property("model"), Dimension.property("end.point"), 50, SortOrder.descending),
      (.property("end.point"), .userID, 2, .descending), (.userID, .property("model"), 5, .ascending),
      (.eventName, .property("nothing"), 1, .descending),
    ] {
      var query = query(metric, by: rows)
      (query.eventName, query.groupBy2, query.limit, query.order) = (nil, columns, limit, order)
      let result = try await samples.executor.run(samples.planner().plan(query, kind: .table))
      let all = oracle(samples, query, result.meta.range)
      let rankedRows = all.ranked(rows, query)
      let rankedColumns = all.ranked(columns, query)
      let shownRows = rankedRows.prefix(limit)
      let shownColumns = rankedColumns.prefix(Limits.pivotColumns)
      #expect(result.columns.map(\.name) == [rows.name, columns.name, "value"])
      #expect(result.meta.truncated == (rankedRows.count > shownRows.count || rankedColumns.count > shownColumns.count))
      var expected: [(names: [String], value: Double?)] = []
      for row in shownRows {
        let cells = row.oracle.groups(columns)
        for column in shownColumns { if let cell = cells[column.name] { expected.append(([row.name, column.name], cell.value(query))) } }
      }
      #expect(result.rows.map { $0.prefix(2).map { $0.stringValue } } == expected.map(\.names), "\(query)")
      for (row, cell) in zip(result.rows, expected) { #expect(agree(row[2], cell.value), "\(query) \(row)") }
      let totals = try #require(result.totals)
      #expect(totals.rows.map { $0[0].stringValue } == shownRows.map(\.name))
      #expect(totals.columns.map { $0[0].stringValue } == shownColumns.map(\.name))
      for (row, ranked) in zip(totals.rows, shownRows) { #expect(agree(row[1], ranked.oracle.value(query)), "\(query) \(row)") }
      for (row, ranked) in zip(totals.columns, shownColumns) { #expect(agree(row[1], ranked.oracle.value(query)), "\(query) \(row)") }
      #expect(agree(totals.value, all.value(query)))
    }
  }

  @Test func pivotsOfNothingAreEmpty() async throws {
    let samples = try await Samples.shared()
    for metric in [Metric.count, .p95] {
      var query = query(metric, by: .property("model"))
      (query.eventName, query.groupBy2) = ("never", .userID)
      let result = try await samples.executor.run(samples.planner().plan(query, kind: .table))
      #expect(result.rows.isEmpty)
      #expect(result.json["totals"] == ["rows": [], "columns": [], "value": metric == .count ? 0 : .null])
    }
  }
}
