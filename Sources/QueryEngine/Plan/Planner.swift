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
  /// - Throws: ``AppError`` 403 `period_not_allowed`, `range_too_long`, `dimension_not_allowed`, `filter_locked`; 422 that names the
  ///   field for a query that makes no sense (`missing`, `not_applicable`, `out_of_range`, `too_many_buckets`).
  public func plan(_ query: WidgetQuery, kind: WidgetKind, state: ViewState = ViewState()) throws(AppError) -> Plan {
    let problems = query.problems(for: kind)
    guard problems.isEmpty else { throw .invalid(problems) }
    let time = try TimeResolver(scope: scope).resolve(query.time, state: state, compare: query.compare)
    return try plan(query, kind: kind, time: time, filters: try filters(of: state) + query.filters)
  }

  /// Plans a query whose time and filters are settled.
  func plan(_ query: WidgetQuery, kind: WidgetKind, time: ResolvedTime, filters: [QueryFilter]) throws(AppError) -> Plan {
    var question = try Question(query, time: time, filters: filters, scope: scope)
    let granularity = kind == .timeseries ? try TimeseriesPlan.granularity(query.granularity, for: time) : nil
    if let rollups = RollupChoice.rows(for: question, kind: kind, granularity: granularity, scope: scope, data: tenantData) {
      question.source = rollups
    }
    var plan = try plan(question, kind: kind, granularity: granularity)
    plan.isApproximate = question.source.isApproximate
    return plan
  }

  private func plan(_ question: Question, kind: WidgetKind, granularity: Granularity?) throws(AppError) -> Plan {
    let query = question.query
    let time = question.time
    switch kind {
    case .kpi: return Plan(KpiPlan(question: question), scope: scope, time: time)
    case .timeseries:
      guard let granularity else { throw .internal(cause: "A time series has no granularity.") }
      let plan = TimeseriesPlan(
        question: question, buckets: TimeBuckets(granularity, in: time.zone), dimension: query.groupBy,
        series: try Caps.limit(query.limit, default: Limits.series, maximum: Limits.maximumSeries))
      return Plan(plan, scope: scope, time: time, granularity: granularity)
    case .breakdown, .table:
      guard let dimension = query.groupBy else {
        throw .invalid("group_by", "missing", "is required for the kind \(kind.rawValue)")
      }
      let rows = kind == .table ? Limits.tableRows : Limits.breakdownRows
      let limit = try Caps.limit(query.limit, default: rows, maximum: Limits.rows)
      if let second = query.groupBy2 {
        return Plan(PivotPlan(question: question, rows: dimension, columns: second, limit: limit), scope: scope, time: time)
      }
      return Plan(GroupsPlan(question: question, dimension: dimension, limit: limit), scope: scope, time: time)
    case .heatmap: return Plan(HeatmapPlan(question: question), scope: scope, time: time)
    case .text: throw .invalid(query.problems(for: kind))
    }
  }

  /// The kind of a query that comes without a widget: with a group_by_2 a table, with a granularity a time series, with a group_by a
  /// breakdown, otherwise a single number.
  public static func kind(of query: WidgetQuery) -> WidgetKind {
    if query.groupBy2 != nil { return .table }
    if query.granularity != nil { return .timeseries }
    return query.groupBy == nil ? .kpi : .breakdown
  }
}
