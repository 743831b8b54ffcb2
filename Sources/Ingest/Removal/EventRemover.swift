public import ClickHouse
public import Domain
public import Logging
import NIOCore

/// Takes events out of the store, with all that is counted of them, so that each counts as removed once whatever dies meanwhile
/// (docs/adr/0011-once-among-several-programs.md).
///
/// A removal is fixed in the ``RemovalJournal`` before its first row goes, and every step of it may be repeated: what is taken from
/// `emban.tenant_days` carries a deduplication token, deleting twice is deleting once. A program that finds a removal whose program is gone
/// finishes it.
public struct EventRemover: Sendable {
  /// Told of the tenants whose events went, before the removal ends.
  public typealias Listener = @Sendable (OrganizationID, EnvironmentName, Set<TenantID>) async throws -> Void

  /// Told of a tenant that was erased, before the removal ends; by whoever finishes it, perhaps more than once.
  public typealias ErasureListener = @Sendable (OrganizationID, EnvironmentName, TenantID) async throws -> Void

  /// Why a removal did not take place, or not wholly.
  enum Failure: Error {
    /// Another one of the same organisation was not over in time.
    case busy
    /// It was not over in time itself. What was fixed of it is finished by somebody else.
    case late
  }

  /// After this long without a word a program that performs a removal counts as gone.
  static let silence: Double = 15
  /// A word that is further ahead than this was spoken before a clock was set back: nobody knows how long ago.
  static let skew: Double = 60
  private static let heartbeat: Duration = .seconds(3)
  /// How long a single step may take: the events of a large customer are read and marked by it.
  private static let longest: Duration = .seconds(1800)
  /// The same of a look at what the store is doing, which reads nothing: a store that is busy answers late.
  static let longestLook: Duration = .seconds(30)

  let client: ClickHouseClient
  private let journal: any RemovalJournal
  private let clock: TimeSource
  private let logger: Logger
  private let removed: Listener
  private let erased: ErasureListener

  public init(
    client: ClickHouseClient, journal: any RemovalJournal, clock: @escaping TimeSource, logger: Logger,
    removed: @escaping Listener = { _, _, _ in }, erased: @escaping ErasureListener = { _, _, _ in }
  ) {
    self.client = client
    self.journal = journal
    self.clock = clock
    self.logger = logger
    self.removed = removed
    self.erased = erased
  }

  /// Removes events of an organisation.
  ///
  /// - Parameters:
  ///   - patience: how long another removal of the organisation is waited for.
  ///   - end: for who is waited for by others: nobody else's removal is finished on the way, and one of its own that is not over by then is left to
  ///     whoever finishes it. Nil for as long as it takes.
  ///   - plan: says what goes, once no other removal of the organisation is under way; nil for nothing.
  /// - Returns: How many events were removed.
  /// - Throws: ``Failure``, ``ClickHouseError``, what the journal throws and what `plan` throws. When nothing was fixed, nothing goes; what was
  ///   fixed is finished later, by whoever is there.
  func remove(
    from organization: OrganizationID, patience: Duration, until end: ContinuousClock.Instant? = nil,
    _ plan: @escaping @Sendable () async throws -> Removal?
  ) async throws -> Int {
    try await fixAndPerform(organization, patience: patience, until: end) { try await plan().map(JournalPlan.removal) }
  }

  /// Corrects the recorded numbers of an organisation's events.
  ///
  /// - Parameter plan: says what is wrong, while no removal of the organisation is under way; nil for nothing.
  /// - Returns: Whether something was.
  /// - Throws: As ``remove(from:patience:_:)``.
  func correct(
    _ organization: OrganizationID, patience: Duration, _ plan: @escaping @Sendable () async throws -> CountCorrection?
  ) async throws -> Bool {
    try await fixAndPerform(organization, patience: patience, until: nil) { try await plan().map(JournalPlan.correction) } > 0
  }

  private func fixAndPerform(
    _ organization: OrganizationID, patience: Duration, until end: ContinuousClock.Instant?,
    _ plan: @escaping @Sendable () async throws -> JournalPlan?
  ) async throws -> Int {
    let id = EventTable.makeToken()
    let deadline = min(ContinuousClock.now + patience, end ?? .now + patience)
    while let other = try await journal.begin(organization, id: id, at: clock()) {
      if end == nil, try await takeOver(other) { continue }
      guard ContinuousClock.now < deadline else { throw Failure.busy }
      try await Task.sleep(for: .milliseconds(50))
    }
    do {
      return try await keepingAlive(organization, id, until: end) {
        guard let plan = try await plan() else {
          _ = try await journal.abandon(organization, id: id)
          return 0
        }
        guard try await journal.fix(organization, id: id, plan: plan.json.serialized()) else { throw Failure.busy }
        let count = try await perform(plan, of: organization, id: id)
        try await journal.finish(organization, id: id)
        return count
      }
    } catch {
      await giveUp(organization, id)
      throw error
    }
  }

  /// A removal that was not fixed never was; a fixed one is somebody's to finish, without waiting for our silence. Whether it was fixed the
  /// journal knows, also when its answer got lost.
  private func giveUp(_ organization: OrganizationID, _ id: String) async {
    // In a task of its own, which is waited for: the journal takes nothing from a task that was cancelled.
    await Task {
      if (try? await journal.abandon(organization, id: id)) != true {
        try? await journal.touch(organization, id: id, at: Instant(milliseconds: 0))
      }
    }.value
  }

  /// Finishes the removals of programs that are gone. One that cannot be finished now stands in the way of no other.
  func finishAbandoned() async throws {
    for entry in try await journal.entries() {
      do {
        _ = try await takeOver(entry)
      } catch is CancellationError {
        throw CancellationError()
      } catch {
        logger.warning(
          "a removal that another program began cannot be finished yet",
          metadata: ["organization": "\(entry.organization)", "cause": "\(error)"])
      }
    }
  }

  /// - Returns: Whether the entry's program was gone; then the removal is finished.
  private func takeOver(_ entry: RemovalEntry) async throws -> Bool {
    let now = clock()
    guard entry.touchedAt.adding(seconds: Self.silence) < now || now.adding(seconds: Self.skew) < entry.touchedAt else { return false }
    guard let plan = entry.plan else {
      if try await journal.abandon(entry.organization, id: entry.id) { return true }
      // Its program lives after all, and has written a plan down or is done.
      let current = try await journal.entries().first { $0.organization == entry.organization && $0.id == entry.id }
      guard let current, current.plan != nil else { return true }
      return try await takeOver(current)
    }
    guard let work = (try? JSONParser.parse(plan)).flatMap(JournalPlan.init) else {
      throw AppError.internal(cause: "the journal of removals holds a plan that cannot be read: \(plan.prefix(200))")
    }
    logger.notice("finishing a removal that another program began", metadata: ["organization": "\(entry.organization)"])
    try await journal.touch(entry.organization, id: entry.id, at: clock())
    try await keepingAlive(entry.organization, entry.id) {
      _ = try await perform(work, of: entry.organization, id: entry.id)
      try await journal.finish(entry.organization, id: entry.id)
    }
    return true
  }

  /// - Parameter end: when the work is broken off.
  private func keepingAlive<T: Sendable>(
    _ organization: OrganizationID, _ id: String, until end: ContinuousClock.Instant? = nil,
    _ work: @escaping @Sendable () async throws -> T
  ) async throws -> T {
    try await withThrowingTaskGroup(of: T?.self) { group in
      group.addTask { try await work() }
      group.addTask {
        while !Task.isCancelled {
          try? await Task.sleep(for: Self.heartbeat)
          if !Task.isCancelled { try? await journal.touch(organization, id: id, at: clock()) }
        }
        return nil
      }
      if let end {
        group.addTask {
          try await Task.sleep(until: end, clock: .continuous)
          throw Failure.late
        }
      }
      defer { group.cancelAll() }
      while let result = try await group.next() {
        if let result { return result }
      }
      throw CancellationError()
    }
  }

  // MARK: Steps

  private func perform(_ plan: JournalPlan, of organization: OrganizationID, id: String) async throws -> Int {
    switch plan {
    case .removal(let removal): return try await perform(removal, of: organization, id: id)
    case .correction(let correction):
      try await addToCounts(correction.lines(of: organization), token: "correction-\(id)")
      try await removed(organization, correction.environment, [correction.tenant])
      return correction.missing.count
    }
  }

  private func perform(_ removal: Removal, of organization: OrganizationID, id: String) async throws -> Int {
    let counts = try await counts(of: removal, organization)
    try await takeFromCounts(counts, removal, organization, id: id)
    try await invalidateBuilds(removal, organization)
    if let rollups = removal.rollups(of: organization) {
      try await delete(from: "emban.rollups", where: rollups)
      try await delete(from: "emban.rollup_days", where: "\(removal.builds(of: organization)) AND n >= 0")
    }
    try await delete(from: "emban.events", where: removal.events(of: organization))
    if let ids = removal.ids(of: organization) { try await delete(from: "emban.event_ids", where: ids) }
    var tenants = Set(counts.map(\.tenant))
    if case .tenant(let environment, let tenant, _) = removal {
      try await erased(organization, environment, tenant)
      tenants.insert(tenant)
    }
    if !tenants.isEmpty { try await removed(organization, removal.environment, tenants) }
    return counts.reduce(0) { $0 + $1.events }
  }

  private struct Count {
    var tenant: TenantID
    var day: CivilDate
    var eventName: String
    var events: Int
  }

  private func counts(of removal: Removal, _ organization: OrganizationID) async throws -> [Count] {
    let rows = try await client.query(
      """
      SELECT tenant_id, toInt32(toDate32(timestamp)) AS day, event_name, count() FROM \(identifier: "emban.events") \
      WHERE \(removal.events(of: organization)) GROUP BY tenant_id, day, event_name
      """, as: .admin, timeout: Self.longest)
    return rows.rows.compactMap { row in
      guard row.count == 4, let tenant = row[0].stringValue, let day = row[1].numberValue, let name = row[2].stringValue,
        let events = row[3].numberValue
      else { return nil }
      return Count(tenant: TenantID(tenant), day: CivilDate(daysSinceEpoch: Int(day)), eventName: name, events: Int(events))
    }
  }

  /// Before the events go: who repeats this finds the same counts, or that they were taken already.
  private func takeFromCounts(_ counts: [Count], _ removal: Removal, _ organization: OrganizationID, id: String) async throws {
    guard !counts.isEmpty else { return }
    let now = clock().json
    var body = ByteBuffer()
    for count in counts {
      let row: JSONValue = [
        "org_id": .string(organization.rawValue), "environment": .string(removal.environment.rawValue),
        "tenant_id": .string(count.tenant.rawValue), "day": .string(count.day.iso8601), "event_name": .string(count.eventName),
        "n": .int(-count.events), "last_ingested": now,
      ]
      body.writeBytes(row.serializedBytes())
      body.writeString("\n")
    }
    try await addToCounts(body, token: removal.token(of: organization, id: id))
  }

  private func addToCounts(_ lines: ByteBuffer, token: String) async throws {
    try await client.insert(
      into: "emban.tenant_days", columns: ["org_id", "environment", "tenant_id", "day", "event_name", "n", "last_ingested"], body: lines,
      deduplicationToken: token,
      // One block, whatever its size: the token counts blocks.
      settings: [
        "input_format_parallel_parsing": "0", "max_insert_block_size": "100000000", "min_insert_block_size_rows": "0",
        "min_insert_block_size_bytes": "0",
      ], timeout: Self.longest)
  }

  /// A rollup is proven by counts, and a day that lost some events and gets as many others would prove one that is wrong. A newer build
  /// without a count makes it count no more, also one that is being made at this moment.
  private func invalidateBuilds(_ removal: Removal, _ organization: OrganizationID) async throws {
    let builds: SQLIdentifier = "emban.rollup_days"
    try await client.execute(
      """
      INSERT INTO \(identifier: builds) SELECT * REPLACE (toUInt64(\(bind: Int(clock().milliseconds))) AS build, toInt64(-1) AS n, \
      now64(3) AS built_at) FROM \(identifier: builds) WHERE \(removal.builds(of: organization)) AND n >= 0
      """, timeout: Self.longest)
  }

  /// Returns when no question sees the rows any more; their bytes go later, see ``EventHousekeeping``.
  func delete(from table: SQLIdentifier, where condition: SQL) async throws {
    // Only the partitions that hold some: a removal looks at every part of those that it is told of.
    let partitions = try await client.query(
      "SELECT DISTINCT _partition_id FROM \(identifier: table) WHERE \(condition)", as: .admin, timeout: Self.longest)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (number, partition) in partitions.rows.compactMap({ $0.first?.stringValue }).enumerated() {
        if number >= 4 { try await group.next() }
        group.addTask {
          try await client.execute(
            "DELETE FROM \(identifier: table) IN PARTITION ID \(Self.literal(partition)) WHERE \(condition)",
            settings: ["lightweight_deletes_sync": "2"], timeout: Self.longest)
        }
      }
      try await group.waitForAll()
    }
  }

  /// A partition's id, which the grammar wants as a literal.
  static func literal(_ partition: String) -> SQL {
    SQL(trusted: "'" + partition.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") } + "'")
  }
}

extension EventRemover {
  /// The store's clock.
  /// - Parameter limit: how long the answer is waited for.
  func storeTime(within limit: Duration = longestLook) async throws -> Instant {
    let rows = try await client.query("SELECT toUnixTimestamp64Milli(now64(3))", as: .admin, timeout: limit)
    guard let milliseconds = rows.scalar?.numberValue else { throw ClickHouseError.protocolError("no time") }
    return Instant(milliseconds: Int64(milliseconds))
  }

  /// When the oldest of the inserts began that are on their way, by the store's clock; nil for none. Its rows may bear that time, and appear later.
  func oldestInsert() async throws -> Instant? {
    let rows = try await client.query(
      """
      SELECT toUnixTimestamp64Milli(min(now64(6) - toIntervalMicrosecond(toUInt64(elapsed * 1000000)))), count() \
      FROM \(identifier: "system.processes") WHERE \(Self.isInsert)
      """, as: .admin, timeout: Self.longestLook)
    guard let row = rows.rows.first, row.count == 2, let began = row[0].numberValue, let count = row[1].numberValue, count > 0 else {
      return nil
    }
    // What it took to begin.
    return Instant(milliseconds: Int64(began)).adding(seconds: -1)
  }

  private static var isInsert: SQL {
    "query_kind = 'Insert' AND match(query, '(?i)^ *insert +into +`?emban`?[.]`?events[` (]')"
  }

  /// Waits until no insert is on its way that began before a moment, for its rows may bear an earlier time and appear later.
  /// - Parameter limit: how long each answer of the store is waited for.
  /// - Returns: Whether there is none.
  func insertsAreOver(before moment: Instant, patience: Duration, within limit: Duration = longestLook) async throws -> Bool {
    let deadline = ContinuousClock.now + patience
    while true {
      let rows = try await client.query(
        """
        SELECT count() FROM \(identifier: "system.processes") WHERE \(Self.isInsert) \
        AND now64(6) - toIntervalMicrosecond(toUInt64(elapsed * 1000000)) < \(bind: moment)
        """, as: .admin, timeout: limit)
      if rows.scalar?.numberValue == 0 { return true }
      guard ContinuousClock.now < deadline else { return false }
      try await Task.sleep(for: .milliseconds(50))
    }
  }
}
