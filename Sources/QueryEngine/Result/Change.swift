internal import Domain

enum Change {
  /// By how many percent `value` is more than `previous`: 12.5 for 12.5 % more. Nothing when there is nothing to compare, or nothing
  /// to compare with.
  static func percent(_ value: JSONValue, from previous: JSONValue) -> JSONValue {
    guard let value = value.numberValue, let previous = previous.numberValue, previous != 0 else { return .null }
    return .optional((value - previous) / abs(previous) * 100)
  }

  /// The part of a whole, between 0 and 1.
  static func share(_ value: JSONValue, of total: JSONValue) -> JSONValue {
    guard let value = value.numberValue, let total = total.numberValue, total != 0 else { return .null }
    return .optional(value / total)
  }
}
