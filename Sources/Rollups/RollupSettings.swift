/// What is rolled up, and when. The defaults are meant for a server; tests choose smaller ones.
public struct RollupSettings: Sendable, Hashable {
  /// Tenants with fewer events than this are answered from their events alone.
  public var minimumEvents = 1_000_000
  /// The pause between two looks at what is to be built.
  public var interval: Duration = .seconds(20)
  /// A day is built when no event of it has arrived for so long.
  public var quiet: Duration = .seconds(60)
  /// How long after its last event a day whose count does not fit its rollup is counted anew.
  public var settled: Duration = .seconds(3600)
  /// How many events are rolled up by one statement; a single day may have more.
  public var eventsPerRun = 5_000_000
  /// How long the rows of a replaced build stay, for questions that were planned before.
  public var keepReplaced: Duration = .seconds(600)

  public init() {}

  /// The most days of one run.
  static let daysPerRun = 366
  static let dimensions = 20
  static let measures = 20
  /// A dimension with more values on a day is not rolled up for that day.
  static let valuesPerDay = 1_000
  /// A rollup is worth its space when a row of it stands for this many events or more.
  static let eventsPerRow = 2
  static let halvesPerDay = 48
}
