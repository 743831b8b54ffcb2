public import ClickHouse
public import Domain

/// The buckets of a time series: for the server an expression that gives each event the key of its bucket, for us the list of
/// the buckets of a range, in order and without gaps.
///
/// | granularity | bucket | key |
/// | --- | --- | --- |
/// | minute | each minute | its start, seconds since 1970 |
/// | hour | each hour since local midnight, so that hours begin with the local hour in zones such as Asia/Kolkata, too | its start |
/// | day | each local day: 23 or 25 hours long when the clock changes | the day's number since 1970 |
/// | week | seven local days from Monday | the Monday's number |
/// | month | the days of a local month | the first day's number |
public struct TimeBuckets: Sendable {
  public let granularity: Granularity
  public let zone: Zone

  public init(_ granularity: Granularity, in zone: Zone) {
    self.granularity = granularity
    self.zone = zone
  }

  public struct Bucket: Sendable, Hashable {
    public var key: Int
    public var start: Instant
  }

  /// The key of a row's bucket, an `Int64`.
  public var key: SQL {
    switch granularity {
    case .minute: "toInt64(toUnixTimestamp(toStartOfMinute(timestamp)))"
    case .hour: "toInt64(toUnixTimestamp(toStartOfHour(timestamp, \(bind: zone.name))))"
    case .day: "toInt64(toDate(timestamp, \(bind: zone.name)))"
    case .week: "toInt64(toStartOfWeek(timestamp, 1, \(bind: zone.name)))"
    case .month: "toInt64(toStartOfMonth(timestamp, \(bind: zone.name)))"
    }
  }

  /// The bucket that holds a moment.
  public func bucket(of instant: Instant) -> Bucket {
    switch granularity {
    case .minute: return moment(instant.milliseconds.dividedDown(by: 60_000) * 60_000)
    case .hour:
      let midnight = zone.start(of: zone.day(of: instant)).milliseconds
      return moment(midnight + (instant.milliseconds - midnight).dividedDown(by: 3_600_000) * 3_600_000)
    case .day, .week, .month: return day(firstDay(of: zone.day(of: instant)))
    }
  }

  /// The bucket after another.
  public func bucket(after bucket: Bucket) -> Bucket {
    switch granularity {
    case .minute: return moment(bucket.start.milliseconds + 60_000)
    case .hour:
      let next = bucket.start.adding(milliseconds: 3_600_000)
      let midnight = zone.start(of: zone.day(of: bucket.start).adding(days: 1))
      return moment(min(next, midnight).milliseconds)
    case .day:
      // A day that never was (30 December 2011 in Apia) begins when the one after it does, and is none.
      let next = CivilDate(daysSinceEpoch: bucket.key + 1)
      let isEmpty = zone.start(of: next) == zone.start(of: next.adding(days: 1))
      return day(isEmpty ? next.adding(days: 1) : next)
    case .week: return day(CivilDate(daysSinceEpoch: bucket.key + 7))
    case .month: return day(CivilDate(daysSinceEpoch: bucket.key).adding(months: 1))
    }
  }

  /// All buckets that a range touches, or nil when they are more than `limit`.
  public func buckets(of range: TimeRange, limit: Int = .max) -> [Bucket]? {
    guard range.from < range.to else { return [] }
    var bucket = bucket(of: range.from)
    var buckets: [Bucket] = []
    while bucket.start < range.to {
      guard buckets.count < limit else { return nil }
      buckets.append(bucket)
      bucket = self.bucket(after: bucket)
    }
    return buckets
  }

  private func firstDay(of day: CivilDate) -> CivilDate {
    switch granularity {
    case .week: day.startOfWeek
    case .month: day.startOfMonth
    case .minute, .hour, .day: day
    }
  }

  private func moment(_ milliseconds: Int64) -> Bucket {
    Bucket(key: Int(milliseconds / 1000), start: Instant(milliseconds: milliseconds))
  }

  private func day(_ day: CivilDate) -> Bucket { Bucket(key: day.daysSinceEpoch, start: zone.start(of: day)) }
}
