internal import ClickHouse
internal import Domain

/// What all kinds of widget have in common: whose events, which of them, when, and what is computed.
struct Question {
  let query: WidgetQuery
  let time: ResolvedTime
  /// What the query and the viewer's state ask of events, beside the event name and the scope's own conditions.
  let filters: [QueryFilter]
  let measures: Measures
  /// Where the rows come from: the events themselves until a rewrite finds something quicker.
  var source: any RowSource

  init(_ query: WidgetQuery, time: ResolvedTime, filters: [QueryFilter], scope: Scope) throws(AppError) {
    self.query = query
    self.time = time
    self.filters = filters
    measures = Measures(first: try Measure(of: query), second: try Measure.second(of: query))
    source = EventRows(source: EventsSource(scope), eventName: query.eventName, filters: filters)
  }

  /// The rows of the span of the answer.
  var current: SQL { Conditions.within(time.range) }

  /// A statement, with its form from bounded memory where a measure has one.
  func statement(_ purpose: Statement.Purpose, _ sql: (Measures) -> SQL) -> Statement {
    Statement(purpose, sql(measures), fallback: measures.bounded.map(sql))
  }

  /// A measured value: an empty count or sum is 0, an empty average is nothing.
  func value(_ value: JSONValue) -> JSONValue { value.isNull && query.metric.zeroWhenEmpty ? 0 : value }

  /// A value of the second metric.
  func secondValue(_ value: JSONValue) -> JSONValue { value.isNull && query.secondMetric?.zeroWhenEmpty == true ? 0 : value }
}

/// Rows that questions are put to. A row has a `timestamp`; what else it has only its source knows, which therefore writes every expression
/// over it.
protocol RowSource: Sendable {
  /// `FROM … WHERE …` over the rows of the question within any of the spans, to be followed by GROUP BY and the like. The scope is in it.
  func from(_ spans: [TimeRange], and further: SQL...) -> SQL
  /// The aggregate of a measure over the rows of a group, or over those for which `condition` holds.
  func sql(_ measure: Measure, where condition: SQL?) -> SQL
  /// The value of a dimension of a row, empty where it has none.
  func sql(_ dimension: Dimension) -> SQL
  /// Whether percentiles and distinct counts over these rows are approximate.
  var isApproximate: Bool { get }

  // In two steps, for groups that are first made and then joined:

  /// The state of a measure over the rows of a group, or over those for which `condition` holds.
  func state(_ measure: Measure, where condition: SQL?) -> SQL
  /// The value of one state, as ``sql(_:where:)`` over its rows.
  func finalized(_ measure: Measure, _ state: SQL) -> SQL
  /// The value of the states of a group, as ``sql(_:where:)`` over the rows of all of them.
  func merged(_ measure: Measure, _ states: SQL) -> SQL
}

extension RowSource {
  var isApproximate: Bool { false }

  func sql(_ measure: Measure) -> SQL { sql(measure, where: nil) }

  /// The place of a row's value in a constant array of values, 0 when it is none of them. (`transform` looks it up in a hash table: grouped
  /// time series take half the time that they take with `indexOf` and `has`.)
  func place(of dimension: Dimension, in values: SQL) -> SQL {
    "transform(\(sql(dimension)), \(values), range(1, length(\(values)) + 1), 0)"
  }

  /// How many events there are for which a condition holds.
  func count(where condition: SQL) -> SQL {
    sql(Measure(metric: .count, numericProp: nil, uniqueProp: nil), where: condition)
  }
}

/// The events themselves.
struct EventRows: RowSource {
  let source: EventsSource
  let eventName: String?
  let filters: [QueryFilter]

  func from(_ spans: [TimeRange], and further: SQL...) -> SQL {
    source.from(where: [Conditions.event(eventName)] + filters.map(Conditions.sql) + [Conditions.within(anyOf: spans)] + further)
  }

  func sql(_ measure: Measure, where condition: SQL?) -> SQL { measure.sql(where: condition) }
  func sql(_ dimension: Dimension) -> SQL { dimension.sql }
  func state(_ measure: Measure, where condition: SQL?) -> SQL { measure.state(where: condition) }
  func finalized(_ measure: Measure, _ state: SQL) -> SQL { measure.finalized(state) }
  func merged(_ measure: Measure, _ states: SQL) -> SQL { measure.merged(states) }
}
