extension WidgetQuery {
  /// What of the query does not go with a kind of widget, by the names of the query's members: required of it, or not understood by it. The
  /// same for a widget that is saved and for a question that is asked.
  public func problems(for kind: WidgetKind) -> [FieldProblem] {
    var problems: [FieldProblem] = []
    func refuse(_ field: String, _ reason: String, when isGiven: Bool) {
      if isGiven { problems.append(FieldProblem(field: field, code: "not_applicable", expected: reason)) }
    }
    func require(_ field: String, when isMissing: Bool) {
      if isMissing { problems.append(FieldProblem(field: field, code: "missing", expected: "is required for the kind \(kind.rawValue)")) }
    }
    func bound(_ maximum: Int) {
      if let limit, !(1...maximum ~= limit) {
        problems.append(FieldProblem(field: "limit", code: "out_of_range", expected: "must be between 1 and \(maximum)"))
      }
    }
    switch kind {
    case .kpi:
      let shown = "a kpi shows one number"
      refuse("group_by", "\(shown) and takes no group_by", when: groupBy != nil)
      refuse("group_by_2", "\(shown) and takes no group_by_2", when: groupBy2 != nil)
      refuse("second_metric", "\(shown); only timeseries, breakdown and table take a second metric", when: secondMetric != nil)
      refuse("other", "\(shown) and has no groups beyond a limit", when: other)
    case .timeseries:
      refuse("group_by_2", "only a table takes group_by_2", when: groupBy2 != nil)
      refuse("second_metric", "a time series takes either group_by or second_metric", when: secondMetric != nil && groupBy != nil)
      refuse("other", "needs group_by as well", when: other && groupBy == nil)
      bound(Limits.maximumSeries)
    case .breakdown:
      require("group_by", when: groupBy == nil)
      refuse("group_by_2", "only a table takes group_by_2", when: groupBy2 != nil)
      bound(Limits.rows)
    case .table:
      require("group_by", when: groupBy == nil)
      if let groupBy2 {
        refuse("group_by_2", "must be another dimension than group_by", when: groupBy == groupBy2)
        refuse("compare", "a table with group_by_2 is not compared", when: compare != nil)
        refuse("second_metric", "a table with group_by_2 shows one metric", when: secondMetric != nil)
        refuse("other", "a table with group_by_2 has totals instead", when: other)
      }
      bound(Limits.rows)
    case .heatmap:
      let shown = "a heatmap shows one metric by weekday and hour"
      refuse("group_by", "\(shown) and takes no group_by", when: groupBy != nil)
      refuse("group_by_2", "\(shown) and takes no group_by_2", when: groupBy2 != nil)
      refuse("compare", "\(shown) and is not compared", when: compare != nil)
      refuse("second_metric", "\(shown) and takes no second metric", when: secondMetric != nil)
      refuse("granularity", "\(shown) and takes no granularity", when: granularity != nil)
      refuse("limit", "\(shown), always all of them", when: limit != nil)
      refuse("other", "\(shown) and has no groups beyond a limit", when: other)
    case .text:
      problems.append(FieldProblem(field: "kind", code: "not_applicable", expected: Self.textAsksNothing))
    }
    return problems
  }

  static let textAsksNothing = "a text asks nothing; it stands in options.markdown"

  /// What of the query a chart needs beyond its kind.
  public func problems(drawnAs chart: Chart) -> [FieldProblem] {
    switch chart {
    case .dualAxis, .scatter:
      secondMetric == nil
        ? [FieldProblem(field: "second_metric", code: "missing", expected: "is required for the chart \(chart.rawValue)")] : []
    case .pivot:
      groupBy2 == nil ? [FieldProblem(field: "group_by_2", code: "missing", expected: "is required for the chart pivot")] : []
    default: []
    }
  }
}
