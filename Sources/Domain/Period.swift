/// The named time spans that a dashboard offers.
public enum Period: String, Sendable, Hashable, CaseIterable {
  case hour = "1h"
  case day = "24h"
  case week = "7d"
  case month = "30d"
  case quarter = "90d"
  case year = "12mo"

  /// The longest length of the period in days, for limits: `1h` and `24h` count as 1, `12mo` as 366.
  public var days: Int {
    switch self {
    case .hour, .day: 1
    case .week: 7
    case .month: 30
    case .quarter: 90
    case .year: 366
    }
  }
}

/// One end of a chosen range: a moment, or a calendar day in the zone of whoever looks (as `from`: its start; as `to`: its end).
public enum DateBound: Sendable, Hashable {
  case instant(Instant)
  case day(CivilDate)

  /// Reads `2026-04-14T10:00:00Z` or `2026-04-14`.
  public init?(iso8601 text: String) {
    if let day = CivilDate(iso8601: text) {
      self = .day(day)
    } else if let instant = Instant(iso8601: text) {
      self = .instant(instant)
    } else {
      return nil
    }
  }

  public var iso8601: String {
    switch self {
    case .instant(let instant): instant.iso8601
    case .day(let day): day.iso8601
    }
  }
}

/// A range that somebody chose; `from` is before or equal to `to` as far as that can be told without a zone.
public struct DateRange: Sendable, Hashable {
  public var from: DateBound
  public var to: DateBound

  public init(from: DateBound, to: DateBound) {
    self.from = from
    self.to = to
  }

  public var json: JSONValue { ["from": .string(from.iso8601), "to": .string(to.iso8601)] }

  public static func read(_ value: JSONValue, path: String, problems: Problems) -> DateRange? {
    var reader = ObjectReader(value, path: path, problems: problems)
    guard reader.isObject else { return nil }
    let from = bound("from", &reader)
    let to = bound("to", &reader)
    reader.finish()
    guard let from, let to else { return nil }
    if case (.instant(let start), .instant(let end)) = (from, to), start >= end {
      problems.add("\(path).to", "range_order", "must be later than from")
      return nil
    }
    if case (.day(let start), .day(let end)) = (from, to), start > end {
      problems.add("\(path).to", "range_order", "must not be earlier than from")
      return nil
    }
    return DateRange(from: from, to: to)
  }

  private static func bound(_ key: String, _ reader: inout ObjectReader) -> DateBound? {
    guard let text = reader.requiredString(key, length: 1...40) else { return nil }
    guard let bound = DateBound(iso8601: text) else {
      reader.problem(
        key, "timestamp_format", "must be an ISO 8601 time with a zone or a day, such as 2026-04-14T10:00:00Z or 2026-04-14")
      return nil
    }
    return bound
  }
}

/// What a query or a viewer asks for in time.
public enum TimeSelection: Sendable, Hashable {
  case period(Period)
  case range(DateRange)

  public var json: JSONValue {
    switch self {
    case .period(let period): .string(period.rawValue)
    case .range(let range): range.json
    }
  }

  /// Reads `"30d"` or `{"from", "to"}`.
  public static func read(_ value: JSONValue, path: String, problems: Problems) -> TimeSelection? {
    switch value {
    case .string(let text):
      guard let period = Period(rawValue: text) else {
        problems.add(
          path, "unknown_value",
          "must be one of \(Period.allCases.map(\.rawValue).joined(separator: ", ")), or an object with from and to")
        return nil
      }
      return .period(period)
    case .object: return DateRange.read(value, path: path, problems: problems).map(TimeSelection.range)
    default:
      problems.add(path, "wrong_type", "must be a period such as \"30d\", or an object with from and to, not \(value.typeName)")
      return nil
    }
  }
}
