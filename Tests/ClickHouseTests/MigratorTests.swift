import ClickHouse
import Domain
import TestSupport
import Testing

/// Migrations and the access check, on a database of its own because they damage it.
@Suite(.serialized) struct MigratorTests {
  private func withOwnServer(_ body: @Sendable @escaping (ClickHouseClient, ReaderPasswords) async throws -> Void) async throws {
    let test = try await TestClickHouse.shared()
    let folder = try TestClickHouse.makeTestFolder()
    defer { TestClickHouse.removeTestFolder(folder) }
    let server = ClickHouseSupervisor(
      configuration: .init(dataDirectory: folder), httpClient: test.httpClient, logger: test.logger)
    let client = ClickHouseClient(httpClient: test.httpClient, passwords: test.passwords, logger: test.logger, queryTimeout: .seconds(60)) {
      try server.endpoint()
    }
    try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask {
        try await server.run()
        return false
      }
      group.addTask {
        try await server.waitUntilReady()
        try await body(client, test.passwords)
        return true
      }
      while let finished = try await group.next() { if finished { group.cancelAll() } }
    }
  }

  private static func migrate(_ client: ClickHouseClient, _ passwords: ReaderPasswords) async throws {
    try await ClickHouseMigrator.migrate(client: client, passwords: passwords, logger: TestClickHouse.makeLogger())
  }

  @Test func repeatingChangesNothing() async throws {
    try await withOwnServer { client, passwords in
      try await Self.migrate(client, passwords)
      let before = try await client.query("SELECT name, checksum, applied_at FROM emban.schema_migrations ORDER BY name", as: .admin)
      try await Self.migrate(client, passwords)
      // Two programs at once, as when replicas start together.
      async let first: Void = Self.migrate(client, passwords)
      async let second: Void = Self.migrate(client, passwords)
      _ = try await (first, second)
      let after = try await client.query("SELECT name, checksum, applied_at FROM emban.schema_migrations ORDER BY name", as: .admin)
      #expect(before.rows == after.rows)
      #expect(!before.rows.isEmpty)
    }
  }

  /// Of several configuration stores that claim the events at the same moment one has them, and knows it.
  @Test func oneOfManyClaimsIsTheFirst() async throws {
    try await withOwnServer { client, _ in
      for round in 0..<5 {
        try await client.execute("DROP DATABASE IF EXISTS emban SYNC")
        let winners = try await withThrowingTaskGroup(of: String?.self) { group in
          for number in 0..<8 {
            group.addTask {
              do {
                try await StoreClaim(client: client).make(id: "store-\(number)", adopting: false)
                return "store-\(number)"
              } catch SchemaError.otherConfigurationStore {
                return nil
              }
            }
          }
          return try await group.reduce(into: [String]()) { if let id = $1 { $0.append(id) } }
        }
        #expect(winners.count == 1, "round \(round): \(winners)")
        let winner = try #require(winners.first)
        try await StoreClaim(client: client).make(id: winner, adopting: false)
        // On purpose another one may; and a claim that was taken out by hand is free again.
        try await StoreClaim(client: client).make(id: "other", adopting: true)
        await #expect(throws: SchemaError.otherConfigurationStore) {
          try await StoreClaim(client: client).make(id: winner, adopting: false)
        }
        try await client.execute("DELETE FROM emban.configuration_store WHERE 1")
        try await StoreClaim(client: client).make(id: winner, adopting: false)
      }
    }
  }

  /// Another program has taken over: nothing is changed any more.
  @Test func aMigrationThatMayNotGoOnChangesNothing() async throws {
    struct Stop: Error {}
    try await withOwnServer { client, passwords in
      await #expect(throws: Stop.self) {
        try await ClickHouseMigrator.migrate(client: client, passwords: passwords, logger: TestClickHouse.makeLogger()) { throw Stop() }
      }
      #expect(try await client.query("SELECT count() FROM system.tables WHERE database = 'emban'", as: .admin).scalar == 1)
      try await Self.migrate(client, passwords)
    }
  }

  /// A start with another secret key has other passwords: the users follow, and the old ones no longer open anything.
  @Test func passwordsAreStatedAnew() async throws {
    try await withOwnServer { client, passwords in
      try await Self.migrate(client, passwords)
      try await client.execute("ALTER USER emban_viewer IDENTIFIED WITH sha256_password BY 'other'")
      await #expect(throws: ClickHouseError.self) { _ = try await client.query("SELECT 1", as: IsolationTests.readers[0]) }
      try await Self.migrate(client, passwords)
      #expect(try await client.query("SELECT 1", as: IsolationTests.readers[0]).scalar == 1)
    }
  }

  @Test func aDamagedDatabaseIsRefused() async throws {
    try await withOwnServer { client, passwords in
      try await Self.migrate(client, passwords)

      // Somebody opens the table to every viewer by hand.
      try await client.execute(
        """
        INSERT INTO emban.events (org_id, environment, tenant_id, event_name, timestamp)
        VALUES ('o', 'production', 't', 'e', now())
        """)
      try await client.execute("CREATE ROW POLICY open ON emban.events USING 1 TO emban_viewer")
      await #expect(throws: SchemaError.accessNotEnforced("a viewer without scope reads rows of emban.events")) {
        try await Self.migrate(client, passwords)
      }
      try await client.execute("DROP ROW POLICY open ON emban.events")

      // What was changed by hand is stated anew.
      try await client.execute("GRANT SELECT ON emban.* TO emban_viewer")
      try await client.execute("ALTER SETTINGS PROFILE emban_reader SETTINGS readonly = 0")
      try await client.execute("ALTER ROW POLICY emban_viewer ON emban.events USING 1 TO emban_viewer")
      try await Self.migrate(client, passwords)

      try await client.execute("INSERT INTO emban.schema_migrations (name, checksum) VALUES ('9999_future', 'x')")
      await #expect(throws: SchemaError.newerSchema(migration: "9999_future")) { try await Self.migrate(client, passwords) }
      try await client.execute("DELETE FROM emban.schema_migrations WHERE name = '9999_future'")

      try await client.execute(
        "ALTER TABLE emban.schema_migrations UPDATE checksum = 'x' WHERE name = '0001_events'",
        settings: ["mutations_sync": "2"])
      await #expect(throws: SchemaError.changedMigration("0001_events")) { try await Self.migrate(client, passwords) }
    }
  }
}
