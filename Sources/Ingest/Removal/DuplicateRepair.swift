import ClickHouse
import Domain
public import Logging
import Synchronization

/// Takes out events that were stored twice under one id.
///
/// One program does not store an id twice: it looks ids up before it inserts them, and lets no two blocks with the same id be on their way
/// at once. Two programs may look at the same moment and both insert. So each looks again once its insert is done, before it answers: whichever
/// ends last sees both rows. The first by (`ingested_at`, `batch`) stays.
public final class DuplicateRepair: Sendable {
  private static let patience: Duration = .seconds(5)
  /// How long an insert waits for the look after it and for a removal of its own, also when the store is away. For somebody else's removal it
  /// does not wait at all: all organisations' inserts would.
  private static let longest: Duration = .seconds(5)
  /// How long a look may take that no insert waits for; one that an insert waits for is broken off before.
  private static let longestLook: Duration = .seconds(30)
  /// More than these are remembered by nobody, and found by the look at all ids.
  private static let mostLeft = 100_000

  private let remover: EventRemover
  private let logger: Logger
  /// The ids that an insert could not wait for.
  private let left = Mutex<Set<EventKey>>([])

  public init(remover: EventRemover, logger: Logger) {
    self.remover = remover
    self.logger = logger
  }

  /// To be called after an insert, with the ids that it stored. It does not fail, and comes to an end: what cannot be repaired now
  /// ``repairLeft()`` repairs, and ``sweep(_:)`` finds when this program is no more.
  func repair(_ keys: [EventKey]) async {
    let end = ContinuousClock.now + Self.longest
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        defer { group.cancelAll() }
        group.addTask { [self] in
          for group in KeyGroup.of(keys) { try await lookAndRemove(group, until: end) }
        }
        group.addTask {
          // A removal breaks itself off, and says in the journal that it did.
          try await Task.sleep(until: end + .seconds(2), clock: .continuous)
          throw EventRemover.Failure.late
        }
        try await group.next()
      }
    } catch {
      keep(keys)
      logger.warning(
        "events that two programs may have stored at once could not be looked at; they will be",
        metadata: ["ids": "\(keys.count)", "cause": "\(error)"])
    }
  }

  /// Looks again at what inserts did not wait for.
  func repairLeft() async throws {
    var keys = left.withLock { left in
      defer { left = [] }
      return Array(left)
    }
    while !keys.isEmpty {
      let some = keys.suffix(Self.keysPerLook)
      do {
        var doubtful: [EventKey] = []
        for group in KeyGroup.of(some) { doubtful += try await storedTwice(among: group) }
        keep(try await remove(doubtful).left)
      } catch {
        keep(keys)
        throw error
      }
      keys.removeLast(some.count)
    }
  }

  /// Copies: a key points into the rows that it was made with, and would keep all of them.
  private func keep(_ keys: some Sequence<EventKey>) {
    left.withLock { left in
      for key in keys where left.count < Self.mostLeft {
        let (scope, tenant) = key.names
        left.insert(EventKey(scope: scope, tenant: tenant, id: String(decoding: key.id, as: UTF8.self)))
      }
    }
  }

  /// A look at all ids that were stored since a moment, in the order in which they lie: with little memory, however many there are.
  struct Sweep: Sendable {
    let since: Instant
    /// Up to which all were looked at; nil before the first.
    fileprivate(set) var last: EventKey?
    fileprivate(set) var isDone = false

    init(since: Instant) { self.since = since }
  }

  /// Looks at the next ids. What cannot be taken out now is remembered.
  func sweep(_ sweep: inout Sweep) async throws {
    var further: SQL = "1"
    if let last = sweep.last {
      let (scope, tenant) = last.names
      further = """
        (org_id, environment, tenant_id, event_id) > (\(bind: scope.organization.rawValue), \(bind: scope.environment.rawValue), \
        \(bind: tenant.rawValue), \(bind: String(decoding: last.id, as: UTF8.self)))
        """
    }
    let rows = try await remover.client.query(
      """
      SELECT org_id, environment, tenant_id, event_id FROM \(identifier: "emban.event_ids") \
      WHERE ingested_at >= \(bind: sweep.since) AND \(further) GROUP BY org_id, environment, tenant_id, event_id HAVING count() > 1 \
      ORDER BY org_id, environment, tenant_id, event_id LIMIT \(bind: Self.keysPerLook)
      """, as: .admin, settings: ["max_threads": "1", "optimize_aggregation_in_order": "1"], timeout: .seconds(1800))
    let keys = rows.rows.compactMap { EventKey(scopedRow: $0) }
    keep(try await remove(keys).left)
    sweep.last = keys.last ?? sweep.last
    sweep.isDone = rows.rows.count < Self.keysPerLook
  }

  private static let keysPerLook = 2_000

  // MARK: Steps

  /// By the small table of ids: nearly always none.
  private func storedTwice(among keys: KeyGroup) async throws -> Set<EventKey> {
    let rows = try await remover.client.query(
      """
      SELECT tenant_id, event_id FROM \(identifier: "emban.event_ids") WHERE \(keys.condition) \
      GROUP BY tenant_id, event_id HAVING count() > 1
      """, as: .admin, timeout: Self.longestLook)
    return Set(rows.rows.compactMap { EventKey(scope: keys.scope, row: $0) })
  }

  private func lookAndRemove(_ keys: KeyGroup, until end: ContinuousClock.Instant) async throws {
    while true {
      do {
        let doubtful = try await storedTwice(among: keys)
        do {
          if !doubtful.isEmpty { try await remove(doubtful, keys.scope, until: end) }
        } catch EventRemover.Failure.busy {
          keep(doubtful)
        }
        return
      } catch ClickHouseError.unavailable(let cause) {
        guard ContinuousClock.now < end else { throw ClickHouseError.unavailable(cause) }
        try await Task.sleep(for: .milliseconds(250))
      }
    }
  }

  /// Of whatever organisations. One whose journal is taken stands in the way of no other.
  /// - Returns: those that could not be taken out now.
  private func remove(_ keys: [EventKey]) async throws -> (count: Int, left: [EventKey]) {
    var count = 0
    var left: [EventKey] = []
    for (scope, keys) in Dictionary(grouping: keys, by: \.scope) {
      for start in stride(from: 0, to: keys.count, by: Removal.rowsPerRemoval) {
        let some = Set(keys[start..<min(start + Removal.rowsPerRemoval, keys.count)])
        do {
          count += try await remove(some, scope)
        } catch EventRemover.Failure.busy {
          left += some
        }
      }
    }
    return (count, left)
  }

  @discardableResult
  private func remove(_ keys: Set<EventKey>, _ scope: IngestScope, until end: ContinuousClock.Instant? = nil) async throws -> Int {
    var count = 0
    // A look without a removal of its own first: most often another program, or an earlier look, has done it. An id may be there often, so
    // that there is more than one removal can take.
    while try await surplus(keys, scope) != nil {
      try Task.checkCancellation()
      count += try await remover.remove(from: scope.organization, patience: end == nil ? Self.patience : .zero, until: end) { [self] in
        try await surplus(keys, scope).map { .rows(scope.environment, $0) }
      }
    }
    if count > 0 { logger.info("events that were stored twice at once count once", metadata: ["events": "\(count)"]) }
    return count
  }

  /// All rows but the first of each id that has several, in their order; no more than one removal takes. Only rows of `emban.events` count: what
  /// the table of ids holds may belong to an insert whose events are not there yet, and nothing may go that is not there twice.
  private func surplus(_ keys: Set<EventKey>, _ scope: IngestScope) async throws -> [Removal.StoredRow]? {
    // All of them are of one scope.
    guard let condition = KeyGroup.of(keys).first?.condition else { return nil }
    let moments = try await remover.client.query(
      "SELECT DISTINCT toUnixTimestamp64Milli(timestamp) FROM \(identifier: "emban.event_ids") WHERE \(condition)", as: .admin,
      timeout: Self.longestLook
    ).rows.compactMap { $0.first?.numberValue.map { Instant(milliseconds: Int64($0)) } }
    guard !moments.isEmpty else { return nil }
    let timestamps = moments.chunked { _ in 16 }.map(Removal.moments)
    let rows = try await remover.client.query(
      """
      SELECT tenant_id, event_id, toUnixTimestamp64Milli(timestamp), toUnixTimestamp64Milli(ingested_at), toString(batch) \
      FROM \(identifier: "emban.events") WHERE \(condition) AND (\(SQL.join(timestamps, separator: " OR "))) \
      ORDER BY ingested_at, batch, timestamp, tenant_id, event_id
      """, as: .admin, timeout: Self.longestLook)
    var first: [EventKey: Removal.StoredRow] = [:]
    var surplus: [Removal.StoredRow] = []
    for row in rows.rows {
      guard row.count == 5, let tenant = row[0].stringValue, let id = row[1].stringValue, let timestamp = row[2].numberValue,
        let ingestedAt = row[3].numberValue, let batch = row[4].stringValue
      else { continue }
      let stored = Removal.StoredRow(
        tenant: TenantID(tenant), eventID: id, timestamp: Instant(milliseconds: Int64(timestamp)),
        ingestedAt: Instant(milliseconds: Int64(ingestedAt)), batch: batch)
      let key = EventKey(scope: scope, tenant: stored.tenant, id: id)
      if let kept = first[key] {
        // Rows that cannot be told apart (put there by hand) would all go; they come one behind the other.
        if kept != stored, surplus.last != stored { surplus.append(stored) }
      } else {
        first[key] = stored
      }
    }
    return surplus.isEmpty ? nil : Array(surplus.prefix(Removal.rowsPerRemoval))
  }
}
