public import ClickHouse
public import Domain
public import Logging
internal import NIOCore
public import ServiceLifecycle
internal import Synchronization

/// Rolls up the closed days of tenants with many events, beside ingestion and never within it (docs/adr/0007-rollups.md).
///
/// A day is built once it is over and no event of it has arrived for a while, and again after a late one. Until then, and whenever the
/// number of its events differs from what was rolled up, it is answered from its events. So a build may fail, be cut off or be done twice:
/// its rows count only after `emban.rollup_days` names it.
public struct RollupBuilder: Service {
  /// Says whether this program is the one that may build now, and keeps it so for some minutes; asked before every step.
  public typealias Lease = @Sendable () async throws -> Bool
  /// Counts the events of a day anew of which none has arrived since a moment: whether their recorded number was wrong and is right now; nil
  /// when that could not be found out.
  public typealias Recount = @Sendable (Tenant, CivilDate, _ settledSince: Instant) async throws -> Bool?

  /// Whose events are counted.
  public struct Tenant: Sendable, Hashable {
    public let organization: OrganizationID
    public let environment: EnvironmentName
    public let id: TenantID
  }

  private let client: ClickHouseClient
  private let settings: RollupSettings
  private let lease: Lease
  private let recount: Recount
  private let release: @Sendable () async throws -> Void
  private let clock: TimeSource
  private let logger: Logger
  private let lastCleaning = Cleaning()
  /// By which the store knows the inserts of this builder.
  private let mark: String

  /// - Parameters:
  ///   - name: another one for every builder; letters, digits and dashes.
  ///   - release: gives the lease back when this program stops, so that the next one need not wait for its end.
  public init(
    client: ClickHouseClient, settings: RollupSettings = RollupSettings(), name: String, logger: Logger, clock: @escaping TimeSource,
    recount: @escaping Recount, release: @escaping @Sendable () async throws -> Void = {}, lease: @escaping Lease
  ) {
    mark = "rollups " + name.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
    self.recount = recount
    self.client = client
    self.settings = settings
    self.logger = logger
    self.clock = clock
    self.lease = lease
    self.release = release
  }

  public func run() async throws {
    await cancelWhenGracefulShutdown { [self] in
      while !Task.isCancelled {
        do {
          try await buildOnce()
        } catch ClickHouseError.unavailable(let reason) {
          logger.debug("no rollups are built while the event store is away", metadata: ["cause": "\(reason)"])
        } catch is CancellationError {
          return
        } catch {
          logger.warning("rollups could not be built; trying again", metadata: ["cause": "\(error)"])
        }
        try? await Task.sleep(for: settings.interval)
      }
    }
    // The store goes on with an insert whose answer nobody waits for: another program begins when that is over, or when the lease is.
    if (try? await endInserts()) ?? false { try? await release() }
  }

  /// - Returns: Whether the store works at none of this builder's inserts any more.
  private func endInserts() async throws -> Bool {
    let own: SQL = "Settings['log_comment'] = \(SQL(trusted: "'\(mark)'"))"
    try await client.execute("KILL QUERY WHERE \(own) SYNC", timeout: .seconds(4))
    let left = try await client.query(
      "SELECT count() FROM \(identifier: "system.processes") WHERE \(own)", as: .admin, timeout: .seconds(1))
    return left.scalar?.numberValue == 0
  }

  /// Builds all that is to be built, if this program may.
  /// - Parameter tenants: only those of this organisation; nil for all.
  /// - Returns: how many days were recorded.
  /// - Throws: ``ClickHouseError``, `CancellationError` and what the lease throws; what was recorded before stays.
  @discardableResult
  public func buildOnce(organization: OrganizationID? = nil) async throws -> Int {
    guard try await lease() else { return 0 }
    var count = 0
    let rows = try await client.query(Backlog.statement(minimumEvents: settings.minimumEvents), as: .admin, timeout: .seconds(60)).rows
    var backlogs = rows.compactMap { Backlog(row: $0, settings: settings, now: clock()) }
      .filter { organization.map { [tenant = $0.tenant] in $0.rawValue == tenant.organization } ?? true }
    for backlog in backlogs {
      for day in backlog.doubtful {
        guard try await lease() else { return count }
        switch try await countsAgain(day, of: backlog.tenant) {
        case nil, true?: continue
        case false?: break
        }
        count += try await build(Backlog.Run(days: [Backlog.Day(day: day, events: 0, lastIngested: clock())]), of: backlog.tenant)
      }
    }
    // One run of each tenant in turn: a large one must not keep the others waiting.
    while !backlogs.isEmpty {
      for index in backlogs.indices where !backlogs[index].runs.isEmpty {
        try Task.checkCancellation()
        guard try await lease() else { return count }
        count += try await build(backlogs[index].runs.removeFirst(), of: backlogs[index].tenant)
      }
      backlogs.removeAll { $0.runs.isEmpty }
    }
    try await joinMonths(organization: organization)
    if lastCleaning.isDue(at: clock(), every: settings.keepReplaced) { try await clean(organization: organization) }
    return count
  }

  // MARK: Build

  /// - Returns: how many days were recorded.
  private func build(_ run: Backlog.Run, of tenant: TenantKey) async throws -> Int {
    let start = ContinuousClock.now
    let names = try await query(Properties.names(of: tenant, in: run)).first ?? []
    func stored(_ column: Int) -> [String] {
      names.count > column ? (names[column].arrayValue ?? []).compactMap(\.stringValue) : []
    }
    let dimensions = Properties.split(stored(0))
    let measures = Properties.split(stored(1))
    let counts = try await query(
      Properties.counts(of: tenant, in: run, dimensions: dimensions.counted, measures: measures.counted))
    let properties = Properties(
      dimensions: dimensions.counted, measures: measures.counted, uncounted: (dimensions.uncounted, measures.uncounted), rows: counts)
    let statements = BuildStatements(tenant: tenant, run: run, properties: properties, build: Int(clock().milliseconds))
    for insert in statements.inserts {
      try await client.execute(insert, settings: buildSettings, timeout: Self.longest)
    }
    let record = statements.record(try await query(statements.totals))
    guard !record.isEmpty else { return 0 }
    try await client.insert(into: RollupTable.builds, columns: BuildRecord.columns, body: ByteBuffer(string: record))
    let days = record.utf8.count { $0 == UInt8(ascii: "\n") }
    logger.info(
      "days rolled up",
      metadata: [
        "tenant": "\(tenant.tenant)", "days": "\(days)", "events": "\(properties.days.reduce(0) { $0 + $1.events })",
        "seconds": "\((ContinuousClock.now - start).inSeconds)",
      ])
    return days
  }

  /// Joins the rows of the days of months that are over, so that a question over a year reads a twelfth of the states.
  private func joinMonths(organization: OrganizationID?) async throws {
    let own: SQL = organization.map { "org_id = \(bind: $0.rawValue)" } ?? "1"
    let today = CivilDate(daysSinceEpoch: Int(clock().milliseconds / 86_400_000))
    let due = try await query(MonthBacklog.statement(own: own, today: today)).compactMap { MonthBacklog(row: $0, now: clock()) }
    // The newest first: what is looked at most.
    for month in due.sorted(by: { $0.first > $1.first }) {
      try Task.checkCancellation()
      guard try await lease() else { return }
      guard !month.dimensions.isEmpty else { continue }
      try await client.execute(month.insert, settings: buildSettings, timeout: Self.longest)
      guard let record = month.record(try await query(month.totals)) else { continue }
      try await client.insert(into: RollupTable.builds, columns: BuildRecord.columns, body: ByteBuffer(string: record))
      logger.info("month joined", metadata: ["tenant": "\(month.tenant.tenant)", "month": "\(month.first.iso8601.prefix(7))"])
    }
  }

  private func query(_ sql: SQL) async throws -> [[JSONValue]] {
    try await client.query(sql, as: .admin, settings: Self.readSettings, timeout: .seconds(60)).rows
  }

  /// One thread, so that questions have the others.
  private static let readSettings = ["max_threads": "1"]
  private var buildSettings: [String: String] {
    [
      "max_threads": "1", "max_insert_threads": "1", "max_partitions_per_insert_block": "500",
      "max_bytes_before_external_group_by": "500000000", "log_comment": mark,
    ]
  }
  private static let longest: Duration = .seconds(600)

  // MARK: Counts

  /// Has the events of a day counted anew, and tenant_days corrected.
  /// - Returns: whether it was wrong; nil when that could not be found out.
  private func countsAgain(_ day: CivilDate, of tenant: TenantKey) async throws -> Bool? {
    let whose = Tenant(
      organization: OrganizationID(tenant.organization), environment: EnvironmentName(tenant.environment), id: TenantID(tenant.tenant))
    let isWrong = try await recount(whose, day, clock().adding(seconds: -settings.settled.inSeconds))
    if isWrong == true {
      logger.warning("the recorded number of a day's events was wrong", metadata: ["tenant": "\(tenant.tenant)", "day": "\(day.iso8601)"])
    }
    return isWrong
  }

  // MARK: Cleaning

  private final class Cleaning: Sendable {
    private let last = Mutex<Instant?>(nil)

    func isDue(at now: Instant, every pause: Duration) -> Bool {
      last.withLock { last in
        if let last, last.adding(seconds: pause.inSeconds) > now { return false }
        last = now
        return true
      }
    }
  }

  /// Removes the rows of builds that were replaced, and of those that were never recorded, unless a question may still be reading them.
  private func clean(organization: OrganizationID?) async throws {
    let horizon = Int(clock().milliseconds) - Int(settings.keepReplaced.inSeconds * 1000)
    let own: SQL = organization.map { "org_id = \(bind: $0.rawValue)" } ?? "1"
    // Replaced by a build that is itself older than the time for which rows are kept.
    try await client.execute(
      """
      DELETE FROM \(identifier: RollupTable.builds) WHERE \(own) AND (org_id, environment, tenant_id, width, day, build) NOT IN \
      (SELECT org_id, environment, tenant_id, width, day, max(build) FROM \(identifier: RollupTable.builds) \
      WHERE build <= \(bind: horizon) GROUP BY org_id, environment, tenant_id, width, day) AND build <= \(bind: horizon)
      """, timeout: Self.longest)
    let leftovers = try await client.query(
      """
      SELECT DISTINCT org_id, environment, tenant_id FROM \(identifier: RollupTable.rows) WHERE \(own) AND width IN ('day', 'month') AND dimension = '' \
      AND measure = '' AND build <= \(bind: horizon) AND (org_id, environment, tenant_id, width, toDate32(bucket), build) NOT IN \
      (SELECT org_id, environment, tenant_id, width, day, build FROM \(identifier: RollupTable.builds))
      """, as: .admin, settings: Self.readSettings, timeout: .seconds(60))
    for tenant in leftovers.rows.compactMap(TenantKey.init) {
      try await client.execute(
        """
        DELETE FROM \(identifier: RollupTable.rows) WHERE \(tenant.conditions) AND build <= \(bind: horizon) \
        AND (if(width = 'half_hour', 'day', width), toDate32(bucket), build) NOT IN \
        (SELECT width, day, build FROM \(identifier: RollupTable.builds) WHERE \(tenant.conditions))
        """, timeout: Self.longest)
    }
  }
}
