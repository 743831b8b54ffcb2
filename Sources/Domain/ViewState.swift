/// What a viewer has set in the filter bar.
public struct ViewState: Sendable, Hashable {
  public var period: Period?
  /// Values per dimension; any of them matches.
  public var dimensions: [String: [String]]
  public var numericRanges: [String: NumericRange]
  /// Wins over `period`.
  public var dateRange: DateRange?

  public init(
    period: Period? = nil, dimensions: [String: [String]] = [:], numericRanges: [String: NumericRange] = [:],
    dateRange: DateRange? = nil
  ) {
    self.period = period
    self.dimensions = dimensions
    self.numericRanges = numericRanges
    self.dateRange = dateRange
  }

  public static func read(_ value: JSONValue, path: String, problems: Problems) -> ViewState? {
    var reader = ObjectReader(value, path: path, problems: problems)
    guard reader.isObject else { return nil }
    var state = ViewState()
    state.period = reader.enumeration("period", Period.self)
    for (name, values) in entries("dimensions", &reader) {
      let field = "\(reader.path(of: "dimensions")).\(name)"
      // An empty list is what a cleared filter sends: no condition.
      if values == .array([]) || values.isNull { continue }
      state.dimensions[name] = StringList.read(values, path: field, problems: problems)
    }
    for (name, range) in entries("numericRanges", &reader) where !range.isNull {
      let field = "\(reader.path(of: "numericRanges")).\(name)"
      state.numericRanges[name] = NumericRange.read(range, path: field, problems: problems)
    }
    state.dateRange = reader.nested("dateRanges", DateRange.read)
    reader.finish()
    return state
  }

  private static func entries(_ key: String, _ reader: inout ObjectReader) -> [String: JSONValue] {
    guard let members = reader.object(key) else { return [:] }
    guard members.count <= Limits.filtersPerDashboard else {
      reader.problem(key, "count", "must hold at most \(Limits.filtersPerDashboard) entries")
      return [:]
    }
    return members.filter { name, _ in
      if PropertyName.isValid(name) { return true }
      reader.problem("\(key).\(name.prefix(100))", "property_name", PropertyName.rule)
      return false
    }
  }

  public var json: JSONValue {
    .compact([
      "period": period.map { .string($0.rawValue) },
      "dimensions": .object(dimensions.mapValues { JSONValue.strings($0) }),
      "numericRanges": .object(numericRanges.mapValues(\.json)),
      "dateRanges": dateRange?.json,
    ])
  }
}

extension DashboardConfig {
  /// What the filter bar says before anybody has touched it: the period filter's default.
  public var openingState: ViewState {
    for filter in filters where filter.fixed == nil {
      if case .period(let initial, _) = filter.control { return ViewState(period: initial) }
    }
    return ViewState()
  }
}
