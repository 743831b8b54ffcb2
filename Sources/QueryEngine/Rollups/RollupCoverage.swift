internal import Domain

/// Which part of some spans comes from which rows: a value without SQL.
///
/// A moment at which the answer tells rows apart (an edge of a span, the start of a bucket) is a cut. A UTC month that lies within the spans
/// and has no cut inside comes from a row of the width of a month, and so do days; of other days those half-hours for which the same holds;
/// the rest comes from events, as does every day without a valid rollup.
struct RollupCoverage: Sendable {
  /// How finely the answer tells rows apart, beside the edges of its spans.
  enum Grain: Sendable {
    case whole
    /// By days, weeks or months.
    case buckets(TimeBuckets)
    /// By the hours of the local clock.
    case hours(Zone)

    /// Nil for minutes.
    init?(_ granularity: Granularity, in zone: Zone) {
      switch granularity {
      case .minute: return nil
      case .hour: self = .hours(zone)
      case .day, .week, .month: self = .buckets(TimeBuckets(granularity, in: zone))
      }
    }

    fileprivate var dividesDays: Bool { if case .hours = self { true } else { false } }
  }

  struct Parts {
    /// The rows of one width for days or months one after the other, of one build.
    struct Rows {
      var range: TimeRange
      let build: Int
    }

    /// Rows of one width, by whether the dimension occurs in their events.
    struct Width {
      var present: [Rows] = []
      var absent: [Rows] = []
      var isEmpty: Bool { present.isEmpty && absent.isEmpty }

      /// Takes the rows of a day or a month that comes after all others.
      mutating func add(_ range: TimeRange, build: Int, isPresent: Bool) {
        func extend(_ rows: inout [Rows]) {
          if let last = rows.last, last.build == build, last.range.to == range.from {
            rows[rows.count - 1].range.to = range.to
          } else {
            rows.append(Rows(range: range, build: build))
          }
        }
        if isPresent { extend(&present) } else { extend(&absent) }
      }
    }

    /// Whether no row of a rollup takes part.
    var isEventsAlone: Bool { months.isEmpty && days.isEmpty && halves.isEmpty }
    var months = Width()
    var days = Width()
    /// Half-hours that lie within the spans, but for those in ``minutes``.
    var halves = Width()
    /// The starts of half-hours with a cut inside, in seconds since 1970: from events, minute by minute.
    var minutes: [Int] = []
    /// From events.
    var events: [TimeRange] = []
  }

  let days: [TenantData.Day]
  let months: [TenantData.Month]
  let grain: Grain
  let dimension: ExactText?
  let properties: [ExactText]
  /// Whether states of percentiles or users are needed, which half-hours of single values do not have.
  let needsStates: Bool

  init(_ data: TenantData, grain: Grain, dimension: ExactText?, properties: [ExactText], needsStates: Bool) {
    days = data.days
    months = data.months
    self.grain = grain
    self.dimension = dimension
    self.properties = properties
    self.needsStates = needsStates
  }

  private static let half: Int64 = 1_800_000
  private static let day: Int64 = 86_400_000

  /// The cuts of spans in milliseconds since 1970, or nil where they are too many or lie within minutes, of which no row tells the parts
  /// apart.
  private func cuts(of spans: [TimeRange]) -> Set<Int64>? {
    var cuts = Set(spans.flatMap { [$0.from.milliseconds, $0.to.milliseconds] })
    switch grain {
    case .whole: break
    case .hours(let zone):
      // Hours begin with half-hours, or all half-hours are cut.
      for span in spans {
        for moment in stride(from: span.from.milliseconds, to: span.to.milliseconds, by: Int(Self.day)) {
          if zone.offset(at: Instant(milliseconds: moment)) % 1800 != 0 { return nil }
        }
      }
    case .buckets(let buckets):
      for span in spans { cuts.formUnion((buckets.buckets(of: span) ?? []).map(\.start.milliseconds)) }
    }
    return cuts.allSatisfy { $0 % 60_000 == 0 } ? cuts : nil
  }

  /// Nil where the rows cannot be told apart as finely as the answer does.
  func parts(of spans: [TimeRange]) -> Parts? {
    var parts = Parts()
    guard let cuts = cuts(of: spans) else { return nil }
    let cutDays = Set(cuts.filter { $0 % Self.day != 0 }.map { $0.dividedDown(by: Self.day) })
    let cutHalves = Set(cuts.filter { $0 % Self.half != 0 }.map { $0.dividedDown(by: Self.half) })
    let merged = Self.merged(spans)
    var covered: [TimeRange] = []
    for month in months where !grain.dividesDays {
      let range = month.range
      guard let isPresent = isPresent(in: month.rollup), merged.contains(where: { $0.from <= range.from && range.to <= $0.to }),
        !cuts.contains(where: { range.from.milliseconds < $0 && $0 < range.to.milliseconds })
      else { continue }
      parts.months.add(range, build: month.build, isPresent: isPresent)
      covered.append(range)
    }
    let wholeMonths = Set(covered.map(\.from))
    for day in days {
      guard let rollup = day.rollup, let isPresent = isPresent(in: rollup) else { continue }
      let range = TimeRange(from: day.day.midnightUTC, to: day.day.nextMidnightUTC)
      guard wholeMonths.isEmpty || !wholeMonths.contains(day.day.startOfMonth.midnightUTC) else { continue }
      guard merged.contains(where: { $0.overlaps(range) }) else { continue }
      let isCut = grain.dividesDays || cutDays.contains(Int64(day.day.daysSinceEpoch))
      if !isCut, merged.contains(where: { $0.from <= range.from && range.to <= $0.to }) {
        parts.days.add(range, build: day.build, isPresent: isPresent)
        covered.append(range)
      } else if hasHalves(rollup, isPresent: isPresent) {
        parts.halves.add(range, build: day.build, isPresent: isPresent)
        covered.append(range)
      }
    }
    let cut = cutHalves.sorted().map {
      TimeRange(from: Instant(milliseconds: $0 * Self.half), to: Instant(milliseconds: ($0 + 1) * Self.half))
    }
    parts.minutes = cut.map { Int($0.from.milliseconds / 1000) }
    // Days from events, and the half-hours that a cut divides.
    let rest = Self.subtracting(Self.merged(covered), from: merged)
    let divided = merged.flatMap { span in cut.compactMap { Self.intersection($0, span) } }
    parts.events = Self.merged(rest + divided)
    return parts
  }

  // MARK: Rollups

  /// Whether the rows of a build hold the dimension, or the property is in no event of the day; nil when they do not tell.
  private func isPresent(in rollup: TenantData.Rollup) -> Bool? {
    guard rollup.dimensions.contains(""), properties.allSatisfy({ !rollup.omittedMeasures.contains($0) }) else { return nil }
    guard let dimension else { return true }
    if rollup.dimensions.contains(dimension) { return true }
    return rollup.omittedDimensions.contains(dimension) ? nil : false
  }

  private func hasHalves(_ rollup: TenantData.Rollup, isPresent: Bool) -> Bool {
    let name = isPresent ? dimension ?? "" : ""
    return rollup.halves.contains(name) && (name == "" || !needsStates)
  }

  // MARK: Spans

  static func merged(_ spans: [TimeRange]) -> [TimeRange] {
    var merged: [TimeRange] = []
    for span in spans.sorted(by: { $0.from < $1.from }) where span.from < span.to {
      if let last = merged.last, span.from <= last.to {
        merged[merged.count - 1].to = max(last.to, span.to)
      } else {
        merged.append(span)
      }
    }
    return merged
  }

  private static func intersection(_ left: TimeRange, _ right: TimeRange) -> TimeRange? {
    left.overlaps(right) ? TimeRange(from: max(left.from, right.from), to: min(left.to, right.to)) : nil
  }

  /// Both sorted and merged.
  private static func subtracting(_ covered: [TimeRange], from spans: [TimeRange]) -> [TimeRange] {
    spans.flatMap { span -> [TimeRange] in
      var rest: [TimeRange] = []
      var start = span.from
      for part in covered where part.overlaps(span) {
        if start < part.from { rest.append(TimeRange(from: start, to: part.from)) }
        start = max(start, part.to)
      }
      if start < span.to { rest.append(TimeRange(from: start, to: span.to)) }
      return rest
    }
  }
}
