import Logging
import NIOCore

/// The last stage: the submissions of a block → rows in ClickHouse, each exactly once, or in the spool, or an honest "not stored".
///
/// - Events whose id is already stored, or comes twice in the block, are dropped and count as stored.
/// - An insert that fails because the store is away is repeated shortly with the same deduplication token; then the block goes to the
///   spool together with that token, so that it counts once even if an attempt did arrive. While the spool holds anything, blocks go
///   there at once: what came first is stored first, and the look-up for known ids is made when it can see all of them.
/// - A block whose data the store refuses is halved until the rows at fault stand alone: one bad event cannot fail the
///   requests of others.
struct BatchWriter: Sendable {
  private let table: EventTable
  private let spool: Spool?
  private let policy: RetryPolicy
  private let metrics: IngestMetrics
  private let logger: Logger

  /// - Parameter policy: while there is no spool to go to; otherwise ``RetryPolicy/beforeSpooling``.
  init(table: EventTable, spool: Spool?, policy: RetryPolicy, metrics: IngestMetrics, logger: Logger) {
    self.table = table
    self.spool = spool
    self.policy = spool?.isOn == true ? .beforeSpooling : policy
    self.metrics = metrics
    self.logger = logger
  }

  /// Stores the events; gives one outcome for each submission, in their order.
  func write(_ submissions: [EncodedEvents]) async -> [StoreOutcome] {
    if let spool, await !spool.allowsInserts() { return await queue(submissions, cause: "earlier events wait in the spool") }
    let deadline = ContinuousClock.now + policy.deadline
    let rows: [Row]
    do throws(StoreFailure) {
      rows = try await rowsToInsert(submissions, deadline)
    } catch {
      return await queue(submissions, cause: error.cause)
    }
    var results = BlockResults(count: submissions.count)
    var groups = rows.isEmpty ? [] : [rows]
    while let group = groups.popLast() {
      let token = EventTable.makeToken()
      let note = await spool?.begin(Self.block(of: group, submissions, token: token)) ?? nil
      do throws(StoreFailure) {
        try await insert(group, of: submissions, token: token, deadline)
        await spool?.ended(note)
      } catch .refused(let cause) {
        await spool?.ended(note)
        if let halves = Self.halve(group) {
          logger.warning("The store refused a block; it is halved", metadata: ["rows": "\(group.count)", "cause": "\(cause)"])
          groups.append(halves.1)
          groups.append(halves.0)
        } else if let row = group.first {
          logger.error("The store refused an event that passed validation", metadata: ["cause": "\(cause)"])
          results.refuse(row)
        }
      } catch {
        // Of the first the store may have heard; the others no insert has carried.
        let attempted = Self.block(of: group, submissions, token: token)
        let others = groups.map { Self.block(of: $0, submissions, token: nil) }
        let kept = await keep([attempted] + others, cause: error.cause)
        if case .spooled = kept { await spool?.ended(note) } else { await spool?.leave(note) }
        results.set(kept, for: ([group] + groups).joined())
        break
      }
    }
    return results.outcomes
  }

  // MARK: - Spool

  /// Puts a block that no insert has carried into the spool as it is.
  private func queue(_ submissions: [EncodedEvents], cause: String) async -> [StoreOutcome] {
    var rows: [UInt8] = []
    rows.reserveCapacity(submissions.reduce(0) { $0 + $1.byteCount })
    for submission in submissions { rows.append(contentsOf: submission.bytes) }
    let block = SpoolBlock(token: nil, rows: rows, rowCount: submissions.reduce(0) { $0 + $1.count })
    let outcome = await keep([block], cause: cause)
    return submissions.map { _ in outcome }
  }

  private func keep(_ blocks: [SpoolBlock], cause: String) async -> StoreOutcome {
    guard let spool, spool.isOn else { return .unavailable(cause: cause) }
    switch await spool.append(blocks) {
    case .kept:
      metrics.spooled(blocks.reduce(0) { $0 + $1.rowCount })
      return .spooled(refusedRows: [])
    case .full: return .spoolFull
    case .failed(let failure): return .spoolUnavailable(cause: "\(cause); and the spool: \(failure)")
    }
  }

  private static func block(of rows: [Row], _ submissions: [EncodedEvents], token: String?) -> SpoolBlock {
    SpoolBlock(token: token, rows: Array(body(of: rows, submissions).readableBytesView), rowCount: rows.count)
  }

  // MARK: - Rows

  /// One row of one submission of the block.
  private struct Row: Hashable {
    let submission: Int
    let row: Int
  }

  private struct BlockResults {
    private(set) var outcomes: [StoreOutcome]

    init(count: Int) { outcomes = Array(repeating: .stored(refusedRows: []), count: count) }

    mutating func refuse(_ row: Row) {
      if case .stored(let refused) = outcomes[row.submission] {
        outcomes[row.submission] = .stored(refusedRows: (refused + [row.row]).sorted())
      }
    }

    /// What became of the submissions of these rows, as far as it is worse than what is known.
    mutating func set(_ outcome: StoreOutcome, for rows: some Sequence<Row>) {
      for submission in Set(rows.map(\.submission)) {
        if case .spooled = outcome, case .stored(let refused) = outcomes[submission] {
          outcomes[submission] = .spooled(refusedRows: refused)
        } else {
          outcomes[submission] = outcome
        }
      }
    }
  }

  private func rowsToInsert(
    _ submissions: [EncodedEvents], _ deadline: ContinuousClock.Instant
  ) async throws(StoreFailure) -> [Row] {
    let keys = Set(submissions.lazy.flatMap { $0.keyedRows.lazy.map(\.key) })
    var known: Set<EventKey> = []
    if !keys.isEmpty {
      known = try await persist(deadline) { () async throws(StoreFailure) in
        try await table.storedKeys(among: keys, timeout: min(policy.attempt, .seconds(10)))
      }
    }
    var rows: [Row] = []
    rows.reserveCapacity(submissions.reduce(0) { $0 + $1.count })
    for (index, submission) in submissions.enumerated() {
      var keyed = submission.keyedRows.makeIterator()
      var next = keyed.next()
      for row in 0..<submission.count {
        if let current = next, current.row == row {
          next = keyed.next()
          guard known.insert(current.key).inserted else { continue }
        }
        rows.append(Row(submission: index, row: row))
      }
    }
    return rows
  }

  private func insert(
    _ rows: [Row], of submissions: [EncodedEvents], token: String, _ deadline: ContinuousClock.Instant
  ) async throws(StoreFailure) {
    let body = Self.body(of: rows, submissions)
    let keys = Self.keys(of: rows, submissions)
    try await persist(deadline) { () async throws(StoreFailure) in
      try await table.insert(body, rows: rows.count, keys: keys, token: token, timeout: policy.attempt)
    }
  }

  /// Repeats `operation` while the store is away, with growing pauses, until the deadline.
  private func persist<Result: Sendable>(
    _ deadline: ContinuousClock.Instant, _ operation: () async throws(StoreFailure) -> Result
  ) async throws(StoreFailure) -> Result {
    var pause = policy.firstPause
    while true {
      do throws(StoreFailure) {
        return try await operation()
      } catch .away(let cause) {
        guard ContinuousClock.now + pause < deadline, !Task.isCancelled else { throw .away(cause: cause) }
        logger.warning("The store did not answer; trying again", metadata: ["cause": "\(cause)", "pause": "\(pause)"])
        try? await Task.sleep(for: pause)
        pause = min(pause * 2, policy.longestPause)
      }
    }
  }

  private static func body(of rows: [Row], _ submissions: [EncodedEvents]) -> ByteBuffer {
    var capacity = 0
    for row in rows { capacity += submissions[row.submission].row(row.row).count }
    var body = ByteBufferAllocator().buffer(capacity: capacity)
    for row in rows { body.writeBytes(submissions[row.submission].row(row.row)) }
    return body
  }

  private static func keys(of rows: [Row], _ submissions: [EncodedEvents]) -> [EventKey] {
    let chosen = Set(rows)
    return submissions.enumerated().flatMap { index, submission in
      submission.keyedRows.filter { chosen.contains(Row(submission: index, row: $0.row)) }.map(\.key)
    }
  }

  /// Two halves, cut between requests where the block holds several, so that a failure in between cannot leave half of a
  /// request stored when that is avoidable. Nil for a single row.
  private static func halve(_ rows: [Row]) -> ([Row], [Row])? {
    guard rows.count > 1, let first = rows.first, let last = rows.last else { return nil }
    var cut = rows.count / 2
    if first.submission != last.submission {
      let middle = rows[cut].submission
      let start = rows.firstIndex { $0.submission == middle } ?? cut
      let end = rows.firstIndex { $0.submission > middle } ?? rows.count
      cut = start == 0 ? end : end == rows.count ? start : (cut - start <= end - cut ? start : end)
    }
    return (Array(rows[..<cut]), Array(rows[cut...]))
  }
}

/// How long and how often an insert is repeated while the store is away.
public struct RetryPolicy: Sendable {
  public var firstPause: Duration
  public var longestPause: Duration
  /// From the beginning of a block to the moment its senders are told 503.
  public var deadline: Duration
  /// How long one attempt waits for an answer.
  public var attempt: Duration

  public init(
    firstPause: Duration = .milliseconds(50), longestPause: Duration = .seconds(1), deadline: Duration = .seconds(8),
    attempt: Duration = .seconds(30)
  ) {
    self.firstPause = firstPause
    self.longestPause = longestPause
    self.deadline = deadline
    self.attempt = attempt
  }

  /// When there is a spool: who refuses is asked once more, shortly after; who does not answer, not again.
  static let beforeSpooling = RetryPolicy(
    firstPause: .milliseconds(50), longestPause: .milliseconds(100), deadline: .milliseconds(150), attempt: .seconds(5))
}
