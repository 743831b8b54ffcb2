import Access
import ClickHouse
import ConfigStore
import Domain
import Foundation
import HTTPAPI
import Ingest
import Logging
import NIOCore
import QueryEngine
import Synchronization
import TestSupport
import Testing

/// The check that publishing runs, on the real store: it holds where isolation does, and each way of breaking isolation makes it fail.
@Suite struct IsolationCheckTests {
  @Test func itHoldsWhereIsolationDoes() async throws {
    let house = try await House()
    let report = try await house.check(house.plain)
    #expect(report.checks.filter { !$0.ok } == [])
    #expect(report.ok)
    let names = Set(report.checks.map(\.name))
    for widget in House.widgets {
      for name in [
        "widget \(widget.id)", "export \(widget.id)", "widget \(widget.id), conditions alone", "widget \(widget.id), row policies alone",
        "widget \(widget.id), without scope", "drill \(widget.id) to events", "drill \(widget.id) to the other customer",
      ] {
        #expect(names.contains(name), "\(name) is not among the checks")
      }
    }
    for name in ["filter values model", "table emban.events", "hidden w_calls", "opening"] { #expect(names.contains(name)) }
    #expect(Set(report.checks.map(\.tenant)).count == 2)
    #expect(report.checks.filter { $0.name == "widget w_models" }.allSatisfy { $0.rows > 0 })
  }

  @Test func nothingOfItStaysOrShows() async throws {
    let house = try await House()
    let others = try await house.tenants()
    _ = try await house.check(house.plain)
    #expect(try await house.tenants() == others)
    try await house.expectNoCanaries()
  }

  /// What a program that was killed left behind goes with the next check of the organisation.
  @Test func whatWasLeftGoesWithTheNextCheck() async throws {
    let house = try await House()
    let table = CanaryTable(client: house.client)
    let before = Instant(milliseconds: House.now.milliseconds - 7_200_000)
    let tenant = CanaryTable.makeTenant(at: before)
    let event = Event(tenantID: tenant, eventName: "e", timestamp: before)
    try await table.plant([event], of: house.organization, tenants: [tenant], in: try await table.tables())
    #expect(try await house.canaries() > 0)
    _ = try await house.check(house.plain)
    try await house.expectNoCanaries()
  }

  /// A dashboard without a question has no answers to check.
  @Test func aDashboardWithoutQuestionsNeedsNoStore() async throws {
    let house = try await House()
    let report = try await house.check(Broken { _, _, _ in throw ClickHouseError.unavailable("gone") }, widgets: [])
    #expect(report.ok && report.checks.isEmpty)
  }

  @Test func severalAtOnceDoNotDisturbEachOther() async throws {
    let house = try await House()
    try await withThrowingTaskGroup(of: IsolationReport.self) { group in
      for _ in 0..<4 { group.addTask { try await house.check(house.plain) } }
      for try await report in group { #expect(report.checks.filter { !$0.ok } == []) }
    }
    try await house.expectNoCanaries()
  }

  // MARK: Broken isolation

  /// A cache that forgets whose answers it keeps.
  @Test func answersKeptAcrossCustomersAreFound() async throws {
    let house = try await House()
    let kept = Mutex<[String: QueryRows]>([:])
    let report = try await house.check(
      Broken { client, sql, role in
        if let rows = kept.withLock({ $0[sql.text] }) { return rows }
        let rows = try await client.query(sql, as: role)
        kept.withLock { $0[sql.text] = rows }
        return rows
      })
    #expect(!report.ok)
  }

  /// The statements lost their conditions; the row policies still hold, so that no viewer sees anything wrong.
  @Test func lostConditionsAreFoundWhileThePoliciesHold() async throws {
    let house = try await House()
    let report = try await house.check(Broken { client, sql, role in try await client.query(sql.rewritten(for: nil), as: role) })
    let failed = report.checks.filter { !$0.ok }
    #expect(!failed.isEmpty)
    #expect(failed.allSatisfy { $0.name.hasSuffix(" alone") }, "\(failed.map(\.name))")
    #expect(Set(failed.filter { $0.name.hasSuffix("conditions alone") }.compactMap(\.widget)) == Set(House.widgets.map(\.id)))
  }

  /// The row policies do not hold; the conditions do.
  @Test func lostPoliciesAreFoundWhileTheConditionsHold() async throws {
    let house = try await House()
    let report = try await house.check(Broken { client, sql, _ in try await client.query(sql, as: .admin) })
    let failed = report.checks.filter { !$0.ok }
    #expect(failed.contains { $0.name == "table emban.events" })
    #expect(Set(failed.filter { $0.name.hasSuffix("row policies alone") }.compactMap(\.widget)) == Set(House.widgets.map(\.id)))
    #expect(!failed.contains { $0.name == "widget w_calls" || $0.name.hasSuffix("conditions alone") })
  }

  /// Both are lost: viewers see each other, and every widget, export and list says so.
  @Test func withBothLayersLostEveryQuestionFails() async throws {
    let house = try await House()
    let report = try await house.check(Broken { client, sql, _ in try await client.query(sql.rewritten(for: nil), as: .admin) })
    let failed = Set(report.checks.filter { !$0.ok }.map(\.name))
    for widget in House.widgets {
      #expect(failed.contains("widget \(widget.id)"), "\(widget.id)")
      #expect(failed.contains("export \(widget.id)"), "\(widget.id)")
    }
    #expect(failed.contains("filter values model") && failed.contains("opening"))
    #expect(failed.contains("drill w_models to the other customer"))
  }

  /// One customer is always given the other's rows: no more rows than there should be, but the wrong ones.
  @Test func rowsOfTheOtherInPlaceOfTheOwnAreFound() async throws {
    let house = try await House()
    let seen = Mutex<[String]>([])
    let report = try await house.check(
      Broken { client, sql, role in
        guard case .viewer(let scope) = role, let tenant = scope.tenant else { return try await client.query(sql, as: role) }
        let other = seen.withLock { seen -> String? in
          if !seen.contains(tenant) { seen.append(tenant) }
          return seen.first { $0 != tenant }
        }
        let target = ScopeSettings(organization: scope.organization, environment: scope.environment, tenant: other ?? tenant)
        return try await client.query(sql.rewritten(for: target), as: .viewer(target))
      })
    #expect(report.checks.contains { !$0.ok && $0.name == "widget w_models" })
    #expect(report.checks.contains { !$0.ok && $0.name == "widget w_calls" })
  }

  // MARK: Failure and interruption

  @Test func withTheStoreAwayNothingIsKnown() async throws {
    let house = try await House()
    let count = Mutex(0)
    let error = await #expect(throws: AppError.self) {
      try await house.check(
        Broken { client, sql, role in
          if count.withLock({
            $0 += 1; return $0
          }) > 20 {
            throw ClickHouseError.unavailable("gone")
          }
          return try await client.query(sql, as: role)
        })
    }
    #expect(error?.status == 503)
    try await house.expectNoCanaries()
  }

  @Test func anInterruptedCheckCleansUp() async throws {
    let house = try await House()
    let (started, start) = AsyncStream.makeStream(of: Void.self)
    let work = Task {
      try await house.check(
        Broken { _, _, _ in
          start.yield()
          try await Task.sleep(for: .seconds(60))
          throw ClickHouseError.unavailable("never")
        })
    }
    for await _ in started { break }
    #expect(try await house.canaries() > 0)
    work.cancel()
    await #expect(throws: (any Error).self) { try await work.value }
    try await house.expectNoCanaries()
  }
}

/// A way to run statements that a test breaks.
private struct Broken: QueryRunning {
  let client: ClickHouseClient?
  let run: @Sendable (ClickHouseClient, SQL, DatabaseRole) async throws -> QueryRows

  init(client: ClickHouseClient? = nil, _ run: @escaping @Sendable (ClickHouseClient, SQL, DatabaseRole) async throws -> QueryRows) {
    self.client = client
    self.run = run
  }

  func rows(_ sql: SQL, as role: DatabaseRole) async throws -> QueryRows {
    guard let client else { throw ClickHouseError.unavailable("no client") }
    return try await run(client, sql, role)
  }
}

private let gate = ReaderGate(.init(cores: ProcessInfo.processInfo.activeProcessorCount))

/// An organisation with a customer and a dashboard of every kind of widget.
private struct House {
  let client: ClickHouseClient
  let organization: OrganizationID
  /// As the program asks: readers through a gate that all share.
  let plain = Broken { client, sql, role in
    guard case .viewer(let scope) = role else { return try await client.query(sql, as: role) }
    return try await gate.run(for: scope) { try await client.query(sql, as: role) }
  }

  static let now = Instant(milliseconds: 1_776_160_812_345)

  static let widgets: [Widget] = {
    func widget(_ id: String, _ kind: WidgetKind, _ chart: Chart? = nil, _ query: WidgetQuery) -> Widget {
      Widget(id: id, title: id, kind: kind, chart: chart, position: GridPosition(x: 0, y: 0, w: 3, h: 2), query: query)
    }
    let call = "api.call"
    let fast = QueryFilter.numeric("latency_ms", .between(100, 100_000_000))
    return [
      widget("w_calls", .kpi, nil, WidgetQuery(eventName: call, compare: .previousPeriod)),
      widget(
        "w_users", .kpi, nil, WidgetQuery(metric: .countUnique, filters: [.string(.property("plan"), .isNotIn, values: ["free", "x"])])),
      widget("w_trend", .timeseries, nil, WidgetQuery(eventName: call, groupBy: .property("model"), compare: .previousPeriod)),
      widget("w_models", .breakdown, nil, WidgetQuery(eventName: call, groupBy: .property("model"), limit: 1, other: true)),
      widget(
        "w_latency", .table, nil,
        WidgetQuery(eventName: call, metric: .sum, numericProp: "latency_ms", groupBy: .property("endpoint"), compare: .previousYear)),
      widget("w_pivot", .table, .pivot, WidgetQuery(eventName: call, groupBy: .property("model"), groupBy2: .property("endpoint"))),
      widget("w_heat", .heatmap, nil, WidgetQuery(eventName: call, filters: [fast])),
      widget(
        "w_dual", .timeseries, .dualAxis,
        WidgetQuery(eventName: call, secondMetric: .p95, secondNumericProp: "latency_ms")),
    ]
  }()

  init() async throws {
    client = try await TestClickHouse.shared().client
    organization = OrganizationID(TestClickHouse.uniqueOrganization())
    let event = Event(
      tenantID: TenantID("acme"), eventName: "api.call", timestamp: Self.now, userID: "u", stringProps: ["model": "m", "endpoint": "e"],
      numericProps: ["latency_ms": 5])
    // A real customer of the same organisation, whom the check must not count either.
    let lines = (0..<7).map { _ in
      JSONValue.object([
        "org_id": .string(organization.rawValue), "environment": "production", "tenant_id": .string(event.tenantID.rawValue),
        "event_name": .string(event.eventName), "timestamp": event.timestamp.json, "user_id": "u",
        "string_props": .object(event.stringProps.mapValues(JSONValue.string)),
        "numeric_props": .object(event.numericProps.mapValues(JSONValue.number)),
      ]).serialized()
    }
    try await client.insert(
      into: "emban.events",
      columns: ["org_id", "environment", "tenant_id", "event_name", "timestamp", "user_id", "string_props", "numeric_props"],
      body: ByteBuffer(string: lines.joined(separator: "\n")))
  }

  func check(_ runner: Broken, widgets: [Widget] = House.widgets) async throws -> IsolationReport {
    let folder = FileManager.default.temporaryDirectory.appending(path: "emban-isolation-\(UUID().uuidString)")
    let pages = folder.appending(path: "web/pages")
    try FileManager.default.createDirectory(at: pages, withIntermediateDirectories: true)
    try Data("<!doctype html>".utf8).write(to: pages.appending(path: "embed.html"))
    defer { try? FileManager.default.removeItem(at: folder) }
    let clock: TimeSource = { Self.now }
    let database = try SQLiteDatabase(path: folder.appending(path: "emban.sqlite").path)
    try await ConfigMigrator.migrate(database, at: Self.now)
    let tokens = EmbedTokens(database, secretKey: try SecretKey("9c1f0b7be24d5a6378e1d0f2ab4c59d7"), clock: clock)
    let keys = APIKeys(database, clock: clock)
    let logger = TestClickHouse.makeLogger()
    let dependencies = APIDependencies(
      database: database,
      authenticator: Authenticator(
        keys: keys, sessions: ConsoleSessions(database, clock: clock), tokens: tokens, originGuard: OriginGuard(publicURL: nil)),
      accounts: Accounts(database, hasher: PasswordHasher(), limiter: LoginLimiter(clock: clock), defaultPlan: "scale", clock: clock),
      invites: Invites(database, publicURL: "http://localhost:8080", mail: nil, clock: clock),
      resets: PasswordResets(
        database, limiter: LoginLimiter(clock: clock), publicURL: "http://localhost:8080", mail: nil, clock: clock),
      keys: keys, tokens: tokens, pipeline: IngestPipeline(buffer: EventBufferService(client: client, logger: logger), now: clock),
      canaries: CanaryTable(client: client), queries: QueryService(runner: Broken(client: client, runner.run), clock: clock),
      eraser: TenantEraser(
        remover: EventRemover(client: client, journal: StoredRemovalJournal(database), clock: clock, logger: Logger(label: "test"))),
      exporter: EventExporter(client: client),
      sql: AdHocSQL(
        client: client, key: "not asked", isOwnServer: true,
        queries: QueryService(runner: Broken(client: client, runner.run), clock: clock), clock: clock),
      live: LiveFeed(database: database, executor: nil, clock: clock, logger: logger),
      assets: try Assets(directory: folder.appending(path: "web")), readiness: { ReadinessReport(stores: [], spool: .off) },
      metrics: { Measurements(ingest: .init(), heldBytes: 0, spool: .off, isEventStoreUp: false, residentBytes: nil) }, clock: clock,
      publicURL: "http://localhost:8080",
      allowedOrigins: [])
    let config = DashboardConfig(
      name: "Usage", slug: "usage",
      filters: [DashboardFilter(id: "f_model", control: .select(.property("model"), multiple: true))], widgets: widgets)
    let user = UserID(IDGenerator.make("usr"))
    let address = try #require(EmailAddress("ada@example.com"))
    try await RegistrationRepository(database).register(
      Registration(
        user: User(id: user, email: address, name: "Ada", passwordHash: "none", createdAt: Self.now),
        organization: Organization(id: organization, name: "Acme", plan: "scale", allowedOrigins: [], createdAt: Self.now),
        apiKey: APIKey(
          id: KeyID(IDGenerator.make("key")), organizationID: organization, environment: .production, name: "Default", scope: .admin,
          prefix: "eb_adm_x", createdBy: user.rawValue, createdAt: Self.now),
        apiKeyHash: IDGenerator.make("hash")))
    let draft = try await DashboardRepository(database).create(
      organization, slug: "usage", name: "Usage", config: config.json, by: "test", at: Self.now)
    let snapshot = DashboardVersion(draft: draft, at: Self.now, by: "test")
    let result: Result<IsolationReport, any Error>
    do { result = .success(try await IsolationCheck(dependencies).run(snapshot, of: organization, logger: logger)) } catch {
      result = .failure(error)
    }
    try await database.close()
    return try result.get()
  }

  /// The customers of production, as the organisation lists them.
  func tenants() async throws -> [TenantSummary] {
    let scope = try Scope(organization: organization, environment: .production, tenant: .all, now: Self.now, zone: .utc)
    let client = client
    return try await Executor { sql, role in try await client.query(sql, as: role) }.run(try Planner(scope: scope).tenants()).tenants
  }

  /// How many rows of canaries there are, in all tables.
  func canaries() async throws -> Int {
    var count = 0
    for table in try await CanaryTable(client: client).tables() {
      let rows = try await client.query(
        "SELECT count() FROM \(table.sql) WHERE org_id = \(bind: organization.rawValue) AND environment = 'selftest'", as: .admin)
      count += Int(rows.scalar?.numberValue ?? 0)
    }
    return count
  }

  /// The store removes them in its own time, within moments.
  func expectNoCanaries() async throws {
    for _ in 0..<1_000 {
      if try await canaries() == 0 { return }
      try await Task.sleep(for: .milliseconds(100))
    }
    Issue.record("there are still \(try await canaries()) rows of canaries after 100 s")
  }
}
