internal import ClickHouse
public import Domain

/// Turns questions into plans, within a scope. The order of its steps is the order of the checks: time → filters of the state → filters of
/// the query → kind.
public struct Planner: Sendable {
  public let scope: Scope
  /// The dashboard that the viewer looks at; its filters are those that a state may set. Nil outside of dashboards.
  public let dashboard: DashboardConfig?

  /// What is known of the tenant's events; with it, questions over many of them are answered from rollups.
  public let tenantData: TenantData?

  public init(scope: Scope, dashboard: DashboardConfig? = nil, tenantData: TenantData? = nil) {
    self.scope = scope
    self.dashboard = dashboard
    self.tenantData = tenantData
  }

  /// Plans the query of a widget.
  ///
  /// - Parameter state: what the viewer has set in the dashboard's filter bar; ANDed to the query's own filters.
  /// - Throws: ``AppError`` 403 `period_not_allowed`, `range_too_long`, `dimension_not_allowed`, `filter_locked`; 422 that names the field for
  ///   a query that makes no sense (`missing`, `not_applicable`, `too_many_buckets`, `kind_not_supported`).
  public func plan(_ query: WidgetQuery, kind: WidgetKind, state: ViewState = ViewState()) throws(AppError) -> Plan {
    try checkSupported(query, kind)
    let time = try TimeResolver(scope: scope).resolve(query.time, state: state, compare: query.compare)
    let question = try Question(query, time: time, filters: try filters(of: state) + query.filters, scope: scope)
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
        series: try Caps.limit(query.limit, default: Limits.series, maximum: Limits.maximumSeries))
      return Plan(plan, scope: scope, time: time, granularity: granularity)
    case .breakdown, .table:
      guard let dimension = query.groupBy else {
        throw .invalid("group_by", "missing", "is required for the kind \(kind.rawValue)")
      }
      let rows = kind == .table ? Limits.tableRows : Limits.breakdownRows
      let plan = GroupsPlan(
        question: question, dimension: dimension, limit: try Caps.limit(query.limit, default: rows, maximum: Limits.rows))
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
}
