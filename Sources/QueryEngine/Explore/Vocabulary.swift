public import Domain

/// What a viewer may make widgets of: the events and properties that the published dashboard itself shows to the session, and nothing else.
public struct Vocabulary: Sendable, Hashable {
  public let events: [String]
  /// Whether a question may be about all events, as one of the dashboard's own is.
  public let allEvents: Bool
  /// To group and filter by.
  public let dimensions: [Dimension]
  /// Numeric properties, to measure and filter by.
  public let measures: [String]
  /// What distinct values may be counted of.
  public let uniques: [Dimension]

  /// The periods that are open to the session; nil for all.
  private let periods: [Period]?
  private let queries: [WidgetQuery]

  /// - Parameter dashboard: as the session sees it: without hidden widgets, resolved by the session's context.
  public init(_ dashboard: DashboardConfig, permissions: EmbedPermissions) {
    queries = dashboard.widgets.compactMap(\.query)
    periods = permissions.allowedPeriods
    var seen: Set<ExactText> = []
    events = queries.compactMap(\.eventName).filter { seen.insert(ExactText($0)).inserted }
    allEvents = queries.contains { $0.eventName == nil }
    let dimensions = dashboard.exposedDimensions.filter { permissions.allows($0) }
    self.dimensions = dimensions
    measures = dashboard.exposedProperties.sorted().map(\.text).filter { permissions.allows($0) }
    let counted = queries.filter { $0.metric.countsUniques || $0.secondMetric?.countsUniques == true }
      .map { Dimension($0.uniqueProp ?? "user_id") }.filter { permissions.allows($0) }
    var known = Set(dimensions)
    uniques = dimensions + counted.filter { known.insert($0).inserted }
  }

  /// What of a question is not in the vocabulary, by the names of the query's members.
  public func problems(of query: WidgetQuery) -> [FieldProblem] {
    var problems: [FieldProblem] = []
    func refuse(_ field: String, _ what: String) {
      problems.append(FieldProblem(field: field, code: "not_in_vocabulary", expected: "must be \(what) that the dashboard shows"))
    }
    if let name = query.eventName {
      if !events.containsExactly(name) { refuse("event_name", "an event") }
    } else if !allEvents {
      problems.append(
        FieldProblem(field: "event_name", code: "missing", expected: "is required and must be an event that the dashboard shows"))
    }
    for (field, dimension) in [("group_by", query.groupBy), ("group_by_2", query.groupBy2)] {
      if let dimension, !dimensions.contains(dimension) { refuse(field, "a dimension") }
    }
    for (field, property) in [("numeric_prop", query.numericProp), ("second_numeric_prop", query.secondNumericProp)] {
      if let property, !measures.containsExactly(property) { refuse(field, "a numeric property") }
    }
    if query.metric.countsUniques || query.secondMetric?.countsUniques == true,
      !uniques.contains(Dimension(query.uniqueProp ?? "user_id"))
    {
      refuse("unique_prop", "a property or user_id")
    }
    problems += timeProblems(of: query)
    for (index, filter) in query.filters.enumerated() {
      switch filter {
      case .string(let dimension, _, _):
        if !dimensions.contains(dimension) { refuse("filters[\(index)].dimension", "a dimension") }
      case .numeric(let property, _):
        if !measures.containsExactly(property) { refuse("filters[\(index)].property", "a numeric property") }
      case .soft, .anyOf:
        problems.append(
          FieldProblem(
            field: "filters[\(index)].values", code: "context_reference", expected: "must be values; references are the author's"))
      }
    }
    return problems
  }

  /// What an author decides for viewers to see, days of their own choice or a comparison that reaches further back, a viewer whose periods
  /// are limited must not decide. Named periods are held against the session whenever they are asked for.
  private func timeProblems(of query: WidgetQuery) -> [FieldProblem] {
    guard let periods else { return [] }
    var problems: [FieldProblem] = []
    if case .range = query.time {
      let names = periods.map(\.rawValue).joined(separator: ", ")
      problems.append(
        FieldProblem(field: "period", code: "period_not_allowed", expected: "must be a period that is open to this session: \(names)"))
    }
    if let comparison = query.compare, !queries.contains(where: { $0.compare == comparison }) {
      problems.append(
        FieldProblem(field: "compare", code: "period_not_allowed", expected: "must be a comparison that the dashboard shows"))
    }
    return problems
  }

  /// The same question of those events alone that one of the dashboard's own widgets looks at: what their filters keep from the viewer stays so.
  public func narrowed(_ query: WidgetQuery) -> WidgetQuery {
    var groups: [[QueryFilter]] = []
    for published in queries {
      if let name = published.eventName {
        guard let wanted = query.eventName, name.isExactly(wanted) else { continue }
      }
      if published.filters.isEmpty { return query }
      if !groups.contains(published.filters) { groups.append(published.filters) }
    }
    var query = query
    query.filters.append(.anyOf(groups))
    return query
  }

  public var json: JSONValue {
    [
      "events": .strings(events), "all_events": .bool(allEvents), "dimensions": .strings(dimensions.map(\.name)),
      "measures": .strings(measures), "uniques": .strings(uniques.map(\.name)), "max_widgets": .int(Limits.ownWidgets),
    ]
  }
}
