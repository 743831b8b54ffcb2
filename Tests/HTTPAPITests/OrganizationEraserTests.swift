import ClickHouse
import ConfigStore
import Domain
import Foundation
import HTTPAPI
import Ingest
import NIOCore
import TestSupport
import Testing

/// What the event store holds of a deleted organisation goes, whenever it was stored, and nothing of others.
@Suite struct OrganizationEraserTests {
  @Test func nothingStaysOfADeletedOrganization() async throws {
    let world = try await World()
    let other = OrganizationID(TestClickHouse.uniqueOrganization())
    for organization in [world.organization, other] {
      try await world.store(organization, ["acme", "globex"], environment: "production")
      try await world.store(organization, ["acme"], environment: "development")
      try await world.rollUp(organization)
    }
    let before = try await world.rows(other)
    #expect(before == ["events": 3, "event_ids": 3, "tenant_days": 3, "rollups": 1, "rollup_days": 1])
    // Not deleted yet.
    try await world.eraser.erase(at: world.deletedAt)
    #expect(try await world.rows(world.organization) == before)

    #expect(try await world.delete())
    try await world.eraser.erase(at: world.deletedAt)
    #expect(try await world.rows(world.organization).values.reduce(0, +) == 0)
    #expect(try await world.rows(other) == before)
  }

  /// Events that were on their way are erased as well, for as long as any may be; then the organisation counts as erased.
  @Test func whatIsStoredLaterGoesToo() async throws {
    let world = try await World()
    #expect(try await world.delete())
    for seconds in [0.0, 300, 599] {
      try await world.store(world.organization, ["acme"], environment: "production")
      try await world.eraser.erase(at: world.deletedAt.adding(seconds: seconds))
      #expect(try await world.rows(world.organization)["events"] == 0)
      #expect(try await world.open == [world.organization])
    }
    // Something at the last moment: looked at once more.
    try await world.store(world.organization, ["acme"], environment: "production")
    try await world.eraser.erase(at: world.deletedAt.adding(seconds: 600))
    #expect(try await world.open == [world.organization])
    try await world.eraser.erase(at: world.deletedAt.adding(seconds: 600))
    #expect(try await world.open == [])

    // A program that was away for days.
    try await world.store(world.organization, ["acme"], environment: "production")
    try await world.eraser.erase(at: world.deletedAt.adding(seconds: 90_000))
    #expect(try await world.rows(world.organization)["events"] == 1)
    try await world.eraser.sweep()
    #expect(try await world.rows(world.organization).values.reduce(0, +) == 0)
  }

  /// A removal of a customer that was cut off before the organisation was deleted ends, instead of being tried for ever.
  @Test func aRemovalThatWasCutOffEndsAllTheSame() async throws {
    let world = try await World()
    try await world.store(world.organization, ["acme"], environment: "production")
    let removals = RemovalRepository(world.database)
    _ = try await removals.begin(world.organization, id: "cut-off", at: Instant(milliseconds: 0))
    let before = world.deletedAt.milliseconds * 2
    _ = try await removals.fix(
      world.organization, id: "cut-off",
      plan: "{\"kind\":\"tenant\",\"environment\":\"production\",\"tenant\":\"acme\",\"before\":\(before)}")
    #expect(try await world.delete())
    let eraser = TenantEraser(remover: world.remover)
    // Which takes over what stands in its way.
    _ = try await eraser.erase(TenantID("globex"), of: IngestScope(organization: world.organization, environment: .production))
    #expect(try await removals.list().isEmpty)
    try await world.eraser.erase(at: world.deletedAt)
    #expect(try await world.rows(world.organization).values.reduce(0, +) == 0)
  }
}

private struct World {
  let clickhouse: TestClickHouse
  let organization = OrganizationID(TestClickHouse.uniqueOrganization())
  let database: SQLiteDatabase
  let owner = UserID("usr_ada")
  let deletedAt = Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))

  init() async throws {
    clickhouse = try await TestClickHouse.shared()
    database = try SQLiteDatabase(path: try TestClickHouse.makeTestFolder() + "/emban.sqlite")
    try await ConfigMigrator.migrate(database, at: deletedAt)
    let address = EmailAddress("ada@example.com")
    try await RegistrationRepository(database).register(
      Registration(
        user: User(id: owner, email: try #require(address), name: "Ada", passwordHash: "none", createdAt: deletedAt),
        organization: Organization(id: organization, name: "Acme", plan: "scale", allowedOrigins: [], createdAt: deletedAt),
        apiKey: APIKey(
          id: KeyID("key_ada"), organizationID: organization, environment: .production, name: "Default", scope: .admin, prefix: "eb_adm_x",
          createdBy: owner.rawValue, createdAt: deletedAt), apiKeyHash: "hash"))
  }

  var remover: EventRemover {
    let generations = CacheGenerationRepository(database)
    return EventRemover(
      client: clickhouse.client, journal: StoredRemovalJournal(database), clock: { [deletedAt] in deletedAt }, logger: clickhouse.logger,
      removed: { organization, _, _ in try await generations.advance(organization, tenant: nil, dashboard: nil) })
  }

  var eraser: OrganizationEraser {
    let organizations = OrganizationRepository(database)
    return OrganizationEraser(
      remover: remover, open: { try await organizations.deleted(notErased: true).map { .init(id: $0.id, at: $0.deletedAt) } },
      all: { try await organizations.deleted().map(\.id) },
      erased: { [deletedAt] in try await organizations.noteErased($0, at: deletedAt) }, logger: clickhouse.logger)
  }

  var open: [OrganizationID] { get async throws { try await OrganizationRepository(database).deleted(notErased: true).map(\.id) } }

  func delete() async throws -> Bool {
    try await OrganizationRepository(database).delete(organization, ownedBy: owner, at: deletedAt)
  }

  func store(_ organization: OrganizationID, _ tenants: [String], environment: String) async throws {
    let lines = tenants.map { tenant -> String in
      let line: JSONValue = [
        "org_id": .string(organization.rawValue), "environment": .string(environment), "tenant_id": .string(tenant),
        "event_name": "api.call", "event_id": .string(IDGenerator.make("e")), "timestamp": deletedAt.adding(seconds: -3600).json,
        "ingested_at": deletedAt.json,
      ]
      return line.serialized() + "\n"
    }
    try await clickhouse.client.insert(
      into: "emban.events", columns: ["org_id", "environment", "tenant_id", "event_name", "event_id", "timestamp", "ingested_at"],
      body: ByteBuffer(string: lines.joined()), settings: ["SQL_emban_batch": "1"])
  }

  func rollUp(_ organization: OrganizationID) async throws {
    for table: SQLIdentifier in ["emban.rollups", "emban.rollup_days"] {
      try await clickhouse.client.execute(
        """
        INSERT INTO \(identifier: table) (org_id, environment, tenant_id, build) \
        VALUES (\(bind: organization.rawValue), 'production', 'acme', 1)
        """)
    }
  }

  /// How many rows of an organisation each table has.
  func rows(_ organization: OrganizationID) async throws -> [String: Int] {
    var found: [String: Int] = [:]
    for table: SQLIdentifier in ["emban.events", "emban.event_ids", "emban.tenant_days", "emban.rollups", "emban.rollup_days"] {
      let count = try await clickhouse.client.query(
        "SELECT count() FROM \(identifier: table) WHERE org_id = \(bind: organization.rawValue)", as: .admin)
      found[String(table.name.dropFirst("emban.".count))] = Int(count.scalar?.numberValue ?? -1)
    }
    return found
  }
}
