import Domain
import QueryEngine
import Testing

/// What is known of a tenant's days, kept true as events are stored.
@Suite struct TenantDataTests {
  private static let rollup = TenantData.Rollup(
    dimensions: [""], halves: [], omittedDimensions: [], measures: [], omittedMeasures: [])

  /// The 17th and the 19th are rolled up, the 18th has no events, the 20th has no rollup.
  private let data = TenantData(
    version: TenantData.Version(events: 300, lastIngested: now),
    days: [
      TenantData.Day(day: day("2026-11-17"), events: 100, build: 1, rollup: rollup),
      TenantData.Day(day: day("2026-11-19"), events: 100, build: 1, rollup: rollup),
      TenantData.Day(day: day("2026-11-20"), events: 100),
    ])

  @Test func eventsOfOpenDaysAreCounted() {
    var data = data
    for (count, earliest) in [(5, "2026-11-20T23:59:59Z"), (7, "2026-11-22T00:00:00Z"), (1, "2026-11-21T12:00:00Z")] {
      let isCounted = data.count(count, from: moment(earliest))
      #expect(isCounted)
    }
    #expect(data.days.map(\.events) == [100, 100, 105, 1, 7])
    #expect(data.days.map(\.day) == ["2026-11-17", "2026-11-19", "2026-11-20", "2026-11-21", "2026-11-22"].map(day))
    #expect(data.version == self.data.version)
  }

  /// A month stands for its days only while all of them are rolled up, by older builds, and count the same events.
  @Test(arguments: [(3, 200, true), (1, 200, false), (3, 201, false), (3, 100, false)])
  func monthsHoldWhileTheirDaysDo(build: Int, events: Int, holds: Bool) {
    let days = [(2, 1), (28, 2)].map {
      TenantData.Day(day: day("2026-10-01").adding(days: $0), events: 100, build: $1, rollup: Self.rollup)
    }
    let month = TenantData.Month(first: day("2026-10-01"), events: events, build: build, rollup: Self.rollup)
    #expect(TenantData(version: data.version, days: days, months: [month]).months == (holds ? [month] : []))
    let open = days + [TenantData.Day(day: day("2026-10-20"), events: 0)]
    #expect(TenantData(version: data.version, days: open, months: [month]).months == [])
    var data = TenantData(version: data.version, days: days, months: [month])
    let isCounted = data.count(1, from: moment("2026-10-31T00:00:00Z"))
    #expect(isCounted && data.months == [], "a day of its own that was empty")
  }

  @Test(arguments: ["2026-11-19T23:59:59Z", "2026-11-18T12:00:00Z", "2026-11-17T00:00:00Z", "1970-01-01T00:00:00Z"])
  func eventsOfDaysWithARollupAreNot(earliest: String) {
    var data = data
    let isCounted = data.count(1, from: moment(earliest))
    #expect(!isCounted)
    #expect(data == self.data)
  }
}
