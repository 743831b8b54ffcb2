public import Domain

/// Turns the period of a query and what the viewer chose into spans of time.
///
/// In the zone of the scope, where now is the end of the minute under way:
///
/// | period | span |
/// | --- | --- |
/// | `1h` | the 60 minutes up to now |
/// | `24h` | 24 hours up to the end of the hour under way |
/// | `7d`, `30d`, `90d` | that many whole days, the last of which is today |
/// | `12mo` | twelve whole months, the last of which is this one |
/// | `{from, to}` | as given; a day without a time is its start as `from`, its end as `to` |
///
/// `previous_period` is the span of the same length right before: the 7 days before for `7d`, the 12 months before for `12mo`; for a
/// chosen range that begins and ends at midnight as many days before, otherwise as many milliseconds. `previous_year` is the same calendar
/// span a year before (28 February for the 29th). Where the span reaches into the future, the compared one is cut at the corresponding
/// moment, so that half a day is compared with half a day.
///
/// What a viewer chooses wins over what the query says. How far either may reach is decided by the rewrite in `PeriodClamp.swift`.
public struct TimeResolver: Sendable {
  public let scope: Scope

  public init(scope: Scope) { self.scope = scope }

  /// - Throws: ``AppError`` 403 `period_not_allowed` or `range_too_long`, 422 for a range that is empty or outside 1970 to 2099.
  public func resolve(_ own: TimeSelection, state: ViewState = ViewState(), compare: Comparison? = nil) throws(AppError) -> ResolvedTime {
    var span: Span
    var period: Period?
    let chosen = try chosen(by: state)
    if let chosen {
      (span, period) = chosen
    } else {
      switch own {
      case .period(let wanted):
        let allowed = allowed(insteadOf: wanted)
        period = allowed
        span = self.span(allowed)
      case .range(let range): span = try self.span(range, field: "period")
      }
      let whole = span.range
      span = clamped(span)
      if span.range != whole { period = nil }
    }
    let elapsedTo = Swift.max(span.range.from, Swift.min(span.range.to, minute))
    return ResolvedTime(
      range: span.range,
      previous: compare.map { previous(of: span, elapsedTo: elapsedTo, $0) }.flatMap { isWithinHorizon($0) ? $0 : nil },
      elapsed: TimeRange(from: span.range.from, to: elapsedTo), zone: zone, period: period, chosenByViewer: chosen != nil)
  }

  /// What the viewer chose, if anything, held against the scope.
  private func chosen(by state: ViewState) throws(AppError) -> (Span, Period?)? {
    do {
      if let range = state.dateRange {
        let span = try span(range, field: "state.dateRanges")
        try checkChosen(range: span.range)
        return (span, nil)
      }
      guard let wanted = state.period else { return nil }
      try checkChosen(period: wanted)
      let span = span(wanted)
      try checkLength(span.range)
      return (span, wanted)
    } catch {
      throw error.concerningView
    }
  }

  /// The span of a period.
  public func range(of period: Period) -> TimeRange { span(period).range }

  /// The span of a chosen range.
  /// - Throws: ``AppError`` 422 that names `field` for a range that is empty or outside 1970 to 2099.
  func range(of range: DateRange, field: String) throws(AppError) -> TimeRange { try span(range, field: field).range }

  // MARK: Spans

  /// A range and the step back that leads to the one before.
  struct Span {
    enum Step {
      case days(Int)
      case months(Int)
      case milliseconds(Int64)
    }

    var range: TimeRange
    var step: Step
  }

  var zone: Zone { scope.zone }

  /// The end of the minute under way: what is asked twice within a minute is the same question.
  var minute: Instant { Instant(milliseconds: (scope.now.milliseconds.dividedDown(by: 60_000) + 1) * 60_000) }

  private func span(_ period: Period) -> Span {
    switch period {
    case .hour: return Span(range: TimeRange(from: minute.adding(milliseconds: -3_600_000), to: minute), step: .milliseconds(3_600_000))
    case .day:
      let hours = TimeBuckets(.hour, in: zone)
      let end = hours.bucket(after: hours.bucket(of: scope.now)).start
      return Span(range: TimeRange(from: end.adding(milliseconds: -86_400_000), to: end), step: .milliseconds(86_400_000))
    case .week: return days(7)
    case .month: return days(30)
    case .quarter: return days(90)
    case .year:
      let first = zone.day(of: scope.now).startOfMonth
      let range = TimeRange(from: zone.start(of: first.adding(months: -11)), to: zone.start(of: first.adding(months: 1)))
      return Span(range: range, step: .months(12))
    }
  }

  private func days(_ count: Int) -> Span {
    let tomorrow = zone.day(of: scope.now).adding(days: 1)
    return Span(range: TimeRange(from: zone.start(of: tomorrow.adding(days: -count)), to: zone.start(of: tomorrow)), step: .days(count))
  }

  private func span(_ range: DateRange, field: String) throws(AppError) -> Span {
    // Before any calendar is asked: offsets of a zone are looked up and kept year by year.
    guard [range.from, range.to].allSatisfy(Self.isNear) else {
      throw .invalid("\(field).from", "out_of_range", "must lie between the years 1970 and 2099")
    }
    let from =
      switch range.from {
      case .instant(let instant): instant
      case .day(let day): zone.start(of: day)
      }
    let to =
      switch range.to {
      case .instant(let instant): instant
      case .day(let day): zone.start(of: day.adding(days: 1))
      }
    guard from < to else { throw .invalid("\(field).to", "range_order", "must be later than from") }
    guard Self.earliest <= from, to <= Self.latest else {
      throw .invalid("\(field).from", "out_of_range", "must lie between 1970-01-02 and 2099-12-31")
    }
    return span(TimeRange(from: from, to: to))
  }

  func span(_ range: TimeRange) -> Span {
    let first = zone.day(of: range.from)
    let last = zone.day(of: range.to)
    if zone.start(of: first) == range.from, zone.start(of: last) == range.to {
      return Span(range: range, step: .days(last.daysSinceEpoch - first.daysSinceEpoch))
    }
    return Span(range: range, step: .milliseconds(range.milliseconds))
  }

  /// Whether a bound lies within the allowed years, give or take two days.
  private static func isNear(_ bound: DateBound) -> Bool {
    let moment =
      switch bound {
      case .instant(let instant): instant
      case .day(let day): day.midnightUTC
      }
    return earliest.adding(milliseconds: -172_800_000) <= moment && moment <= latest.adding(milliseconds: 172_800_000)
  }

  private static let earliest = CivilDate(daysSinceEpoch: 1).midnightUTC
  private static let latest = CivilDate(daysSinceEpoch: 47_482).midnightUTC

  // MARK: Comparison

  private func previous(of span: Span, elapsedTo: Instant, _ comparison: Comparison) -> TimeRange {
    let step: Span.Step = comparison == .previousYear ? .months(12) : span.step
    let from = back(span.range.from, step)
    return TimeRange(from: from, to: Swift.max(from, back(elapsedTo, step)))
  }

  /// The moment a step earlier, at the same time on the local clock when the step is one of days or months.
  private func back(_ instant: Instant, _ step: Span.Step) -> Instant {
    switch step {
    case .milliseconds(let milliseconds): return instant.adding(milliseconds: -milliseconds)
    case .days(let days): return zone.instant(of: zone.day(of: instant).adding(days: -days), millisecondOfDay: zone.clock(of: instant))
    case .months(let months):
      return zone.instant(of: zone.day(of: instant).adding(months: -months), millisecondOfDay: zone.clock(of: instant))
    }
  }
}
