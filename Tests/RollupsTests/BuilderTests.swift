import ClickHouse
import Domain
import HTTPAPI
import Ingest
import QueryEngine
import Rollups
import TestSupport
import Testing

/// When days are built, and when what was built counts.
@Suite struct BuilderTests {
  private func count(_ world: World, _ data: TenantData?) async throws -> Double? {
    let query = WidgetQuery(time: .range(DateRange(from: .day(day("2026-09-01")), to: .day(day("2026-11-20")))))
    let plan = try Planner(scope: try world.scope(), tenantData: data).plan(query, kind: .kpi)
    #expect(plan.usesRollups == (data?.days.contains { $0.rollup != nil } ?? false))
    return try await world.executor.run(plan).rows[0][0].numberValue
  }

  @Test func daysThatAreOverAreBuiltOnce() async throws {
    let world = try await World(events: 20_000)
    let before = try await world.tenantData()
    #expect(before.version.events == 20_000)
    #expect(before.version.lastIngested == moment("2026-11-20T12:00:00Z"))
    #expect(before.days.count == 81)
    #expect(before.days.allSatisfy { $0.rollup == nil })
    #expect(try await count(world, before) == 20_000)

    #expect(try await world.build() == 80)
    let after = try await world.tenantData()
    #expect(after.version == before.version)
    #expect(after.days.filter { $0.rollup != nil }.count == 80)
    #expect(after.days.last?.rollup == nil, "the day under way")
    #expect(after.days.map(\.events) == before.days.map(\.events))
    #expect(try await count(world, after) == 20_000)
    let september = try #require(after.days.first?.rollup)
    #expect(september.dimensions == ["", "model"])
    #expect(september.omittedDimensions == ["session"])
    #expect(september.measures == ["delta", "latency_ms", "tokens"])
    #expect(after.days[60].rollup?.dimensions == ["", "model", "region"])

    #expect(try await world.build() == 0, "nothing is left to build")
    world.clock.now = moment("2026-11-21T00:00:30Z")
    #expect(try await world.build() == 1, "the day that is over now")
  }

  /// Months of which all days are rolled up are joined; a late event takes the month back to its days until both are built again.
  @Test func monthsThatAreOverAreJoined() async throws {
    let world = try await World(events: 20_000)
    try await world.build()
    let data = try await world.tenantData()
    #expect(data.months.map(\.first) == [day("2026-09-01"), day("2026-10-01")])
    #expect(data.months[0].rollup.dimensions == ["", "model"])
    #expect(data.months[1].rollup.dimensions == ["", "model", "region"])
    #expect(data.months.allSatisfy { $0.rollup.omittedDimensions == ["session"] && $0.rollup.halves.isEmpty })
    #expect(data.months[1].rollup.measures == ["delta", "latency_ms", "tokens"])
    let october = data.days.filter { $0.day.startOfMonth == day("2026-10-01") }.reduce(0) { $0 + $1.events }
    #expect(data.months[1].events == october)
    #expect(try await count(world, data) == 20_000)
    let rows: SQL = """
      SELECT uniq(build) FROM emban.rollups WHERE org_id = \(bind: world.organization) AND width = 'month' AND bucket = '2026-10-01'
      """
    #expect(try await world.number(rows) == 1)
    try await world.build()
    #expect(try await world.number(rows) == 1, "joined once")

    try await world.insert(10, seed: 5, from: "2026-10-05T03:00:00Z", to: "2026-10-05T04:00:00Z", storedAt: "2026-11-20T15:08:00Z")
    let late = try await world.tenantData()
    #expect(late.months.map(\.first) == [day("2026-09-01")])
    #expect(try await count(world, late) == 20_010)
    world.clock.now = moment("2026-11-20T15:20:00Z")
    try await world.build()
    let again = try await world.tenantData()
    #expect(again.months.map(\.events) == [data.months[0].events, october + 10])
    #expect(try await count(world, again) == 20_010)
    #expect(try await world.number(rows) == 2)
    world.clock.now = moment("2026-11-20T15:45:00Z")
    try await world.build()
    #expect(try await world.number(rows) == 1, "what was replaced goes later")
    #expect(try await count(world, try await world.tenantData()) == 20_010)
  }

  @Test func aDayThatIsNotQuietWaits() async throws {
    let world = try await World(events: 0)
    try await world.insert(5_000, storedAt: "2026-11-20T15:07:00Z")
    #expect(try await world.build() == 0)
    world.clock.now = moment("2026-11-20T15:08:01Z")
    #expect(try await world.build() == 80)
  }

  @Test func fewEventsAreNotRolledUp() async throws {
    let world = try await World(events: 900)
    #expect(try await world.build() == 0)
    try await world.insert(200, seed: 1)
    #expect(try await world.build() > 0)
  }

  @Test func onlyWhoHasTheLeaseBuilds() async throws {
    let world = try await World(events: 5_000, lease: { false })
    #expect(try await world.build() == 0)
    #expect(try await world.tenantData().days.allSatisfy { $0.rollup == nil })
  }

  /// A late event makes its day a matter of events again, until the day is built anew.
  @Test func lateEvents() async throws {
    let world = try await World(events: 20_000)
    try await world.build()
    let stale = try await world.tenantData()
    try await world.insert(10, seed: 5, from: "2026-10-05T03:00:00Z", to: "2026-10-05T04:00:00Z", storedAt: "2026-11-20T15:10:00Z")
    let late = try await world.tenantData()
    #expect(late.version != stale.version)
    #expect(late.days.filter { $0.rollup == nil }.map(\.day) == [day("2026-10-05"), day("2026-11-20")])
    #expect(try await count(world, late) == 20_010)
    #expect(try await count(world, stale) == 20_000, "a question that was planned before is answered as of then")
    #expect(try await world.build() == 0, "not yet quiet")
    world.clock.now = moment("2026-11-20T15:20:00Z")
    #expect(try await world.build() == 1)
    let rebuilt = try await world.tenantData()
    #expect(rebuilt.days.filter { $0.rollup == nil }.map(\.day) == [day("2026-11-20")])
    #expect(try await count(world, rebuilt) == 20_010)

    // The rows that were replaced stay for those who still read them, and go later.
    let rows: SQL = "SELECT uniq(build) FROM emban.rollups WHERE org_id = \(bind: world.organization) AND toDate(bucket) = '2026-10-05'"
    #expect(try await world.number(rows) == 2)
    #expect(try await count(world, stale) == 20_000)
    world.clock.now = moment("2026-11-20T15:29:00Z")
    try await world.build()
    #expect(try await world.number(rows) == 2)
    world.clock.now = moment("2026-11-20T15:40:00Z")
    try await world.build()
    #expect(try await world.number(rows) == 1)
    #expect(try await count(world, try await world.tenantData()) == 20_010)
  }

  /// A batch that is sent again under its token changes neither events nor counts.
  @Test func resends() async throws {
    let world = try await World(events: 0)
    for _ in 0..<3 { try await world.insert(5_000, token: "batch-1-\(world.organization)") }
    let first = try await world.tenantData()
    #expect(first.version.events == 5_000)
    #expect(try await world.number("SELECT count() FROM emban.events WHERE org_id = \(bind: world.organization)") == 5_000)
    try await world.build()
    try await world.insert(5_000, token: "batch-1-\(world.organization)")
    let again = try await world.tenantData()
    #expect(again.version == first.version)
    #expect(again.days.filter { $0.rollup != nil }.count == 80)
    #expect(try await count(world, again) == 5_000)
  }

  /// Rows without a record, as a builder leaves them that dies in the middle, count for nothing and are removed in the end.
  @Test func aBuildThatWasCutOff() async throws {
    let world = try await World(events: 20_000)
    try await world.build()
    let cutOff = Int(moment("2026-11-20T15:07:40Z").milliseconds)
    try await world.client.execute(
      """
      INSERT INTO emban.rollups SELECT * REPLACE (toUInt64(\(bind: cutOff)) AS build, n * 2 AS n) FROM emban.rollups
      WHERE org_id = \(bind: world.organization) AND toDate(bucket) BETWEEN '2026-10-01' AND '2026-10-10'
      """)
    #expect(try await count(world, try await world.tenantData()) == 20_000)
    let rows: SQL = "SELECT count() FROM emban.rollups WHERE org_id = \(bind: world.organization) AND build = \(bind: cutOff)"
    #expect(try await world.number(rows) > 0)
    world.clock.now = moment("2026-11-20T15:30:00Z")
    try await world.build()
    #expect(try await world.number(rows) == 0)
    #expect(try await count(world, try await world.tenantData()) == 20_000)
  }

  /// Where the recorded number of a day's events is wrong, the day is answered from its events, and the record is corrected.
  @Test func wrongCountsAreCorrected() async throws {
    let world = try await World(events: 20_000)
    try await world.client.execute(
      """
      INSERT INTO emban.tenant_days SELECT \(bind: world.organization), 'production', 'acme', toDate32('2026-10-07'), 'login', 7,
        toDateTime64('2026-11-20 12:00:00', 3, 'UTC')
      """)
    try await world.build()
    let wrong = try await world.tenantData()
    #expect(wrong.version.events == 20_007)
    #expect(wrong.days.filter { $0.rollup == nil }.map(\.day) == [day("2026-10-07"), day("2026-11-20")])
    #expect(try await count(world, wrong) == 20_000)
    try await world.build { try await world.tenantData().days.filter { $0.rollup == nil }.count == 1 }
    let corrected = try await world.tenantData()
    #expect(corrected.version.events == 20_000)
    #expect(corrected.days.filter { $0.rollup == nil }.map(\.day) == [day("2026-11-20")])
    #expect(try await count(world, corrected) == 20_000)
  }

  /// A removal subtracts first and deletes then: in between the day looks as if it had been counted wrongly.
  @Test func countsAreNotCorrectedBesideARemoval() async throws {
    let world = try await World(events: 20_000)
    try await world.build()
    let organization = OrganizationID(world.organization)
    #expect(try await world.journal.begin(organization, id: "removal", at: world.clock.now) == nil)
    try await world.client.execute(
      """
      INSERT INTO emban.tenant_days SELECT \(bind: world.organization), 'production', 'acme', toDate32('2026-10-07'), 'login', -7,
        toDateTime64('2026-11-20 12:00:00', 3, 'UTC')
      """)
    try await world.build()
    #expect(try await world.tenantData().version.events == 19_993)
    try await world.journal.finish(organization, id: "removal")
    try await world.build { try await world.tenantData().version.events == 20_000 }
    #expect(try await world.tenantData().version.events == 20_000)
    #expect(try await world.journal.entries().isEmpty)
  }

  /// Events that were taken away are noticed the same way: the record follows, and the day is built anew.
  @Test func eventsThatWereErased() async throws {
    let world = try await World(events: 20_000)
    try await world.build()
    try await world.client.execute(
      "DELETE FROM emban.events WHERE org_id = \(bind: world.organization) AND toDate(timestamp) = '2026-10-07' AND event_name = 'login'")
    try await world.client.execute(
      """
      INSERT INTO emban.tenant_days SELECT org_id, environment, tenant_id, day, event_name, -sum(n), max(last_ingested)
      FROM emban.tenant_days WHERE org_id = \(bind: world.organization) AND day = '2026-10-07' AND event_name = 'login'
      GROUP BY org_id, environment, tenant_id, day, event_name
      """)
    let left = try await world.number("SELECT count() FROM emban.events WHERE org_id = \(bind: world.organization)")
    #expect(left < 20_000)
    #expect(try await count(world, try await world.tenantData()) == Double(left))
    world.clock.now = moment("2026-11-20T16:00:00Z")
    try await world.build { try await world.tenantData().days.filter { $0.rollup == nil }.count == 1 }
    let data = try await world.tenantData()
    #expect(data.days.filter { $0.rollup == nil }.map(\.day) == [day("2026-11-20")])
    #expect(try await count(world, data) == Double(left))
  }
}
