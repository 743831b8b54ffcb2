public import Domain
import Schema

/// One numbered migration of the configuration store: `name` is its file name without the extension (`0001_organizations`).
public struct ConfigMigration: Sendable, Hashable {
  public let name: String
  public let sql: String

  public init(name: String, sql: String) {
    self.name = name
    self.sql = sql
  }

  /// The migrations compiled into this program, in order.
  public static var compiledIn: [ConfigMigration] { Schema.config.map { ConfigMigration(name: $0.name, sql: $0.sql) } }

  /// 64-bit FNV-1a of the text. It is there to notice an edited file, not to resist an attacker, who could edit the table as well.
  var checksum: String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in sql.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    let digits = String(hash, radix: 16)
    return "fnv1a64:" + String(repeating: "0", count: 16 - digits.count) + digits
  }
}

/// Brings the configuration store up to this program's schema. All migrations of one run are applied in one transaction: a store is
/// either as before or complete.
public enum ConfigMigrator {
  /// Applies what is missing and records name, checksum and time in `schema_migrations`.
  /// - Returns: The names applied by this call, in order; empty when the store was up to date.
  /// - Throws: ``ConfigStoreError/changedMigration(name:)``, ``ConfigStoreError/unknownMigration(name:)``.
  @discardableResult
  public static func migrate(
    _ database: any ConfigDatabase, _ migrations: [ConfigMigration] = ConfigMigration.compiledIn, at now: Instant
  ) async throws -> [String] {
    try await database.write { connection in
      try connection.script(
        """
        CREATE TABLE IF NOT EXISTS schema_migrations (
          name TEXT NOT NULL PRIMARY KEY, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL
        )
        """)
      var applied: [String: String] = [:]
      for row in try connection.query("SELECT name, checksum FROM schema_migrations ORDER BY name") {
        let name = try row.text("name")
        guard migrations.contains(where: { $0.name == name }) else { throw ConfigStoreError.unknownMigration(name: name) }
        applied[name] = try row.text("checksum")
      }
      var fresh: [String] = []
      for migration in migrations {
        if let checksum = applied[migration.name] {
          guard checksum == migration.checksum else { throw ConfigStoreError.changedMigration(name: migration.name) }
          continue
        }
        try connection.script(migration.sql)
        try connection.execute(
          """
          INSERT INTO schema_migrations (name, checksum, applied_at) \
          VALUES (\(migration.name), \(migration.checksum), \(now))
          """)
        fresh.append(migration.name)
      }
      return fresh
    }
  }
}
