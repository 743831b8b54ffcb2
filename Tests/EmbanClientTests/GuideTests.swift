import EmbanClient
import Foundation
import Testing

/// The snippets of `docs/guides/swift.md`, word by word: a test from outside compares them.
@Suite struct GuideTests {
  @Test func theSnippetsOfTheGuideRun() async throws {
    let server = try await TestServer.shared()
    let (url, key) = (server.url, server.key)
    let emban = try EmbanClient(baseURL: url, apiKey: key)
    let made = try await emban.createDashboard(["name": "Guide", "slug": "usage", "widgets": []])
    try await emban.publishDashboard(made.id)
    try await events(emban)
    try await sessions(emban)
    try await TestServer.settle()
    try await questions(emban)
  }

  private func events(_ emban: EmbanClient) async throws {
    let result = try await emban.ingest([
      EmbanEvent(
        tenantID: "acme", eventName: "api.call", userID: "user_42", stringProps: ["model": "gpt-4"],
        numericProps: ["tokens": 150, "latency_ms": 230])
    ])
    for rejection in result.rejections { print("event \(rejection.index): \(rejection.field) \(rejection.expected)") }
    #expect(result.isComplete)

    let events = EventBatcher(emban) { loss in print(loss) }
    try await events.add(EmbanEvent(tenantID: "acme", eventName: "page.viewed"))
    try await events.shutdown()
    #expect(await events.count == 0)
  }

  private func sessions(_ emban: EmbanClient) async throws {
    let session = try await emban.createEmbedSession(
      tenantID: "acme", dashboardID: "usage", expiresIn: 900,
      permissions: EmbanPermissions(allowedPeriods: ["7d", "30d"], allowExport: false))
    print(session.embedURL.isEmpty, session.expiresAt)
    try await emban.revokeEmbedSessions(tenantID: "acme")
    #expect(try await emban.listEmbedSessions(tenantID: "acme").items.isEmpty)

    do {
      _ = try await emban.createEmbedSession(tenantID: "acme", dashboardID: "nothing")
    } catch EmbanError.api(let error) where error.code == "dashboard_not_found" {
      print(error.message)
    }
  }

  private func questions(_ emban: EmbanClient) async throws {
    struct Row: Decodable {
      let model: String
      let value: Double
    }
    let query = EmbanQuery(eventName: "api.call", metric: .sum, numericProp: "tokens", groupBy: "model", period: .last7d)
    let rows = try await emban.query(query, tenantID: "acme").rows(as: Row.self)
    #expect(rows.map(\.value) == [150])

    let dashboard = try await emban.createDashboard([
      "name": "Usage",
      "widgets": [["id": "w_calls", "title": "Calls", "kind": "kpi", "query": ["event_name": "api.call", "metric": "count"]]],
    ])
    try await emban.publishDashboard(dashboard.id)
    #expect(try await emban.dashboard(dashboard.id).status == "published")
  }
}
