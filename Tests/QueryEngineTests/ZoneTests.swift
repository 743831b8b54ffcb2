import Domain
import QueryEngine
import Testing

@Suite struct ZoneTests {
  @Test(arguments: ["Mars/Olympus", "EST", "+02:00", "GMT+2", "", "europe/berlin", "../etc/passwd", "UTC'; DROP"])
  func unknownZonesAreRefused(name: String) {
    let error = #expect(throws: AppError.self) { try Zone(name) }
    #expect(error?.status == 422)
    #expect(error?.details.first?.code == "unknown_timezone")
    #expect(error?.details.first?.field == "timezone")
  }

  @Test(arguments: [
    ("UTC", "2026-11-20", "2026-11-20T00:00:00Z"),
    ("America/New_York", "2026-11-20", "2026-11-20T05:00:00Z"),
    ("America/New_York", "2026-07-01", "2026-07-01T04:00:00Z"),
    ("Asia/Kolkata", "2026-11-20", "2026-11-19T18:30:00Z"),
    ("Asia/Kathmandu", "2026-11-20", "2026-11-19T18:15:00Z"),
    ("Pacific/Kiritimati", "2026-11-20", "2026-11-19T10:00:00Z"),
    // The clock was put forward from midnight to one: the day began at one.
    ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"),
    // A move for good, not daylight saving: from +09:00 to +08:30 and back.
    ("Asia/Pyongyang", "2015-08-16", "2015-08-15T15:30:00Z"),
    ("Asia/Pyongyang", "2018-05-06", "2018-05-05T15:00:00Z"),
    // 1969 and 2095, outside of what most tables hold.
    ("Europe/Berlin", "1969-07-21", "1969-07-20T23:00:00Z"),
    ("Europe/Berlin", "2095-01-01", "2094-12-31T23:00:00Z"),
  ])
  func daysBeginAtLocalMidnight(zone: String, date: String, start: String) throws {
    let zone = try Zone(zone)
    #expect(zone.start(of: day(date)) == moment(start))
    #expect(zone.day(of: moment(start)) == day(date))
    #expect(zone.day(of: moment(start).adding(milliseconds: -1)) < day(date))
  }

  @Test(arguments: ["UTC", "America/New_York", "Europe/Lisbon", "Australia/Lord_Howe", "Africa/Casablanca"])
  func everyMomentLiesInTheDayThatBeganLast(zone: String) throws {
    let zone = try Zone(zone)
    var instant = moment("2025-12-31T00:17:31Z")
    while instant < moment("2027-01-02T00:00:00Z") {
      let day = zone.day(of: instant)
      #expect(zone.start(of: day) <= instant)
      #expect(instant < zone.start(of: day.adding(days: 1)))
      instant = instant.adding(milliseconds: 5_417_000)
    }
  }
}

@Suite struct TimeBucketsTests {
  @Test func aDayOnWhichTheClockChangesHas23Or25Hours() throws {
    let buckets = TimeBuckets(.hour, in: try Zone("America/New_York"))
    #expect(buckets.buckets(of: range("2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"))?.count == 23)
    #expect(buckets.buckets(of: range("2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"))?.count == 25)
  }

  @Test func daysAndWeeksAndMonthsFollowTheLocalCalendar() throws {
    let zone = try Zone("America/New_York")
    let span = range("2026-02-27T12:00:00Z", "2026-03-10T12:00:00Z")
    let days = try #require(TimeBuckets(.day, in: zone).buckets(of: span))
    #expect(days.count == 12)
    #expect(days.first?.start == moment("2026-02-27T05:00:00Z"))
    #expect(days.last?.start == moment("2026-03-10T04:00:00Z"))
    let weeks = try #require(TimeBuckets(.week, in: zone).buckets(of: span))
    #expect(weeks.map(\.start) == ["2026-02-23T05:00:00Z", "2026-03-02T05:00:00Z", "2026-03-09T04:00:00Z"].map(moment))
    let months = try #require(TimeBuckets(.month, in: zone).buckets(of: span))
    #expect(months.map(\.start) == ["2026-02-01T05:00:00Z", "2026-03-01T05:00:00Z"].map(moment))
  }

  @Test func hoursBeginWithTheLocalHour() throws {
    let buckets = TimeBuckets(.hour, in: try Zone("Asia/Kolkata"))
    #expect(buckets.bucket(of: moment("2026-11-20T14:23:45Z")).start == moment("2026-11-20T13:30:00Z"))
  }

  @Test func theLimitEndsTheList() {
    let buckets = TimeBuckets(.minute, in: .utc)
    #expect(buckets.buckets(of: range("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"), limit: 1_440)?.count == 1_440)
    #expect(buckets.buckets(of: range("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"), limit: 1_439) == nil)
  }
}
