public import Domain

/// Makes a first dashboard out of what was discovered: headline numbers, two time series, breakdowns, a table and the hours of
/// the week of the most frequent event, with the filters that fit.
public enum AutoDashboard {
  /// - Throws: ``AppError`` 422 `no_events` when there is nothing to make it from.
  public static func make(from report: DiscoverReport, name: String? = nil, zone: Zone = .utc) throws(AppError) -> DashboardConfig {
    guard let main = report.events.first else {
      throw AppError(
        status: 422, code: "no_events", message: "There are no events yet: send some first, then a dashboard can be made to fit them.")
    }
    return Draft(report: report, main: main, zone: zone).config(name: name)
  }
}

/// Collects widgets row by row on the grid.
private struct Draft {
  let report: DiscoverReport
  let main: DiscoverReport.EventSummary
  let time: Time
  /// From the most to the least telling.
  let dimensions: [DiscoverReport.DimensionSummary]
  let measures: [Measured]

  private var widgets: [Widget] = []
  private var row = 0

  struct Measured {
    var property: String
    var words: [String]
    var quantity: PropertyNaming.Quantity
    var range: ClosedRange<Double>
  }

  /// The time that the dashboard shows: a period when the events are recent enough for one, otherwise the days that hold them.
  struct Time {
    var selection: TimeSelection
    var period: Period?
  }

  init(report: DiscoverReport, main: DiscoverReport.EventSummary, zone: Zone) {
    self.report = report
    self.main = main
    time = Self.time(of: main, now: report.now, zone: zone)
    let common = Double(max(main.sampled, 1)) * 0.05
    dimensions = main.dimensions
      .filter { 2...1_000 ~= $0.cardinality && Double($0.events) >= common && Double($0.cardinality) < Double($0.events) * 0.5 }
      .sorted { ($0.cardinality > 12 ? 1 : 0, -$0.events, $0.name) < ($1.cardinality > 12 ? 1 : 0, -$1.events, $1.name) }
    measures = main.measures.filter { $0.min < $0.max && Double($0.events) >= common }.map {
      let (quantity, words) = PropertyNaming.quantity(of: $0.name)
      return Measured(property: $0.name, words: words, quantity: quantity, range: $0.min...$0.max)
    }
  }

  mutating func build() {
    headline()
    series()
    breakdowns()
    table()
    activity()
  }

  func config(name: String?) -> DashboardConfig {
    var draft = self
    draft.build()
    let title = name ?? "\(PropertyNaming.plural(ofEvent: main.name)) overview"
    return DashboardConfig(
      name: Self.fitting(title), description: "Made from \(main.count) events named \(main.name).", filters: filters, widgets: draft.widgets
    )
  }

  /// A name no longer than names may be: names of events and properties come in all lengths.
  private static func fitting(_ title: String) -> String {
    var title = title
    while title.utf8.count > Limits.nameLength { title.removeLast() }
    return title
  }

  // MARK: Time and filters

  private static func time(of event: DiscoverReport.EventSummary, now: Instant, zone: Zone) -> Time {
    let day: Int64 = 86_400_000
    let age = now.milliseconds - event.firstSeen.milliseconds
    let silence = now.milliseconds - event.lastSeen.milliseconds
    if silence < 20 * day {
      let period: Period = age <= 2 * day && silence < day ? .day : age <= 6 * day ? .week : .month
      return Time(selection: .period(period), period: period)
    }
    if silence < 60 * day { return Time(selection: .period(.quarter), period: .quarter) }
    // Long ago: the last stretch of events, by whole hours when it is short.
    let length = event.lastSeen.milliseconds - event.firstSeen.milliseconds
    if length <= 2 * day {
      let buckets = TimeBuckets(.hour, in: zone)
      let from = buckets.bucket(of: event.firstSeen).start
      let to = buckets.bucket(after: buckets.bucket(of: event.lastSeen)).start
      return Time(selection: .range(DateRange(from: .instant(from), to: .instant(to))))
    }
    let last = zone.day(of: event.lastSeen)
    let first = max(zone.day(of: event.firstSeen), last.adding(days: -89))
    return Time(selection: .range(DateRange(from: .day(first), to: .day(last))))
  }

  private var filters: [DashboardFilter] {
    var filters: [DashboardFilter] = []
    if let period = time.period {
      let options = Period.allCases.filter { $0 != .hour || period == .day }
      filters.append(DashboardFilter(id: "f_period", label: "Period", control: .period(default: period, options: options)))
    } else {
      filters.append(DashboardFilter(id: "f_dates", label: "Dates", control: .dateRange))
    }
    for (index, dimension) in dimensions.filter({ $0.cardinality <= 200 }).prefix(3).enumerated() {
      filters.append(
        DashboardFilter(
          id: "f_\(index + 1)", label: Self.fitting(PropertyNaming.title(of: dimension.name)),
          control: .select(Dimension(dimension.name), multiple: dimension.cardinality > 2)))
    }
    return filters
  }

  // MARK: Widgets

  private mutating func headline() {
    var numbers: [(title: String, query: WidgetQuery, format: ValueFormat?)] = []
    numbers.append((PropertyNaming.plural(ofEvent: main.name), query(.count), ValueFormat(style: .number, decimals: 0)))
    if main.withUser > 0 { numbers.append(("Active users", query(.countUnique), ValueFormat(style: .number, decimals: 0))) }
    for measured in measures.prefix(3) {
      numbers.append((title(of: measured, by: primary(measured)), query(primary(measured), measured), format(measured, primary(measured))))
    }
    if numbers.count < 4, let first = measures.first {
      let metric: Metric = primary(first) == .p95 ? .avg : .p95
      numbers.append((title(of: first, by: metric), query(metric, first), format(first, metric)))
    }
    if numbers.count < 3, let other = report.events.dropFirst().first {
      var counted = query(.count)
      counted.eventName = other.name
      numbers.append((PropertyNaming.plural(ofEvent: other.name), counted, ValueFormat(style: .number, decimals: 0)))
    }
    let shown = numbers.prefix(4)
    let width = Limits.gridColumns / shown.count
    for (index, number) in shown.enumerated() {
      var compared = number.query
      // Events from long ago have nothing before them to compare with.
      if time.period != nil { compared.compare = .previousPeriod }
      add(
        number.title, .kpi, .stat, GridPosition(x: index * width, y: row, w: width, h: 2), compared, format: number.format)
    }
    row += 2
  }

  private mutating func series() {
    var counted = query(.count)
    var title = "\(PropertyNaming.plural(ofEvent: main.name)) over time"
    if let dimension = dimensions.first(where: { $0.cardinality <= 12 }) {
      counted.groupBy = Dimension(dimension.name)
      title += " by \(PropertyNaming.phrase(PropertyNaming.words(dimension.name)))"
    }
    add(title, .timeseries, .area, GridPosition(x: 0, y: row, w: measures.isEmpty ? 12 : 8, h: 4), counted)
    if let measured = measures.first {
      let metric = primary(measured)
      add(
        "\(self.title(of: measured, by: metric)) over time", .timeseries, metric == .sum ? .bar : .line,
        GridPosition(x: 8, y: row, w: 4, h: 4), query(metric, measured), format: format(measured, metric))
    }
    row += 4
  }

  private mutating func breakdowns() {
    var parts: [(title: String, chart: Chart, query: WidgetQuery, format: ValueFormat?)] = []
    let counted = PropertyNaming.plural(ofEvent: main.name)
    for (index, dimension) in dimensions.prefix(2).enumerated() {
      parts.append(
        (
          "\(counted) by \(PropertyNaming.phrase(PropertyNaming.words(dimension.name)))", index == 0 ? .bar : .list,
          query(.count, by: dimension.name), nil
        ))
    }
    if let dimension = dimensions.first, let measured = measures.first {
      let metric = primary(measured)
      parts.append(
        (
          "\(title(of: measured, by: metric)) by \(PropertyNaming.phrase(PropertyNaming.words(dimension.name)))", .bar,
          query(metric, measured, by: dimension.name), format(measured, metric)
        ))
    }
    if parts.count < 3, report.events.count > 1 {
      var all = query(.count, by: "event_name")
      all.eventName = nil
      parts.append(("Events by name", .list, all, nil))
    }
    guard !parts.isEmpty else { return }
    let width = Limits.gridColumns / parts.count
    for (index, part) in parts.enumerated() {
      add(part.title, .breakdown, part.chart, GridPosition(x: index * width, y: row, w: width, h: 4), part.query, format: part.format)
    }
    row += 4
  }

  private mutating func table() {
    let widest = dimensions.max { ($0.cardinality, $1.name) < ($1.cardinality, $0.name) }
    guard let name = widest?.name ?? (main.withUser > 0 ? "user_id" : nil) else { return }
    var rows = query(.count, by: name)
    if time.period != nil { rows.compare = .previousPeriod }
    let counted = PropertyNaming.plural(ofEvent: main.name)
    add(
      "\(counted) per \(PropertyNaming.phrase(PropertyNaming.words(name)))", .table, .table,
      GridPosition(x: 0, y: row, w: 12, h: 5), rows)
    row += 5
  }

  /// When in the week it happens, once there are events of a week.
  private mutating func activity() {
    guard main.lastSeen.milliseconds - main.firstSeen.milliseconds >= 6 * 86_400_000 else { return }
    add(
      "\(PropertyNaming.plural(ofEvent: main.name)) by weekday and hour", .heatmap, .heatmap, GridPosition(x: 0, y: row, w: 12, h: 4),
      query(.count))
    row += 4
  }

  private mutating func add(
    _ title: String, _ kind: WidgetKind, _ chart: Chart, _ position: GridPosition, _ query: WidgetQuery, format: ValueFormat? = nil
  ) {
    widgets.append(
      Widget(
        id: "w_\(widgets.count + 1)", title: Self.fitting(title), kind: kind, chart: chart, position: position,
        query: query, format: format))
  }

  // MARK: Queries

  private func query(_ metric: Metric, _ measured: Measured? = nil, by dimension: String? = nil) -> WidgetQuery {
    WidgetQuery(
      eventName: main.name, metric: metric, numericProp: metric.needsNumericProperty ? measured?.property : nil,
      groupBy: dimension.map(Dimension.init), time: time.selection)
  }

  /// The one number that says most about a measure: the slow end of durations, the average of what does not add up, else the total.
  private func primary(_ measured: Measured) -> Metric {
    switch measured.quantity {
    case .duration: .p95
    case .percent, .level: .avg
    case .currency, .bytes, .amount: .sum
    }
  }

  private func title(of measured: Measured, by metric: Metric) -> String {
    let words = PropertyNaming.phrase(measured.words)
    return switch metric {
    case .sum: "Total \(words)"
    case .avg: "Average \(words)"
    case .p50, .p90, .p95, .p99: "\(metric.rawValue.uppercased()) \(words)"
    default: PropertyNaming.title(measured.words)
    }
  }

  private func format(_ measured: Measured, _ metric: Metric) -> ValueFormat {
    switch measured.quantity {
    case .duration(let unit): return ValueFormat(style: .duration, unit: unit)
    case .currency(let code): return ValueFormat(style: .currency, decimals: 2, unit: code)
    case .bytes: return ValueFormat(style: .bytes)
    case .percent: return ValueFormat(style: .number, decimals: 1, unit: "%")
    case .level: return ValueFormat(style: .number, decimals: 2)
    case .amount:
      let widest = max(abs(measured.range.lowerBound), abs(measured.range.upperBound))
      return ValueFormat(style: .number, decimals: metric == .sum || widest >= 100 ? 0 : 2)
    }
  }
}
