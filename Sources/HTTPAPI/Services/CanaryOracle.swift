import Domain
import QueryEngine

/// What a canary should see, computed from its events without the query engine, and what is wrong with what it saw.
///
/// Texts must be among the canary's own, and numbers those of its own events: a count that is larger, or an average that is elsewhere, holds
/// somebody else's rows.
struct CanaryOracle: Sendable {
  /// The events that the asker may see; none for an asker who must see nothing.
  let events: [Event]
  let texts: Set<String>
  let zone: Zone
  /// Whether the numbers of answers can be foretold: see ``DashboardConfig/hasPlainTexts``.
  let isCertain: Bool

  init(_ canary: Canary, zone: Zone, isCertain: Bool, passing locked: QueryFilter? = nil) {
    self.isCertain = isCertain
    events = locked.map { filter in canary.events.filter { $0.passes(filter) } } ?? canary.events
    texts = canary.texts
    self.zone = zone
  }

  /// That of an asker who must see nothing.
  init(nothingIn zone: Zone) {
    events = []
    texts = []
    self.zone = zone
    isCertain = true
  }

  /// What is wrong with the answer to a widget; nil when nothing is.
  func fault(in answer: CanaryAnswer, of kind: WidgetKind, _ query: WidgetQuery, _ time: ResolvedTime) -> String? {
    if let foreign = foreignText(in: answer) { return foreign }
    guard isCertain else { return nil }
    let own = events(of: query)
    let now = own.filter { time.range.holds($0.timestamp) }
    let before = own.filter { time.previous?.holds($0.timestamp) ?? false }
    var reader = Reader(answer: answer, kind: kind, query: query, zone: zone, now: now, before: before)
    return reader.fault()
  }

  /// The events of a query, whatever its time.
  func events(of query: WidgetQuery) -> [Event] {
    events.filter { event in (query.eventName.map { $0 == event.eventName } ?? true) && query.filters.allSatisfy(event.passes) }
  }

  /// A text that is none of the asker's.
  func foreignText(in answer: CanaryAnswer) -> String? {
    for row in answer.rows {
      for (column, cell) in zip(answer.columns, row) where column.role == "dimension" {
        // In a CSV an apostrophe may be the text's own or one that keeps spreadsheets from running it.
        if let text = cell.stringValue, !text.isEmpty, !texts.contains(text), !texts.contains("'" + text) {
          return "a row of \(column.name) \(text.debugDescription.prefix(100))"
        }
      }
    }
    return nil
  }

  /// The metric over events; nil where it has no value.
  static func value(_ metric: Metric, of property: String?, unique: String?, over events: [Event]) -> Double? {
    let numbers = events.compactMap { property.flatMap($0.numericProps.value) }.sorted()
    switch metric {
    case .count: return Double(events.count)
    case .countUnique, .countUniqueApprox:
      return Double(Set(events.map { $0.text(of: unique.map(Dimension.init) ?? .userID) }).subtracting([""]).count)
    case .sum: return numbers.reduce(0, +)
    case .avg: return numbers.isEmpty ? nil : numbers.reduce(0, +) / Double(numbers.count)
    case .min: return numbers.first
    case .max: return numbers.last
    case .p50, .p90, .p95, .p99:
      guard let quantile = metric.quantile, !numbers.isEmpty else { return nil }
      let place = quantile * Double(numbers.count - 1)
      let (low, high) = (numbers[Int(place)], numbers[min(Int(place) + 1, numbers.count - 1)])
      return low + (high - low) * (place - place.rounded(.down))
    }
  }
}

/// An answer as a table, whether it came as JSON or as CSV.
struct CanaryAnswer: Sendable {
  struct Column: Sendable {
    let name: String
    let role: String
    let isNumber: Bool
  }

  var columns: [Column] = []
  var rows: [[JSONValue]] = []
  /// Of a pivot.
  var total: JSONValue?

  init(json: JSONValue) {
    columns = (json["columns"]?.arrayValue ?? []).map {
      Column(name: $0["name"]?.stringValue ?? "", role: $0["role"]?.stringValue ?? "", isNumber: $0["type"] == "number")
    }
    rows = (json["rows"]?.arrayValue ?? []).map { row in columns.map { row[$0.name] ?? .null } }
    total = json["totals"]?["value"]
  }

  /// - Parameter columns: those of the same widget's JSON answer, which the CSV must have too.
  init?(csv text: String, columns: [Column]) {
    var records = CSVRecords.read(text)[...]
    guard let header = records.popFirst(),
      header.elementsEqual(columns, by: { field, column in field == column.name || field == "'" + column.name })
    else { return nil }
    self.columns = columns
    rows = records.map { record in
      zip(columns, record).map { column, cell in
        // The apostrophe that keeps spreadsheets from running a text is not part of it; an empty dimension is that of all other groups.
        if column.isNumber { return .optional(Double(cell)) }
        return cell.isEmpty && column.role == "dimension" ? .null : .string(cell.hasPrefix("'") ? String(cell.dropFirst()) : cell)
      }
    }
  }
}

/// CSV of RFC 4180, as far as our own writer makes it.
enum CSVRecords {
  static func read(_ text: String) -> [[String]] {
    var records: [[String]] = []
    var record: [String] = []
    var field = String.UnicodeScalarView()
    var isQuoted = false
    var scalars = text.unicodeScalars.makeIterator()
    var next = scalars.next()
    while let scalar = next {
      next = scalars.next()
      switch scalar {
      case "\"" where isQuoted && next == "\"":
        field.append(scalar)
        next = scalars.next()
      case "\"": isQuoted.toggle()
      case _ where isQuoted: field.append(scalar)
      case ",":
        record.append(String(field))
        field = .init()
      case "\r": break
      case "\n":
        records.append(record + [String(field)])
        record = []
        field = .init()
      default: field.append(scalar)
      }
    }
    return records
  }
}

/// Compares the rows of one answer with the events that each of them stands for.
private struct Reader {
  let answer: CanaryAnswer
  let kind: WidgetKind
  let query: WidgetQuery
  let zone: Zone
  /// The own events of the span of the answer, and of the span before.
  let now: [Event]
  let before: [Event]

  private var dimensions: [(column: Int, dimension: Dimension)] {
    let columns = answer.columns.indices.filter { answer.columns[$0].role == "dimension" }
    return Array(zip(columns, kind == .heatmap ? [] : [query.groupBy, query.groupBy2].compactMap(\.self)).map { ($0, $1) })
  }

  private func column(_ name: String) -> Int? { answer.columns.firstIndex { $0.name == name && $0.role != "dimension" } }

  mutating func fault() -> String? {
    if answer.rows.isEmpty { return now.isEmpty ? nil : "none of its own \(now.count) events is seen" }
    guard let values = column("value") else { return "the answer has no value" }
    let times = column("time").map { time in answer.rows.map { $0[time].stringValue.flatMap { Instant(iso8601: $0) } } }
    for (index, row) in answer.rows.enumerated() {
      let isOwn = membership(
        of: row, time: times?[index], next: times.flatMap { times in times[index...].first { $0 != times[index] } ?? nil })
      let mine = now.filter(isOwn)
      if let fault = difference(row[values], query.metric, query.numericProp, mine, "value") { return fault }
      if let second = column("second_value"), let metric = query.secondMetric,
        let fault = difference(row[second], metric, query.secondNumericProp, mine, "second_value")
      {
        return fault
      }
      if let share = column("share"), let part = row[share].numberValue, let own = row[values].numberValue,
        let total = expected(query.metric, query.numericProp, now), !Self.agree(part * total, own)
      {
        return "a share of \(part) of more than its own events"
      }
      if let previous = column("previous_value") {
        let own = kind == .timeseries ? before : before.filter(isOwn)
        if let fault = kind == .timeseries
          ? excess(row[previous], own)
          : difference(
            row[previous], query.metric, query.numericProp, own, "previous_value")
        {
          return fault
        }
      }
    }
    if let total = answer.total, let fault = difference(total, query.metric, query.numericProp, now, "the total") { return fault }
    return missingGroups()
  }

  /// Which events a row stands for.
  private func membership(of row: [JSONValue], time: Instant??, next: Instant?) -> (Event) -> Bool {
    let dimensions = dimensions
    let answer = answer
    let zone = zone
    let weekday = kind == .heatmap ? column(named: "weekday").flatMap { row[$0].numberValue } : nil
    let hour = kind == .heatmap ? column(named: "hour").flatMap { row[$0].numberValue } : nil
    return { event in
      if let start = time ?? nil, event.timestamp < start || next.map({ event.timestamp >= $0 }) ?? false { return false }
      if let weekday, let hour {
        let day = zone.day(of: event.timestamp)
        let elapsed = event.timestamp.milliseconds + Int64(zone.offset(at: event.timestamp)) * 1000
        let hourOfDay = (elapsed % 86_400_000 + 86_400_000) % 86_400_000 / 3_600_000
        return Double((day.daysSinceEpoch + 3) % 7 + 1) == weekday && Double(hourOfDay) == hour
      }
      return dimensions.allSatisfy { column, dimension in
        guard let text = row[column].stringValue else {
          // All groups that have no row of their own.
          return !answer.rows.contains { $0[column].stringValue == event.text(of: dimension) }
        }
        return text == event.text(of: dimension)
      }
    }
  }

  private func column(named name: String) -> Int? { answer.columns.firstIndex { $0.name == name } }

  private func expected(_ metric: Metric, _ property: String?, _ events: [Event]) -> Double? {
    CanaryOracle.value(metric, of: property, unique: query.uniqueProp, over: events)
  }

  private func difference(_ cell: JSONValue, _ metric: Metric, _ property: String?, _ own: [Event], _ name: String) -> String? {
    let wanted = expected(metric, property, own)
    let seen = cell.numberValue ?? (metric.zeroWhenEmpty ? 0 : nil)
    switch (seen, wanted) {
    case (nil, nil): return nil
    case (let seen?, let wanted?) where Self.agree(seen, wanted): return nil
    default:
      return "\(name) is \(seen.map { "\($0)" } ?? "nothing") where its own events make \(wanted.map { "\($0)" } ?? "nothing")"
    }
  }

  /// A bucket of the span before has no time in its row: it holds at most what all own events of that span make.
  private func excess(_ cell: JSONValue, _ own: [Event]) -> String? {
    guard let seen = cell.numberValue, seen != 0 else { return nil }
    let numbers = own.compactMap { query.numericProp.flatMap($0.numericProps.value) }
    let isWithin =
      switch query.metric {
      case .count, .countUnique, .countUniqueApprox: expected(query.metric, nil, own).map { seen <= $0 } ?? false
      case .sum: abs(seen) <= numbers.reduce(0) { $0 + abs($1) } * 1.02
      default: (numbers.min().map { $0 - abs($0) * 0.02 <= seen } ?? false) && (numbers.max().map { seen <= $0 + abs($0) * 0.02 } ?? false)
      }
    return isWithin ? nil : "previous_value is \(seen), more than its own events make"
  }

  /// Groups of its own that have no row although there is room.
  private func missingGroups() -> String? {
    guard dimensions.count == 1, let (column, dimension) = dimensions.first else { return nil }
    let shown = Set(answer.rows.compactMap { $0[column].stringValue })
    let own = Set(now.map { $0.text(of: dimension) })
    let limit = query.limit ?? (kind == .timeseries ? Limits.series : kind == .table ? Limits.tableRows : Limits.breakdownRows)
    return shown.count < min(limit, own.count) ? "\(shown.count) of its own \(own.count) groups are seen" : nil
  }

  /// Percentiles and uniques may be off by a little; the numbers of the two canaries differ by far more.
  private static func agree(_ one: Double, _ other: Double) -> Bool { abs(one - other) <= 0.02 * max(abs(one), abs(other)) + 1e-9 }
}

extension TimeRange {
  fileprivate func holds(_ instant: Instant) -> Bool { from <= instant && instant < to }
}

extension [String: Double] {
  fileprivate func value(_ key: String) -> Double? { self[key] }
}
