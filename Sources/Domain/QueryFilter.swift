/// What a query may group and filter by: a string property, or one of the event's own fields.
public enum Dimension: Sendable, Hashable {
  case property(String)
  case eventName
  case userID

  public init(_ name: String) {
    switch name {
    case "event_name": self = .eventName
    case "user_id": self = .userID
    default: self = .property(name)
    }
  }

  public var name: String {
    switch self {
    case .property(let name): name
    case .eventName: "event_name"
    case .userID: "user_id"
    }
  }

  /// Names are compared byte for byte, as the event store does: see ``ExactText``.
  public static func == (left: Dimension, right: Dimension) -> Bool { left.name.isExactly(right.name) }
  public func hash(into hasher: inout Hasher) { name.hashExactly(into: &hasher) }

  /// Reads a dimension's name; a property's name follows the rules of ``PropertyName``.
  public static func read(_ key: String, _ reader: inout ObjectReader) -> Dimension? {
    PropertyName.read(key, &reader).map(Dimension.init)
  }
}

/// The rules for names of properties, the same for events and queries: 1 to 128 bytes, no control characters, and nothing that the
/// store would read as something else.
public enum PropertyName {
  public static func isValid(_ name: String) -> Bool {
    1...Limits.propertyNameLength ~= name.utf8.count
      && !name.unicodeScalars.contains { $0.value < 0x20 || 0x7F...0x9F ~= $0.value } && isStorable(name)
  }

  /// Whether the event store keeps a property of this name apart from all others. It writes a dot inside a name as `%2E`, so that
  /// `a%2Eb` and `a.b` would be one, and reads a name that begins with a caret and a backtick as a whole object. Compared as bytes: a
  /// combining mark behind such a character changes nothing for the store.
  public static func isStorable(_ name: String) -> Bool {
    var name = name
    return name.withUTF8 { isStorable(ByteText($0)) }
  }

  /// As above, of a name that is not copied first.
  package static func isStorable(_ name: ByteText) -> Bool {
    let bytes = name.bytes
    guard let first = bytes.first else { return false }
    if first == UInt8(ascii: "^"), bytes.dropFirst().first == UInt8(ascii: "`") { return false }
    // Names are checked for every event: most have no percent sign and are done here.
    guard bytes.contains(UInt8(ascii: "%")) else { return true }
    return !bytes.indices.contains { bytes[$0...].starts(with: "%2E".utf8) }
  }

  static let rule =
    "must be a property name of 1 to \(Limits.propertyNameLength) bytes without control characters and %2E, not beginning with ^`"

  public static func read(_ key: String, _ reader: inout ObjectReader) -> String? {
    guard let value = reader.value(key) else { return nil }
    guard let name = value.stringValue, isValid(name) else {
      reader.problem(key, "property_name", rule)
      return nil
    }
    return name
  }
}

/// A condition on the events of a query.
public enum QueryFilter: Sendable, Hashable {
  case string(Dimension, StringCondition, values: [String])
  case numeric(String, NumericCondition)
  /// Values that the session's context tells. No event passes one that is not resolved.
  case soft(SoftFilter)
  /// All conditions of one of the groups, of which each may be empty. Never read from a request.
  case anyOf([[QueryFilter]])

  public enum StringCondition: String, Sendable, Hashable, CaseIterable {
    case equal = "eq"
    case notEqual = "neq"
    case isIn = "in"
    case isNotIn = "not_in"
    /// Holds a text anywhere, upper and lower case alike; no wildcards.
    case contains
  }

  /// Bounds are inclusive.
  public enum NumericCondition: Sendable, Hashable {
    case atLeast(Double)
    case atMost(Double)
    case between(Double, Double)
  }

  private static let numericOperators = ["gte", "lte", "between"]

  /// `{dimension, op, values}` (or `value`) and `{property, op, value | values | min, max}`.
  public static func read(_ value: JSONValue, path: String, problems: Problems) -> QueryFilter? {
    var reader = ObjectReader(value, path: path, problems: problems)
    guard reader.isObject else { return nil }
    defer { reader.finish() }
    if reader.has("dimension") { return readString(&reader) }
    if reader.has("property") { return readNumeric(&reader) }
    problems.add(path, "missing", "must name a dimension (string property) or a property (numeric)")
    return nil
  }

  private static func readString(_ reader: inout ObjectReader) -> QueryFilter? {
    let dimension = Dimension.read("dimension", &reader)
    let condition = reader.has("op") ? reader.enumeration("op", StringCondition.self) : .isIn
    var values: [String]?
    if reader.has("value") {
      values = reader.string("value", length: 0...Limits.propertyValueLength).map { [$0] }
    } else if let given = reader.value("values") {
      values = StringList.read(given, path: reader.path(of: "values"), problems: reader.problems)
    } else {
      reader.problem("values", "missing", "is required and must be an array of strings")
    }
    guard let dimension, let condition, let values else { return nil }
    if condition != .isIn, condition != .isNotIn, values.count != 1 {
      reader.problem("values", "count", "must hold exactly one value for \(condition.rawValue)")
      return nil
    }
    return .string(dimension, condition, values: values)
  }

  private static func readNumeric(_ reader: inout ObjectReader) -> QueryFilter? {
    let property = PropertyName.read("property", &reader)
    let name = reader.requiredString("op", length: 1...10)
    if let name, !numericOperators.contains(name) {
      reader.problem("op", "unknown_value", "must be one of \(numericOperators.joined(separator: ", "))")
      return nil
    }
    var numbers: [Double] = []
    if reader.has("value") {
      numbers = reader.number("value").map { [$0] } ?? []
    } else if reader.has("min") || reader.has("max") {
      let bounds = (reader.number("min"), reader.number("max"))
      numbers = [bounds.0, bounds.1].compactMap(\.self)
    } else {
      numbers = reader.array("values", count: 1...2)?.compactMap(\.numberValue) ?? []
    }
    guard let property, let name else { return nil }
    switch (name, numbers.count) {
    case ("gte", 1): return .numeric(property, .atLeast(numbers[0]))
    case ("lte", 1): return .numeric(property, .atMost(numbers[0]))
    case ("between", 2) where numbers[0] <= numbers[1]: return .numeric(property, .between(numbers[0], numbers[1]))
    default:
      reader.problem("values", "count", "must hold \(name == "between" ? "two numbers, the smaller first" : "one number")")
      return nil
    }
  }

  public var json: JSONValue {
    switch self {
    case .string(let dimension, let condition, let values):
      ["dimension": .string(dimension.name), "op": .string(condition.rawValue), "values": .strings(values)]
    case .soft(let soft):
      ["dimension": .string(soft.dimension.name), "op": .string(soft.condition.rawValue), "values": .strings(soft.values)]
    case .anyOf(let groups): ["any_of": .array(groups.map { .array($0.map(\.json)) })]
    case .numeric(let property, .atLeast(let bound)): ["property": .string(property), "op": "gte", "values": [.number(bound)]]
    case .numeric(let property, .atMost(let bound)): ["property": .string(property), "op": "lte", "values": [.number(bound)]]
    case .numeric(let property, .between(let low, let high)):
      ["property": .string(property), "op": "between", "values": [.number(low), .number(high)]]
    }
  }
}

/// One string or an array of strings, as filters take them.
enum StringList {
  static func read(_ value: JSONValue, path: String, problems: Problems) -> [String]? {
    let values: [JSONValue]
    switch value {
    case .string: values = [value]
    case .array(let elements): values = elements
    default:
      problems.add(path, "wrong_type", "must be a string or an array of strings, not \(value.typeName)")
      return nil
    }
    guard 1...Limits.filterValues ~= values.count else {
      problems.add(path, "count", "must hold 1 to \(Limits.filterValues) values, not \(values.count)")
      return nil
    }
    var strings: [String] = []
    for (index, element) in values.enumerated() {
      guard let text = element.stringValue else {
        problems.add("\(path)[\(index)]", "wrong_type", "must be a string, not \(element.typeName)")
        return nil
      }
      guard text.utf8.count <= Limits.propertyValueLength, !text.unicodeScalars.contains("\0") else {
        problems.add("\(path)[\(index)]", "length", "must be at most \(Limits.propertyValueLength) bytes without NUL characters")
        return nil
      }
      strings.append(text)
    }
    return strings
  }
}

/// An inclusive range of a numeric property with at least one bound.
public struct NumericRange: Sendable, Hashable {
  public var min: Double?
  public var max: Double?

  public init(min: Double?, max: Double?) {
    self.min = min
    self.max = max
  }

  public static func read(_ value: JSONValue, path: String, problems: Problems) -> NumericRange? {
    var reader = ObjectReader(value, path: path, problems: problems)
    guard reader.isObject else { return nil }
    let range = NumericRange(min: reader.number("min"), max: reader.number("max"))
    reader.finish()
    if let min = range.min, let max = range.max, min > max {
      problems.add(path, "range_order", "min must not be larger than max")
      return nil
    }
    return range
  }

  public var json: JSONValue { .compact(["min": min.map(JSONValue.number), "max": max.map(JSONValue.number)]) }
}
