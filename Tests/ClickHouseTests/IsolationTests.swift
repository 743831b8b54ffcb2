import ClickHouse
import Domain
import TestSupport
import Testing

/// Isolation by the database alone: the statements here carry no tenant predicate at all.
@Suite struct IsolationTests {
  /// Two organisations, two environments, two tenants: the number of rows tells whose they are.
  private struct World {
    let client: ClickHouseClient
    let first = TestClickHouse.uniqueOrganization()
    let second = TestClickHouse.uniqueOrganization()

    init() async throws {
      client = try await TestClickHouse.shared().client
      var count = 1
      for organization in [first, second] {
        for environment in ["production", "development"] {
          for tenant in ["acme", "globex"] {
            var rows = EventRows(organization: organization, environment: environment, tenant: tenant)
            for number in 0..<count { rows.add(id: "\(tenant)-\(number)") }
            try await rows.insert(with: client)
            count *= 2
          }
        }
      }
    }

    func count(as role: DatabaseRole) async throws -> JSONValue? {
      try await client.query("SELECT count() FROM emban.events", as: role).scalar
    }
  }

  @Test func aViewerSeesItsTenantOnly() async throws {
    let world = try await World()
    func viewer(_ organization: String, _ environment: String, _ tenant: String?) -> DatabaseRole {
      .viewer(ScopeSettings(organization: organization, environment: environment, tenant: tenant))
    }
    #expect(try await world.count(as: viewer(world.first, "production", "acme")) == 1)
    #expect(try await world.count(as: viewer(world.first, "production", "globex")) == 2)
    #expect(try await world.count(as: viewer(world.first, "development", "acme")) == 4)
    #expect(try await world.count(as: viewer(world.second, "production", "acme")) == 16)
    #expect(try await world.count(as: viewer(world.second, "development", "globex")) == 128)
    #expect(try await world.count(as: viewer(world.first, "production", "initech")) == 0)
    // A part of the scope missing: nothing, and no error.
    #expect(try await world.count(as: viewer(world.first, "production", nil)) == 0)
    #expect(try await world.count(as: viewer(world.first, "production", "")) == 0)
    #expect(try await world.count(as: viewer(world.first, "", "acme")) == 0)
    #expect(try await world.count(as: viewer("", "production", "acme")) == 0)
    #expect(try await world.count(as: viewer("", "", nil)) == 0)
  }

  @Test func anAnalystSeesItsEnvironmentOnly() async throws {
    let world = try await World()
    func analyst(_ organization: String, _ environment: String) -> DatabaseRole {
      .analyst(ScopeSettings(organization: organization, environment: environment, tenant: nil))
    }
    #expect(try await world.count(as: analyst(world.first, "production")) == 3)
    #expect(try await world.count(as: analyst(world.first, "development")) == 12)
    #expect(try await world.count(as: analyst(world.second, "production")) == 48)
    #expect(try await world.count(as: analyst(world.first, "")) == 0)
    #expect(try await world.count(as: analyst("", "production")) == 0)
    #expect(try await world.count(as: analyst("", "")) == 0)
  }

  /// What is counted in advance is kept apart by the same policies.
  @Test func countsAndRollupsAreAsApartAsTheirEvents() async throws {
    let world = try await World()
    for organization in [world.first, world.second] {
      for tenant in ["acme", "globex"] {
        try await world.client.execute(
          """
          INSERT INTO emban.rollups (org_id, environment, tenant_id, bucket, n)
          SELECT \(bind: organization), 'production', \(bind: tenant), toDateTime('2026-03-01'), 1
          """)
        try await world.client.execute(
          """
          INSERT INTO emban.rollup_days (org_id, environment, tenant_id, day, n)
          SELECT \(bind: organization), 'production', \(bind: tenant), toDate32('2026-03-01'), 1
          """)
      }
    }
    let viewer = DatabaseRole.viewer(ScopeSettings(organization: world.first, environment: "production", tenant: "globex"))
    let analyst = DatabaseRole.analyst(ScopeSettings(organization: world.first, environment: "production", tenant: nil))
    let incomplete = [
      DatabaseRole.viewer(ScopeSettings(organization: world.first, environment: "production", tenant: nil)),
      .viewer(ScopeSettings(organization: world.first, environment: "", tenant: "globex")),
      .analyst(ScopeSettings(organization: "", environment: "production", tenant: nil)),
    ]
    for table in ["emban.rollups", "emban.rollup_days", "emban.tenant_days"] as [SQLIdentifier] {
      let tenants: SQL = "SELECT DISTINCT org_id, tenant_id FROM \(identifier: table) ORDER BY tenant_id"
      let first = JSONValue.string(world.first)
      #expect(try await world.client.query(tenants, as: viewer).rows == [[first, "globex"]])
      #expect(try await world.client.query(tenants, as: analyst).rows == [[first, "acme"], [first, "globex"]])
      for role in incomplete { #expect(try await world.client.query(tenants, as: role).rows.isEmpty) }
    }
    #expect(try await world.client.query("SELECT sum(n) FROM emban.tenant_days", as: viewer).scalar == 2)
    #expect(try await world.client.query("SELECT sum(n) FROM emban.tenant_days", as: analyst).scalar == 3)
  }

  /// The caches of the server must not carry an answer from one tenant to another: the same text, in turns.
  @Test func theSameTextForTwoTenantsInTurns() async throws {
    let world = try await World()
    for _ in 0..<3 {
      for (tenant, expected) in [("acme", 16), ("globex", 32)] as [(String, JSONValue)] {
        let role = DatabaseRole.viewer(ScopeSettings(organization: world.second, environment: "production", tenant: tenant))
        let rows = try await world.client.query(
          "SELECT countIf(startsWith(event_id, tenant_id)), uniqExact(tenant_id) FROM emban.events WHERE user_id = ''", as: role)
        #expect(rows.rows == [[expected, 1]])
      }
    }
  }

  /// ClickHouse remembers which granules a condition left empty. Two tenants share a granule here; what it remembers of the one
  /// must not hide rows of the other.
  @Test func whatIsRememberedOfAConditionIsRememberedPerTenant() async throws {
    let client = try await TestClickHouse.shared().client
    let organization = TestClickHouse.uniqueOrganization()
    try await client.execute(
      """
      INSERT INTO emban.events (org_id, environment, tenant_id, event_name, timestamp, user_id)
      SELECT \(bind: organization), 'production', if(number < 50000, 'acme', 'globex'), 'e',
        toDateTime64('2026-03-01 00:00:00', 3, 'UTC') + number / 1000, if(number < 50000, 'nobody', 'somebody')
      FROM numbers(100000)
      """)
    let statement: SQL = "SELECT count() FROM emban.events WHERE user_id = 'somebody'"
    for _ in 0..<3 {
      for (tenant, expected) in [("acme", 0), ("globex", 50_000)] as [(String, JSONValue)] {
        let role = DatabaseRole.viewer(ScopeSettings(organization: organization, environment: "production", tenant: tenant))
        #expect(try await client.query(statement, as: role).scalar == expected)
      }
    }
  }

  @Test(arguments: HostileText.samples.filter { !$0.isEmpty && !$0.contains("\0") })
  func hostileTenantNamesAreKeptApart(tenant: String) async throws {
    let client = try await TestClickHouse.shared().client
    let organization = TestClickHouse.uniqueOrganization()
    for (name, count) in [(tenant, 2), ("other", 1)] {
      var rows = EventRows(organization: organization, tenant: name)
      for _ in 0..<count { rows.add() }
      try await rows.insert(with: client)
    }
    let role = DatabaseRole.viewer(ScopeSettings(organization: organization, environment: "production", tenant: tenant))
    let rows = try await client.query("SELECT tenant_id FROM emban.events", as: role)
    #expect(rows.rows == [[.string(tenant)], [.string(tenant)]])
  }

  static let readers: [DatabaseRole] = [
    .viewer(ScopeSettings(organization: "o", environment: "production", tenant: "acme")),
    .analyst(ScopeSettings(organization: "o", environment: "production", tenant: nil)),
  ]

  static let attacks: [SQL] = [
    "SET readonly = 0",
    "SELECT 1 SETTINGS readonly = 0",
    "SELECT 1 SETTINGS readonly = 2",
    "INSERT INTO emban.events (org_id) VALUES ('x')",
    "ALTER TABLE emban.events DELETE WHERE 1",
    "DELETE FROM emban.events WHERE 1",
    "TRUNCATE TABLE emban.events",
    "DROP TABLE emban.events",
    "OPTIMIZE TABLE emban.events FINAL",
    "RENAME TABLE emban.events TO emban.stolen",
    "CREATE TABLE emban.stolen (a UInt8) ENGINE = Memory",
    "CREATE TEMPORARY TABLE stolen (a UInt8)",
    "CREATE FUNCTION stolen AS x -> x",
    "SELECT * FROM emban.event_ids",
    "SELECT * FROM emban.event_ids_from_events",
    "SELECT * FROM emban.tenant_days_from_events",
    "INSERT INTO emban.rollups (org_id) VALUES ('x')",
    "INSERT INTO emban.rollup_days (org_id) VALUES ('x')",
    "INSERT INTO emban.tenant_days (org_id) VALUES ('x')",
    "DELETE FROM emban.rollups WHERE 1",
    "SELECT * FROM emban.schema_migrations",
    "SELECT * FROM system.users",
    "SELECT * FROM system.row_policies",
    "SELECT * FROM system.processes",
    "SELECT * FROM system.parts",
    "SELECT * FROM system.replicas",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT file('/etc/passwd')",
    "SELECT * FROM remote('127.0.0.1', 'emban', 'event_ids')",
    "SELECT * FROM executable('x', 'TSV', 'a UInt8')",
    "GRANT SELECT ON *.* TO emban_viewer",
    "ALTER USER emban_viewer SETTINGS NONE",
    "CREATE USER intruder",
    "DROP ROW POLICY emban_viewer ON emban.events",
    "KILL QUERY WHERE 1",
    "SYSTEM FLUSH LOGS",
    "SELECT 1 SETTINGS max_execution_time = 0",
    "SELECT 1 SETTINGS max_execution_time = 3600",
    "SELECT 1 SETTINGS max_memory_usage = 0",
    "SELECT 1 SETTINGS max_memory_usage = 100000000000",
    "SELECT 1 SETTINGS max_result_rows = 0",
    "SELECT 1 SETTINGS max_threads = 1000",
    "SELECT 1 SETTINGS additional_table_filters = {'emban.events': '1'}",
    "SELECT 1 SETTINGS SQL_emban_other = 'x'",
    "SELECT 1 SETTINGS use_query_cache = 1",
    "SELECT 1 SETTINGS log_queries = 1",
  ]

  @Test(arguments: readers, attacks)
  func readersAreRefused(role: DatabaseRole, attack: SQL) async throws {
    let client = try await TestClickHouse.shared().client
    await #expect(
      performing: {
        try await client.execute(attack, as: role)
      },
      throws: { error in
        guard case ClickHouseError.exception(let exception) = error else { return false }
        return exception.kind == .accessDenied
      })
  }

  /// What a reader may learn from `system.tables` is the names of the tables it reads.
  @Test(arguments: readers)
  func theCatalogueShowsTheTablesOfReaders(role: DatabaseRole) async throws {
    let client = try await TestClickHouse.shared().client
    let rows = try await client.query("SELECT DISTINCT name FROM system.tables WHERE database NOT IN ('system') ORDER BY name", as: role)
    #expect(rows.rows == [["events"], ["rollup_days"], ["rollups"], ["tenant_days"]])
  }

  @Test(arguments: readers)
  func aReaderMaySetItsCommentAndLowerItsLimits(role: DatabaseRole) async throws {
    let client = try await TestClickHouse.shared().client
    let rows = try await client.query(
      "SELECT getSetting('log_comment'), getSetting('max_threads')", as: role,
      settings: ["log_comment": "widget \"w_1\"", "max_threads": "1", "max_result_rows": "10"])
    #expect(rows.rows == [["widget \"w_1\"", 1]])
  }

  @Test func theReadersPasswordsAreNeeded() async throws {
    let test = try await TestClickHouse.shared()
    let stranger = ClickHouseClient(
      httpClient: test.httpClient, passwords: ReaderPasswords(viewer: "guess", analyst: "", exporter: ""), logger: test.logger
    ) { try test.server.endpoint() }
    for role in Self.readers {
      await #expect(throws: ClickHouseError.self) { _ = try await stranger.query("SELECT 1", as: role) }
    }
  }

  /// The policy prunes by primary key: a viewer's cost follows its own rows.
  @Test func thePolicyReadsOnlyTheTenantsGranules() async throws {
    let client = try await TestClickHouse.shared().client
    let organization = TestClickHouse.uniqueOrganization()
    try await client.execute(
      """
      INSERT INTO emban.events (org_id, environment, tenant_id, event_name, timestamp)
      SELECT \(bind: organization), 'production', concat('t', toString(number % 20)), 'e',
        toDateTime64('2026-03-01 00:00:00', 3, 'UTC') + number / 10
      FROM numbers(400000)
      """)
    let rows = try await client.query(
      "SELECT count(), max(timestamp) FROM emban.events",
      as: .viewer(ScopeSettings(organization: organization, environment: "production", tenant: "t7")))
    #expect(rows.rows.first?.first == 20_000)
    let read = try #require(rows.statistics.readRows)
    // The rows may lie in several parts, each of which begins and ends a granule of 8,192.
    #expect(read < 100_000, "of 400,000 rows \(read) were read for a tenant of 20,000")
  }
}
