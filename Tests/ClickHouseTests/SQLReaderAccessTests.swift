import ClickHouse
import Domain
import TestSupport
import Testing

/// The users of people who write SQL: made, changed and taken away on a ClickHouse.
@Suite struct SQLReaderAccessTests {
  private static let model = PropertyPath(.stringProps, key: "model")
  private static let plan = PropertyPath(.stringProps, key: "plan name")
  private static let tokens = PropertyPath(.numericProps, key: "tokens")

  private struct World {
    let client: ClickHouseClient
    let access: SQLReaderAccess
    let reader: SQLReader
    let other: SQLReader

    init(seconds: Int = 30) async throws {
      client = try await TestClickHouse.shared().client
      access = SQLReaderAccess(client: client, isOwnServer: true, seconds: seconds)
      let (first, second) = (TestClickHouse.uniqueOrganization(), TestClickHouse.uniqueOrganization())
      reader = try #require(SQLReader(organization: first, environment: "production", key: "a key"))
      other = try #require(SQLReader(organization: second, environment: "production", key: "a key"))
      for (organization, count) in [(first, 3), (second, 40)] {
        var rows = EventRows(organization: organization, environment: "production", tenant: "acme")
        for number in 0..<count { rows.add(id: "e\(number)") }
        try await rows.insert(with: client)
      }
    }

    func scalar(_ statement: SQL, as reader: SQLReader? = nil) async throws -> JSONValue? {
      try await client.query(statement, as: .sql(reader ?? self.reader)).scalar
    }
  }

  @Test func namesAndPasswordsFollowTheKey() throws {
    let reader = try #require(SQLReader(organization: "org_a", environment: "production", key: "one"))
    #expect(reader.name.hasPrefix("emban_sql_"))
    #expect(reader.name.utf8.count == 34)
    #expect(SQLReader(organization: "org_a", environment: "production", key: "one")?.name == reader.name)
    #expect(SQLReader(organization: "org_a", environment: "production", key: "two")?.name != reader.name)
    #expect(SQLReader(organization: "org_a", environment: "development", key: "one")?.name != reader.name)
    #expect(SQLReader(organization: "org_b", environment: "production", key: "one")?.name != reader.name)
    for name in ["", "org'a", "org\\a", "org a", "org`a", String(repeating: "a", count: 101)] {
      #expect(SQLReader(organization: name, environment: "production", key: "one") == nil)
    }
    #expect(SQLReader(organization: "org_a", environment: "production", key: "") == nil)
    #expect("\(reader)" == reader.name)
    #expect(!String(reflecting: reader).contains("password"))
  }

  @Test func aReaderSeesItsOwnEventsThroughItsView() async throws {
    let world = try await World()
    try await world.access.make(world.reader, properties: [Self.model, Self.tokens])
    try await world.access.make(world.other, properties: [])
    #expect(try await world.scalar("SELECT count() FROM events") == 3)
    #expect(try await world.scalar("SELECT count() FROM events", as: world.other) == 40)
    #expect(try await world.scalar("SELECT countIf(throwIf(event_id = 'e39') = 0) FROM events") == 3)
    for statement: SQL in [
      "SELECT count() FROM emban.events", "SELECT count() FROM \(SQL(trusted: world.other.name)).events",
      "SELECT count() FROM url('http://127.0.0.1:1/', CSV, 'a String')", "DROP VIEW events", "SELECT 1 SETTINGS max_execution_time = 100",
    ] {
      await #expect(throws: ClickHouseError.self) { try await world.scalar(statement) }
    }
    // Only `SELECT 1` has something to read from.
    #expect(try await world.scalar("SELECT count() FROM system.tables") == 0)
    #expect(try await world.scalar("SELECT 1") == 1)
  }

  @Test func whatIsNullIsCountedRightly() async throws {
    let world = try await World()
    try await world.access.make(world.reader, properties: [Self.plan])
    #expect(try await world.scalar("SELECT count(`string_props.plan name`) FROM events") == 0)
    #expect(try await world.scalar("SELECT count() FROM events WHERE `string_props.plan name` IS NULL") == 3)
  }

  @Test func columnsComeAndTheTimeIsSet() async throws {
    let world = try await World(seconds: 7)
    try await world.access.make(world.reader, properties: [Self.model])
    #expect(try await world.access.properties(of: world.reader) == [Self.model])
    try await world.access.make(world.reader, properties: [Self.model, Self.plan, Self.tokens])
    try await world.access.make(world.reader, properties: [Self.model, Self.plan, Self.tokens])
    #expect(try await world.access.properties(of: world.reader) == [Self.model, Self.plan, Self.tokens])
    #expect(try await world.access.properties(of: world.other) == [])
    #expect(try await world.scalar("SELECT getSetting('max_execution_time')") == 7)
    #expect(try await world.scalar("SELECT getSetting('priority')") == 10)
    #expect(try await world.scalar("SELECT getSetting('max_memory_usage_for_user') <= 3000000000") == 1)
  }

  @Test func whoIsNotKeptIsTakenAwayWhole() async throws {
    let world = try await World()
    // In the order in which columns come: a view that was replaced must not hold its owner.
    try await world.access.make(world.reader, properties: [])
    try await world.access.make(world.reader, properties: [Self.model])
    try await world.access.make(world.other, properties: [])
    let removed = try await world.access.removeAll {
      // Readers of tests that run at the same time are kept.
      let all = try await world.client.query("SELECT name FROM system.databases WHERE startsWith(name, 'emban_sql_')", as: .admin)
      return Set(all.rows.compactMap { $0.first?.stringValue }).subtracting([world.reader.name])
    }
    #expect(removed == 1)
    for (table, column) in [("users", "name"), ("databases", "name"), ("row_policies", "short_name")] {
      let left = try await world.client.query(
        """
        SELECT count() FROM \(SQL(trusted: "system.\(table)")) WHERE startsWith(\(SQL(trusted: column)), \(bind: world.reader.name))
        """, as: .admin)
      #expect(left.scalar == 0, "\(table)")
    }
    await #expect(throws: ClickHouseError.self) { try await world.scalar("SELECT 1") }
    #expect(try await world.scalar("SELECT count() FROM events", as: world.other) == 40)
    try await world.access.make(world.reader, properties: [Self.model])
    #expect(try await world.scalar("SELECT count() FROM events") == 3)
  }
}
