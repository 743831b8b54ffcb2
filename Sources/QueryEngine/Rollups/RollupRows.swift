internal import ClickHouse
internal import Domain

/// Rows of rollups for the months and days that have them, and of events for what remains: all with the same columns, of which a row stands for
/// a month, a day, a half-hour or (where an edge lies within one) a minute.
///
/// | column | |
/// | --- | --- |
/// | timestamp | its start |
/// | event_name | |
/// | property | the value of the dimension, empty without one |
/// | n | how many events |
/// | users | state of the distinct users |
/// | m0_n, m0_s, m0_min, m0_max | how many events have the first numeric property, their sum, least and greatest |
/// | m0_states | state of their percentiles |
/// | m1_… | the same of the second |
struct RollupRows: RowSource {
  let scope: Scope
  let eventName: String?
  let filters: [QueryFilter]
  /// The dimension of filters and groups, as far as it is a property.
  let dimension: ExactText?
  let measures: [Measure]
  let coverage: RollupCoverage

  /// The numeric properties that are measured, at most two.
  static func properties(of measures: [Measure]) -> [ExactText] {
    var names: [ExactText] = []
    for measure in measures {
      if let name = measure.numericProp.map { ExactText($0) }, measure.metric.needsNumericProperty, !names.contains(name) {
        names.append(name)
      }
    }
    return names
  }

  private var properties: [ExactText] { Self.properties(of: measures) }
  private var needsUsers: Bool { measures.contains { $0.metric.countsUniques } }
  var isApproximate: Bool { measures.contains { RollupChoice.isApproximate($0.metric) } }
  private func needsStates(_ property: ExactText) -> Bool {
    measures.contains { $0.metric.quantile != nil && $0.numericProp.map { ExactText($0) } == property }
  }

  // MARK: Rows

  func from(_ spans: [TimeRange], and further: SQL...) -> SQL {
    // Spans of the question, or a part of them: what was chosen can tell them apart.
    let parts = coverage.parts(of: spans) ?? RollupCoverage.Parts()
    var selects: [SQL] = []
    func add(_ width: SQL, _ rows: RollupCoverage.Parts.Width, and further: [SQL] = []) {
      for (isPresent, rows) in [(true, rows.present), (false, rows.absent)] where !rows.isEmpty {
        selects.append(rollups(width, isPresent: isPresent, rows, and: further))
      }
    }
    add("month", parts.months)
    add("day", parts.days)
    let edges = parts.minutes.isEmpty ? [] : ["toUnixTimestamp(bucket) NOT IN (\(Self.list(parts.minutes)))" as SQL]
    add("half_hour", parts.halves, and: [Conditions.within("bucket", anyOf: spans)] + edges)
    if !parts.events.isEmpty || selects.isEmpty { selects.append(events(parts.events, minutes: parts.minutes)) }
    let conditions = further.filter { !$0.isEmpty }
    let suffix: SQL = conditions.isEmpty ? .empty : " WHERE \(SQL.join(conditions, separator: " AND "))"
    return "FROM (\(SQL.join(selects, separator: " UNION ALL ")))\(suffix)"
  }

  /// - Parameter isPresent: whether the dimension occurs in the events of these rows; where it does not, all of them have the empty value.
  private func rollups(_ width: SQL, isPresent: Bool, _ rows: [RollupCoverage.Parts.Rows], and further: [SQL]) -> SQL {
    let value: SQL = dimension != nil && isPresent ? "value" : "''"
    var columns: [SQL] = ["bucket AS timestamp", "event_name", "\(value) AS property", "if(measure = '', rollups.n, 0) AS n"]
    if needsUsers { columns.append("users") }
    for (index, name) in properties.enumerated() {
      let own: SQL = "measure = \(bind: name.text)"
      let prefix = Self.prefix(index)
      columns += [
        "if(\(own), rollups.n, 0) AS \(prefix)n", "if(\(own), s, 0.) AS \(prefix)s", "if(\(own), mn, NULL) AS \(prefix)min",
        "if(\(own), mx, NULL) AS \(prefix)max",
      ]
      if needsStates(name) { columns.append("quantiles AS \(prefix)states") }
    }
    let measures = [""] + properties.map(\.text)
    // A build is right for some days only.
    let builds = rows.map { rows -> SQL in
      "(build = \(Self.number(rows.build)) AND bucket >= \(Self.time(rows.range.from)) AND bucket < \(Self.time(rows.range.to)))"
    }
    let conditions: [SQL] =
      [
        RollupTables.conditions(of: scope), "width = '\(width)'", "dimension = \(bind: isPresent ? dimension?.text ?? "" : "")",
        "measure IN \(bind: measures)", Conditions.event(eventName), "(\(SQL.join(builds, separator: " OR ")))",
      ] + further + restrictions(value)
    return """
      SELECT \(SQL.join(columns, separator: ", ")) FROM \(identifier: RollupTables.rows) AS rollups \
      WHERE \(SQL.join(conditions.filter { !$0.isEmpty }, separator: " AND "))
      """
  }

  private func events(_ spans: [TimeRange], minutes: [Int]) -> SQL {
    let half: SQL = "toStartOfInterval(timestamp, INTERVAL 30 MINUTE)"
    let start: SQL =
      minutes.isEmpty ? half : "if(toUnixTimestamp(\(half)) IN (\(Self.list(minutes))), toStartOfMinute(timestamp), \(half))"
    let value: SQL = dimension.map { PropertyPath.string($0.text).stringExpression } ?? "''"
    var columns: [SQL] = ["start AS timestamp", "event_name", "property", "count() AS n"]
    if needsUsers { columns.append("uniqCombined64StateIf(17)(user_id, user_id != '') AS users") }
    for (index, name) in properties.enumerated() {
      let prefix = Self.prefix(index)
      let number: SQL = "\(prefix)number"
      columns += [
        "count(\(number)) AS \(prefix)n", "ifNull(sum(\(number)), 0.) AS \(prefix)s", "min(\(number)) AS \(prefix)min",
        "max(\(number)) AS \(prefix)max",
      ]
      if needsStates(name) {
        columns.append("quantileBFloat16StateIf(assumeNotNull(\(number)), isNotNull(\(number))) AS \(prefix)states")
      }
    }
    var inner: [SQL] = ["\(start) AS start", "event_name", "\(value) AS property"]
    if needsUsers { inner.append("user_id") }
    inner += properties.enumerated().map { "\(PropertyPath.numeric($1.text).numericExpression) AS \(Self.prefix($0))number" }
    // The scope's own conditions come with the source.
    let rows = EventsSource(scope).from(
      where: [Conditions.event(eventName)] + filters.map(Conditions.sql) + [Conditions.within(anyOf: spans)])
    return """
      SELECT \(SQL.join(columns, separator: ", ")) FROM (SELECT \(SQL.join(inner, separator: ", ")) \(rows)) \
      GROUP BY start, event_name, property
      """
  }

  /// What the query, the viewer and the session ask of a row of a rollup.
  private func restrictions(_ value: SQL) -> [SQL] {
    func column(_ dimension: Dimension) -> SQL { dimension == .eventName ? "event_name" : value }
    return scope.lockedFilters.map { Conditions.matches(column($0.dimension), anyOf: $0.values) }
      + filters.compactMap { filter in
        guard let (dimension, condition, values) = filter.text else { return nil }
        return Conditions.sql(condition, column(dimension), values)
      }
  }

  private static func prefix(_ index: Int) -> SQL { index == 0 ? "m0_" : "m1_" }

  /// Written out rather than bound: there may be hundreds of them.
  private static func number(_ value: Int) -> SQL { SQL(trusted: String(value)) }
  /// Of a midnight.
  private static func time(_ instant: Instant) -> SQL { "toDateTime(\(number(Int(instant.milliseconds / 1000))))" }
  private static func list(_ values: [Int]) -> SQL { SQL.join(values.map(number), separator: ", ") }

  // MARK: Expressions

  func sql(_ dimension: Dimension) -> SQL { dimension == .eventName ? "event_name" : "property" }

  func sql(_ measure: Measure, where condition: SQL?) -> SQL {
    value(of: parts(measure).map { $0.call(.empty, condition) })
  }

  /// One state, or two in a tuple.
  func state(_ measure: Measure, where condition: SQL?) -> SQL {
    let states = parts(measure).map { $0.call("State", condition) }
    return states.count == 1 ? states[0] : "(\(SQL.join(states, separator: ", ")))"
  }

  func finalized(_ measure: Measure, _ state: SQL) -> SQL {
    let parts = parts(measure)
    return value(of: parts.indices.map { "finalizeAggregation(\(Self.element($0, of: state, count: parts.count)))" })
  }

  func merged(_ measure: Measure, _ states: SQL) -> SQL {
    let parts = parts(measure)
    return value(
      of: parts.indices.map { "\(parts[$0].merge)\(parts[$0].level)(\(Self.element($0, of: states, count: parts.count)))" })
  }

  /// An aggregate function over a column of the rows.
  private struct Part {
    var name: SQL
    var level: SQL = .empty
    var column: SQL
    /// The function that joins its states.
    var merge: SQL

    init(_ name: SQL, _ column: SQL) {
      self.name = name
      self.column = column
      merge = "\(name)Merge"
    }

    /// Of a column that holds states itself.
    init(merging function: SQL, level: SQL = .empty, _ column: SQL) {
      name = "\(function)Merge"
      self.level = level
      self.column = column
      merge = name
    }

    func call(_ combinator: SQL, _ condition: SQL?) -> SQL {
      condition.map { "\(name)\(combinator)If\(level)(\(column), \($0))" } ?? "\(name)\(combinator)\(level)(\(column))"
    }
  }

  /// One part, of which the value is the metric; for an average the sum and the number.
  private func parts(_ measure: Measure) -> [Part] {
    let prefix = Self.prefix(properties.firstIndex { $0 == measure.numericProp.map { ExactText($0) } } ?? 0)
    return switch measure.metric {
    case .count: [Part("sum", "n")]
    case .countUnique, .countUniqueApprox: [Part(merging: "uniqCombined64", level: "(17)", "users")]
    case .sum: [Part("sum", "\(prefix)s")]
    case .avg: [Part("sum", "\(prefix)s"), Part("sum", "\(prefix)n")]
    // The states of plain min and max do not know nothing from 0.
    case .min: [Part("minOrNull", "\(prefix)min")]
    case .max: [Part("maxOrNull", "\(prefix)max")]
    case .p50: [Part(merging: "quantileBFloat16", level: "(0.5)", "\(prefix)states")]
    case .p90: [Part(merging: "quantileBFloat16", level: "(0.9)", "\(prefix)states")]
    case .p95: [Part(merging: "quantileBFloat16", level: "(0.95)", "\(prefix)states")]
    case .p99: [Part(merging: "quantileBFloat16", level: "(0.99)", "\(prefix)states")]
    }
  }

  private func value(of parts: [SQL]) -> SQL { parts.count == 1 ? parts[0] : "\(parts[0]) / nullIf(\(parts[1]), 0)" }

  private static func element(_ index: Int, of tuple: SQL, count: Int) -> SQL {
    count == 1 ? tuple : index == 0 ? "tupleElement(\(tuple), 1)" : "tupleElement(\(tuple), 2)"
  }
}

extension CivilDate {
  var nextMidnightUTC: Instant { adding(days: 1).midnightUTC }
}
