public import Foundation

/// A question about the events of one name.
///
///     EmbanQuery(eventName: "api.call", metric: .p95, numericProp: "latency_ms", groupBy: "model", period: .last7d)
///
/// What each member means: `docs/queries.md`. What does not fit together is refused by the server with the field's name.
public struct EmbanQuery: Sendable, Hashable, Encodable {
  /// How events become a number.
  public enum Metric: String, Sendable, Hashable, Codable, CaseIterable {
    case count, sum, avg, min, max, p50, p90, p95, p99
    case countUnique = "count_unique"
    case countUniqueApprox = "count_unique_approx"
  }

  /// The form of the answer.
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    case kpi, timeseries, breakdown, table, heatmap
  }

  public enum Granularity: String, Sendable, Hashable, Codable, CaseIterable {
    case minute, hour, day, week, month
  }

  public enum Comparison: String, Sendable, Hashable, Codable, CaseIterable {
    case previousPeriod = "previous_period"
    case previousYear = "previous_year"
  }

  public enum Order: String, Sendable, Hashable, Codable, CaseIterable {
    case descending = "desc"
    case ascending = "asc"
  }

  /// Over which time.
  public enum Period: Sendable, Hashable {
    case last1h, last24h, last7d, last30d, last90d, last12mo
    /// `to` is not included.
    case range(from: Date, to: Date)
  }

  /// A condition; all of a query hold at once.
  public struct Filter: Sendable, Hashable, Codable {
    public let dimension: String?
    public let property: String?
    public let op: String
    public let values: [EmbanJSON]

    private init(dimension: String? = nil, property: String? = nil, op: String, values: [EmbanJSON]) {
      self.dimension = dimension
      self.property = property
      self.op = op
      self.values = values
    }

    public static func isIn(_ dimension: String, _ values: [String]) -> Filter { string(dimension, "in", values) }
    public static func isNotIn(_ dimension: String, _ values: [String]) -> Filter { string(dimension, "not_in", values) }
    public static func equals(_ dimension: String, _ value: String) -> Filter { string(dimension, "eq", [value]) }
    public static func isNot(_ dimension: String, _ value: String) -> Filter { string(dimension, "neq", [value]) }
    /// Upper and lower case alike, without wildcards.
    public static func contains(_ dimension: String, _ text: String) -> Filter { string(dimension, "contains", [text]) }
    public static func atLeast(_ property: String, _ number: Double) -> Filter { number_(property, "gte", [number]) }
    public static func atMost(_ property: String, _ number: Double) -> Filter { number_(property, "lte", [number]) }
    public static func between(_ property: String, _ low: Double, _ high: Double) -> Filter { number_(property, "between", [low, high]) }

    private static func string(_ dimension: String, _ op: String, _ values: [String]) -> Filter {
      Filter(dimension: dimension, op: op, values: values.map(EmbanJSON.string))
    }

    private static func number_(_ property: String, _ op: String, _ values: [Double]) -> Filter {
      Filter(property: property, op: op, values: values.map(EmbanJSON.number))
    }
  }

  /// Nil for all events.
  public var eventName: String?
  public var metric: Metric
  public var numericProp: String?
  public var uniqueProp: String?
  public var groupBy: String?
  public var groupBy2: String?
  public var period: Period
  public var granularity: Granularity?
  public var compare: Comparison?
  public var limit: Int?
  public var order: Order?
  /// Whether one more row or series stands for everything beyond `limit`.
  public var other: Bool
  public var filters: [Filter]
  public var secondMetric: Metric?
  public var secondNumericProp: String?

  public init(
    eventName: String? = nil, metric: Metric = .count, numericProp: String? = nil, uniqueProp: String? = nil, groupBy: String? = nil,
    groupBy2: String? = nil, period: Period = .last30d, granularity: Granularity? = nil, compare: Comparison? = nil, limit: Int? = nil,
    order: Order? = nil, other: Bool = false, filters: [Filter] = [], secondMetric: Metric? = nil, secondNumericProp: String? = nil
  ) {
    self.eventName = eventName
    self.metric = metric
    self.numericProp = numericProp
    self.uniqueProp = uniqueProp
    self.groupBy = groupBy
    self.groupBy2 = groupBy2
    self.period = period
    self.granularity = granularity
    self.compare = compare
    self.limit = limit
    self.order = order
    self.other = other
    self.filters = filters
    self.secondMetric = secondMetric
    self.secondNumericProp = secondNumericProp
  }

  private enum CodingKeys: String, CodingKey {
    case metric, period, granularity, compare, limit, order, other, filters
    case eventName = "event_name"
    case numericProp = "numeric_prop"
    case uniqueProp = "unique_prop"
    case groupBy = "group_by"
    case groupBy2 = "group_by_2"
    case secondMetric = "second_metric"
    case secondNumericProp = "second_numeric_prop"
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(eventName, forKey: .eventName)
    try container.encode(metric, forKey: .metric)
    try container.encodeIfPresent(numericProp, forKey: .numericProp)
    try container.encodeIfPresent(uniqueProp, forKey: .uniqueProp)
    try container.encodeIfPresent(groupBy, forKey: .groupBy)
    try container.encodeIfPresent(groupBy2, forKey: .groupBy2)
    try container.encode(period.json, forKey: .period)
    try container.encodeIfPresent(granularity, forKey: .granularity)
    try container.encodeIfPresent(compare, forKey: .compare)
    try container.encodeIfPresent(limit, forKey: .limit)
    try container.encodeIfPresent(order, forKey: .order)
    // What does not fit a kind is refused, even as `false` or `[]`: it is sent only where it was asked for.
    if other { try container.encode(true, forKey: .other) }
    if !filters.isEmpty { try container.encode(filters, forKey: .filters) }
    try container.encodeIfPresent(secondMetric, forKey: .secondMetric)
    try container.encodeIfPresent(secondNumericProp, forKey: .secondNumericProp)
  }
}

extension EmbanQuery.Period {
  fileprivate var json: EmbanJSON {
    switch self {
    case .last1h: "1h"
    case .last24h: "24h"
    case .last7d: "7d"
    case .last30d: "30d"
    case .last90d: "90d"
    case .last12mo: "12mo"
    case .range(let from, let to): ["from": .string(EmbanTime.text(from)), "to": .string(EmbanTime.text(to))]
    }
  }
}

/// The answer to an ``EmbanQuery``.
public struct EmbanQueryResult: Sendable, Decodable {
  /// A column of ``rows``; find it by its role, because a dimension's column bears the name of the property.
  public struct Column: Sendable, Hashable, Codable {
    public let name: String
    /// `datetime`, `string` or `number`.
    public let type: String
    /// `time`, `dimension`, `measure` or `comparison`.
    public let role: String
  }

  /// The span that is compared with.
  public struct Previous: Sendable, Decodable {
    public let from: Date
    public let to: Date
    public let rows: [[String: EmbanJSON]]

    private enum CodingKeys: String, CodingKey { case from, to, rows }

    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      from = try container.date(.from)
      to = try container.date(.to)
      rows = try container.decodeIfPresent([[String: EmbanJSON]].self, forKey: .rows) ?? []
    }
  }

  /// What was looked at, and how.
  public struct Meta: Sendable, Decodable {
    public let from: Date
    /// Does not belong to the span.
    public let to: Date
    public let granularity: EmbanQuery.Granularity?
    public let timezone: String
    public let elapsedMilliseconds: Double
    public let isCached: Bool
    /// Up to when the answer is known to hold all stored events.
    public let dataAsOf: Date?
    /// Whether there were more groups or rows.
    public let isTruncated: Bool

    private enum CodingKeys: String, CodingKey {
      case from, to, granularity, timezone, elapsed = "elapsed_ms", cached, dataAsOf = "data_as_of", truncated
    }

    public init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      from = try container.date(.from)
      to = try container.date(.to)
      granularity = try container.decodeIfPresent(EmbanQuery.Granularity.self, forKey: .granularity)
      timezone = try container.decode(String.self, forKey: .timezone)
      elapsedMilliseconds = try container.decodeIfPresent(Double.self, forKey: .elapsed) ?? 0
      isCached = try container.decodeIfPresent(Bool.self, forKey: .cached) ?? false
      dataAsOf = try container.dateIfPresent(.dataAsOf)
      isTruncated = try container.decodeIfPresent(Bool.self, forKey: .truncated) ?? false
    }
  }

  public let columns: [Column]
  public let rows: [[String: EmbanJSON]]
  public let previous: Previous?
  /// Of a table with `groupBy2`.
  public let totals: EmbanJSON?
  public let meta: Meta

  /// The number of a kpi; of other kinds that of the first row.
  public var value: Double? { rows.first?["value"]?.numberValue }

  /// The rows as values of your own.
  ///
  ///     struct Row: Decodable { let model: String; let value: Double }
  ///     let rows = try result.rows(as: Row.self)
  ///
  /// - Throws: `DecodingError`.
  public func rows<Row: Decodable>(as _: Row.Type) throws -> [Row] {
    try JSONDecoder().decode([Row].self, from: try JSONEncoder().encode(rows))
  }
}
