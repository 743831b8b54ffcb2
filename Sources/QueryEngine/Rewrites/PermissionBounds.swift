public import Domain

/// What of a viewer's wishes the session's permissions let into a plan.
extension Planner {
  /// What a viewer has set, as filters of which each must be open to the session.
  func filters(of state: ViewState) throws(AppError) -> [QueryFilter] {
    do { return try open(state) } catch { throw error.concerningView }
  }

  private func open(_ state: ViewState) throws(AppError) -> [QueryFilter] {
    var filters: [QueryFilter] = []
    for (name, values) in state.dimensions.sorted(by: { $0.key < $1.key }) {
      let dimension = Dimension(name)
      let locked = scope.lockedFilters(of: dimension)
      if !locked.isEmpty {
        let wanted = Set(values.map { ExactText($0) })
        guard locked.contains(where: { Set($0.values.map { ExactText($0) }) == wanted }) else {
          throw .forbidden("filter_locked", "The filter \(name) is fixed for this session.")
        }
        continue
      }
      try check(name, isOpen: dashboard != nil && isOpen(dimension))
      filters.append(.string(dimension, .isIn, values: values))
    }
    for (property, range) in state.numericRanges.sorted(by: { $0.key < $1.key }) {
      try check(property, isOpen: isOpen(property: property))
      if let min = range.min { filters.append(.numeric(property, .atLeast(min))) }
      if let max = range.max { filters.append(.numeric(property, .atMost(max))) }
    }
    return filters
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
    return dashboard?.exposedProperties.contains(ExactText(property)) ?? false
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
  public var exposedProperties: Set<ExactText> {
    let measured = widgets.compactMap(\.query).flatMap { [$0.numericProp, $0.secondNumericProp] }
    let offered = filters.map { if case .numericRange(let property) = $0.control { property } else { String?.none } }
    return Set((measured + offered).compactMap(\.self).map { ExactText($0) })
  }
}
