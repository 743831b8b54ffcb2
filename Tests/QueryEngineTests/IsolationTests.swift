import ClickHouse
import Domain
import QueryEngine
import TestSupport
import Testing

/// Both layers between customers, each with the other switched off, on every statement that the engine can make.
@Suite struct IsolationTests {
  /// A customer among others: of the same organisation, of the same name in another organisation and in another environment.
  private struct World {
    let samples: Samples
    let viewer: IsolationLayers
    let analyst: IsolationLayers

    init() async throws {
      samples = try await Samples(count: 400, seed: 7)
      let other = try await Samples(count: 300, seed: 8)
      let client = try await TestClickHouse.shared().client
      try await client.execute(
        """
        INSERT INTO emban.events SELECT * REPLACE('development' AS environment) FROM emban.events \
        WHERE org_id = \(bind: samples.organization) AND environment = 'production'
        """)
      func scope(_ organization: String, _ tenant: String?, in environment: String = "production") -> ScopeSettings {
        ScopeSettings(organization: organization, environment: environment, tenant: tenant)
      }
      viewer = IsolationLayers(
        client: client, own: scope(samples.organization, "acme"),
        foreign: [
          scope(samples.organization, "globex"), scope(samples.organization, "acme", in: "development"), scope(other.organization, "acme"),
        ])
      analyst = IsolationLayers(
        client: client, own: scope(samples.organization, nil),
        foreign: [scope(samples.organization, nil, in: "development"), scope(other.organization, nil)])
    }

    static func shared() async throws -> World { try await made.value }
    private static let made = Task { try await World() }
  }

  /// Every kind with every metric and whatever else it can be asked for: what does not go together is refused by the planner and left out.
  private static func plans(_ planner: Planner) throws -> [(name: String, plan: Plan)] {
    var plans: [(String, Plan)] = []
    for kind in WidgetKind.allCases where kind != .text {
      let before = plans.count
      for metric in kind == .kpi ? Metric.allCases : [.count, .countUnique, .sum, .avg, .p95] {
        for variation in 0..<32 {
          func has(_ bit: Int) -> Bool { variation >> bit & 1 == 1 }
          var query = WidgetQuery(
            eventName: has(3) ? "api.call" : nil, metric: metric, numericProp: metric.needsNumericProperty ? "latency_ms" : nil,
            groupBy: has(0) ? .property("model") : nil, groupBy2: has(1) ? .property("end.point") : nil,
            compare: has(2) ? .previousPeriod : nil, limit: has(4) ? 2 : nil, other: has(4))
          query.secondMetric = has(3) && metric == .count ? .p90 : nil
          query.secondNumericProp = query.secondMetric.map { _ in "latency_ms" }
          guard let plan = try? planner.plan(query, kind: kind) else { continue }
          plans.append(("\(kind) \(metric) \(variation)", plan))
        }
      }
      #expect(plans.count > before, "there is no plan of the kind \(kind)")
    }
    return plans
  }

  /// Of a statement whose percentiles are so coarse that those of all may be the own ones.
  private static let coarse = "from bounded memory"

  /// Runs statements through all ways; each must hold, and each must be one that could fail.
  private func check(_ statements: [(name: String, sql: SQL)], _ layers: IsolationLayers) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (index, (name, sql)) in statements.enumerated() {
        if index >= 8 { try await group.next() }
        group.addTask {
          let (tables, scopes) = IsolationLayers.references(in: sql)
          #expect(tables > 0 && tables == scopes, "\(name): \(tables) tables, \(scopes) scopes in \(sql.text)")
          let findings = try await layers.findings(sql)
          #expect(findings.faults == [], "\(name): \(sql.text)")
          #expect(findings.seesOwnRows, "\(name) sees nothing")
          #expect(findings.wouldSeeForeignRows || name.hasSuffix(Self.coarse), "\(name) would hold without any layer")
        }
      }
      try await group.waitForAll()
    }
  }

  @Test func everyKindOfWidgetHoldsByEitherLayerAlone() async throws {
    let world = try await World.shared()
    let plans = try Self.plans(world.samples.planner())
    // A statement that several variations share is run once.
    var seen: Set<String> = []
    var statements: [(String, SQL)] = []
    for (name, plan) in plans {
      // The least and the greatest of all may be the own ones by chance.
      guard !name.contains(" min "), !name.contains(" max ") else { continue }
      for statement in plan.statements {
        if seen.insert(statement.sql.text).inserted { statements.append((name, statement.sql)) }
        if let fallback = statement.fallback, seen.insert(fallback.text).inserted {
          statements.append(("\(name) \(Self.coarse)", fallback))
        }
      }
    }
    try await check(statements, world.viewer)
  }

  @Test func lockedFiltersAreKeptByTheRest() async throws {
    let world = try await World.shared()
    let planner = try world.samples.planner(permissions: EmbedPermissions(lockedFilters: ["model": ["claude", "llama"]]))
    let plans = try [
      WidgetQuery(groupBy: .property("end.point")), WidgetQuery(metric: .sum, numericProp: "latency_ms", groupBy: .eventName),
    ]
    .map { try planner.plan($0, kind: .table) }
    try await check(plans.flatMap(\.statements).map { ("locked", $0.sql) }, world.viewer)
  }

  @Test func whatIsNoWidgetHoldsByEitherLayerAlone() async throws {
    let world = try await World.shared()
    let planner = try world.samples.planner()
    let open = Planner(scope: planner.scope)
    let query = WidgetQuery(eventName: "api.call", metric: .avg, numericProp: "latency_ms", groupBy: .property("model"))
    let level = DrillDown.Level(.property("model"), "claude")
    let range = DateRange(from: .instant(moment("2026-11-01T00:00:00Z")), to: .instant(moment("2026-11-19T00:00:00Z")))
    var statements: [(String, SQL)] = []
    for (name, plan) in [
      ("drill to events", try open.drill(into: query, DrillDown([level]))),
      ("drill to the next level", try open.drill(into: query, DrillDown([level], next: .property("end.point")))),
      ("drill into a bucket", try open.drill(into: query, DrillDown([], range: range, next: .userID))),
    ] {
      statements += plan.statements.map { (name, $0.sql) }
    }
    statements += try planner.filterValues(of: .property("model")).statements.map { ("filter values", $0.sql) }
    statements += try planner.filterValues(of: .property("model"), search: "l").statements.map { ("filter values searched", $0.sql) }
    statements += try planner.tenants().statements.map { ("tenants of a viewer", $0.sql) }
    statements += try await discovery(planner.scope, world.samples.executor)
    try await check(statements, world.viewer)
  }

  @Test func whatTheOrganisationsOwnPeopleSeeHoldsByEitherLayerAlone() async throws {
    let world = try await World.shared()
    let planner = try world.samples.planner(tenant: .all)
    var statements = try await discovery(planner.scope, world.samples.executor)
    statements += try planner.tenants().statements.map { ("tenants", $0.sql) }
    let days = CivilDate(daysSinceEpoch: 20_089)...CivilDate(daysSinceEpoch: 21_183)
    statements += UsagePlan(scope: planner.scope, days: days).statements.map { ("usage \($0.purpose)", $0.sql) }
    for kind in [WidgetKind.kpi, .timeseries] {
      statements += try planner.plan(WidgetQuery(eventName: "api.call"), kind: kind).statements.map { ("query \(kind)", $0.sql) }
    }
    try await check(statements, world.analyst)
  }

  private func discovery(_ scope: Scope, _ executor: Executor) async throws -> [(String, SQL)] {
    let discovery = Discovery(scope: scope)
    let client = try await TestClickHouse.shared().client
    let overview = try await client.query(discovery.overview.sql, as: scope.role).rows
    return ([discovery.overview] + discovery.details(overview)).map { ("discover \($0.purpose)", $0.sql) }
  }

  /// What is counted in advance lies in other tables, which must keep customers apart as the events do.
  @Test func rollupsHoldByEitherLayerAlone() async throws {
    let world = try await World.shared()
    for (index, scope) in ([world.viewer.own] + world.viewer.foreign).enumerated() {
      try await world.viewer.client.execute(
        """
        INSERT INTO emban.rollups (org_id, environment, tenant_id, width, dimension, measure, event_name, bucket, value, build, n, s, mn, mx) \
        SELECT \(bind: scope.organization), \(bind: scope.environment), \(bind: scope.tenant ?? ""), 'day', d.1, m, 'api.call', \
        toDateTime('2026-10-01 00:00:00', 'UTC') + INTERVAL number DAY, d.2, 1, \(bind: 10 + index), \(bind: 100.0 + Double(index)), 1, 9 \
        FROM numbers(60) ARRAY JOIN [('', ''), ('model', 'claude'), ('model', \(bind: "own-\(index)"))] AS d ARRAY JOIN ['', 'latency_ms'] AS m
        """)
    }
    let rollup = TenantData.Rollup(
      dimensions: ["", "model"], halves: [], omittedDimensions: [], measures: ["latency_ms"], omittedMeasures: [])
    let first = day("2026-10-01")
    var data = TenantData(
      version: TenantData.Version(events: 600_000, lastIngested: now),
      days: (0..<60).map { TenantData.Day(day: first.adding(days: $0), events: 10_000, build: 1, rollup: rollup) })
    data.policy.minimumEvents = 1
    let planner = Planner(scope: try world.samples.planner().scope, dashboard: usage, tenantData: data)
    var statements: [(String, SQL)] = []
    for metric in [Metric.count, .sum, .avg] {
      for (kind, dimension) in [(WidgetKind.kpi, nil), (.timeseries, nil), (.breakdown, .property("model")), (.table, .property("model"))]
        as [(WidgetKind, Dimension?)]
      {
        let query = WidgetQuery(
          eventName: "api.call", metric: metric, numericProp: metric == .count ? nil : "latency_ms", groupBy: dimension,
          compare: .previousPeriod)
        statements += try planner.plan(query, kind: kind).statements.map { ("rollups \(kind) \(metric)", $0.sql) }
      }
    }
    #expect(statements.allSatisfy { $0.1.text.contains("`emban`.`rollups`") })
    try await check(statements, world.viewer)
    let known = TenantDataPlan(scope: planner.scope).statements
    try await check(known.map { ("tenant data", $0.sql) }, world.viewer)
  }

  /// The ways of asking above tell a statement without its conditions, and one that names somebody else.
  @Test func brokenStatementsAreFound() async throws {
    let world = try await World.shared()
    let bare = try await world.viewer.findings("SELECT count() FROM `emban`.`events`")
    #expect(bare.faults.contains("the conditions alone let others in"))
    let sql = try world.samples.planner().plan(WidgetQuery(), kind: .kpi).statements[0].sql
    let other = try await world.viewer.findings(sql.rewritten(for: world.viewer.foreign[0]))
    #expect(other.faults.contains("the conditions alone let others in"))
  }
}
