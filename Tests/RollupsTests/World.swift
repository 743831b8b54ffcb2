import ClickHouse
import ConfigStore
import Domain
import Foundation
import HTTPAPI
import Ingest
import QueryEngine
import Rollups
import Synchronization
import TestSupport

func moment(_ text: String) -> Instant { Instant(iso8601: text) ?? Instant(milliseconds: 0) }
func day(_ text: String) -> CivilDate { CivilDate(iso8601: text) ?? CivilDate(daysSinceEpoch: 0) }

/// A tenant with events from 1 September to noon of 20 November 2026 on the real server, and a builder whose clock the test sets.
///
/// Every event has `model` (6 values, '' and none), from October on `region`, always `session` (nearly as many values as events); numbers
/// `latency_ms` (most events), `delta` (some), `tokens`. They all were stored at noon of 20 November.
struct World {
  static let now = moment("2026-11-20T15:07:30Z")

  let client: ClickHouseClient
  let organization = TestClickHouse.uniqueOrganization()
  let executor: Executor
  let builder: RollupBuilder
  /// Of removals, and of corrections of the counts.
  let journal: StoredRemovalJournal
  let clock: Clock

  final class Clock: Sendable {
    private let time = Mutex(World.now)
    var now: Instant {
      get { time.withLock { $0 } }
      set { time.withLock { $0 = newValue } }
    }
  }

  /// - Parameter seed: events of different seeds are different.
  init(events: Int = 60_000, lease: @escaping RollupBuilder.Lease = { true }) async throws {
    let clickhouse = try await TestClickHouse.shared()
    let client = clickhouse.client
    self.client = client
    executor = Executor { sql, role in try await client.query(sql, as: role) }
    let clock = Clock()
    self.clock = clock
    var settings = RollupSettings()
    settings.minimumEvents = 1_000
    settings.eventsPerRun = 20_000
    let database = try SQLiteDatabase(path: try TestClickHouse.makeTestFolder() + "/emban.sqlite")
    try await ConfigMigrator.migrate(database, at: clock.now)
    journal = StoredRemovalJournal(database)
    let corrector = CountCorrector(
      remover: EventRemover(client: client, journal: journal, clock: { clock.now }, logger: clickhouse.logger))
    builder = RollupBuilder(
      client: client, settings: settings, name: organization, logger: clickhouse.logger, clock: { clock.now },
      recount: { tenant, day, moment in
        try await corrector.correct(
          day, of: tenant.id, in: IngestScope(organization: tenant.organization, environment: tenant.environment), settledSince: moment)
      }, lease: lease)
    if events > 0 { try await insert(events) }
  }

  /// Generated on the server: a hash of the number of an event says everything about it.
  func insert(
    _ count: Int, seed: Int = 0, from start: String = "2026-09-01T00:00:00Z", to end: String = "2026-11-20T12:00:00Z",
    storedAt: String = "2026-11-20T12:00:00Z", token: String? = nil
  ) async throws {
    let length = moment(end).milliseconds - moment(start).milliseconds
    var settings = ClickHouseClient.insertSettings
    settings["insert_deduplication_token"] = token
    // What is the same on every run is the same insert: a resend must be cut into the same blocks.
    settings["max_threads"] = "1"
    settings["max_insert_threads"] = "1"
    try await client.execute(
      """
      INSERT INTO emban.events (org_id, environment, tenant_id, event_name, timestamp, user_id, string_props, numeric_props, ingested_at)
      SELECT \(bind: organization), 'production', 'acme', ['api.call', 'api.call', 'login', 'it''s'][1 + h % 4],
        fromUnixTimestamp64Milli(\(bind: Int(moment(start).milliseconds)) + toInt64(intDiv(h, 5) % \(bind: Int(length)))) AS at,
        if(intDiv(h, 7) % 5 = 0, '', concat('u', toString(intDiv(h, 11) % 3000))),
        concat('{"session":"s', toString(h), '"',
          if(intDiv(h, 13) % 10 = 0, '', concat(',"model":"', ['gpt-4', 'GPT-4o', 'claude', 'llama', '', 'a`b'][1 + intDiv(h, 17) % 6], '"')),
          if(at < toDateTime('2026-10-01'), '', concat(',"region":"', ['eu', 'us', 'ap'][1 + intDiv(h, 19) % 3], '"')), '}')::JSON,
        concat('{"tokens":', toString(intDiv(h, 23) % 4000),
          if(intDiv(h, 29) % 8 = 0, '', concat(',"latency_ms":', toString(round(exp(3 + (intDiv(h, 31) % 100000) / 25000), 2)))),
          if(intDiv(h, 37) % 3 > 0, '', concat(',"delta":', toString(toInt64(intDiv(h, 41) % 101) - 50))), '}')::JSON,
        toDateTime64(\(bind: String(storedAt.dropLast())), 3, 'UTC')
      FROM (SELECT cityHash64(number, \(bind: seed)) AS h FROM numbers(\(bind: count)))
      """, settings: settings)
  }

  func scope(_ zone: Zone = .utc, permissions: EmbedPermissions = EmbedPermissions()) throws -> Scope {
    try Scope(
      organization: OrganizationID(organization), environment: .production, tenant: TenantID("acme"), permissions: permissions,
      now: Self.now, zone: zone)
  }

  /// What is known of the tenant, as the viewer itself may know it, under a policy that uses rollups wherever they can be used.
  func tenantData() async throws -> TenantData {
    var data = try await executor.run(TenantDataPlan(scope: try scope()))
    data.policy.minimumEvents = 0
    data.policy.approximateFrom = 0
    data.policy.longestRemainder = 1
    return data
  }

  @discardableResult
  func build() async throws -> Int { try await builder.buildOnce(organization: OrganizationID(organization)) }

  /// Again and again, as a server does: no day is counted anew while inserts are on their way, and other tests make some.
  func build(until holds: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(300)
    repeat { try await build() } while try await !holds() && .now < deadline
  }

  func number(_ sql: SQL) async throws -> Int {
    try await client.query(sql, as: .admin).scalar?.numberValue.map { Int($0) } ?? -1
  }

  /// One set of rows for all tests that only ask.
  static func shared() async throws -> World { try await made.value }
  private static let made = Task {
    let world = try await World()
    try await world.build()
    return world
  }
}

extension Plan {
  /// Whether any row of the answer comes from a rollup.
  var usesRollups: Bool { statements.contains { $0.sql.text.contains("`emban`.`rollups`") } }
}
