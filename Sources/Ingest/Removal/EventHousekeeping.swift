public import ClickHouse
public import Domain
public import Logging
public import ServiceLifecycle
import Synchronization

/// How long an organisation's events of an environment are kept.
public struct RetentionRule: Sendable, Hashable {
  public let scope: IngestScope
  /// Whole UTC days before today.
  public let days: Int

  public init(scope: IngestScope, days: Int) {
    self.scope = scope
    self.days = days
  }
}

/// Looks after the stored events: finishes removals that were cut off and takes out what inserts left stored twice, in every program; in one of
/// the programs on the same stores at a time, erases what is left of deleted organisations, looks for what was stored twice at all, removes what is older than its organisation keeps it, and
/// has the bytes of removed rows taken off the disk.
public final class EventHousekeeping: Service {
  /// Says whether this program is the one that may work now, and keeps it so for a while: to be asked again within ``leaseRenewal``.
  public typealias Lease = @Sendable () async throws -> Bool

  /// How often the lease is asked for again, also while work is under way.
  public static let leaseRenewal: Duration = .seconds(10)
  private static let pause: Double = 60
  private static let pauseAfterFailure: Duration = .seconds(5)
  private static let longestPause: Duration = .seconds(60)
  /// How long inserts take that nobody waits for.
  private static let margin: Double = 300

  private let client: ClickHouseClient
  private let remover: EventRemover
  private let duplicates: DuplicateRepair
  private let deletions: OrganizationEraser?
  private let rules: @Sendable () async throws -> [RetentionRule]
  private let lease: Lease
  private let release: @Sendable () async throws -> Void
  private let clock: TimeSource
  private let logger: Logger
  private let state = Mutex(State())

  private struct State {
    /// Everything that was stored before has been looked at.
    var sweptUntil: Instant?
    /// The look that is under way, and up to where it will have looked.
    var sweep: (look: DuplicateRepair.Sweep, until: Instant)?
    var workedAt: Instant?
    var hadLease = false
    var jobs: [String: HourlyJob] = [:]
  }

  /// - Parameters:
  ///   - deletions: nil when nobody deletes organisations.
  ///   - rules: those of all organisations that have one.
  ///   - release: gives the lease back when this program stops.
  public init(
    client: ClickHouseClient, remover: EventRemover, duplicates: DuplicateRepair, deletions: OrganizationEraser? = nil,
    rules: @escaping @Sendable () async throws -> [RetentionRule], logger: Logger, clock: @escaping TimeSource,
    release: @escaping @Sendable () async throws -> Void = {}, lease: @escaping Lease
  ) {
    self.client = client
    self.remover = remover
    self.duplicates = duplicates
    self.deletions = deletions
    self.rules = rules
    self.lease = lease
    self.release = release
    self.clock = clock
    self.logger = logger
  }

  public func run() async throws {
    await cancelWhenGracefulShutdown { [self] in
      var pause = Self.pauseAfterFailure
      while !Task.isCancelled {
        do {
          try await workWhenDue()
          pause = Self.pauseAfterFailure
          try? await Task.sleep(for: Self.leaseRenewal)
          continue
        } catch ClickHouseError.unavailable(let reason) {
          logger.debug("events are not looked after while the event store is away", metadata: ["cause": "\(reason)"])
          pause = Self.pauseAfterFailure
        } catch is CancellationError {
          return
        } catch {
          logger.warning("events could not be looked after; trying again", metadata: ["cause": "\(error)", "pause": "\(pause)"])
        }
        try? await Task.sleep(for: pause)
        pause = min(pause * 2, Self.longestPause)
      }
    }
    try? await release()
  }

  /// What is to be done at once, and what is due every minute.
  private func workWhenDue() async throws {
    // Which says that the schemas of both stores are in place.
    _ = try await remover.storeTime()
    try await finishWhatWasLeft()
    let hasLease = try await lease()
    let now = clock()
    let isDue = state.withLock { state in
      defer { state.hadLease = hasLease }
      guard hasLease else { return false }
      // Also when the clock was set back since; and whoever takes over from a program that died begins at once.
      return !state.hadLease || state.workedAt.map { $0.adding(seconds: Self.pause) <= now || now < $0 } ?? true
    }
    if hasLease { try await workAlone(isDue: isDue) }
  }

  /// Does what is due, as far as this program may.
  /// - Throws: ``ClickHouseError``, what the journal and the lease throw, `CancellationError`. What fails of the hourly work is logged, and tried
  ///   again after a pause that grows.
  public func workOnce() async throws {
    try await finishWhatWasLeft()
    guard try await lease() else { return }
    try await workAlone(isDue: true)
  }

  /// Needs no lease: the journal of removals says who does what.
  private func finishWhatWasLeft() async throws {
    try await remover.finishAbandoned()
    try await unlessRefused("events that inserts did not wait for") { try await duplicates.repairLeft() }
  }

  /// What the store refuses, as when it takes too long, is tried again with the next look; everything else goes on.
  private func unlessRefused(_ what: String, _ work: () async throws -> Void) async throws {
    do { try await work() } catch ClickHouseError.exception(let exception) {
      logger.warning("events could not be looked after; trying again", metadata: ["what": "\(what)", "cause": "\(exception.message)"])
    }
  }

  /// - Parameter isDue: whether also what is done every minute.
  private func workAlone(isDue: Bool) async throws {
    try await withThrowingTaskGroup(of: Bool.self) { group in
      defer { group.cancelAll() }
      group.addTask { [self] in
        try await unlessRefused("events of deleted organizations") { try await deletions?.erase(at: clock()) }
        guard isDue else { return true }
        // First: it is about numbers that are shown, the others about room and old days.
        try await unlessRefused("events that were stored twice") { try await sweepDuplicates() }
        try await hourly("deleted organizations") { try await deletions?.sweep() }
        try await hourly("retention") { try await applyRetention() }
        try await hourly("empty counts") { try await removeEmptyCounts() }
        try await hourly("bytes") { try await removeBytes() }
        return true
      }
      group.addTask { [self] in
        while !Task.isCancelled {
          try? await Task.sleep(for: Self.leaseRenewal)
          if !Task.isCancelled { _ = try? await lease() }
        }
        return false
      }
      while let isDone = try await group.next(), !isDone {}
    }
    if isDue { state.withLock { $0.workedAt = clock() } }
  }

  /// What was stored since the last look, by the store's clock, which says when that was; a day at the start and when the clock was set back. A
  /// look that was broken off goes on where it was.
  private func sweepDuplicates() async throws {
    let now = try await remover.storeTime()
    if state.withLock({ $0.sweep }) == nil {
      // Rows bear the time at which their insert began.
      let until = min(try await remover.oldestInsert() ?? now, now)
      state.withLock { state in
        let last = state.sweptUntil.flatMap { $0 <= now ? $0 : nil }
        let since = last?.adding(seconds: -Self.margin) ?? now.adding(seconds: -86_400)
        state.sweep = (DuplicateRepair.Sweep(since: since), until)
      }
    }
    while var (look, until) = state.withLock({ $0.sweep }) {
      guard try await lease() else { return }
      try await duplicates.sweep(&look)
      state.withLock { state in
        state.sweep = look.isDone ? nil : (look, until)
        if look.isDone { state.sweptUntil = until }
      }
    }
  }

  /// Does what is due every hour. That it fails keeps nothing else from being done.
  private func hourly(_ name: String, _ work: () async throws -> Void) async throws {
    let job = state.withLock { $0.jobs[name] ?? HourlyJob() }
    guard job.isDue(at: clock()) else { return }
    do {
      try await work()
      state.withLock { $0.jobs[name] = job.done(at: clock()) }
    } catch ClickHouseError.unavailable(let cause) {
      throw ClickHouseError.unavailable(cause)
    } catch is CancellationError {
      throw CancellationError()
    } catch {
      let failed = job.failed(at: clock())
      state.withLock { $0.jobs[name] = failed }
      logger.warning(
        "events could not be looked after; trying again",
        metadata: ["what": "\(name)", "cause": "\(error)", "pause": "\(failed.pause) s"])
    }
  }

  // MARK: Retention

  private func applyRetention() async throws {
    for rule in try await rules() {
      let today = CivilDate(daysSinceEpoch: Int(clock().milliseconds / 86_400_000))
      let end = today.adding(days: -rule.days)
      // What is on its way may bear an earlier time than now; it goes the next time.
      let before = try await remover.storeTime().adding(seconds: -60)
      guard try await remover.insertsAreOver(before: before, patience: .zero) else { continue }
      var count = 0
      for month in try await months(rule.scope, until: end) {
        guard try await lease() else { return }
        let to = min(month.adding(months: 1), end)
        do {
          count += try await remover.remove(from: rule.scope.organization, patience: .seconds(15)) {
            .days(rule.scope.environment, from: month, to: to, before: before)
          }
        } catch EventRemover.Failure.busy {
          continue
        }
      }
      if count > 0 {
        logger.info(
          "events older than their organisation keeps them were removed",
          metadata: ["organization": "\(rule.scope.organization)", "events": "\(count)", "days": "\(rule.days)"])
      }
    }
  }

  /// The first days of the months with events before a day.
  private func months(_ scope: IngestScope, until end: CivilDate) async throws -> [CivilDate] {
    let rows = try await client.query(
      """
      SELECT DISTINCT toInt32(toDate32(toStartOfMonth(timestamp))) AS month FROM \(identifier: "emban.events") \
      WHERE org_id = \(bind: scope.organization.rawValue) AND environment = \(bind: scope.environment.rawValue) \
      AND timestamp < \(bind: end.midnightUTC) ORDER BY month
      """, as: .admin, settings: ["max_threads": "1"], timeout: .seconds(600))
    return rows.rows.compactMap { $0.first?.numberValue.map { CivilDate(daysSinceEpoch: Int($0)) } }
  }

  // MARK: Bytes

  private static let tables: [SQLIdentifier] = [
    "emban.events", "emban.event_ids", "emban.tenant_days", "emban.rollups", "emban.rollup_days",
  ]

  /// Has the parts rewritten from which rows were removed; the store does it in the background.
  private func removeBytes() async throws {
    for table in Self.tables {
      let partitions = try await client.query(
        """
        SELECT DISTINCT partition_id FROM \(identifier: "system.parts") \
        WHERE active AND has_lightweight_delete AND database || '.' || table = \(bind: table.name)
        """, as: .admin, timeout: .seconds(20))
      for partition in partitions.rows.compactMap({ $0.first?.stringValue }) {
        try await client.execute(
          "ALTER TABLE \(identifier: table) APPLY DELETED MASK IN PARTITION ID \(EventRemover.literal(partition))",
          settings: ["mutations_sync": "0"])
      }
    }
  }

  /// Counts that removals have brought to nothing, and marks of rollups that no longer count.
  private func removeEmptyCounts() async throws {
    let days: SQLIdentifier = "emban.tenant_days"
    let horizon = clock().adding(seconds: -HourlyJob.hour)
    let empty = try await client.query(
      """
      SELECT 1 FROM \(identifier: days) GROUP BY org_id, environment, tenant_id, day, event_name \
      HAVING sum(n) = 0 AND max(last_ingested) < \(bind: horizon) LIMIT 1
      """, as: .admin, settings: ["max_threads": "1"], timeout: .seconds(600))
    if !empty.rows.isEmpty {
      // Merged, what came and what went are one row, of 0. Only such rows are deleted: events may arrive there at any moment.
      try await client.execute("OPTIMIZE TABLE \(identifier: days) FINAL", timeout: .seconds(600))
      try await client.execute(
        "DELETE FROM \(identifier: days) WHERE n = 0 AND last_ingested < \(bind: horizon)", timeout: .seconds(120))
    }
    let builds: SQLIdentifier = "emban.rollup_days"
    let old = Int(clock().milliseconds) - 86_400_000
    let marks: SQL = "n < 0 AND build < \(bind: old)"
    let found = try await client.query("SELECT count() FROM \(identifier: builds) WHERE \(marks)", as: .admin, timeout: .seconds(20))
    if let count = found.scalar?.numberValue, count > 0 {
      // Together with the builds that they are about.
      try await client.execute(
        """
        DELETE FROM \(identifier: builds) WHERE \(marks) OR (build < \(bind: old) AND (org_id, environment, tenant_id, day) IN \
        (SELECT org_id, environment, tenant_id, day FROM \(identifier: builds) GROUP BY org_id, environment, tenant_id, day \
        HAVING argMax(n, build) < 0))
        """, timeout: .seconds(120))
    }
  }
}
