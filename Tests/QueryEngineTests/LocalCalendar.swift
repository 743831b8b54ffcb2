import Domain
import Foundation
import QueryEngine

/// Buckets by Foundation's own calendar. (Apart from the tests, because Foundation has a `Dimension` of its own.)
struct LocalCalendar {
  private var calendar = Calendar(identifier: .iso8601)

  init(_ zone: Zone) { calendar.timeZone = TimeZone(identifier: zone.name) ?? .gmt }

  /// The start of the bucket that holds a moment.
  func start(of granularity: Granularity, _ instant: Instant) -> Instant {
    let unit: Calendar.Component =
      switch granularity {
      case .minute: .minute
      case .hour: .hour
      case .day: .day
      case .week: .weekOfYear
      case .month: .month
      }
    let date = Date(timeIntervalSince1970: Double(instant.milliseconds) / 1000)
    let interval = calendar.dateInterval(of: unit, for: date)
    return interval.map { Instant(milliseconds: Int64($0.start.timeIntervalSince1970 * 1000)) } ?? instant
  }

  /// What the local clock shows: the weekday, of which Monday is 1, and the hour.
  func hourOfWeek(_ instant: Instant) -> [Int] {
    let parts = calendar.dateComponents([.weekday, .hour], from: Date(timeIntervalSince1970: Double(instant.milliseconds) / 1000))
    return [((parts.weekday ?? 1) + 5) % 7 + 1, parts.hour ?? 0]
  }
}
