internal import ClickHouse
internal import Domain

/// Conditions on events, as SQL.
///
/// A property that an event does not have counts as the empty string: `neq` and `not_in` therefore keep such events unless the
/// empty string is among the values, `eq ""` finds them. A numeric condition never holds for an event without the property.
enum Conditions {
  static func sql(_ filter: QueryFilter) -> SQL {
    switch filter {
    case .string(let dimension, let condition, let values):
      sql(condition, dimension.sql, values)
    case .soft(let soft):
      soft.resolved.map { sql(soft.condition, soft.dimension.sql, $0) } ?? "0"
    case .anyOf(let groups):
      groups.isEmpty ? "0" : "(\(SQL.join(groups.map(all), separator: " OR ")))"
    case .numeric(let property, .atLeast(let bound)):
      "\(number(property)) >= \(bind: bound)"
    case .numeric(let property, .atMost(let bound)):
      "\(number(property)) <= \(bind: bound)"
    case .numeric(let property, .between(let low, let high)):
      "\(number(property)) BETWEEN \(bind: low) AND \(bind: high)"
    }
  }

  /// All of the conditions; every event passes where there is none.
  private static func all(_ filters: [QueryFilter]) -> SQL {
    filters.isEmpty ? "1" : "(\(SQL.join(filters.map(sql), separator: " AND ")))"
  }

  /// A condition on the value of a dimension.
  static func sql(_ condition: QueryFilter.StringCondition, _ value: SQL, _ values: [String]) -> SQL {
    switch condition {
    case .equal, .isIn: matches(value, anyOf: values)
    case .notEqual, .isNotIn: "NOT (\(matches(value, anyOf: values)))"
    case .contains: contains(value, anyOf: values)
    }
  }

  /// Nothing matches an empty list.
  static func matches(_ value: SQL, anyOf values: [String]) -> SQL {
    if values.isEmpty { return "0" }
    if values.count == 1 { return "\(value) = \(bind: values[0])" }
    return "\(value) IN \(bind: values)"
  }

  static func matches(_ dimension: Dimension, anyOf values: [String]) -> SQL { matches(dimension.sql, anyOf: values) }

  /// Upper and lower case alike, the text taken literally.
  static func contains(_ value: SQL, anyOf texts: [String]) -> SQL {
    let parts = texts.map { "positionCaseInsensitiveUTF8(\(value), \(bind: $0)) > 0" as SQL }
    return parts.isEmpty ? "0" : "(\(SQL.join(parts, separator: " OR ")))"
  }

  static func contains(_ dimension: Dimension, anyOf texts: [String]) -> SQL { contains(dimension.sql, anyOf: texts) }

  static func within(_ range: TimeRange) -> SQL { within("timestamp", range) }

  /// In the first of the spans or in one of the others, of which one that ends where the first begins is joined to it.
  static func within(anyOf spans: [TimeRange]) -> SQL { within("timestamp", anyOf: spans) }

  static func within(_ time: SQL, anyOf spans: [TimeRange]) -> SQL {
    guard let first = spans.first else { return "0" }
    if spans.count == 2, spans[1].to == first.from { return within(time, TimeRange(from: spans[1].from, to: first.to)) }
    return spans.count == 1 ? within(time, first) : "(\(SQL.join(spans.map { within(time, $0) }, separator: " OR ")))"
  }

  private static func within(_ time: SQL, _ range: TimeRange) -> SQL {
    "\(time) >= \(moment(range.from)) AND \(time) < \(moment(range.to))"
  }

  static func event(_ name: String?) -> SQL {
    name.map { "event_name = \(bind: $0)" } ?? .empty
  }

  static func events(_ names: [String]?) -> SQL {
    names.map { "event_name IN \(bind: $0)" } ?? .empty
  }

  static func moment(_ instant: Instant) -> SQL { "\(bind: instant)" }

  private static func number(_ property: String) -> SQL { PropertyPath.numeric(property).numericExpression }
}

extension Dimension {
  /// The dimension of a row as a string, empty where the event has none.
  var sql: SQL {
    switch self {
    case .eventName: "event_name"
    case .userID: "user_id"
    case .property(let name): PropertyPath.string(name).stringExpression
    }
  }
}
