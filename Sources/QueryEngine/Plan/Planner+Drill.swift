internal import ClickHouse
public import Domain

extension Planner {
  /// Plans what lies behind one value of a widget: the next level, a table by another dimension, or the newest events themselves.
  ///
  /// Whether the session may drill at all (`allow_drill_down`) is the caller's to check; by which dimensions, and which columns of events may
  /// be seen, is decided here: those that the session allows by name, otherwise those that the dashboard itself groups or filters by.
  ///
  /// - Parameters:
  ///   - query: the widget's; its event, filters and metric stay.
  ///   - next: the dimension of the next level; nil for the events.
  /// - Throws: ``AppError`` 403 `dimension_not_allowed`, and what ``plan(_:kind:state:)`` throws.
  public func drill(
    into query: WidgetQuery, by dimension: Dimension, value: String, next: Dimension? = nil, state: ViewState = ViewState(),
    limit: Int? = nil
  ) throws(AppError) -> Plan {
    for wanted in [dimension, next].compactMap(\.self) where !isOpen(wanted) {
      throw .forbidden("dimension_not_allowed", "There is no drill-down by \(wanted.name) in this session.")
    }
    var narrowed = query
    narrowed.filters.append(.string(dimension, .equal, values: [value]))
    narrowed.compare = nil
    narrowed.granularity = nil
    narrowed.groupBy2 = nil
    narrowed.secondMetric = nil
    narrowed.secondNumericProp = nil
    narrowed.limit = limit
    narrowed.groupBy = next
    if next != nil { return try plan(narrowed, kind: .table, state: state) }

    let rows = limit ?? Limits.drillRows
    guard 1...Limits.rows ~= rows else { throw .invalid("limit", "out_of_range", "must be between 1 and \(Limits.rows)") }
    let time = try TimeResolver(scope: scope).resolve(narrowed.time, state: state)
    let question = try Question(narrowed, time: time, filters: try filters(of: state) + narrowed.filters, scope: scope)
    let plan = RowsPlan(
      question: question, dimensions: visibleDimensions(with: dimension), numericProps: query.numericProp.map { [$0] } ?? [],
      limit: rows)
    return Plan(plan, scope: scope, time: time)
  }

  /// The columns of underlying events: `event_name` and `user_id` unless the session names other dimensions only, then the properties.
  private func visibleDimensions(with dimension: Dimension) -> [Dimension] {
    let own: [Dimension] = [.eventName, .userID].filter(scope.allows)
    var properties = scope.allowedDimensions?.sorted().map(Dimension.init) ?? dashboard?.exposedDimensions ?? []
    if !properties.contains(dimension) { properties.append(dimension) }
    return own + properties.filter { $0 != .eventName && $0 != .userID }.prefix(Limits.propertiesPerEvent)
  }
}
