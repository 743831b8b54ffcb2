import Domain
import HTTPAPI
import QueryEngine
import Testing

/// What is kept, for whom, and how much of it.
@Suite struct ResultCacheTests {
  private static func key(_ name: Int) -> CacheKey { CacheKey(naming: "question \(name)") }

  private static func answer(_ bytes: Int) -> CachedAnswer { CachedAnswer(head: Array(repeating: 0x20, count: bytes), meta: [:]) }

  @Test func whoAsksFirstMakesTheAnswerAndOthersGetIt() async {
    let cache = ResultCache(capacity: 1 << 20)
    guard case .claimed = cache.look(for: Self.key(1)), case .pending = cache.look(for: Self.key(1)) else {
      Issue.record("the first has to make it, the second to wait")
      return
    }
    async let waiting = cache.wait(for: Self.key(1))
    async let other = cache.wait(for: Self.key(1))
    cache.fulfil(Self.key(1), Self.answer(10), keptFor: nil)
    #expect(await waiting != nil)
    #expect(await other != nil)
    guard case .answer = cache.look(for: Self.key(1)) else {
      Issue.record("it is kept")
      return
    }
  }

  @Test func whoWaitsForNothingIsTold() async {
    let cache = ResultCache(capacity: 1 << 20)
    _ = cache.look(for: Self.key(1))
    async let waiting = cache.wait(for: Self.key(1))
    cache.abandon(Self.key(1))
    #expect(await waiting == nil)
    guard case .claimed = cache.look(for: Self.key(1)) else {
      Issue.record("the next has to make it")
      return
    }
    let task = Task { await cache.wait(for: Self.key(1)) }
    task.cancel()
    #expect(await task.value == nil)
  }

  @Test func whatIsKeptForAMomentGoes() async throws {
    let cache = ResultCache(capacity: 1 << 20)
    _ = cache.look(for: Self.key(1))
    cache.fulfil(Self.key(1), Self.answer(10), keptFor: .milliseconds(20))
    try await Task.sleep(for: .milliseconds(60))
    guard case .claimed = cache.look(for: Self.key(1)) else {
      Issue.record("it is too old")
      return
    }
    #expect(cache.bytes == 0)
  }

  @Test func memoryIsBoundedAndTheLongestUnusedGoesFirst() {
    let cache = ResultCache(capacity: 1 << 20)
    for number in 0..<500 {
      _ = cache.look(for: Self.key(number))
      cache.fulfil(Self.key(number), Self.answer(20_000), keptFor: nil)
      // The first is used all the time.
      _ = cache.look(for: Self.key(0))
      #expect(cache.bytes <= 1 << 20)
    }
    guard case .answer = cache.look(for: Self.key(0)), case .answer = cache.look(for: Self.key(499)),
      case .claimed = cache.look(for: Self.key(100))
    else {
      Issue.record("what was used last is there, what was not is gone")
      return
    }
    // What would push out everything else is not kept.
    _ = cache.look(for: Self.key(1_000))
    cache.fulfil(Self.key(1_000), Self.answer(500_000), keptFor: nil)
    guard case .claimed = cache.look(for: Self.key(1_000)) else {
      Issue.record("too large to keep")
      return
    }
  }

  // MARK: Keys

  /// Each changes one thing of what makes an answer; no two may have the same key.
  @Test func everythingThatMakesAnAnswerIsInItsKey() throws {
    let now = Instant(milliseconds: 1_790_000_000_000)
    let query = WidgetQuery(eventName: "api.call")
    func key(
      _ query: WidgetQuery, organization: String = "org_1", environment: EnvironmentName = .production,
      tenant: Scope.Tenant = .one(TenantID("acme")),
      locked: [String: [String]] = [:], zone: String = "UTC", state: ViewState = ViewState(), published: String = "dash_1 1",
      generation: Int = 0, events: Int = 5, ingested: Int64 = 7, mark: String = ""
    ) throws -> CacheKey {
      let scope = try Scope(
        organization: OrganizationID(organization), environment: environment, tenant: tenant, lockedFilters: locked, now: now,
        zone: try Zone(zone))
      let dashboard = DashboardConfig(
        name: "Usage", filters: [DashboardFilter(id: "f", control: .select(.property("model"), multiple: true))], widgets: [])
      let plan = try Planner(scope: scope, dashboard: dashboard).plan(query, kind: .kpi, state: state)
      let version = TenantData.Version(events: events, lastIngested: Instant(milliseconds: ingested))
      return CacheKey(plan, published: published, generation: generation, version: version, mark: mark)
    }
    let keys = [
      try key(query), try key(query, organization: "org_2"), try key(query, environment: .development),
      try key(query, tenant: .one(TenantID("globex"))), try key(query, tenant: .all), try key(query, locked: ["model": ["a"]]),
      try key(query, locked: ["model": ["b"]]), try key(query, locked: ["model": ["a", "b"]]), try key(query, locked: ["models": ["a"]]),
      try key(query, zone: "Asia/Tokyo"), try key(query, state: ViewState(dimensions: ["model": ["a"]])),
      try key(query, state: ViewState(dimensions: ["model": ["\u{e9}"]])),
      try key(query, state: ViewState(dimensions: ["model": ["e\u{301}"]])),
      try key(query, state: ViewState(period: .week)), try key(query, published: "dash_1 2"), try key(query, published: "dash_2 1"),
      try key(query, generation: 1), try key(query, events: 6), try key(query, ingested: 8), try key(query, mark: "1"),
      try key(WidgetQuery(eventName: "api.calls")), try key(WidgetQuery(eventName: "api.call", metric: .countUnique)),
    ]
    #expect(Set(keys).count == keys.count)
    #expect(try key(query) == key(query))
  }
}
