internal import ClickHouse
internal import Domain

/// Which widgets of a view are answered by one scan: those that put questions to the same rows, as long as the finest groups that they need
/// together stay few, and as long as sharing is quicker than asking apart.
///
/// What costs: for few events the statement itself (4 ms each, whatever it reads), for many the columns it reads. So a tenant with few
/// events has its widgets fused wherever the groups allow it, and one with many only where a widget brings no column of its own that
/// would have to be read over a longer time than the widget wants. See `docs/adr/0008-fusion.md`.
struct Fusion {
  /// From how many events on reading costs more than the statement.
  static let manyEvents = 200_000
  /// The most groups of a scan.
  static let mostGroups = 50_000
  /// How many groups make no difference, however few events there are.
  static let fewGroups = 2_000

  /// About how many events there are in some spans, at most; nil when nobody knows.
  let events: @Sendable ([TimeRange]) -> Int?
  /// About how many values a dimension has; nil when nobody knows.
  let values: @Sendable (Dimension) -> Int?

  /// One of the statements' makers: a widget by itself, or several over one scan.
  enum Step {
    case alone(Int)
    case fused(FusedScan, [Int])
  }

  func steps(of plans: [Plan]) -> [Step] {
    var steps: [Step] = []
    var byRows: [SQL: [(index: Int, part: any Fusible)]] = [:]
    var order: [SQL] = []
    for (index, plan) in plans.enumerated() {
      guard let part = plan.kind as? any Fusible, part.question.source is EventRows, !part.groupSets.isEmpty else {
        steps.append(.alone(index))
        continue
      }
      // The same rows but for their time.
      let rows = part.question.source.from([])
      if byRows[rows] == nil { order.append(rows) }
      byRows[rows, default: []].append((index, part))
    }
    for rows in order { steps += self.steps(over: byRows[rows] ?? []) }
    return steps
  }

  private func steps(over parts: [(index: Int, part: any Fusible)]) -> [Step] {
    // The longest spans first, so that what joins a scan does not lengthen it; then those that need the fewest groups.
    var waiting = parts.sorted {
      (-Self.length($0.part), $0.part.dimensions.count, $0.index) < (-Self.length($1.part), $1.part.dimensions.count, $1.index)
    }
    var steps: [Step] = []
    while let first = waiting.first {
      waiting.removeFirst()
      guard let source = first.part.question.source as? EventRows else {
        steps.append(.alone(first.index))
        continue
      }
      var scan = FusedScan(source)
      scan.add(first.part)
      var members = [first]
      let isAlone = isBetterAlone(first.part) || groups(of: members.map(\.part)) == nil
      if !isAlone {
        // A second look, for those whose dimension somebody else has brought meanwhile.
        for _ in 0..<2 {
          for candidate in waiting where mayJoin(candidate.part, scan, members.map(\.part)) {
            scan.add(candidate.part)
            members.append(candidate)
            waiting.removeAll { $0.index == candidate.index }
          }
        }
      }
      // By itself only what takes two scans otherwise is better off.
      if members.count > 1 || (!isAlone && first.part.readsTwice) {
        steps.append(.fused(scan, members.map(\.index)))
      } else {
        steps.append(.alone(first.index))
      }
    }
    return steps
  }

  /// Exact distinct counts of many events are made of as many entries: in finer groups they would be as many for each.
  private func isBetterAlone(_ part: any Fusible) -> Bool {
    isLarge(part.spans) && part.groupSets.contains { $0.measures.contains { $0.metric.countsUniques } }
  }

  private func isLarge(_ spans: [TimeRange]) -> Bool { events(spans).map { $0 > Self.manyEvents } ?? true }

  private func mayJoin(_ part: any Fusible, _ scan: FusedScan, _ members: [any Fusible]) -> Bool {
    guard !isBetterAlone(part), groups(of: members + [part]) != nil else { return false }
    guard isLarge(scan.spans + part.spans) else { return true }
    let whole = scan.spans.reduce(0) { $0 + $1.milliseconds }
    let brings =
      part.dimensions.contains { !scan.dimensions.contains($0) }
      || part.groupSets.contains { set in
        set.measures.compactMap(\.column).contains { !scan.measures.compactMap(\.column).contains($0) }
      }
    let isWithin = part.spans.allSatisfy { span in scan.spans.contains { $0.from <= span.from && span.to <= $0.to } }
    return isWithin && (!brings || Double(Self.length(part)) >= 0.9 * Double(whole))
  }

  /// About how many groups a scan for all of them would make; nil when these are too many.
  private func groups(of parts: [any Fusible]) -> Int? {
    let spans = parts.flatMap(\.spans)
    let known = events(spans)
    var groups = 1
    for dimension in Set(parts.flatMap(\.dimensions)) {
      let guess = values(dimension) ?? (dimension == .eventName ? 20 : dimension == .userID ? 1_000 : 50)
      groups = groups.multipliedReportingOverflow(by: max(1, min(guess, known ?? guess))).partialValue
      if groups > 10_000_000 { return nil }
    }
    var keys: Set<SQL> = []
    var buckets = 1
    for part in parts {
      let own = part.groupSets.compactMap(\.bucket).filter { keys.insert($0).inserted }
      if !own.isEmpty { buckets = max(buckets, part.bucketCount * (part.question.time.previous == nil ? 1 : 2)) }
    }
    groups *= max(buckets, Set(spans).count)
    let most = known.map { min(max($0 / 4, Self.fewGroups), Self.mostGroups) } ?? Self.mostGroups
    return groups <= most ? groups : nil
  }

  private static func length(_ part: any Fusible) -> Int64 { part.spans.reduce(0) { $0 + $1.milliseconds } }
}

extension Fusible {
  fileprivate var spans: [TimeRange] { Array(Set(groupSets.map(\.span))) }
  fileprivate var dimensions: Set<Dimension> { Set(groupSets.compactMap(\.dimension)) }
  /// Whether its own statement reads the events twice: once to find the largest groups.
  fileprivate var readsTwice: Bool { groupSets.contains { $0.dimension != nil && $0.bucket != nil } }
}

extension Measure {
  /// The numeric property that it reads.
  fileprivate var column: ExactText? { metric.needsNumericProperty ? numericProp.map { ExactText($0) } : nil }
}
