import Domain
import QueryEngine
import Testing

@Suite struct TimeResolverTests {
  private func resolve(
    _ own: TimeSelection, state: ViewState = ViewState(), compare: Comparison? = .previousPeriod,
    permissions: EmbedPermissions = EmbedPermissions(), zone: String = "UTC", now: Instant = now
  ) throws -> ResolvedTime {
    try TimeResolver(scope: scope(permissions: permissions, now: now, zone: Zone(zone))).resolve(own, state: state, compare: compare)
  }

  /// Period, span, and the span before, which is cut at the time that it is now.
  @Test(arguments: [
    (Period.hour, range("2026-11-20T13:24:00Z", "2026-11-20T14:24:00Z"), range("2026-11-20T12:24:00Z", "2026-11-20T13:24:00Z")),
    (.day, range("2026-11-19T15:00:00Z", "2026-11-20T15:00:00Z"), range("2026-11-18T15:00:00Z", "2026-11-19T14:24:00Z")),
    (.week, range("2026-11-14T00:00:00Z", "2026-11-21T00:00:00Z"), range("2026-11-07T00:00:00Z", "2026-11-13T14:24:00Z")),
    (.month, range("2026-10-22T00:00:00Z", "2026-11-21T00:00:00Z"), range("2026-09-22T00:00:00Z", "2026-10-21T14:24:00Z")),
    (.quarter, range("2026-08-23T00:00:00Z", "2026-11-21T00:00:00Z"), range("2026-05-25T00:00:00Z", "2026-08-22T14:24:00Z")),
    (.year, range("2025-12-01T00:00:00Z", "2026-12-01T00:00:00Z"), range("2024-12-01T00:00:00Z", "2025-11-20T14:24:00Z")),
  ])
  func periods(period: Period, span: TimeRange, previous: TimeRange) throws {
    let time = try resolve(.period(period))
    #expect(time.range == span)
    #expect(time.previous == previous)
    #expect(time.elapsed == TimeRange(from: span.from, to: moment("2026-11-20T14:24:00Z")))
    #expect(time.period == period)
    #expect(!time.chosenByViewer)
  }

  @Test func daysAreThoseOfTheZoneAcrossAClockChange() throws {
    // New York put its clock back on 1 November.
    let time = try resolve(.period(.month), zone: "America/New_York")
    #expect(time.range == range("2026-10-22T04:00:00Z", "2026-11-21T05:00:00Z"))
    // 30 local days before, cut at 09:24 local time on 21 October.
    #expect(time.previous == range("2026-09-22T04:00:00Z", "2026-10-21T13:24:00Z"))
    let kolkata = try resolve(.period(.day), zone: "Asia/Kolkata")
    #expect(kolkata.range == range("2026-11-19T14:30:00Z", "2026-11-20T14:30:00Z"))
  }

  @Test func chosenDaysIncludeTheLast() throws {
    let days = DateRange(from: .day(day("2026-11-01")), to: .day(day("2026-11-10")))
    let time = try resolve(.range(days), zone: "Europe/Berlin")
    #expect(time.range == range("2026-10-31T23:00:00Z", "2026-11-10T23:00:00Z"))
    // Ten days before, across the change of the clock on 25 October.
    #expect(time.previous == range("2026-10-21T22:00:00Z", "2026-10-31T23:00:00Z"))
  }

  @Test func chosenMomentsAreComparedWithAsLongBefore() throws {
    let hours = DateRange(from: .instant(moment("2026-11-10T08:00:00Z")), to: .instant(moment("2026-11-10T11:30:00Z")))
    #expect(try resolve(.range(hours)).previous == range("2026-11-10T04:30:00Z", "2026-11-10T08:00:00Z"))
  }

  @Test func previousYearIsTheSameCalendarSpan() throws {
    #expect(try resolve(.period(.week), compare: .previousYear).previous == range("2025-11-14T00:00:00Z", "2025-11-20T14:24:00Z"))
    let leapDay = DateRange(from: .day(day("2024-02-29")), to: .day(day("2024-02-29")))
    #expect(try resolve(.range(leapDay), compare: .previousYear).previous == range("2023-02-28T00:00:00Z", "2023-03-01T00:00:00Z"))
    // A local day is compared with a local day, whatever the clock did.
    let local = DateRange(from: .day(day("2026-03-10")), to: .day(day("2026-03-10")))
    let time = try resolve(.range(local), compare: .previousYear, zone: "America/New_York")
    #expect(time.previous == range("2025-03-10T04:00:00Z", "2025-03-11T04:00:00Z"))
  }

  @Test(arguments: [
    ("2026-11-10T00:00:00Z", "2026-11-10T00:00:00Z"), ("1950-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
    ("2026-01-01T00:00:00Z", "2222-01-01T00:00:00Z"),
  ])
  func emptyAndOutlandishRangesAreRefused(from: String, to: String) throws {
    let selection = DateRange(from: .instant(moment(from)), to: .instant(moment(to)))
    let error = #expect(throws: AppError.self) { try resolve(.range(selection)) }
    #expect(error?.status == 422)
    #expect(error?.details.first?.field.hasPrefix("period.") == true)
    let chosen = #expect(throws: AppError.self) { try resolve(.period(.week), state: ViewState(dateRange: selection)) }
    #expect(chosen?.details.first?.field.hasPrefix("state.dateRanges.") == true)
  }

  // MARK: What a viewer may choose

  @Test func theViewersChoiceWins() throws {
    let time = try resolve(.period(.year), state: ViewState(period: .week))
    #expect(time.range == range("2026-11-14T00:00:00Z", "2026-11-21T00:00:00Z"))
    #expect(time.chosenByViewer)
    let days = DateRange(from: .day(day("2026-11-01")), to: .day(day("2026-11-02")))
    let chosen = try resolve(.period(.year), state: ViewState(period: .week, dateRange: days))
    #expect(chosen.range == range("2026-11-01T00:00:00Z", "2026-11-03T00:00:00Z"))
  }

  @Test func otherPeriodsThanTheAllowedAreRefused() throws {
    let permissions = EmbedPermissions(allowedPeriods: [.day, .week])
    #expect(throws: Never.self) { try resolve(.period(.month), state: ViewState(period: .week), permissions: permissions) }
    let error = #expect(throws: AppError.self) {
      try resolve(.period(.month), state: ViewState(period: .month), permissions: permissions)
    }
    #expect(error?.status == 403)
    #expect(error?.code == "period_not_allowed")
    // Asking for nothing must not open more than asking for the widest: the author's own period gives way to an allowed one.
    let week = try resolve(.period(.week)).range
    #expect(try resolve(.period(.month), permissions: permissions).range == week)
    #expect(try resolve(.period(.hour), permissions: permissions).range == resolve(.period(.day)).range)
    #expect(try resolve(.period(.week), permissions: permissions).range == week)
  }

  @Test func aComparisonDoesNotLookFurtherBackThanTheSessionMay() throws {
    let permissions = EmbedPermissions(maxDateRangeDays: 20)
    #expect(try resolve(.period(.week), compare: .previousPeriod, permissions: permissions).previous != nil)
    #expect(try resolve(.period(.week), compare: .previousYear, permissions: permissions).previous == nil)
    #expect(try resolve(.period(.month), compare: .previousPeriod, permissions: permissions).previous == nil)
  }

  @Test func aChosenRangeMustLieWithinTheLongestAllowedPeriod() throws {
    let permissions = EmbedPermissions(allowedPeriods: [.day, .week])
    let within = ViewState(dateRange: DateRange(from: .day(day("2026-11-14")), to: .day(day("2026-11-20"))))
    #expect(throws: Never.self) { try resolve(.period(.month), state: within, permissions: permissions) }
    for (from, to) in [("2026-11-13", "2026-11-20"), ("2026-10-01", "2026-10-02"), ("2026-11-20", "2026-11-21")] {
      let beyond = ViewState(dateRange: DateRange(from: .day(day(from)), to: .day(day(to))))
      let error = #expect(throws: AppError.self) { try resolve(.period(.month), state: beyond, permissions: permissions) }
      #expect(error?.code == "period_not_allowed")
    }
  }

  @Test(arguments: [
    (Period.hour, 1, true), (.day, 1, true), (.week, 1, false), (.week, 6, false), (.week, 7, true), (.month, 29, false),
    (.month, 30, true),
    (.year, 300, false), (.year, 365, true),
  ])
  func aPeriodMustNotReachFurtherBackThanAllowed(period: Period, days: Int, allowed: Bool) throws {
    let permissions = EmbedPermissions(maxDateRangeDays: days)
    if allowed {
      #expect(throws: Never.self) { try resolve(.period(.hour), state: ViewState(period: period), permissions: permissions) }
    } else {
      let error = #expect(throws: AppError.self) {
        try resolve(.period(.hour), state: ViewState(period: period), permissions: permissions)
      }
      #expect(error?.status == 403)
      #expect(error?.code == "range_too_long")
    }
  }

  @Test func aChosenRangeMustNotReachFurtherBackNorBeLonger() throws {
    let permissions = EmbedPermissions(maxDateRangeDays: 30)
    for (from, to, allowed) in [
      ("2026-10-22", "2026-11-20", true), ("2026-10-21", "2026-11-19", true), ("2026-10-20", "2026-10-25", false),
      ("2020-01-01", "2020-01-01", false), ("2026-10-21", "2026-12-31", false), ("2026-11-19", "2026-12-31", true),
    ] {
      let state = ViewState(dateRange: DateRange(from: .day(day(from)), to: .day(day(to))))
      if allowed {
        #expect(throws: Never.self, "\(from)") { try resolve(.period(.hour), state: state, permissions: permissions) }
      } else {
        let error = #expect(throws: AppError.self, "\(from)") { try resolve(.period(.hour), state: state, permissions: permissions) }
        #expect(error?.code == "range_too_long")
      }
    }
  }

  @Test func theAuthorsPeriodIsShortened() throws {
    let permissions = EmbedPermissions(maxDateRangeDays: 7)
    #expect(try resolve(.period(.quarter), permissions: permissions).range == range("2026-11-14T00:00:00Z", "2026-11-21T00:00:00Z"))
    #expect(try resolve(.period(.quarter), permissions: permissions).period == nil)
    #expect(try resolve(.period(.day), permissions: permissions).range == range("2026-11-19T15:00:00Z", "2026-11-20T15:00:00Z"))
    // Twelve months last until the end of this one: of what is still to come no day is shown instead of a past one.
    #expect(try resolve(.period(.year), permissions: permissions).range == range("2026-11-14T00:00:00Z", "2026-11-21T00:00:00Z"))
    // What ends before the horizon shows nothing.
    let old = DateRange(from: .day(day("2025-01-01")), to: .day(day("2025-01-31")))
    #expect(try resolve(.range(old), permissions: permissions).range.milliseconds == 0)
  }
}
