/// The question that a widget asks of one kind of event (of all events when `eventName` is absent).
public struct WidgetQuery: Sendable, Hashable {
  public var eventName: String?
  public var metric: Metric
  public var numericProp: String?
  /// What `count_unique` counts, as first or as second metric.
  public var uniqueProp: String?
  public var groupBy: Dimension?
  /// The columns of a table whose rows are those of `groupBy`.
  public var groupBy2: Dimension?
  public var time: TimeSelection
  public var granularity: Granularity?
  public var compare: Comparison?
  public var limit: Int?
  public var order: SortOrder
  /// Whether one more row or series stands for all groups beyond the limit.
  public var other: Bool
  public var filters: [QueryFilter]
  public var secondMetric: Metric?
  public var secondNumericProp: String?

  public static let defaultTime = TimeSelection.period(.month)

  public init(
    eventName: String? = nil, metric: Metric = .count, numericProp: String? = nil, uniqueProp: String? = nil,
    groupBy: Dimension? = nil, groupBy2: Dimension? = nil, time: TimeSelection = WidgetQuery.defaultTime,
    granularity: Granularity? = nil, compare: Comparison? = nil, limit: Int? = nil, order: SortOrder = .descending,
    other: Bool = false, filters: [QueryFilter] = [], secondMetric: Metric? = nil, secondNumericProp: String? = nil
  ) {
    self.eventName = eventName
    self.metric = metric
    self.numericProp = numericProp
    self.uniqueProp = uniqueProp
    self.groupBy = groupBy
    self.groupBy2 = groupBy2
    self.time = time
    self.granularity = granularity
    self.compare = compare
    self.limit = limit
    self.order = order
    self.other = other
    self.filters = filters
    self.secondMetric = secondMetric
    self.secondNumericProp = secondNumericProp
  }

  public static func read(_ value: JSONValue, path: String, problems: Problems) -> WidgetQuery? {
    var reader = ObjectReader(value, path: path, problems: problems)
    guard reader.isObject else { return nil }
    let query = read(from: &reader)
    reader.finish()
    return query
  }

  /// Reads the query's members out of an object that may hold others too; the caller finishes the reader.
  public static func read(from reader: inout ObjectReader) -> WidgetQuery? {
    var query = WidgetQuery()
    query.eventName = reader.string("event_name", length: 1...Limits.eventNameLength)
    let metric = reader.enumeration("metric", Metric.self)
    query.metric = metric ?? .count
    query.numericProp = PropertyName.read("numeric_prop", &reader)
    query.uniqueProp = PropertyName.read("unique_prop", &reader)
    query.groupBy = Dimension.read("group_by", &reader)
    query.groupBy2 = Dimension.read("group_by_2", &reader)
    query.time = reader.nested("period", TimeSelection.read) ?? defaultTime
    query.granularity = reader.enumeration("granularity", Granularity.self)
    query.compare = reader.enumeration("compare", Comparison.self)
    query.limit = reader.int("limit", in: 1...Limits.rows)
    query.order = reader.enumeration("order", SortOrder.self) ?? .descending
    query.other = reader.bool("other") ?? false
    query.filters = reader.list("filters", count: 0...Limits.queryFilters, QueryFilter.read) ?? []
    query.secondMetric = reader.enumeration("second_metric", Metric.self)
    query.secondNumericProp = PropertyName.read("second_numeric_prop", &reader)
    query.check(reader)
    return query
  }

  /// What the members must mean together.
  private func check(_ reader: ObjectReader) {
    if metric.needsNumericProperty, numericProp == nil {
      reader.problem("numeric_prop", "missing", "is required by the metric \(metric.rawValue)")
    }
    if !metric.countsUniques, secondMetric?.countsUniques != true, uniqueProp != nil {
      reader.problem("unique_prop", "not_applicable", "belongs to count_unique and count_unique_approx only")
    }
    if let secondMetric, secondMetric.needsNumericProperty, secondNumericProp == nil {
      reader.problem("second_numeric_prop", "missing", "is required by the metric \(secondMetric.rawValue)")
    }
    if secondMetric == nil, secondNumericProp != nil {
      reader.problem("second_numeric_prop", "not_applicable", "needs second_metric as well")
    }
  }

  public var json: JSONValue {
    .compact([
      "event_name": eventName.map(JSONValue.string), "metric": .string(metric.rawValue),
      "numeric_prop": numericProp.map(JSONValue.string), "unique_prop": uniqueProp.map(JSONValue.string),
      "group_by": groupBy.map { .string($0.name) }, "group_by_2": groupBy2.map { .string($0.name) }, "period": time.json,
      "granularity": granularity.map { .string($0.rawValue) }, "compare": compare.map { .string($0.rawValue) },
      "limit": limit.map(JSONValue.int), "order": order == .descending ? nil : .string(order.rawValue),
      "other": other ? true : nil, "filters": filters.isEmpty ? nil : .array(filters.map(\.json)),
      "second_metric": secondMetric.map { .string($0.rawValue) },
      "second_numeric_prop": secondNumericProp.map(JSONValue.string),
    ])
  }
}
