internal import ClickHouse
public import Domain

/// The values of a dimension that a filter offers, with how many events have each.
public struct FilterValues: Sendable, Hashable {
  public struct Value: Sendable, Hashable {
    public var value: String
    public var count: Int
  }

  public var dimension: Dimension
  /// The most frequent first.
  public var values: [Value]
  /// Whether there are more.
  public var truncated: Bool

  public var json: JSONValue {
    [
      "dimension": .string(dimension.name),
      "values": .array(values.map { ["value": .string($0.value), "count": .int($0.count)] }),
      "truncated": .bool(truncated),
    ]
  }
}

/// How to ask for ``FilterValues``.
public struct FilterValuesPlan: Sendable {
  public let scope: Scope
  public let statements: [Statement]
  let dimension: Dimension
  let limit: Int

  public func shape(_ rows: [[JSONValue]]) -> FilterValues {
    FilterValues(
      dimension: dimension,
      values: rows.prefix(limit).map {
        FilterValues.Value(value: $0[0].stringValue ?? "", count: $0[1].numberValue.map { Int($0) } ?? 0)
      },
      truncated: rows.count > limit)
  }
}

extension Planner {
  /// Plans the values of a dimension over the events that the dashboard's widgets look at.
  ///
  /// - Parameters:
  ///   - search: a text that the values must hold, upper and lower case alike.
  ///   - state: only its time is used, so that a filter offers all its values whatever else is set.
  /// - Throws: ``AppError`` 403 `dimension_not_allowed` when the dashboard has no such filter or the session does not allow it,
  ///   `period_not_allowed`, `range_too_long`; 422 for a limit out of range.
  public func filterValues(
    of dimension: Dimension, search: String? = nil, limit: Int? = nil, state: ViewState = ViewState()
  ) throws(AppError) -> FilterValuesPlan {
    try check(dimension.name, isOpen: isOpen(dimension))
    let limit = limit ?? Limits.filterValueRows
    guard 1...Limits.maximumFilterValueRows ~= limit else {
      throw .invalid("limit", "out_of_range", "must be between 1 and \(Limits.maximumFilterValueRows)")
    }
    let time = try TimeResolver(scope: scope).resolve(dashboard?.defaultTime ?? WidgetQuery.defaultTime, state: state)
    let looked = dashboard?.softSight.map(Conditions.sql) ?? Conditions.events(dashboard?.eventNames)
    var conditions = [looked, Conditions.within(time.range), "\(dimension.sql) != ''"]
    if let search, !search.isEmpty { conditions.append(Conditions.contains(dimension, anyOf: [search])) }
    let sql: SQL = """
      SELECT \(dimension.sql) AS value, count() AS events \(EventsSource(scope).from(where: conditions)) \
      GROUP BY value ORDER BY events DESC, value ASC LIMIT \(bind: limit + 1)
      """
    return FilterValuesPlan(scope: scope, statements: [Statement(.values, sql)], dimension: dimension, limit: limit)
  }
}

extension Executor {
  public func run(_ plan: FilterValuesPlan) async throws -> FilterValues {
    plan.shape(try await rows(of: plan.statements, role: plan.scope.role).first?.rows ?? [])
  }
}

extension DashboardConfig {
  /// The events that the widgets look at; nil when one looks at all.
  var eventNames: [String]? {
    let queries = widgets.compactMap(\.query)
    let names = queries.compactMap(\.eventName)
    return names.isEmpty || names.count < queries.count ? nil : Set(names).sorted()
  }

  /// Where the session's context narrows what widgets look at: the events that one of them looks at as far as that goes, so that a list of
  /// values does not tell of the others. Nil where no widget is so narrowed.
  var softSight: QueryFilter? {
    let queries = widgets.compactMap(\.query)
    let soft = queries.map { query in
      query.filters.filter { if case .soft = $0 { true } else { false } }
    }
    guard soft.contains(where: { !$0.isEmpty }) else { return nil }
    return .anyOf(
      zip(queries, soft).map { query, soft in
        (query.eventName.map { [QueryFilter.string(.eventName, .equal, values: [$0])] } ?? []) + soft
      })
  }

  /// The time that a viewer sees who has chosen none: the default of the period filter, otherwise the widgets' own when they agree.
  var defaultTime: TimeSelection? {
    for filter in filters {
      if case .period(let initial, _) = filter.control { return .period(initial) }
    }
    let times = Set(widgets.compactMap { $0.query?.time })
    return times.count == 1 ? times.first : nil
  }
}
