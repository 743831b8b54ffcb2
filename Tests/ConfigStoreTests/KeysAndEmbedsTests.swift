import ConfigStore
import Domain
import Testing

@Suite struct KeysAndEmbedsTests {
  @Test func revokesAndPagesKeys() async throws {
    let store = try await Store()
    let keys = APIKeyRepository(store.database)
    for number in 0..<5 {
      try await keys.insert(
        APIKey(
          id: KeyID("key_\(number)"), organizationID: store.organization, environment: .development, name: "K", scope: .ingest,
          prefix: "eb_ing_a", createdBy: "ada", createdAt: Store.start), hash: "hash\(number)")
    }
    #expect(try await keys.find(hash: "hash1")?.id.rawValue == "key_1")
    #expect(try await keys.revoke(OrganizationID("org_other"), KeyID("key_1"), at: Store.start) == nil)
    #expect(try await keys.revoke(store.organization, KeyID("key_1"), at: Store.start)?.revokedAt == Store.start)
    #expect(try await keys.revoke(store.organization, KeyID("key_1"), at: Store.start) == nil)
    #expect(try await keys.find(hash: "hash1") == nil)
    try await keys.touch(KeyID("key_2"), at: Store.start.adding(seconds: 7))
    #expect(try await keys.get(store.organization, KeyID("key_2"))?.lastUsedAt == Store.start.adding(seconds: 7))
    let page = try await keys.list(store.organization, PageRequest(limit: 3))
    let rest = try await keys.list(store.organization, PageRequest(limit: 3, cursor: page.nextCursor))
    #expect(page.items.count == 3 && rest.items.count == 2 && rest.nextCursor == nil)
    let error = try await appError {
      try await keys.insert(
        APIKey(
          id: KeyID("key_9"), organizationID: store.organization, environment: EnvironmentName("staging"), name: "K", scope: .ingest,
          prefix: "eb_ing_a", createdBy: "ada", createdAt: Store.start), hash: "hash9")
    }
    #expect(error?.status == 422 && error?.details.first?.field == "environment")
  }

  @Test func agreesOnOneSigningKeyAndRotates() async throws {
    let store = try await Store()
    let keys = SigningKeyRepository(store.database)
    let kids = try await withThrowingTaskGroup(of: String.self) { group in
      for number in 0..<20 {
        group.addTask { try await keys.current(store.organization, orInsert: "ek_\(number)", at: Store.start).kid }
      }
      return try await group.reduce(into: Set()) { $0.insert($1) }
    }
    let old = try #require(kids.first)
    #expect(kids.count == 1)
    let new = try await keys.rotate(store.organization, to: "ek_new", at: Store.start.adding(seconds: 1))
    #expect(try await keys.current(store.organization, orInsert: "ek_x", at: Store.start).kid == new.kid)
    #expect(try await keys.find(kid: old)?.retiredAt == Store.start.adding(seconds: 1))
    #expect(try await keys.list(store.organization).map(\.kid) == ["ek_new", old])
  }

  @Test func listsRevokesAndPurgesEmbedSessions() async throws {
    let store = try await Store()
    let sessions = EmbedSessionRepository(store.database)
    let dashboard = try await DashboardRepository(store.database).create(
      store.organization, slug: "usage", name: "Usage", config: [:], by: "ada", at: Store.start)
    func session(_ id: String, tenant: String, seconds: Double, in organization: OrganizationID? = nil) -> EmbedSession {
      EmbedSession(
        id: SessionID(id), organizationID: organization ?? store.organization, environment: .production, tenantID: TenantID(tenant),
        dashboardID: dashboard.id,
        permissions: EmbedPermissions(lockedFilters: ["model": ["gpt-4"]], hiddenWidgets: ["w_1"], allowExport: false),
        context: ["userId": "u1"], timezone: "Europe/Berlin", allowedOrigins: ["https://a.example"], createdAt: Store.start,
        createdBy: "key_1", expiresAt: Store.start.adding(seconds: seconds))
    }
    var stored = session("ses_1", tenant: "acme", seconds: 60)
    try await sessions.insert(stored)
    try await sessions.insert(session("ses_2", tenant: "acme", seconds: 600))
    try await sessions.insert(session("ses_3", tenant: "globex", seconds: 600))
    stored = try #require(try await sessions.find(SessionID("ses_2")))
    #expect(stored.context["userId"] == "u1" && stored.allowedOrigins == ["https://a.example"] && stored.locale == nil)
    #expect(stored.permissions.lockedFilters == ["model": ["gpt-4"]] && stored.permissions.allowExport == false)

    let (other, _) = try await Store.register("grace@example.com", in: store.database)
    let foreign = try await appError { try await sessions.insert(session("ses_4", tenant: "x", seconds: 60, in: other)) }
    #expect(foreign?.code == "dashboard_not_found")

    let later = Store.start.adding(seconds: 60)
    #expect(try await sessions.listLive(store.organization, tenant: TenantID("acme"), at: later).items.map(\.id.rawValue) == ["ses_2"])
    #expect(try await sessions.listLive(store.organization, at: later).items.count == 2)
    #expect(try await sessions.listLive(other, at: later).items.isEmpty)
    #expect(try await sessions.revoke(other, SessionID("ses_2"), at: later) == false)
    #expect(try await sessions.revoke(store.organization, SessionID("ses_2"), at: later))
    #expect(try await sessions.find(SessionID("ses_2"))?.revokedAt == later)
    #expect(try await sessions.revokeAll(other, tenant: TenantID("globex"), at: later) == [])
    #expect(try await sessions.revokeAll(store.organization, tenant: TenantID("globex"), at: later).map(\.rawValue) == ["ses_3"])
    #expect(try await sessions.purge(at: later) == 1)
    try await DashboardRepository(store.database).delete(store.organization, "usage")
    #expect(try await sessions.find(SessionID("ses_2")) == nil)
  }

  @Test func filtersTheAuditLog() async throws {
    let store = try await Store()
    let audit = AuditRepository(store.database)
    for number in 0..<6 {
      try await audit.append(
        AuditEntry(
          organizationID: store.organization, at: Store.start.adding(seconds: Double(number)), actor: number < 3 ? "ada" : "grace",
          action: "dashboard.publish", entity: "dashboard", entityID: "dash_\(number)", address: "192.0.2.1", before: nil,
          after: ["version": .int(number)]))
    }
    let all = try await audit.list(store.organization)
    #expect(all.items.map(\.entityID) == (0..<6).reversed().map { "dash_\($0)" })
    #expect(all.items.first?.after?["version"] == 5 && all.items.first?.before == nil)
    #expect(try await audit.list(store.organization, AuditFilter(actor: "ada", action: "dashboard.publish")).items.count == 3)
    let filter = AuditFilter(from: Store.start.adding(seconds: 1), to: Store.start.adding(seconds: 3))
    #expect(try await audit.list(store.organization, filter).items.map(\.entityID) == ["dash_2", "dash_1"])
    let page = try await audit.list(store.organization, AuditFilter(), PageRequest(limit: 4))
    let rest = try await audit.list(store.organization, AuditFilter(), PageRequest(limit: 4, cursor: page.nextCursor))
    #expect(page.items.count == 4 && rest.items.count == 2)
    #expect(try await audit.list(OrganizationID("org_other")).items.isEmpty)
  }
}
