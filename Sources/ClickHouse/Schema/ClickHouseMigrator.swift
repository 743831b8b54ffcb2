import Crypto
import Domain
public import Logging
import Schema

/// Brings the database to the schema of this program: `schema/clickhouse/*.sql` applied once each, in their order, and who may
/// read what (`schema/clickhouse/access.sql`) stated anew.
///
/// ClickHouse has neither transactions nor locks for this. Every statement of a migration is therefore harmless when repeated
/// (`IF NOT EXISTS`), so that one that dies between two statements does no damage; two programs that start at once agree elsewhere who goes first.
public struct ClickHouseMigrator: Sendable {
  private let client: ClickHouseClient
  private let passwords: ReaderPasswords
  private let logger: Logger
  private let mayGoOn: @Sendable () async throws -> Void

  init(client: ClickHouseClient, passwords: ReaderPasswords, logger: Logger, mayGoOn: @escaping @Sendable () async throws -> Void) {
    self.client = client
    self.passwords = passwords
    self.logger = logger
    self.mayGoOn = mayGoOn
  }

  /// Migrates, states the access rules, and checks with the real users that these hold.
  ///
  /// - Parameter mayGoOn: asked before each statement that changes something; throws when another program has taken over.
  /// - Throws: ``SchemaError`` when the database does not fit this program, ``ClickHouseError`` when it does not answer.
  public static func migrate(
    client: ClickHouseClient, passwords: ReaderPasswords, logger: Logger, mayGoOn: @escaping @Sendable () async throws -> Void = {}
  ) async throws {
    let migrator = ClickHouseMigrator(client: client, passwords: passwords, logger: logger, mayGoOn: mayGoOn)
    try await checkVersion(client)
    try await migrator.applyMigrations()
    try await migrator.stateAccess()
    try await AccessCheck(client: client).run()
  }

  /// - Throws: ``SchemaError/serverTooOld(version:)``, ``ClickHouseError``.
  static func checkVersion(_ client: ClickHouseClient) async throws {
    let version = try await client.version()
    guard ClickHouseVersion(version).map({ $0 >= .minimum }) ?? false else {
      throw SchemaError.serverTooOld(version: version)
    }
  }

  private func applyMigrations() async throws {
    try await client.execute("CREATE DATABASE IF NOT EXISTS emban")
    try await client.execute(
      """
      CREATE TABLE IF NOT EXISTS emban.schema_migrations
      (name String, checksum String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
      ENGINE = MergeTree ORDER BY name
      """)
    let recorded = try await client.query(
      "SELECT name, any(checksum) FROM emban.schema_migrations GROUP BY name ORDER BY name", as: .admin)
    var applied: [String: String] = [:]
    for row in recorded.rows {
      if let name = row.first?.stringValue, let checksum = row.last?.stringValue { applied[name] = checksum }
    }
    let known = Set(Schema.clickhouse.map(\.name))
    if let unknown = applied.keys.sorted().first(where: { !known.contains($0) }) {
      throw SchemaError.newerSchema(migration: unknown)
    }
    for migration in Schema.clickhouse {
      let checksum = Self.sha256(migration.sql)
      if let earlier = applied[migration.name] {
        guard earlier == checksum else { throw SchemaError.changedMigration(migration.name) }
        continue
      }
      for statement in SQLFile.statements(of: migration.sql) {
        try await mayGoOn()
        // It may fill a table from all events.
        try await client.execute(SQL(trusted: statement), timeout: .seconds(3600))
      }
      try await mayGoOn()
      try await client.execute(
        """
        INSERT INTO emban.schema_migrations (name, checksum)
        SELECT \(bind: migration.name), \(bind: checksum)
        """)
      logger.info("migration applied", metadata: ["migration": "\(migration.name)"])
    }
  }

  /// The statements of `access.sql`, in which one of three markers may stand for the hash of a password.
  private func stateAccess() async throws {
    let values = [
      "{viewer_password_sha256:String}": Self.sha256(passwords.viewer),
      "{analyst_password_sha256:String}": Self.sha256(passwords.analyst),
      "{exporter_password_sha256:String}": Self.sha256(passwords.exporter),
    ]
    for statement in SQLFile.statements(of: Schema.clickhouseAccess) {
      try await mayGoOn()
      guard let (marker, hash) = values.first(where: { statement.contains($0.key) }), let range = statement.firstRange(of: marker)
      else {
        try await client.execute(SQL(trusted: statement))
        continue
      }
      let before = SQL(trusted: String(statement[..<range.lowerBound]))
      let after = SQL(trusted: String(statement[range.upperBound...]))
      try await client.execute("\(before)\(bind: hash)\(after)")
    }
  }

  static func sha256(_ text: String) -> String {
    SHA256.hash(data: Array(text.utf8)).map { byte in
      let hex = String(byte, radix: 16)
      return hex.count == 1 ? "0" + hex : hex
    }.joined()
  }
}

/// Why a database cannot be used by this program; each says what to do.
public enum SchemaError: Error, Sendable, Hashable, CustomStringConvertible {
  case serverTooOld(version: String)
  case changedMigration(String)
  case newerSchema(migration: String)
  /// The users or row policies do not isolate; nothing may be served.
  case accessNotEnforced(String)
  /// Another configuration store has claimed the events.
  case otherConfigurationStore

  public var description: String {
    switch self {
    case .serverTooOld(let version):
      "ClickHouse \(version) is too old: Emban needs \(ClickHouseVersion.minimum) or newer."
    case .changedMigration(let name):
      "The migration \(name) was applied to this database with another text; a released migration must never change."
    case .newerSchema(let name):
      "The database holds the migration \(name), which this program does not know: start the newer version of Emban."
    case .accessNotEnforced(let what):
      "The event store does not keep customers apart (\(what)); Emban refuses to serve from it."
    case .otherConfigurationStore:
      """
      The event store (EMBAN_CLICKHOUSE_URL, or the one in EMBAN_DATA_DIR) belongs to another configuration store than this one \
      (EMBAN_DATABASE_URL, or the one in EMBAN_DATA_DIR): programs on one event store share their configuration. Set both to what belongs \
      together. If the events are to belong to this configuration from now on, start once with EMBAN_ADOPT_EVENTS=1.
      """
    }
  }
}

/// Splits a `.sql` file: a statement ends with `;` at the end of a line; lines that begin with `--` are comments.
enum SQLFile {
  static func statements(of text: String) -> [String] {
    var result: [String] = []
    var current: [Substring] = []
    func finish() {
      let statement = current.joined(separator: "\n").trimmed
      if !statement.isEmpty { result.append(statement) }
      current = []
    }
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      let content = String(line).trimmed
      if content.hasPrefix("--") { continue }
      if content.hasSuffix(";") {
        current.append(line[..<(line.lastIndex(of: ";") ?? line.endIndex)])
        finish()
      } else {
        current.append(line)
      }
    }
    finish()
    return result
  }
}

/// `25.8.2.1`, compared by its first two numbers.
public struct ClickHouseVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
  public let major: Int
  public let minor: Int

  /// The floor: JSON columns and custom-setting row policies were tried on it.
  public static let minimum = ClickHouseVersion(major: 25, minor: 8)

  init(major: Int, minor: Int) {
    self.major = major
    self.minor = minor
  }

  /// The first `number.number` in a text such as `ClickHouse server version 25.8.2.1 (official build).`
  public init?(_ text: String) {
    for word in text.split(whereSeparator: { !$0.isNumber && $0 != "." }) {
      let numbers = word.split(separator: ".").compactMap { Int($0) }
      if numbers.count >= 2 {
        self.init(major: numbers[0], minor: numbers[1])
        return
      }
    }
    return nil
  }

  public static func < (left: ClickHouseVersion, right: ClickHouseVersion) -> Bool {
    (left.major, left.minor) < (right.major, right.minor)
  }

  public var description: String { "\(major).\(minor)" }
}
