import Logging
import NIOCore

/// The last stage: the submissions of a block → rows in ClickHouse, each exactly once, or an honest "not stored".
///
/// - Events whose id is already stored, or comes twice in the block, are dropped and count as stored.
/// - An insert that fails because the store is away is repeated with the same deduplication token until the deadline, so that
///   it counts once even if an earlier attempt did arrive.
/// - A block whose data the store refuses is halved until the rows at fault stand alone: one bad event cannot fail the
///   requests of others.
struct BatchWriter: Sendable {
  private let table: EventTable
  private let policy: RetryPolicy
  private let logger: Logger

  init(table: EventTable, policy: RetryPolicy, logger: Logger) {
    self.table = table
    self.policy = policy
    self.logger = logger
  }

  /// Stores the events; gives one outcome for each submission, in their order.
  func write(_ submissions: [EncodedEvents]) async -> [StoreOutcome] {
    let attempt = Attempt(deadline: .now + policy.deadline)
    var results = BlockResults(count: submissions.count)
    do throws(StoreFailure) {
      let rows = try await rowsToInsert(submissions, attempt)
      var groups = rows.isEmpty ? [] : [rows]
      while let group = groups.popLast() {
        do throws(StoreFailure) {
          try await insert(group, of: submissions, attempt)
        } catch .refused(let cause) {
          if let halves = Self.halve(group) {
            logger.warning("The store refused a block; it is halved", metadata: ["rows": "\(group.count)", "cause": "\(cause)"])
            groups.append(halves.1)
            groups.append(halves.0)
          } else if let row = group.first {
            logger.error("The store refused an event that passed validation", metadata: ["cause": "\(cause)"])
            results.refuse(row)
          }
        } catch {
          results.fail(([group] + groups).joined(), cause: error.cause)
          break
        }
      }
    } catch {
      return submissions.map { _ in .unavailable(cause: error.cause) }
    }
    return results.outcomes
  }

  /// One row of one submission of the block.
  private struct Row: Hashable {
    let submission: Int
    let row: Int
  }

  private struct Attempt {
    let deadline: ContinuousClock.Instant
  }

  private struct BlockResults {
    private(set) var outcomes: [StoreOutcome]

    init(count: Int) { outcomes = Array(repeating: .stored(refusedRows: []), count: count) }

    mutating func refuse(_ row: Row) {
      if case .stored(let refused) = outcomes[row.submission] {
        outcomes[row.submission] = .stored(refusedRows: (refused + [row.row]).sorted())
      }
    }

    mutating func fail(_ rows: some Sequence<Row>, cause: String) {
      for row in rows { outcomes[row.submission] = .unavailable(cause: cause) }
    }
  }

  private func rowsToInsert(_ submissions: [EncodedEvents], _ attempt: Attempt) async throws(StoreFailure) -> [Row] {
    let keys = Set(submissions.lazy.flatMap { $0.keyedRows.lazy.map(\.key) })
    var known: Set<EventKey> = []
    if !keys.isEmpty {
      known = try await persist(attempt) { () async throws(StoreFailure) in try await table.storedKeys(among: keys) }
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

  private func insert(_ rows: [Row], of submissions: [EncodedEvents], _ attempt: Attempt) async throws(StoreFailure) {
    let body = Self.body(of: rows, submissions)
    let token = EventTable.makeToken()
    try await persist(attempt) { () async throws(StoreFailure) in try await table.insert(body, token: token) }
  }

  /// Repeats `operation` while the store is away, with growing pauses, until the deadline.
  private func persist<Result: Sendable>(
    _ attempt: Attempt, _ operation: () async throws(StoreFailure) -> Result
  ) async throws(StoreFailure) -> Result {
    var pause = policy.firstPause
    while true {
      do throws(StoreFailure) {
        return try await operation()
      } catch .away(let cause) {
        guard ContinuousClock.now + pause < attempt.deadline, !Task.isCancelled else { throw .away(cause: cause) }
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

  public init(
    firstPause: Duration = .milliseconds(50), longestPause: Duration = .seconds(1), deadline: Duration = .seconds(8)
  ) {
    self.firstPause = firstPause
    self.longestPause = longestPause
    self.deadline = deadline
  }
}
