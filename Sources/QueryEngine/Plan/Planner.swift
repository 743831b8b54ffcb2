internal import ClickHouse
public import Domain

/// Turns questions into plans, within a scope. The order of its steps is the order of the checks: time → filters of the state → filters of
/// the query → kind.
public struct Planner: Sendable {
  public let scope: Scope
  /// The dashboard that the viewer looks at; its filters are those that a state may set. Nil outside of dashboards.
  public let dashboard: DashboardConfig?

  public init(scope: Scope, dashboard: DashboardConfig? = nil) {
    self.scope = scope
    self.dashboard = dashboard
  }

  /// Plans the query of a widget.
  ///
  /// - Parameter state: what the viewer has set in the dashboard's filter bar; ANDed to the query's own filters.
  /// - Throws: ``AppError`` 403 `period_not_allowed`, `range_too_long`, `dimension_not_allowed`, `filter_locked`; 422 that names the field for
  ///   a query that makes no sense (`missing`, `not_applicable`, `too_many_buckets`, `kind_not_supported`).
  public func plan(_ query: WidgetQuery, kind: WidgetKind, state: ViewState = ViewState()) throws(AppError) -> Plan {
    try checkSupported(query, kind)
    let time = try TimeResolver(scope: scope).resolve(query.time, state: state, compare: query.compare)
    let question = Question(
      source: EventsSource(scope), query: query, time: time, measure: try Measure(of: query),
      conditions: [Conditions.event(query.eventName)] + (try conditions(of: state)) + query.filters.map(Conditions.sql))
    switch kind {
    case .kpi:
      guard query.groupBy == nil else {
        throw .invalid("group_by", "not_applicable", "a kpi shows one number and takes no group_by")
      }
      return Plan(KpiPlan(question: question), scope: scope, time: time)
    case .timeseries:
      let granularity = try TimeseriesPlan.granularity(query.granularity, for: time)
      let plan = TimeseriesPlan(
        question: question, buckets: TimeBuckets(granularity, in: time.zone), dimension: query.groupBy,
        series: try limit(query.limit, default: Limits.series, maximum: Limits.maximumSeries))
      return Plan(plan, scope: scope, time: time, granularity: granularity)
    case .breakdown, .table:
      guard let dimension = query.groupBy else {
        throw .invalid("group_by", "missing", "is required for the kind \(kind.rawValue)")
      }
      let rows = kind == .table ? Limits.tableRows : Limits.breakdownRows
      let plan = GroupsPlan(
        question: question, dimension: dimension, limit: try limit(query.limit, default: rows, maximum: Limits.rows))
      return Plan(plan, scope: scope, time: time)
    case .heatmap, .text:
      throw .invalid("kind", "kind_not_supported", "\(kind.rawValue) cannot be queried")
    }
  }

  /// The kind of a query that comes without a widget: with a granularity a time series, with a group_by a breakdown, otherwise a
  /// single number.
  public static func kind(of query: WidgetQuery) -> WidgetKind {
    if query.granularity != nil { return .timeseries }
    return query.groupBy == nil ? .kpi : .breakdown
  }

  private func checkSupported(_ query: WidgetQuery, _ kind: WidgetKind) throws(AppError) {
    if query.groupBy2 != nil {
      throw .invalid("group_by_2", "kind_not_supported", "a second dimension cannot be queried")
    }
    if query.secondMetric != nil {
      throw .invalid("second_metric", "kind_not_supported", "a second metric cannot be queried")
    }
  }

  private func limit(_ wanted: Int?, default initial: Int, maximum: Int) throws(AppError) -> Int {
    guard let wanted else { return initial }
    guard 1...maximum ~= wanted else { throw .invalid("limit", "out_of_range", "must be between 1 and \(maximum)") }
    return wanted
  }

  // MARK: State

  /// The conditions of what a viewer has set, of which each must be open to the session.
  func conditions(of state: ViewState) throws(AppError) -> [SQL] {
    var conditions: [SQL] = []
    for (name, values) in state.dimensions.sorted(by: { $0.key < $1.key }) {
      let dimension = Dimension(name)
      if let locked = scope.lockedFilter(of: dimension) {
        guard Set(values) == Set(locked.values) else {
          throw .forbidden("filter_locked", "The filter \(name) is fixed for this session.")
        }
        continue
      }
      try check(name, isOpen: dashboard != nil && isOpen(dimension))
      conditions.append(Conditions.matches(dimension, anyOf: values))
    }
    for (property, range) in state.numericRanges.sorted(by: { $0.key < $1.key }) {
      try check(property, isOpen: isOpen(property: property))
      conditions.append(Conditions.within(property, range))
    }
    return conditions
  }

  /// Whether filters, filter values and drill-downs may use a dimension: one that the session names, or, when it names none, one that the
  /// dashboard shows anyhow. What no widget and no filter shows cannot be probed by guessing values.
  public func isOpen(_ dimension: Dimension) -> Bool {
    if scope.allowedDimensions != nil { return scope.allows(dimension) }
    return dashboard.map { $0.exposedDimensions.contains(dimension) } ?? true
  }

  /// The same for the numeric properties of ranges.
  private func isOpen(property: String) -> Bool {
    if scope.allowedDimensions != nil { return scope.allows(property) }
    return dashboard?.exposedProperties.contains(property) ?? false
  }

  func check(_ name: String, isOpen: Bool) throws(AppError) {
    guard isOpen else { throw .forbidden("dimension_not_allowed", "\(name) is not open to filters in this session.") }
  }
}

extension DashboardConfig {
  /// The dimensions that a dashboard shows to whoever looks at it: those its widgets group by and its filters offer. Leave out hidden
  /// widgets before asking.
  public var exposedDimensions: [Dimension] {
    let all = widgets.compactMap(\.query).flatMap { [$0.groupBy, $0.groupBy2] } + filters.map(\.dimension)
    var seen: Set<Dimension> = []
    return all.compactMap(\.self).filter { seen.insert($0).inserted }
  }

  /// The numeric properties that a dashboard shows: those its widgets measure and its filters offer.
  var exposedProperties: Set<String> {
    let measured = widgets.compactMap(\.query).flatMap { [$0.numericProp, $0.secondNumericProp] }
    let offered = filters.map { if case .numericRange(let property) = $0.control { property } else { String?.none } }
    return Set((measured + offered).compactMap(\.self))
  }
}
