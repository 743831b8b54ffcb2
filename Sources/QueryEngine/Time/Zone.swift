public import Domain
import Foundation
import Synchronization

/// A time zone by its IANA name, with the local calendar that buckets and periods are made of.
///
/// The offsets come from Foundation's time-zone data, are looked up once per zone and year, and are kept; everything else is
/// arithmetic, so that the buckets of a chart cost microseconds. That the results equal the server's own (`toDate(…, zone)`,
/// `toStartOfHour(…, zone)`) is property-tested against it.
public struct Zone: Sendable, Hashable, CustomStringConvertible {
  /// `Europe/Berlin`.
  public let name: String

  public static let utc = Zone(known: "UTC")

  /// - Throws: ``AppError`` 422 that names `field` when the zone is not known. Offsets (`+02:00`), abbreviations (`EST`)
  ///   and what only Foundation's data has (`SystemV/EST5`) are not zones: the server would not know them.
  public init(_ name: String, field: String = "timezone") throws(AppError) {
    guard name == "UTC" || name == "GMT" || name.contains("/"), !name.hasPrefix("SystemV/"), name != "US/Pacific-New",
      TimeZone(identifier: name) != nil
    else {
      throw .invalid(field, "unknown_timezone", "must be an IANA time zone such as UTC or Europe/Berlin")
    }
    self.init(known: name)
  }

  private init(known name: String) { self.name = name }

  public var description: String { name }

  // MARK: Local time

  /// Seconds to add to UTC for local time at a moment.
  public func offset(at instant: Instant) -> Int {
    let second = instant.milliseconds.dividedDown(by: 1000)
    return ZoneOffsets.shared.spans(of: self, year: second.dividedDown(by: ZoneOffsets.secondsPerYear)).last { $0.start <= second }?
      .offset ?? 0
  }

  /// The local calendar day that holds a moment.
  public func day(of instant: Instant) -> CivilDate {
    CivilDate(daysSinceEpoch: Int((instant.milliseconds + Int64(offset(at: instant)) * 1000).dividedDown(by: 86_400_000)))
  }

  /// The first moment of a local day. Where the clock skips midnight, the moment of the skip.
  public func start(of day: CivilDate) -> Instant {
    instant(of: day, millisecondOfDay: 0)
  }

  /// The moment at which the local clock shows the given time of a day: the first of two, and the end of the gap when the clock
  /// skips that time.
  func instant(of day: CivilDate, millisecondOfDay: Int64) -> Instant {
    let local = day.midnightUTC.adding(milliseconds: millisecondOfDay)
    let before = offset(at: local.adding(milliseconds: -86_400_000))
    let after = offset(at: local.adding(milliseconds: 86_400_000))
    for candidate in [max(before, after), min(before, after)] {
      let instant = local.adding(milliseconds: Int64(-candidate) * 1000)
      if offset(at: instant) == candidate { return instant }
    }
    // A gap: the local time is shown at no moment. The old offset leads past the gap, to the moment just as far behind it.
    let reached = local.adding(milliseconds: Int64(-before) * 1000)
    let second = reached.milliseconds.dividedDown(by: 1000)
    let spans = ZoneOffsets.shared.spans(of: self, year: second.dividedDown(by: ZoneOffsets.secondsPerYear))
    return spans.last { $0.start <= second }.map { Instant(milliseconds: $0.start * 1000) } ?? reached
  }

  /// Milliseconds since local midnight as the clock shows them.
  func clock(of instant: Instant) -> Int64 {
    let local = instant.milliseconds + Int64(offset(at: instant)) * 1000
    return local - local.dividedDown(by: 86_400_000) * 86_400_000
  }
}

extension CivilDate {
  /// The Monday on or before this day.
  var startOfWeek: CivilDate { adding(days: -((daysSinceEpoch + 3) % 7 + 7) % 7) }
}

extension Int64 {
  func dividedDown(by divisor: Int64) -> Int64 {
    let quotient = self / divisor
    return self % divisor < 0 ? quotient - 1 : quotient
  }
}

/// The offsets of all zones that were asked for, per "year" of 366 days since 1970.
private final class ZoneOffsets: Sendable {
  /// From `start` (seconds since 1970) on, local time is `offset` seconds ahead of UTC.
  struct Span: Sendable {
    var start: Int64
    var offset: Int
  }

  struct Key: Hashable {
    var zone: Zone
    var year: Int64
  }

  static let shared = ZoneOffsets()
  static let secondsPerYear: Int64 = 366 * 86_400

  private let known = Mutex<[Key: [Span]]>([:])

  /// The spans of a "year"; the first begins with it or before it.
  func spans(of zone: Zone, year: Int64) -> [Span] {
    let key = Key(zone: zone, year: year)
    if let spans = known.withLock({ $0[key] }) { return spans }
    let spans = Self.compute(zone, year: year)
    known.withLock { $0[key] = spans }
    return spans
  }

  /// Looks at the offset of every day, and where it changes halves the day down to the second. (The transitions that Foundation
  /// lists are those of daylight saving only; a zone may also move for good.)
  private static func compute(_ zone: Zone, year: Int64) -> [Span] {
    guard let source = TimeZone(identifier: zone.name) else { return [Span(start: .min / 2000, offset: 0)] }
    func offset(_ second: Int64) -> Int { source.secondsFromGMT(for: Date(timeIntervalSince1970: Double(second))) }
    let start = year * secondsPerYear
    let end = start + secondsPerYear
    // The span that is under way at the start began up to a "year" before it.
    var spans: [Span] = []
    var second = start - secondsPerYear
    var current = offset(second)
    spans.append(Span(start: second, offset: current))
    while second < end {
      let next = second + 86_400
      let found = offset(next)
      if found != current {
        var low = second
        var high = next
        while high - low > 1 {
          let middle = low + (high - low) / 2
          if offset(middle) == current { low = middle } else { high = middle }
        }
        spans.append(Span(start: high, offset: found))
        current = found
      }
      second = next
    }
    return spans
  }
}
