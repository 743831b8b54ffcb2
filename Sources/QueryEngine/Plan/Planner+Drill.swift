internal import ClickHouse
public import Domain

/// What a viewer opened: a value of a widget, a bucket of its time, or both.
public struct DrillDown: Sendable, Hashable {
  public struct Level: Sendable, Hashable {
    public var dimension: Dimension
    public var value: String

    public init(_ dimension: Dimension, _ value: String) {
      self.dimension = dimension
      self.value = value
    }

    public static func read(_ value: JSONValue, path: String, problems: Problems) -> Level? {
      var reader = ObjectReader(value, path: path, problems: problems)
      guard reader.isObject else { return nil }
      defer { reader.finish() }
      if !reader.has("dimension") { reader.problem("dimension", "missing", "is required and must be the name of a dimension") }
      return readLevel(&reader)
    }
  }

  /// All levels that are open, each narrows the one before.
  public var levels: [Level]
  /// A part of the widget's own time; what lies outside of that is not seen.
  public var range: DateRange?
  /// The dimension of the next level; nil for the events themselves.
  public var next: Dimension?
  public var limit: Int?

  public init(_ levels: [Level], range: DateRange? = nil, next: Dimension? = nil, limit: Int? = nil) {
    self.levels = levels
    self.range = range
    self.next = next
    self.limit = limit
  }

  /// Reads `dimension` with `value`, `filters`, `range`, `next_dimension` and `limit` out of an object that may hold others too; the
  /// caller finishes the reader.
  public static func read(from reader: inout ObjectReader) -> DrillDown {
    let filters = reader.list("filters", count: 0...Limits.drillFilters, Level.read) ?? []
    // Asked before it is read, which takes the member out.
    if !reader.has("dimension"), !reader.has("range") {
      reader.problem("dimension", "missing", "is required without range")
    }
    let range = reader.nested("range", DateRange.read)
    if !reader.has("dimension"), reader.has("value") { reader.problem("value", "not_applicable", "needs dimension as well") }
    let last = readLevel(&reader)
    return DrillDown(
      filters + [last].compactMap(\.self), range: range, next: Dimension.read("next_dimension", &reader),
      limit: reader.int("limit", in: 1...Limits.rows))
  }

  private static func readLevel(_ reader: inout ObjectReader) -> Level? {
    let isGiven = reader.has("dimension")
    let dimension = Dimension.read("dimension", &reader)
    if isGiven, !reader.has("value") { reader.problem("value", "missing", "is required with dimension and must be a string") }
    let value = reader.string("value", length: 0...Limits.propertyValueLength)
    guard let dimension, let value else { return nil }
    return Level(dimension, value)
  }
}

extension Planner {
  /// Plans what lies behind a value or a bucket of a widget: the next level, a table by another dimension, or the newest events themselves.
  ///
  /// Whether the session may drill at all (`allow_drill_down`) is the caller's to check; by which dimensions, and which columns of events
  /// may be seen, is decided here: those that the session allows by name, otherwise those that the dashboard itself groups or filters by.
  /// The range is cut to the widget's own time, so that it never widens what the session may see.
  ///
  /// - Parameter query: the widget's; its event, filters and metric stay.
  /// - Throws: ``AppError`` 403 `dimension_not_allowed`, and what ``plan(_:kind:state:)`` throws.
  public func drill(into query: WidgetQuery, _ drill: DrillDown, state: ViewState = ViewState()) throws(AppError) -> Plan {
    for wanted in drill.levels.map(\.dimension) + [drill.next].compactMap(\.self) where !isOpen(wanted) {
      throw .forbidden("dimension_not_allowed", "There is no drill-down by \(wanted.name) in this session.")
    }
    var narrowed = WidgetQuery(
      eventName: query.eventName, metric: query.metric, numericProp: query.numericProp, uniqueProp: query.uniqueProp, time: query.time,
      order: query.order, filters: query.filters)
    narrowed.filters += drill.levels.map { .string($0.dimension, .equal, values: [$0.value]) }
    narrowed.groupBy = drill.next
    narrowed.limit = drill.limit
    let resolver = TimeResolver(scope: scope)
    var time = try resolver.resolve(narrowed.time, state: state)
    if let range = drill.range { time = time.narrowed(to: try resolver.range(of: range, field: "range")) }
    let filters = try filters(of: state) + narrowed.filters
    if drill.next != nil { return try plan(narrowed, kind: .table, time: time, filters: filters) }

    let plan = RowsPlan(
      question: try Question(narrowed, time: time, filters: filters, scope: scope),
      dimensions: visibleDimensions(with: drill.levels.map(\.dimension)),
      numericProps: visibleProperties(measured: [query.numericProp, query.secondNumericProp].compactMap(\.self)),
      limit: try Caps.limit(drill.limit, default: Limits.drillRows, maximum: Limits.rows))
    return Plan(plan, scope: scope, time: time)
  }

  /// The dimensions that a drill-down of the dashboard may open: those that the session names, otherwise those that the dashboard shows,
  /// which come first in any case. (A session names numeric properties in the same list; those that widgets measure are none.)
  public var drillDimensions: [Dimension] {
    let shown = dashboard?.exposedDimensions ?? []
    guard let allowed = scope.allowedDimensions else { return shown }
    return Self.unique(shown.filter(scope.allows) + dimensions(among: allowed))
  }

  /// The columns of underlying events: `event_name` and `user_id` unless the session names other dimensions only, then the properties.
  private func visibleDimensions(with opened: [Dimension]) -> [Dimension] {
    let own: [Dimension] = [.eventName, .userID].filter(scope.allows)
    let properties = (scope.allowedDimensions.map(dimensions(among:)) ?? dashboard?.exposedDimensions ?? []) + opened
    return own + Self.unique(properties.filter { $0 != .eventName && $0 != .userID }).prefix(Limits.propertiesPerEvent)
  }

  /// The numeric columns of underlying events: what the widget measures, and what else of the dashboard's the session names.
  private func visibleProperties(measured: [String]) -> [String] {
    let named = scope.allowedDimensions?.intersection(dashboard?.exposedProperties ?? []).sorted() ?? []
    return Self.unique(measured.map { ExactText($0) } + named).map(\.text)
  }

  /// Those of a session's names that are not numeric properties of the dashboard, which it names in the same list.
  private func dimensions(among names: Set<ExactText>) -> [Dimension] {
    names.subtracting(dashboard?.exposedProperties ?? []).sorted().map { Dimension($0.text) }
  }

  private static func unique<T: Hashable>(_ values: [T]) -> [T] {
    var seen: Set<T> = []
    return values.filter { seen.insert($0).inserted }
  }
}
