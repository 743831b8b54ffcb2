/// Collects what is wrong with a request while it is read, so that one answer names every problem, as far as ``Domain/Limits/listedProblems``:
/// a body of nothing but unknown fields would otherwise be answered with seven times its size.
public final class Problems {
  public private(set) var list: [FieldProblem] = []

  public init() {}

  public func add(_ field: String, _ code: String, _ expected: String) {
    guard list.count < Limits.listedProblems else { return }
    list.append(FieldProblem(field: field, code: code, expected: expected))
  }

  /// - Throws: ``AppError`` 422 with all problems, when there is any.
  public func throwIfAny(code: String = "invalid_request") throws(AppError) {
    if !list.isEmpty { throw .invalid(list, code: code) }
  }
}

/// Reads the members of a JSON object strictly: a wrong type, a value out of range and an unknown member each become a
/// ``FieldProblem`` with the member's path. Reads give nil for what is absent, `null` or wrong; `finish()` must be called last.
///
/// ```swift
/// var reader = ObjectReader(body, problems: problems)
/// let name = reader.requiredString("name", length: 1...200)
/// reader.finish()
/// try problems.throwIfAny()
/// ```
public struct ObjectReader {
  public let path: String
  public let problems: Problems
  /// False when the value is not an object; the problem is already recorded.
  public let isObject: Bool
  private var remaining: [String: JSONValue]

  public init(_ value: JSONValue, path: String = "", problems: Problems) {
    self.path = path
    self.problems = problems
    if case .object(let members) = value {
      remaining = members
      isObject = true
    } else {
      remaining = [:]
      isObject = false
      problems.add(path, "wrong_type", "must be an object, not \(value.typeName)")
    }
  }

  /// The path of a member, as `details` names it.
  public func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  public func problem(_ key: String, _ code: String, _ expected: String) { problems.add(path(of: key), code, expected) }

  /// The member as it is, or nil when it is absent or `null`. Marks it as known.
  public mutating func value(_ key: String) -> JSONValue? {
    guard let value = remaining.removeValue(forKey: key), !value.isNull else { return nil }
    return value
  }

  /// The member as it is, without marking it as known.
  public func peek(_ key: String) -> JSONValue? { remaining[key] }

  /// True when the member is there and not `null`; does not mark it as known.
  public func has(_ key: String) -> Bool { remaining[key].map { !$0.isNull } ?? false }

  private mutating func typed<T>(_ key: String, _ name: String, _ convert: (JSONValue) -> T?) -> T? {
    guard let value = value(key) else { return nil }
    guard let converted = convert(value) else {
      problem(key, "wrong_type", "must be \(name), not \(value.typeName)")
      return nil
    }
    return converted
  }

  public mutating func string(_ key: String, length: ClosedRange<Int> = 0...Limits.textLength) -> String? {
    guard let text = typed(key, "a string", \.stringValue) else { return nil }
    guard length.contains(text.utf8.count) else {
      problem(key, "length", "must be \(length.lowerBound) to \(length.upperBound) bytes long, not \(text.utf8.count)")
      return nil
    }
    guard !text.unicodeScalars.contains(where: { $0 == "\0" }) else {
      problem(key, "nul_character", "must not contain a NUL character")
      return nil
    }
    return text
  }

  public mutating func requiredString(_ key: String, length: ClosedRange<Int> = 1...Limits.textLength) -> String? {
    guard has(key) else {
      _ = value(key)
      problem(key, "missing", "is required and must be a string")
      return nil
    }
    return string(key, length: length)
  }

  public mutating func number(_ key: String, in range: ClosedRange<Double>? = nil) -> Double? {
    guard let number = typed(key, "a number", \.numberValue) else { return nil }
    if let range, !range.contains(number) {
      problem(key, "out_of_range", "must be between \(range.lowerBound) and \(range.upperBound)")
      return nil
    }
    return number
  }

  public mutating func int(_ key: String, in range: ClosedRange<Int>) -> Int? {
    guard let number = typed(key, "a whole number", \.numberValue) else { return nil }
    guard number == number.rounded(), abs(number) < 9e15, range.contains(Int(number)) else {
      problem(key, "out_of_range", "must be a whole number between \(range.lowerBound) and \(range.upperBound)")
      return nil
    }
    return Int(number)
  }

  public mutating func bool(_ key: String) -> Bool? { typed(key, "true or false", \.boolValue) }

  public mutating func object(_ key: String) -> [String: JSONValue]? { typed(key, "an object", \.objectValue) }

  public mutating func array(_ key: String, count: ClosedRange<Int>) -> [JSONValue]? {
    guard let values = typed(key, "an array", \.arrayValue) else { return nil }
    guard count.contains(values.count) else {
      problem(key, "count", "must hold \(count.lowerBound) to \(count.upperBound) entries, not \(values.count)")
      return nil
    }
    return values
  }

  /// An array of strings, each within `length`.
  public mutating func strings(
    _ key: String, count: ClosedRange<Int>, length: ClosedRange<Int> = 0...Limits.textLength
  ) -> [String]? {
    guard let values = array(key, count: count) else { return nil }
    var strings: [String] = []
    for (index, value) in values.enumerated() {
      guard let text = value.stringValue, length.contains(text.utf8.count) else {
        problem("\(key)[\(index)]", "wrong_type", "must be a string of \(length.lowerBound) to \(length.upperBound) bytes")
        return nil
      }
      strings.append(text)
    }
    return strings
  }

  public mutating func enumeration<E: RawRepresentable & CaseIterable>(_ key: String, _ type: E.Type) -> E?
  where E.RawValue == String {
    guard let text = typed(key, "a string", \.stringValue) else { return nil }
    guard let value = E(rawValue: text) else {
      problem(key, "unknown_value", "must be one of \(E.allCases.map(\.rawValue).joined(separator: ", "))")
      return nil
    }
    return value
  }

  public mutating func instant(_ key: String) -> Instant? {
    guard let text = typed(key, "an ISO 8601 time", \.stringValue) else { return nil }
    guard let instant = Instant(iso8601: text) else {
      problem(key, "timestamp_format", "must be an ISO 8601 time with a zone, such as 2026-04-14T10:00:00Z")
      return nil
    }
    return instant
  }

  /// Reads every element of an array with `read`, which gets the element and its path.
  public mutating func list<T>(
    _ key: String, count: ClosedRange<Int>, _ read: (JSONValue, String, Problems) -> T?
  ) -> [T]? {
    guard let values = array(key, count: count) else { return nil }
    return values.enumerated().compactMap { read($1, "\(path(of: key))[\($0)]", problems) }
  }

  /// Reads a nested value with `read`, which gets the value and its path.
  public mutating func nested<T>(_ key: String, _ read: (JSONValue, String, Problems) -> T?) -> T? {
    guard let value = value(key) else { return nil }
    return read(value, path(of: key), problems)
  }

  /// Records every member that was not read: a misspelt name must never be ignored silently.
  public mutating func finish() {
    for key in remaining.keys.sorted() {
      problem(String(key.prefix(100)), "unknown_field", "is not a known field")
    }
    remaining = [:]
  }
}
