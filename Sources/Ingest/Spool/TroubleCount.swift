/// Something that goes wrong again and again, told at once and then once a minute with how often it has: a log that is full of one sentence
/// hides the others.
public struct TroubleCount: Sendable {
  /// The least time between two tellings.
  public static let pace: Duration = .seconds(60)

  private var told: ContinuousClock.Instant?
  private var untold = 0

  public init() {}

  /// It has gone wrong.
  /// - Returns: how often since it was last told, when it is to be told now.
  public mutating func happened(at now: ContinuousClock.Instant) -> Int? {
    untold += 1
    if let told, now - told < Self.pace { return nil }
    told = now
    defer { untold = 0 }
    return untold
  }
}
