internal import Domain

/// Whether a question can be answered from rollups, exactly or as nearly as the policy allows, and whether that spares enough.
enum RollupChoice {
  /// More spans of events than this are no longer edges.
  private static let mostSpans = 40

  /// - Returns: the rows to ask instead of the events; nil when the events are to be asked.
  static func rows(
    for question: Question, kind: WidgetKind, granularity: Granularity?, scope: Scope, data: TenantData?
  ) -> RollupRows? {
    guard let data, case .one = scope.tenant, let grain = grain(of: kind, granularity, in: question.time.zone),
      let dimension = dimension(of: question, scope: scope)
    else { return nil }
    let spans = [question.time.range] + [question.time.previous].compactMap(\.self)
    let events = RollupCoverage.merged(spans).reduce(0) { $0 + data.events(in: $1) }
    guard events >= data.policy.minimumEvents else { return nil }
    let measures = [question.measures.first, question.measures.second].compactMap(\.self)
    let needsStates = measures.contains { isApproximate($0.metric) }
    if needsStates {
      guard events > data.policy.approximateFrom else { return nil }
      // Only users are counted in advance.
      guard measures.allSatisfy({ !$0.metric.countsUniques || $0.uniqueProp ?? "user_id" == "user_id" }) else { return nil }
    }
    let properties = RollupRows.properties(of: measures)
    // The state of a row is that of one property.
    guard properties.count < 2 || !measures.contains(where: { $0.metric.quantile != nil }), properties.count <= 2 else { return nil }
    let coverage = RollupCoverage(
      data, grain: grain, dimension: dimension.name, properties: properties, needsStates: needsStates)
    guard let parts = coverage.parts(of: spans), !parts.isEventsAlone, parts.events.count <= mostSpans else { return nil }
    let remaining = parts.events.reduce(0) { $0 + data.events(in: $1) }
    guard Double(remaining) <= Double(events) * data.policy.longestRemainder else { return nil }
    return RollupRows(
      scope: scope, eventName: question.query.eventName, filters: question.filters, dimension: dimension.name, measures: measures,
      coverage: coverage)
  }

  /// Metrics that rollups answer within 1 %; all others they answer exactly.
  static func isApproximate(_ metric: Metric) -> Bool { metric.countsUniques || metric.quantile != nil }

  /// How finely the answer tells times apart; nil when too finely.
  private static func grain(of kind: WidgetKind, _ granularity: Granularity?, in zone: Zone) -> RollupCoverage.Grain? {
    if kind == .heatmap { return .hours(zone) }
    return granularity.map { RollupCoverage.Grain($0, in: zone) } ?? .whole
  }

  private struct OneDimension {
    var name: ExactText?
  }

  /// The one property that groups and conditions look at (beside event names); nil when they look at more, or at what is not rolled up.
  private static func dimension(of question: Question, scope: Scope) -> OneDimension? {
    var found = OneDimension()
    var all = [question.query.groupBy, question.query.groupBy2].compactMap(\.self) + scope.lockedFilters.map(\.dimension)
    for filter in question.filters {
      guard let (dimension, _, _) = filter.text else { return nil }
      all.append(dimension)
    }
    for dimension in all {
      switch dimension {
      case .eventName: continue
      case .userID: return nil
      case .property(let name):
        let name = ExactText(name)
        guard name != "", found.name == nil || found.name == name else { return nil }
        found.name = name
      }
    }
    return found
  }
}
