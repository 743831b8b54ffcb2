import AsyncHTTPClient
import EmbanClient
import Foundation
import NIOCore
import NIOHTTP1
import Testing

@Suite struct ClientTests {
  /// Another error than the one that was expected.
  private struct Unexpected: Error {
    let error: EmbanError?
    init(_ error: EmbanError?) { self.error = error }
  }

  private static func calls(_ count: Int, of tenant: String, name: String = "api.call") -> [EmbanEvent] {
    (0..<count).map {
      EmbanEvent(
        tenantID: tenant, eventName: name, userID: "user-\($0 % 7)", stringProps: ["model": ["gpt-4", "claude"][$0 % 2]],
        numericProps: ["tokens": Double($0)])
    }
  }

  private static let widgets: EmbanJSON = [
    ["id": "w_calls", "title": "Calls", "kind": "kpi", "query": ["event_name": "api.call", "metric": "count", "period": "30d"]]
  ]

  private static func published(_ emban: EmbanClient) async throws -> EmbanDashboard {
    let dashboard = try await emban.createDashboard(["name": "Sessions", "widgets": widgets])
    try await emban.publishDashboard(dashboard.id)
    return dashboard
  }

  // MARK: - Events

  @Test func manyEventsAreSplitAndWrongOnesNamed() async throws {
    let emban = try await TestServer.shared().client()
    let tenant = TestServer.tenant()
    var events = Self.calls(2_500, of: tenant)
    events[1_001].eventName = ""
    events[1_500].numericProps["tokens"] = .infinity
    events[2_400].timestamp = Date(timeIntervalSince1970: -1)
    let result = try await emban.ingest(events)
    #expect(result.accepted == 2_497)
    #expect(result.rejected == 3)
    #expect(result.rejections.map(\.index) == [1_001, 1_500, 2_400])
    #expect(result.rejections.map(\.code) == ["event_name_length", "numeric_props_not_finite", "timestamp_range"])
    try await TestServer.settle()
    #expect(try await emban.query(EmbanQuery(eventName: "api.call"), tenantID: tenant).value == 2_497)
    // The same values again change nothing: they have kept their ids.
    #expect(try await emban.ingest(events).accepted == 2_497)
    try await TestServer.settle()
    #expect(try await emban.query(EmbanQuery(eventName: "api.call"), tenantID: tenant).value == 2_497)
    #expect(try await emban.ingest([]) == EmbanIngestResult())
  }

  @Test func aLostAnswerAndABusyServerLeaveEveryEventOnce() async throws {
    let server = try await TestServer.shared()
    let tenant = TestServer.tenant()
    let requests = try await FaultyProxy.run(server.url, [.lostAnswer, .busy(0), .lostAnswer]) { proxy, url in
      let result = try await server.client(at: url).ingest(Self.calls(10, of: tenant))
      #expect(result.accepted == 10)
      return proxy.requests
    }
    #expect(requests == 4)
    try await TestServer.settle()
    #expect(try await server.client().query(EmbanQuery(), tenantID: tenant).value == 10)
  }

  @Test func retryAfterIsWaitedForUpToALimit() async throws {
    let server = try await TestServer.shared()
    let start = ContinuousClock.now
    try await FaultyProxy.run(server.url, [.busy(1)]) { _, url in
      _ = try await server.client(at: url).listDashboards()
    }
    #expect(ContinuousClock.now - start >= .seconds(1))
    try await FaultyProxy.run(server.url, [.busy(120)]) { proxy, url in
      let error = await #expect(throws: EmbanError.self) { try await server.client(at: url).listDashboards() }
      guard case .api(let refusal) = error else { throw Unexpected(error) }
      #expect(refusal.status == 503 && refusal.retryAfter == 120)
      #expect(proxy.requests == 1)
    }
  }

  @Test func whatMayNotHappenTwiceIsNotRepeatedAfterALostAnswer() async throws {
    let server = try await TestServer.shared()
    let name = "Once \(UUID().uuidString)"
    try await FaultyProxy.run(server.url, [.lostAnswer]) { proxy, url in
      await #expect(throws: EmbanError.self) {
        try await server.client(at: url).createDashboard(["name": .string(name), "widgets": Self.widgets])
      }
      #expect(proxy.requests == 1)
    }
  }

  // MARK: - Queries

  @Test func answersHaveTypes() async throws {
    struct Row: Decodable, Equatable {
      let model: String
      let value: Double
    }
    let emban = try await TestServer.shared().client()
    let tenant = TestServer.tenant()
    try await emban.ingest(Self.calls(9, of: tenant))
    try await TestServer.settle()
    let models = try await emban.query(
      EmbanQuery(eventName: "api.call", metric: .sum, numericProp: "tokens", groupBy: "model", compare: .previousPeriod, limit: 5),
      tenantID: tenant, timezone: "Asia/Kolkata")
    #expect(try models.rows(as: Row.self) == [Row(model: "gpt-4", value: 20), Row(model: "claude", value: 16)])
    #expect(models.columns.first?.role == "dimension")
    #expect(models.meta.timezone == "Asia/Kolkata" && models.previous != nil)
    let one = try await emban.query(
      EmbanQuery(eventName: "api.call", filters: [.equals("model", "claude"), .atLeast("tokens", 5)]), tenantID: tenant)
    #expect(one.value == 2)
    let range = EmbanQuery.Period.range(from: Date(timeIntervalSinceNow: -7_200), to: Date(timeIntervalSinceNow: 7_200))
    let hours = try await emban.query(
      EmbanQuery(period: range, granularity: .hour), tenantID: tenant, kind: .timeseries)
    #expect(hours.rows.compactMap { $0["value"]?.numberValue }.reduce(0, +) == 9)
    #expect(hours.meta.granularity == .hour)
    try await emban.refreshCache(tenantID: tenant)
    #expect(try await !emban.query(EmbanQuery(), tenantID: tenant).meta.isCached)
  }

  // MARK: - Sessions

  private func status(of token: String, _ server: TestServer) async throws -> Int {
    var request = HTTPClientRequest(url: server.url + "/v1/embed/dashboard")
    request.headers = ["Authorization": "Bearer \(token)"]
    let answer = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
    _ = try await answer.body.collect(upTo: 1 << 20)
    return Int(answer.status.code)
  }

  @Test func sessionsAreMadeListedAndRevoked() async throws {
    let server = try await TestServer.shared()
    let emban = try server.client()
    let tenant = TestServer.tenant()
    let dashboard = try await Self.published(emban)
    let permissions = EmbanPermissions(lockedFilters: ["model": ["gpt-4"]], allowedPeriods: ["7d", "30d"], allowExport: false)
    let first = try await emban.createEmbedSession(
      tenantID: tenant, dashboardID: dashboard.slug, expiresIn: 600, permissions: permissions, context: ["userId": "u1"],
      timezone: "Europe/Berlin", locale: "de-CH", allowedOrigins: ["https://app.example.com"])
    let second = try await emban.createEmbedSession(tenantID: tenant, dashboardID: dashboard.id)
    #expect(first.embedURL.contains("/embed/\(dashboard.id)?token=\(first.token)"))
    #expect(first.fragmentURL.hasSuffix("/embed/\(dashboard.id)?session=\(first.sessionID)#token=\(first.token)"))
    #expect(abs(first.expiresAt.timeIntervalSinceNow - 600) < 300)
    let listed = try await emban.listEmbedSessions(tenantID: tenant)
    #expect(Set(listed.items.map(\.sessionID)) == [first.sessionID, second.sessionID] && listed.nextCursor == nil)
    let page = try await emban.listEmbedSessions(tenantID: tenant, limit: 1)
    let rest = try await emban.listEmbedSessions(tenantID: tenant, limit: 1, cursor: page.nextCursor)
    #expect(page.items.count == 1 && rest.items.count == 1 && page.items != rest.items)
    #expect(try await status(of: first.token, server) == 200)
    try await emban.revokeEmbedSession(first.sessionID)
    #expect(try await status(of: first.token, server) == 401)
    #expect(try await status(of: second.token, server) == 200)
    try await emban.revokeEmbedSessions(tenantID: tenant)
    #expect(try await status(of: second.token, server) == 401)
    #expect(try await emban.listEmbedSessions(tenantID: tenant).items.isEmpty)
  }

  // MARK: - Dashboards

  @Test func dashboardsGoThroughTheirLife() async throws {
    let emban = try await TestServer.shared().client()
    let slug = "life-\(UUID().uuidString.lowercased())"
    let made = try await emban.createDashboard(["name": "Life", "slug": .string(slug), "widgets": Self.widgets])
    #expect(made.status == "draft" && made.publishedVersion == nil)
    let changed = try await emban.updateDashboard(slug, ["description": "What you did"], ifRevision: made.revision)
    #expect(changed.json["description"]?.stringValue == "What you did" && changed.revision > made.revision)
    let conflict = await #expect(throws: EmbanError.self) {
      try await emban.updateDashboard(slug, ["description": "too late"], ifRevision: made.revision)
    }
    guard case .api(let refusal) = conflict else { throw Unexpected(conflict) }
    #expect(refusal.status == 409 && refusal.code == "revision_conflict" && refusal.requestID?.hasPrefix("req_") == true)
    try await emban.publishDashboard(slug)
    #expect(try await emban.dashboard(slug).publishedVersion == 1)
    #expect(try await emban.listDashboards(limit: 200).items.contains { $0.id == made.id && $0.status == "published" })
    try await emban.unpublishDashboard(made.id)
    #expect(try await emban.dashboard(made.id).status == "unpublished")
    try await emban.deleteDashboard(made.id)
    await #expect(throws: EmbanError.self) { try await emban.dashboard(slug) }
  }

  // MARK: - Errors

  @Test func errorsAreTyped() async throws {
    let server = try await TestServer.shared()
    let wrong = await #expect(throws: EmbanError.self) {
      try await server.client().createDashboard(["name": "x", "widgets": [["id": "w", "kind": "pie"]]])
    }
    guard case .api(let refusal) = wrong else { throw Unexpected(wrong) }
    #expect(refusal.status == 422 && refusal.code == "invalid_request")
    #expect(refusal.details.contains { $0.field == "widgets[0].kind" && $0.code == "unknown_value" })
    #expect(wrong?.isTransient == false)

    let stranger = try EmbanClient(baseURL: server.url + "/", apiKey: "eb_adm_nobodys", retry: .none)
    let unknown = await #expect(throws: EmbanError.self) { try await stranger.listDashboards() }
    guard case .api(let refused) = unknown else { throw Unexpected(unknown) }
    #expect(refused.status == 401 && refused.code == "unauthorized")

    // Port 9 ("discard") is served by nobody.
    let nobody = try EmbanClient(
      baseURL: "http://127.0.0.1:9", apiKey: server.key, retry: EmbanRetryPolicy(maximumAttempts: 2, baseDelay: .milliseconds(1)),
      timeout: .seconds(2))
    let unreachable = await #expect(throws: EmbanError.self) { try await nobody.ingest([EmbanEvent(tenantID: "a", eventName: "b")]) }
    guard case .unreachable = unreachable else { throw Unexpected(unreachable) }
    #expect(unreachable?.isTransient == true)

    try await FaultyProxy.run(server.url, [.foreignPage]) { _, url in
      let foreign = await #expect(throws: EmbanError.self) { try await server.client(at: url).listDashboards() }
      guard case .unexpectedAnswer(200, _) = foreign else { throw Unexpected(foreign) }
    }
  }

  @Test(arguments: ["", "analytics.example.com", "ftp://analytics.example.com", "https://me:secret@example.com", "https://example.com?a=b"])
  func addressesThatCannotBeUsedAreRefused(_ address: String) {
    #expect(throws: EmbanError.self) { try EmbanClient(baseURL: address, apiKey: "eb_adm_x") }
  }

  @Test(arguments: ["", "eb_adm_x\r\nX-Other: 1", "with space"])
  func keysThatCannotBeUsedAreRefused(_ key: String) {
    #expect(throws: EmbanError.self) { try EmbanClient(baseURL: "https://analytics.example.com", apiKey: key) }
  }

  /// What people put into logs: interpolation, `String(reflecting:)`, `dump`, and errors.
  @Test func secretsAreShownNowhere() async throws {
    func everything(_ value: some Any) -> String {
      var text = "\(value) \(String(reflecting: value))"
      dump(value, to: &text)
      return text
    }
    let server = try await TestServer.shared()
    let emban = try server.client()
    let dashboard = try await Self.published(emban)
    let session = try await emban.createEmbedSession(tenantID: TestServer.tenant(), dashboardID: dashboard.id)
    let batcher = EventBatcher(emban) { _ in }
    #expect(!everything(emban).contains(server.key) && everything(emban).contains(server.url))
    #expect(!everything(session).contains(session.token) && everything(session).contains(session.sessionID))
    #expect(!everything([session]).contains(session.token))
    #expect(!everything(batcher).contains(server.key))
    let stranger = try EmbanClient(baseURL: server.url, apiKey: "eb_adm_nobodys", retry: .none)
    do {
      _ = try await stranger.listDashboards()
    } catch {
      #expect(!everything(error).contains("eb_adm_nobodys"))
    }
  }
}
