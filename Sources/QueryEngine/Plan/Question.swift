internal import ClickHouse
internal import Domain

/// What all kinds of widget have in common: whose events, which of them, when, and what is computed.
struct Question {
  let query: WidgetQuery
  let time: ResolvedTime
  /// What the query and the viewer's state ask of events, beside the event name and the scope's own conditions.
  let filters: [QueryFilter]
  let measure: Measure
  /// Where the rows come from: the events themselves until a rewrite finds something quicker.
  var source: any RowSource

  init(_ query: WidgetQuery, time: ResolvedTime, filters: [QueryFilter], scope: Scope) throws(AppError) {
    self.query = query
    self.time = time
    self.filters = filters
    measure = try Measure(of: query)
    source = EventRows(source: EventsSource(scope), eventName: query.eventName, filters: filters)
  }

  /// The rows of the span of the answer.
  var current: SQL { Conditions.within(time.range) }

  /// A statement, with its form from bounded memory where the measure has one.
  func statement(_ purpose: Statement.Purpose, _ sql: (Measure) -> SQL) -> Statement {
    Statement(purpose, sql(measure), fallback: measure.bounded.map(sql))
  }

  /// A measured value: an empty count or sum is 0, an empty average is nothing.
  func value(_ value: JSONValue) -> JSONValue { value.isNull && query.metric.zeroWhenEmpty ? 0 : value }
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
}

extension RowSource {
  func sql(_ measure: Measure) -> SQL { sql(measure, where: nil) }

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
}
