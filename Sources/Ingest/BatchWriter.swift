import ClickHouse
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
  /// - Parameter keys: of all rows that have an event id.
  func write(_ submissions: [EncodedEvents], keys: Set<EventKey>) async -> [StoreOutcome] {
    if let spool, await !spool.allowsInserts() { return await queue(submissions, cause: "earlier events wait in the spool") }
    let deadline = ContinuousClock.now + policy.deadline
    let rows: BlockRows
    do throws(StoreFailure) {
      rows = try await rowsToInsert(submissions, keys, deadline)
    } catch {
      return await queue(submissions, cause: error.cause)
    }
    var results = BlockResults(count: submissions.count)
    var groups = rows.isEmpty ? [] : [rows]
    while let group = groups.popLast() {
      let token = EventTable.makeToken()
      let body = group.body(of: submissions)
      let note = await spool?.begin(body, rowCount: group.count, token: token) ?? nil
      let sent = SendMark()
      do throws(StoreFailure) {
        let keys = group.keys(of: submissions)
        try await persist(deadline) { () async throws(StoreFailure) in
          try await table.insert(body, rows: group.count, keys: keys, token: token, timeout: policy.attempt, sent: sent)
        }
        await spool?.ended(note)
      } catch .refused(let cause) {
        await spool?.ended(note)
        if let halves = group.halves {
          logger.warning("The store refused a block; it is halved", metadata: ["rows": "\(group.count)", "cause": "\(cause)"])
          groups.append(halves.1)
          groups.append(halves.0)
        } else if let row = group.runs.first {
          logger.error("The store refused an event that passed validation", metadata: ["cause": "\(cause)"])
          results.refuse(row.rows.lowerBound, of: row.submission)
        }
      } catch {
        // Of the first the store may have heard; the others no insert has carried.
        let attempted = Self.block(of: body, count: group.count, token: token)
        let others = groups.map { Self.block(of: $0.body(of: submissions), count: $0.count, token: nil) }
        let kept = await keep([attempted] + others, cause: error.cause)
        if case .spooled = kept {
          await spool?.ended(note)
        } else if sent.isSet {
          await spool?.leave(note)
        } else {
          await spool?.ended(note)
        }
        results.set(kept, for: [group] + groups)
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

  private static func block(of body: ByteBuffer, count: Int, token: String?) -> SpoolBlock {
    SpoolBlock(token: token, rows: Array(body.readableBytesView), rowCount: count)
  }

  // MARK: - Rows

  private struct BlockResults {
    private(set) var outcomes: [StoreOutcome]

    init(count: Int) { outcomes = Array(repeating: .stored(refusedRows: []), count: count) }

    mutating func refuse(_ row: Int, of submission: Int) {
      if case .stored(let refused) = outcomes[submission] {
        outcomes[submission] = .stored(refusedRows: (refused + [row]).sorted())
      }
    }

    /// What became of the submissions of these rows, as far as it is worse than what is known.
    mutating func set(_ outcome: StoreOutcome, for parts: [BlockRows]) {
      for submission in Set(parts.flatMap(\.runs).map(\.submission)) {
        if case .spooled = outcome, case .stored(let refused) = outcomes[submission] {
          outcomes[submission] = .spooled(refusedRows: refused)
        } else {
          outcomes[submission] = outcome
        }
      }
    }
  }

  /// Nearly always all: then no row is looked at.
  private func rowsToInsert(
    _ submissions: [EncodedEvents], _ keys: Set<EventKey>, _ deadline: ContinuousClock.Instant
  ) async throws(StoreFailure) -> BlockRows {
    guard !keys.isEmpty else { return BlockRows(allOf: submissions) }
    // In the order of the rows, in which most are of the same customer as the one before.
    let asked = submissions.lazy.flatMap(\.keys)
    let known = try await persist(deadline) { () async throws(StoreFailure) in
      try await table.storedKeys(among: asked, timeout: min(policy.attempt, .seconds(10)))
    }
    let keyed = submissions.reduce(0) { $0 + $1.keyedRows.count }
    return known.isEmpty && keys.count == keyed ? BlockRows(allOf: submissions) : BlockRows(of: submissions, without: known)
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
