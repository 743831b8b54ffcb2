public import Domain

/// A span of time: `from` belongs to it, `to` does not.
public struct TimeRange: Sendable, Hashable {
  public var from: Instant
  public var to: Instant

  public init(from: Instant, to: Instant) {
    self.from = from
    self.to = to
  }

  public var milliseconds: Int64 { to.milliseconds - from.milliseconds }

  public func overlaps(_ other: TimeRange) -> Bool { from < other.to && other.from < to }
}

/// What a query's period came to: see ``TimeResolver``.
public struct ResolvedTime: Sendable, Hashable {
  /// The span of the answer.
  public var range: TimeRange
  /// The span it is compared with, cut where the present cuts `range`, so that a day that is half over is compared with half a day.
  public var previous: TimeRange?
  /// The part of `range` that is not in the future: no bucket is shown after it unless it holds events.
  public var elapsed: TimeRange
  public var zone: Zone
  /// The period that `range` is, unless it is a chosen or shortened one.
  public var period: Period?
  /// Whether a viewer chose the time rather than the author of the query.
  public var chosenByViewer: Bool

  /// The part of the span that lies in another; empty where they have no moment in common. Nothing is compared.
  func narrowed(to other: TimeRange) -> ResolvedTime {
    var narrowed = self
    narrowed.range.from = min(max(range.from, other.from), range.to)
    narrowed.range.to = max(min(range.to, other.to), narrowed.range.from)
    narrowed.elapsed = TimeRange(from: narrowed.range.from, to: min(max(elapsed.to, narrowed.range.from), narrowed.range.to))
    narrowed.previous = nil
    narrowed.period = nil
    return narrowed
  }
}
