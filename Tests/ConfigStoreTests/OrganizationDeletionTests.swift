import ConfigStore
import Domain
import Testing

/// Deleting an organisation.
@Suite struct OrganizationDeletionTests {
  /// Every table that says whose a row is.
  private static let tables: [(name: String, count: Statement)] = [
    ("api_keys", "SELECT COUNT(*) AS count FROM api_keys WHERE org_id = "),
    ("audit_entries", "SELECT COUNT(*) AS count FROM audit_entries WHERE org_id = "),
    ("cache_generations", "SELECT COUNT(*) AS count FROM cache_generations WHERE org_id = "),
    ("console_sessions", "SELECT COUNT(*) AS count FROM console_sessions WHERE org_id = "),
    ("dashboards", "SELECT COUNT(*) AS count FROM dashboards WHERE org_id = "),
    ("data_apps", "SELECT COUNT(*) AS count FROM data_apps WHERE org_id = "),
    ("embed_sessions", "SELECT COUNT(*) AS count FROM embed_sessions WHERE org_id = "),
    ("environments", "SELECT COUNT(*) AS count FROM environments WHERE org_id = "),
    ("invites", "SELECT COUNT(*) AS count FROM invites WHERE org_id = "),
    ("memberships", "SELECT COUNT(*) AS count FROM memberships WHERE org_id = "),
    ("removals", "SELECT COUNT(*) AS count FROM removals WHERE org_id = "),
    ("signing_keys", "SELECT COUNT(*) AS count FROM signing_keys WHERE org_id = "),
    ("viewer_layouts", "SELECT COUNT(*) AS count FROM viewer_layouts WHERE org_id = "),
    ("viewer_widgets", "SELECT COUNT(*) AS count FROM viewer_widgets WHERE org_id = "),
  ]

  private func rows(_ store: Store, _ organization: OrganizationID) async throws -> [String: Int] {
    var found: [String: Int] = [:]
    for (name, count) in Self.tables {
      found[name] = try await store.database.read { try $0.query("\(count)\(organization)").first?.integer("count") }
    }
    return found
  }

  /// A table that is added later is to be looked at as well.
  @Test func allTablesAreLookedAt() async throws {
    let store = try await Store()
    let names = try await store.database.read { connection in
      try connection.query(
        """
        SELECT m.name AS name FROM sqlite_master m WHERE m.type = 'table' \
        AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) c WHERE c.name = 'org_id') ORDER BY m.name
        """
      ).map { try $0.text("name") }
    }
    #expect(names == Self.tables.map(\.name))
  }

  private func fill(_ store: Store, _ organization: OrganizationID, _ user: UserID) async throws {
    let at = Store.start
    let database = store.database
    try await SessionRepository(database).insert(
      ConsoleSession(
        id: SessionID(IDGenerator.make("con")), userID: user, organizationID: organization, role: .owner, createdAt: at,
        expiresAt: at.adding(seconds: 10), lastSeenAt: at), tokenHash: IDGenerator.make("hash"))
    let dashboard = try await DashboardRepository(database).create(
      organization, slug: "usage", name: "Usage", config: [:], by: user.rawValue, at: at)
    _ = try await SigningKeyRepository(database).current(organization, orInsert: IDGenerator.make("ek"), at: at)
    try await EmbedSessionRepository(database).insert(
      EmbedSession(
        id: SessionID(IDGenerator.make("ses")), organizationID: organization, environment: .production, tenantID: TenantID("acme"),
        dashboardID: dashboard.id, permissions: EmbedPermissions(), context: [:], allowedOrigins: [], createdAt: at,
        createdBy: user.rawValue, expiresAt: at.adding(seconds: 60)))
    try await CacheGenerationRepository(database).advance(organization, tenant: nil, dashboard: nil)
    try await AuditRepository(database).append(
      AuditEntry(
        organizationID: organization, at: at, actor: user.rawValue, action: "user.login", entity: "user", entityID: user.rawValue,
        address: ""))
    try await InviteRepository(database).put(
      Invite(
        id: InviteID(IDGenerator.make("inv")), organizationID: organization, email: try #require(EmailAddress("new@example.com")),
        role: .member, createdBy: user.rawValue, createdAt: at, expiresAt: at.adding(seconds: 100)), tokenHash: IDGenerator.make("hash"))
  }

  @Test func takesEverythingOfItAndNothingOfOthers() async throws {
    let store = try await Store()
    let (other, grace) = try await Store.register("grace@example.com", in: store.database)
    try await fill(store, store.organization, store.user)
    try await fill(store, other, grace)
    let before = try await rows(store, other)
    #expect(try await rows(store, store.organization) == before)
    #expect(before.values.count { $0 > 0 } >= 9)
    let repository = OrganizationRepository(store.database)
    for stranger in [grace, UserID("usr_none")] {
      #expect(try await repository.delete(store.organization, ownedBy: stranger, at: Store.start) == false)
    }
    #expect(try await repository.deleted().isEmpty)

    #expect(try await repository.delete(store.organization, ownedBy: store.user, at: Store.start))
    #expect(try await repository.delete(store.organization, ownedBy: store.user, at: Store.start) == false)
    #expect(try await repository.get(store.organization) == nil)
    #expect(try await rows(store, store.organization).values.allSatisfy { $0 == 0 })
    #expect(try await rows(store, other) == before)
    // People stay, and may belong elsewhere.
    #expect(try await UserRepository(store.database).get(store.user) != nil)
    #expect(try await repository.deleted(notErased: true).map(\.id) == [store.organization])
    try await repository.noteErased(store.organization, at: Store.start)
    #expect(try await repository.deleted(notErased: true).isEmpty)
    #expect(try await repository.deleted().map(\.id) == [store.organization])
    // What is still told of it, by whoever finishes a removal, is no error.
    try await CacheGenerationRepository(store.database).advance(store.organization, tenant: nil, dashboard: nil)
  }
}
