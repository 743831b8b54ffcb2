/// A moment, in whole milliseconds since 1970-01-01T00:00:00Z.
public struct Instant: Sendable, Hashable, Comparable {
  public var milliseconds: Int64

  public init(milliseconds: Int64) { self.milliseconds = milliseconds }

  public static func < (left: Instant, right: Instant) -> Bool { left.milliseconds < right.milliseconds }

  /// The moment `seconds` later (earlier when negative).
  public func adding(seconds: Double) -> Instant { Instant(milliseconds: milliseconds + Int64((seconds * 1000).rounded())) }
  public func adding(milliseconds delta: Int64) -> Instant { Instant(milliseconds: milliseconds + delta) }

  /// Reads an ISO 8601 time with a zone: `2026-04-14T10:00:00Z`, `2026-04-14T10:00:00.123456+05:30`, `…+0530`; seconds may be
  /// missing, a space may stand for the `T`. Digits beyond milliseconds are cut off. Nil for anything else.
  public init?(iso8601 text: String) {
    guard let parsed = ISO8601.parse(text, zoneRequired: true) else { return nil }
    self = parsed
  }

  /// As `init(iso8601:)`, of a text that is not copied first.
  package init?(iso8601 text: ByteText) {
    guard let parsed = ISO8601.parse(text.bytes, zoneRequired: true) else { return nil }
    self = parsed
  }

  /// As `init(iso8601:)`, but a time without a zone is read as UTC.
  public init?(iso8601AssumingUTC text: String) {
    guard let parsed = ISO8601.parse(text, zoneRequired: false) else { return nil }
    self = parsed
  }

  /// `2026-04-14T10:00:00Z`, with `.123` when there are milliseconds.
  public var iso8601: String {
    let (days, rest) = milliseconds.quotientAndModulus(86_400_000)
    let (year, month, day) = CivilDate(daysSinceEpoch: Int(days)).components
    let seconds = Int(rest / 1000)
    let fraction = Int(rest % 1000)
    var text = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T"
    text += "\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
    if fraction > 0 { text += ".\(padded(fraction, 3))" }
    return text + "Z"
  }

  public var json: JSONValue { .string(iso8601) }
}

/// A calendar day without a zone.
public struct CivilDate: Sendable, Hashable, Comparable {
  public let daysSinceEpoch: Int

  public init(daysSinceEpoch: Int) { self.daysSinceEpoch = daysSinceEpoch }

  /// Nil for a day that the calendar does not have. Years 1 to 9999.
  public init?(year: Int, month: Int, day: Int) {
    guard 1...9999 ~= year, 1...12 ~= month, day >= 1 else { return nil }
    // Days from civil, by Howard Hinnant: http://howardhinnant.github.io/date_algorithms.html
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    daysSinceEpoch = era * 146_097 + dayOfEra - 719_468
    guard components == (year, month, day) else { return nil }
  }

  /// Reads `2026-04-14`.
  public init?(iso8601 text: String) {
    let digits = Array(text.utf8)
    guard digits.count == 10, digits[4] == UInt8(ascii: "-"), digits[7] == UInt8(ascii: "-"),
      let year = ISO8601.number(digits[0..<4]), let month = ISO8601.number(digits[5..<7]),
      let day = ISO8601.number(digits[8..<10])
    else { return nil }
    self.init(year: year, month: month, day: day)
  }

  public static func < (left: CivilDate, right: CivilDate) -> Bool { left.daysSinceEpoch < right.daysSinceEpoch }

  public var components: (year: Int, month: Int, day: Int) {
    let shifted = daysSinceEpoch + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }

  public var iso8601: String {
    let (year, month, day) = components
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
  }

  public func adding(days: Int) -> CivilDate { CivilDate(daysSinceEpoch: daysSinceEpoch + days) }

  /// The first day of this day's month.
  public var startOfMonth: CivilDate { adding(days: 1 - components.day) }

  /// The same day of another month; the month's last day where it is shorter.
  public func adding(months: Int) -> CivilDate {
    let (year, month, day) = components
    let index = year * 12 + month - 1 + months
    for candidate in stride(from: day, through: 28, by: -1) {
      if let date = CivilDate(year: index / 12, month: index % 12 + 1, day: candidate) { return date }
    }
    return CivilDate(year: index / 12, month: index % 12 + 1, day: min(day, 28)) ?? self
  }

  /// Midnight of this day in UTC.
  public var midnightUTC: Instant { Instant(milliseconds: Int64(daysSinceEpoch) * 86_400_000) }
}

enum ISO8601 {
  static func number(_ digits: some Collection<UInt8>) -> Int? {
    var value = 0
    for digit in digits {
      guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= digit else { return nil }
      value = value * 10 + Int(digit - UInt8(ascii: "0"))
    }
    return digits.isEmpty ? nil : value
  }

  static func parse(_ text: String, zoneRequired: Bool) -> Instant? {
    var text = text
    return text.withUTF8 { parse($0, zoneRequired: zoneRequired) }
  }

  static func parse(_ bytes: UnsafeBufferPointer<UInt8>, zoneRequired: Bool) -> Instant? {
    guard bytes.count >= 16, bytes.count <= 40, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
      bytes[10] == UInt8(ascii: "T") || bytes[10] == UInt8(ascii: "t") || bytes[10] == UInt8(ascii: " "),
      bytes[13] == UInt8(ascii: ":"),
      let year = number(bytes[0..<4]), let month = number(bytes[5..<7]), let day = number(bytes[8..<10]),
      let hour = number(bytes[11..<13]), let minute = number(bytes[14..<16]),
      let date = CivilDate(year: year, month: month, day: day), hour < 24, minute < 60
    else { return nil }
    var position = 16
    var second = 0
    var millisecond = 0
    if position < bytes.count, bytes[position] == UInt8(ascii: ":") {
      guard bytes.count >= position + 3, let value = number(bytes[position + 1..<position + 3]), value <= 60 else { return nil }
      // A leap second has no place of its own on this time line; it counts as the second before.
      second = min(value, 59)
      position += 3
      if position < bytes.count, bytes[position] == UInt8(ascii: ".") || bytes[position] == UInt8(ascii: ",") {
        position += 1
        let start = position
        while position < bytes.count, UInt8(ascii: "0")...UInt8(ascii: "9") ~= bytes[position] {
          if position - start < 3 { millisecond = millisecond * 10 + Int(bytes[position] - UInt8(ascii: "0")) }
          position += 1
        }
        guard position > start else { return nil }
        for _ in 0..<max(0, 3 - (position - start)) { millisecond *= 10 }
      }
    }
    let clock = Int64(hour * 3600 + minute * 60 + second) * 1000 + Int64(millisecond)
    guard let offset = zone(bytes[position...], required: zoneRequired) else { return nil }
    return Instant(milliseconds: date.midnightUTC.milliseconds + clock - Int64(offset) * 60_000)
  }

  /// The zone's offset in minutes.
  private static func zone(_ bytes: Slice<UnsafeBufferPointer<UInt8>>, required: Bool) -> Int? {
    guard let sign = bytes.first else { return required ? nil : 0 }
    if sign == UInt8(ascii: "Z") || sign == UInt8(ascii: "z") { return bytes.count == 1 ? 0 : nil }
    guard sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else { return nil }
    let digits = UnsafeBufferPointer(rebasing: bytes.dropFirst())
    let hours: Int?
    let minutes: Int?
    switch digits.count {
    case 2: (hours, minutes) = (number(digits[0..<2]), 0)
    case 4: (hours, minutes) = (number(digits[0..<2]), number(digits[2..<4]))
    case 5 where digits[2] == UInt8(ascii: ":"): (hours, minutes) = (number(digits[0..<2]), number(digits[3..<5]))
    default: return nil
    }
    guard let hours, let minutes, hours <= 18, minutes < 60 else { return nil }
    return (sign == UInt8(ascii: "-") ? -1 : 1) * (hours * 60 + minutes)
  }
}

private func padded(_ value: Int, _ width: Int) -> String {
  let digits = String(value)
  return String(repeating: "0", count: max(0, width - digits.count)) + digits
}

extension Int64 {
  /// Division that rounds down, with a remainder that is never negative.
  fileprivate func quotientAndModulus(_ divisor: Int64) -> (Int64, Int64) {
    let quotient = self >= 0 ? self / divisor : (self + 1) / divisor - 1
    return (quotient, self - quotient * divisor)
  }
}
