import ClickHouse
import Domain
public import Logging

/// Takes out events that were stored twice under one id.
///
/// One program does not store an id twice: it looks ids up before it inserts them, and lets no two blocks with the same id be on their way
/// at once. Two programs may look at the same moment and both insert. So each looks again once its insert is done, before it answers: whichever
/// ends last sees both rows. The first by (`ingested_at`, `batch`) stays.
public struct DuplicateRepair: Sendable {
  private static let patience: Duration = .seconds(5)
  /// How long a look after an insert is repeated while the store is away.
  private static let outage: Duration = .seconds(10)

  private let remover: EventRemover
  private let logger: Logger

  public init(remover: EventRemover, logger: Logger) {
    self.remover = remover
    self.logger = logger
  }

  /// To be called after an insert, with the ids that it stored. It does not fail: what cannot be repaired now ``sweep(since:)`` finds.
  func repair(_ keys: [EventKey]) async {
    let deadline = ContinuousClock.now + Self.outage
    do {
      for group in KeyGroup.of(keys) {
        while true {
          do {
            let doubtful = try await storedTwice(among: group)
            if !doubtful.isEmpty { try await remove(doubtful, group.scope) }
            break
          } catch ClickHouseError.unavailable(let cause) {
            guard ContinuousClock.now < deadline else { throw ClickHouseError.unavailable(cause) }
            try await Task.sleep(for: .milliseconds(250))
          }
        }
      }
    } catch {
      logger.warning(
        "events that two programs may have stored at once could not be looked at; they will be", metadata: ["cause": "\(error)"])
    }
  }

  /// Looks at all ids that were stored since a moment, in the order in which they lie: with little memory, however many there are.
  /// - Returns: How many events were stored twice.
  func sweep(since: Instant) async throws -> Int {
    let rows = try await remover.client.query(
      """
      SELECT org_id, environment, tenant_id, event_id FROM \(identifier: "emban.event_ids") WHERE ingested_at >= \(bind: since) \
      GROUP BY org_id, environment, tenant_id, event_id HAVING count() > 1 ORDER BY max(ingested_at) DESC LIMIT \(bind: Self.sweptKeys)
      """, as: .admin, settings: ["max_threads": "1", "optimize_aggregation_in_order": "1"], timeout: .seconds(60))
    let keys = rows.rows.compactMap { EventKey(scopedRow: $0) }
    var count = 0
    for (scope, keys) in Dictionary(grouping: keys, by: \.scope) {
      for start in stride(from: 0, to: keys.count, by: Removal.rowsPerRemoval) {
        count += try await remove(Set(keys[start..<min(start + Removal.rowsPerRemoval, keys.count)]), scope)
      }
    }
    return count
  }

  private static let sweptKeys = 10_000

  // MARK: Steps

  /// By the small table of ids: nearly always none.
  private func storedTwice(among keys: KeyGroup) async throws -> Set<EventKey> {
    let rows = try await remover.client.query(
      """
      SELECT tenant_id, event_id FROM \(identifier: "emban.event_ids") WHERE \(keys.condition) \
      GROUP BY tenant_id, event_id HAVING count() > 1
      """, as: .admin, timeout: .seconds(10))
    return Set(rows.rows.compactMap { EventKey(scope: keys.scope, row: $0) })
  }

  @discardableResult
  private func remove(_ keys: Set<EventKey>, _ scope: IngestScope) async throws -> Int {
    var count = 0
    // A look without a removal of its own first: most often another program, or an earlier look, has done it. An id may be there often, so
    // that there is more than one removal can take.
    while try await surplus(keys, scope) != nil {
      try Task.checkCancellation()
      count += try await remover.remove(from: scope.organization, patience: Self.patience) {
        try await surplus(keys, scope).map { .rows(scope.environment, $0) }
      }
    }
    if count > 0 { logger.info("events that were stored twice at once count once", metadata: ["events": "\(count)"]) }
    return count
  }

  /// All rows but the first of each id that has several, in their order; no more than one removal takes. Only rows of `emban.events` count: what the table of ids holds may belong to an
  /// insert whose events are not there yet, and nothing may go that is not there twice.
  private func surplus(_ keys: Set<EventKey>, _ scope: IngestScope) async throws -> [Removal.StoredRow]? {
    // All of them are of one scope.
    guard let condition = KeyGroup.of(keys).first?.condition else { return nil }
    let moments = try await remover.client.query(
      "SELECT DISTINCT toUnixTimestamp64Milli(timestamp) FROM \(identifier: "emban.event_ids") WHERE \(condition)", as: .admin,
      timeout: .seconds(10)
    ).rows.compactMap { $0.first?.numberValue.map { Instant(milliseconds: Int64($0)) } }
    guard !moments.isEmpty else { return nil }
    let timestamps = moments.chunked { _ in 16 }.map(Removal.moments)
    let rows = try await remover.client.query(
      """
      SELECT tenant_id, event_id, toUnixTimestamp64Milli(timestamp), toUnixTimestamp64Milli(ingested_at), toString(batch) \
      FROM \(identifier: "emban.events") WHERE \(condition) AND (\(SQL.join(timestamps, separator: " OR "))) \
      ORDER BY ingested_at, batch, timestamp, tenant_id, event_id
      """, as: .admin, timeout: .seconds(20))
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
