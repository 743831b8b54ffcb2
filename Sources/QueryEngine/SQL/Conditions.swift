internal import ClickHouse
internal import Domain

/// Conditions on events, as SQL.
///
/// A property that an event does not have counts as the empty string: `neq` and `not_in` therefore keep such events unless the
/// empty string is among the values, `eq ""` finds them. A numeric condition never holds for an event without the property.
enum Conditions {
  static func sql(_ filter: QueryFilter) -> SQL {
    switch filter {
    case .string(let dimension, .equal, let values), .string(let dimension, .isIn, let values):
      matches(dimension, anyOf: values)
    case .string(let dimension, .notEqual, let values), .string(let dimension, .isNotIn, let values):
      "NOT (\(matches(dimension, anyOf: values)))"
    case .string(let dimension, .contains, let values):
      contains(dimension, anyOf: values)
    case .numeric(let property, .atLeast(let bound)):
      "\(number(property)) >= \(bind: bound)"
    case .numeric(let property, .atMost(let bound)):
      "\(number(property)) <= \(bind: bound)"
    case .numeric(let property, .between(let low, let high)):
      "\(number(property)) BETWEEN \(bind: low) AND \(bind: high)"
    }
  }

  /// Nothing matches an empty list.
  static func matches(_ dimension: Dimension, anyOf values: [String]) -> SQL {
    if values.count == 1 { return "\(dimension.sql) = \(bind: values[0])" }
    return "\(dimension.sql) IN \(bind: values)"
  }

  /// Upper and lower case alike, the text taken literally.
  static func contains(_ dimension: Dimension, anyOf texts: [String]) -> SQL {
    let parts = texts.map { "positionCaseInsensitiveUTF8(\(dimension.sql), \(bind: $0)) > 0" as SQL }
    return parts.isEmpty ? "0" : "(\(SQL.join(parts, separator: " OR ")))"
  }

  static func within(_ range: TimeRange) -> SQL {
    "timestamp >= \(moment(range.from)) AND timestamp < \(moment(range.to))"
  }

  /// In the first of the spans or in one of the others, of which one that ends where the first begins is joined to it.
  static func within(anyOf spans: [TimeRange]) -> SQL {
    guard let first = spans.first else { return "0" }
    if spans.count == 2, spans[1].to == first.from { return within(TimeRange(from: spans[1].from, to: first.to)) }
    return spans.count == 1 ? within(first) : "(\(SQL.join(spans.map { within($0) }, separator: " OR ")))"
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
