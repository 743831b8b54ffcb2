internal import Domain

/// How far in time a session may look.
///
/// What a viewer chooses is held against the scope: `allowedPeriods` for periods (a chosen range must lie within the longest of them),
/// `maxDateRangeDays` for how far back and how long. A query's own period is its author's choice: it is not refused but shortened to
/// `maxDateRangeDays`, and gives way to an allowed period where `allowedPeriods` does not hold it. A comparison that would look further
/// back than `maxDateRangeDays` is left out.
extension TimeResolver {
  /// The period itself where the session allows it; otherwise the longest allowed one that is shorter, or else the shortest.
  func allowed(insteadOf period: Period) -> Period {
    guard let allowed = scope.allowedPeriods, !allowed.contains(period) else { return period }
    let sorted = Period.allCases.filter(allowed.contains)
    let order = Period.allCases.firstIndex(of: period) ?? 0
    return sorted.last { (Period.allCases.firstIndex(of: $0) ?? 0) < order } ?? sorted.first ?? period
  }

  func isWithinHorizon(_ range: TimeRange) -> Bool { horizon.map { $0 <= range.from } ?? true }

  func checkChosen(period: Period) throws(AppError) {
    guard scope.allowedPeriods?.contains(period) ?? true else {
      throw .forbidden("period_not_allowed", "The period \(period.rawValue) is not open to this session.")
    }
  }

  func checkChosen(range: TimeRange) throws(AppError) {
    if let allowed = scope.allowedPeriods {
      let widest = allowed.map(self.range(of:)).max { $0.milliseconds < $1.milliseconds }
      guard let widest, widest.from <= range.from, range.to <= widest.to else {
        throw .forbidden("period_not_allowed", "The time range reaches beyond the periods that are open to this session.")
      }
    }
    try checkLength(range)
  }

  /// How far back a viewer may look: the start of the day that is `maxDateRangeDays` days ago.
  private var horizon: Instant? {
    guard scope.maxDateRangeDays > 0 else { return nil }
    return zone.start(of: zone.day(of: scope.now).adding(days: -scope.maxDateRangeDays))
  }

  func checkLength(_ range: TimeRange) throws(AppError) {
    guard let horizon else { return }
    // A day may have 25 hours; what is still to come does not count.
    let longest = Int64(scope.maxDateRangeDays) * 86_400_000 + 3_600_000
    let length = Swift.min(range.to, Swift.max(minute, range.from)).milliseconds - range.from.milliseconds
    guard horizon <= range.from, length <= longest else {
      let days = scope.maxDateRangeDays
      throw .forbidden("range_too_long", "This session may look back at most \(days) \(days == 1 ? "day" : "days").")
    }
  }

  /// The span without what lies before the horizon, and at most as long as allowed: its last days, of which none is later than today unless
  /// the span begins later.
  func clamped(_ span: Span) -> Span {
    guard scope.maxDateRangeDays > 0, (try? checkLength(span.range)) == nil, let horizon else { return span }
    let tomorrow = zone.start(of: zone.day(of: scope.now).adding(days: 1))
    let end = span.range.from < tomorrow ? Swift.min(span.range.to, tomorrow) : span.range.to
    let lastDay = zone.day(of: end.adding(milliseconds: -1))
    let from = [zone.start(of: lastDay.adding(days: 1 - scope.maxDateRangeDays)), horizon, span.range.from].max() ?? horizon
    // A range that ends before the horizon has nothing left to show.
    return self.span(TimeRange(from: Swift.min(from, end), to: end))
  }
}
