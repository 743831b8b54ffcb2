public import Domain

/// What is known of a tenant's events without reading them: how many there are per UTC day, when the last one arrived, and which days are
/// rolled up. Asked for with ``TenantDataPlan``.
public struct TenantData: Sendable, Hashable {
  /// Tells one state of a tenant's events from another: every stored event changes it, on every process that asks.
  public struct Version: Sendable, Hashable {
    /// How many events there are.
    public let events: Int
    /// When the last of them was stored, by the clock of the event store; nil when there is none.
    public let lastIngested: Instant?

    public init(events: Int, lastIngested: Instant?) {
      self.events = events
      self.lastIngested = lastIngested
    }
  }

  /// What a build made of the events of a day or a month. A property that is in none of the sets occurs in none of them.
  public struct Rollup: Sendable, Hashable {
    /// Dimensions with a row per value and day or month.
    public let dimensions: Set<ExactText>
    /// Dimensions with a row per value and half-hour as well; the empty name is there when all events together have them.
    public let halves: Set<ExactText>
    /// Dimensions that occur in events but have too many values.
    public let omittedDimensions: Set<ExactText>
    public let measures: Set<ExactText>
    public let omittedMeasures: Set<ExactText>

    public init(
      dimensions: Set<ExactText>, halves: Set<ExactText>, omittedDimensions: Set<ExactText>, measures: Set<ExactText>,
      omittedMeasures: Set<ExactText>
    ) {
      self.dimensions = dimensions
      self.halves = halves
      self.omittedDimensions = omittedDimensions
      self.measures = measures
      self.omittedMeasures = omittedMeasures
    }
  }

  /// A UTC day that has events.
  public struct Day: Sendable, Hashable {
    public let day: CivilDate
    public fileprivate(set) var events: Int
    /// The build whose rows stand for all events of the day, and what it holds; nil when there is none that does.
    public let build: Int
    public let rollup: Rollup?

    public init(day: CivilDate, events: Int, build: Int = 0, rollup: Rollup? = nil) {
      self.day = day
      self.events = events
      self.build = build
      self.rollup = rollup
    }
  }

  /// A UTC month, of the days of which a build has joined the rows.
  public struct Month: Sendable, Hashable {
    public let first: CivilDate
    public let events: Int
    public let build: Int
    public let rollup: Rollup

    public init(first: CivilDate, events: Int, build: Int, rollup: Rollup) {
      self.first = first
      self.events = events
      self.build = build
      self.rollup = rollup
    }

    var range: TimeRange { TimeRange(from: first.midnightUTC, to: first.adding(months: 1).midnightUTC) }

    /// Whether its rows stand for all events of these days.
    func isMade(of days: some Sequence<Day>) -> Bool {
      var sum = 0
      for day in days {
        guard day.rollup != nil, day.build < build else { return false }
        sum += day.events
      }
      return sum == events
    }
  }

  public let version: Version
  /// In their order. Empty for a scope of all tenants, whose questions rollups do not answer.
  public private(set) var days: [Day]
  /// In their order: those of which the rows stand for all events of all their days.
  public private(set) var months: [Month]
  /// When rollups are used.
  public var policy = RollupPolicy()

  /// - Parameter months: what was built of months, whether or not it still holds.
  public init(version: Version, days: [Day], months: [Month] = []) {
    self.version = version
    self.days = days.sorted { $0.day < $1.day }
    let byMonth = months.isEmpty ? [:] : Dictionary(grouping: days) { $0.day.startOfMonth }
    self.months = months.filter { $0.isMade(of: byMonth[$0.first] ?? []) }.sorted { $0.first < $1.first }
  }

  /// Counts events that were stored since, about by the day of the earliest of them: days without a rollup are counted for planning only.
  ///
  /// - Returns: false when they may belong to a day with a rollup, or one before it. Then the state has to be asked for anew: the rollup may
  ///   no longer stand for all events of its day.
  public mutating func count(_ events: Int, from earliest: Instant) -> Bool {
    let day = earliest.milliseconds.dividedDown(by: 86_400_000)
    var place = days.count
    while place > 0, days[place - 1].day.daysSinceEpoch >= day {
      place -= 1
      if days[place].rollup != nil { return false }
    }
    if place < days.count, days[place].day.daysSinceEpoch == day {
      days[place].events += events
    } else {
      let added = CivilDate(daysSinceEpoch: Int(day))
      days.insert(Day(day: added, events: events), at: place)
      months.removeAll { $0.first == added.startOfMonth }
    }
    return true
  }

  /// About how many events a range holds: those of its days, of days at its edges the part that belongs to it by time.
  public func events(in range: TimeRange) -> Int {
    days.reduce(0) { sum, day in
      let start = day.day.midnightUTC.milliseconds
      let shared = min(range.to.milliseconds, start + 86_400_000) - max(range.from.milliseconds, start)
      return shared <= 0 ? sum : sum + Int(Double(day.events) * Double(shared) / 86_400_000)
    }
  }
}

/// From when on rollups are worth their while.
public struct RollupPolicy: Sendable, Hashable {
  /// Questions over fewer events are answered from the events: they are quick enough.
  public var minimumEvents = 1_000_000
  /// Percentiles and distinct users are taken from rollups (within 1 %) only for questions over more events than this.
  public var approximateFrom = 1_000_000
  /// The part of the events that may still have to be read one by one.
  public var longestRemainder = 0.5

  public init() {}
}
