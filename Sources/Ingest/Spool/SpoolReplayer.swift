public import ClickHouse
import Domain
public import Logging
import NIOCore
public import ServiceLifecycle

/// Brings what the spool holds into the store: in order, each row once, whatever happens in between.
///
/// A step takes the next records (a block that an insert may have carried stands alone; others are joined up to the size of a block), looks
/// which of their ids are stored, writes down what will be inserted and under which token, inserts it, and writes down that it is done.
public final class SpoolReplayer: Service {
  private let spool: Spool
  private let table: EventTable
  private let metrics: IngestMetrics
  private let logger: Logger
  private let block: EventBufferConfiguration
  private let pauses: RetryPolicy
  private let reading: RetryPolicy
  private let stored: @Sendable (IngestScope, [StoredEvents]) -> Void

  /// - Parameters:
  ///   - client: inserts into `emban.events` as ``DatabaseRole/admin``.
  ///   - configuration: its `blockRows` and `blockBytes` bound what is joined.
  ///   - retry: the pauses while the store is away. There is no deadline.
  ///   - reading: how long a file that cannot be read is tried again.
  ///   - duplicates: to be given where other programs write to the same store.
  ///   - stored: told whose events are in the store now.
  public init(
    _ spool: Spool, client: ClickHouseClient, configuration: EventBufferConfiguration = EventBufferConfiguration(),
    retry: RetryPolicy = RetryPolicy(), reading: RetryPolicy = .unreadableSegment, metrics: IngestMetrics = IngestMetrics(),
    duplicates: DuplicateRepair? = nil,
    logger: Logger,
    stored: @escaping @Sendable (IngestScope, [StoredEvents]) -> Void = { _, _ in }
  ) {
    self.spool = spool
    table = EventTable(client: client, metrics: metrics, duplicates: duplicates)
    block = configuration
    pauses = retry
    self.reading = reading
    self.metrics = metrics
    self.logger = logger
    self.stored = stored
  }

  public func run() async {
    await cancelWhenGracefulShutdown { [self] in
      var attempts = ReadAttempts(reading)
      for await _ in spool.appended {
        var pause = pauses.firstPause
        // Inserts that were broken off may not be readable now, or find no room before something was replayed.
        while !Task.isCancelled {
          let isComplete = await spool.completeBrokenInserts()
          await replay(&attempts)
          if isComplete { break }
          try? await Task.sleep(for: pause)
          pause = min(pause * 2, pauses.longestPause)
        }
      }
    }
  }

  /// Until the spool is empty, or the task cancelled.
  private func replay(_ attempts: inout ReadAttempts) async {
    var pause = pauses.firstPause
    while !spool.isEmpty, !Task.isCancelled {
      do {
        try await step()
        pause = pauses.firstPause
        attempts.succeeded()
        spool.setUnreadable(nil)
      } catch is CancellationError {
        return
      } catch let error as SegmentUnreadable {
        await failed(error, &attempts)
      } catch {
        logger.error("The spool cannot be replayed; trying again", metadata: ["cause": "\(error)"])
        await spool.files.rewind()
        try? await Task.sleep(for: pause)
        pause = min(pause * 2, pauses.longestPause)
      }
    }
  }

  /// A file cannot be read: is it tried again, or is it time to go on without?
  private func failed(_ error: SegmentUnreadable, _ attempts: inout ReadAttempts) async {
    let about: Logger.Metadata = ["segment": "\(error.segment)", "cause": "\(error.cause)"]
    if attempts.isFirst(error.segment) { logger.error("A file of the spool cannot be read; trying again", metadata: about) }
    spool.setUnreadable(error.segment)
    switch attempts.failed(error.segment, at: .now) {
    case .again(let pause):
      await spool.files.rewind()
      try? await Task.sleep(for: pause)
    case .salvage:
      logger.error("A file of the spool cannot be read: what can be read of it is replayed, then it is set aside", metadata: about)
      await spool.files.salvage(error.segment)
    }
  }

  /// Repeats `operation` while the store is away, for as long as that takes.
  private func persist<Value: Sendable>(_ operation: () async throws(StoreFailure) -> Value) async throws -> Value {
    var pause = pauses.firstPause
    var lastNote: ContinuousClock.Instant?
    while true {
      let result: Result<Value, StoreFailure>
      do throws(StoreFailure) {
        result = .success(try await operation())
      } catch {
        result = .failure(error)
      }
      switch result {
      case .success(let value): return value
      case .failure(.refused(let cause)): throw StoreFailure.refused(cause: cause)
      case .failure(.away(let cause)):
        try Task.checkCancellation()
        if lastNote.map({ .now - $0 > .seconds(60) }) ?? true {
          lastNote = .now
          logger.warning(
            "The spool waits for the store", metadata: ["events": "\(spool.status.pendingEvents)", "cause": "\(cause)"])
        }
        try await Task.sleep(for: pause)
        pause = min(pause * 2, pauses.longestPause)
      }
    }
  }

  /// Replays the records of one plan: of the one that an earlier run or step left, otherwise of the next.
  private func step() async throws {
    if let plan = await spool.files.state.plan {
      guard let batch = try await records(of: plan) else {
        logger.error("Records of the spool are missing that were about to be replayed; the others are replayed anew")
        try await spool.files.fix(plan: nil)
        return await spool.files.rewind()
      }
      return try await perform(plan, on: batch)
    }
    guard let batch = try await nextBatch() else { return }
    let plan = try await self.plan(batch)
    try await spool.files.fix(plan: plan)
    try await perform(plan, on: batch)
  }

  // MARK: - Records

  /// Records that are replayed together, and the rows of all of them.
  private struct Batch {
    let records: [SpoolRecord]
    let rows: StoredRows

    /// Nil when the records hold something else than their number of rows.
    init?(_ records: [SpoolRecord]) {
      let bytes = records.count == 1 ? records[0].rows : Array(records.map(\.rows).joined())
      guard let rows = StoredRows(bytes), rows.rows.count == records.reduce(0, { $0 + $1.rowCount }) else { return nil }
      self.records = records
      self.rows = rows
    }

    var byteCount: Int { records.reduce(0) { $0 + $1.byteCount } }
  }

  /// Nil when there is none, or when there will be another one after something was set aside.
  private func nextBatch() async throws -> Batch? {
    var records: [SpoolRecord] = []
    var rows = 0
    var bytes = 0
    collecting: while true {
      switch try await spool.files.next() {
      case .exhausted(let sequence):
        guard records.isEmpty else { break collecting }
        // All that is left could not be read, and is set aside.
        if await spool.files.state.replayed < sequence { try await finish(through: sequence) }
        return nil
      case .record(let record):
        let isTooMuch =
          !records.isEmpty
          && (record.token != nil || rows + record.rowCount > block.blockRows || bytes + record.rows.count > block.blockBytes)
        if isTooMuch {
          await spool.files.pushBack(record)
          break collecting
        }
        records.append(record)
        rows += record.rowCount
        bytes += record.rows.count
        if record.token != nil { break collecting }
      }
    }
    if let batch = Batch(records) { return batch }
    // A record of something else than rows, which its checksum calls whole. Those before it first.
    await spool.files.rewind()
    let readable = records.prefix { Batch([$0]) != nil }
    guard readable.isEmpty else { return Batch(Array(readable)) }
    try await setAsideWhole(records[0])
    return nil
  }

  /// The records that a plan was made for; nil when they are not what they were.
  private func records(of plan: ReplayPlan) async throws -> Batch? {
    await spool.files.rewind()
    var records: [SpoolRecord] = []
    while records.last.map({ $0.sequence < plan.last }) ?? true {
      guard case .record(let record) = try await spool.files.next(), record.sequence <= plan.last else { return nil }
      records.append(record)
    }
    guard records.first?.sequence == plan.first, let batch = Batch(records), batch.rows.rows.count == plan.rowCount else { return nil }
    return batch
  }

  private func setAsideWhole(_ record: SpoolRecord) async throws {
    spool.setAside(try await spool.files.setAside(record))
    logger.error("A record of the spool holds no rows; it is set aside", metadata: ["record": "\(record.sequence)"])
    try await finish(
      through: record.sequence, records: 1, events: record.rowCount, bytes: record.byteCount, acceptedAt: record.storedAt)
  }

  // MARK: - Plans

  private func plan(_ batch: Batch) async throws -> ReplayPlan {
    let first = batch.records[0]
    let rows = batch.rows.rows
    var included = Array(rows.indices)
    // Rows that an insert may have carried are inserted as they are: the token tells whether it did.
    if first.token == nil {
      let keys = Set(rows.compactMap(\.key))
      var known: Set<EventKey> = []
      if !keys.isEmpty {
        known = try await persist { () async throws(StoreFailure) in try await table.storedKeys(among: keys, timeout: .seconds(10)) }
      }
      included = included.filter { position in rows[position].key.map { known.insert($0).inserted } ?? true }
    }
    return ReplayPlan(
      first: first.sequence, last: batch.records[batch.records.count - 1].sequence, rowCount: rows.count, included: included,
      token: first.token ?? EventTable.makeToken())
  }

  private func perform(_ original: ReplayPlan, on batch: Batch) async throws {
    var plan = original
    while let group = plan.next {
      let positions = plan.included[group.rows]
      do {
        let keys = positions.compactMap { batch.rows.rows[$0].key }
        let body = batch.rows.body(of: positions)
        try await persist { () async throws(StoreFailure) in
          try await table.insert(body, rows: positions.count, keys: keys, token: group.token, timeout: .seconds(30))
        }
      } catch StoreFailure.refused(let cause) {
        switch plan.refused(makeToken: EventTable.makeToken) {
        case .halved:
          logger.warning(
            "The store refused events of the spool; they are halved", metadata: ["rows": "\(positions.count)", "cause": "\(cause)"])
        case .row(let row):
          spool.setAside(try await spool.files.setAside(row: row, of: batch.rows, record: plan.first, cause: cause))
          logger.error("The store refused an event of the spool; it is set aside", metadata: ["cause": "\(cause)"])
          plan.done()
        }
        try await spool.files.fix(plan: plan)
        continue
      }
      for (scope, events) in batch.rows.summary(of: positions) { stored(scope, events) }
      plan.done()
      if plan.next != nil { try await spool.files.fix(plan: plan) }
    }
    metrics.replayed(batch.rows.rows.count)
    try await finish(
      through: plan.last, records: batch.records.count, events: batch.rows.rows.count, bytes: batch.byteCount,
      acceptedAt: batch.records.last?.storedAt)
  }

  private func finish(
    through sequence: UInt64, records: Int = 0, events: Int = 0, bytes: Int = 0, acceptedAt time: Instant? = nil
  ) async throws {
    try await spool.files.fix(replayed: sequence, plan: nil)
    await spool.replayed(through: sequence, records: records, events: events, bytes: bytes, acceptedAt: time)
  }
}
