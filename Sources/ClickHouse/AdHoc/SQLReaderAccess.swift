import Domain

/// Makes, checks and removes what an ``SQLReader`` consists of in the database: two users, a row policy, a database with one view.
///
/// Everything is stated anew by each program before its first statement as the reader. What is common to all readers (their profile and
/// role) stands in `schema/clickhouse/access.sql`.
public struct SQLReaderAccess: Sendable {
  private static let events: SQLIdentifier = "emban.events"
  /// What every user of ClickHouse may read in the database `system` without a grant (25.8), but for `one`, from which `SELECT 1` reads.
  private static let openSystemTables: [StaticString] = [
    "aggregate_function_combinators", "collations", "columns", "contributors", "current_roles", "data_type_families", "database_engines",
    "databases", "enabled_roles", "formats", "functions", "licenses", "privileges", "quota_usage", "settings", "table_engines",
    "table_functions", "tables", "time_zones",
  ]

  private let client: ClickHouseClient
  private let isOwnServer: Bool
  private let seconds: Int

  /// - Parameters:
  ///   - isOwnServer: whether nobody else uses the server: then its users sign in from this machine only, and see nothing in `system`. On a
  ///     foreign one a policy on its system tables might close them to others, and the network between is not ours to know.
  ///   - seconds: how long a statement may take.
  public init(client: ClickHouseClient, isOwnServer: Bool, seconds: Int) {
    self.client = client
    self.isOwnServer = isOwnServer
    self.seconds = seconds
  }

  /// The properties that have columns in the reader's view; none if there is no view.
  public func properties(of reader: SQLReader) async throws -> [PropertyPath] {
    let rows = try await client.query(
      "SELECT name FROM system.columns WHERE database = \(bind: reader.name) AND table = 'events' ORDER BY position", as: .admin)
    return rows.rows.compactMap { $0.first?.stringValue.flatMap(Self.property) }
  }

  /// The property of a column such as `string_props.model`.
  private static func property(ofColumn name: String) -> PropertyPath? {
    for column in [PropertyPath.Column.stringProps, .numericProps] where name.hasPrefix(column.rawValue + ".") {
      return PropertyPath(column, key: String(name.dropFirst(column.rawValue.count + 1)))
    }
    return nil
  }

  /// States the reader, whatever of it there is.
  ///
  /// - Parameter properties: those that get columns of their own. Names that ``isNameable(_:)`` refuses are left out.
  /// - Throws: ``SchemaError/accessNotEnforced(_:)`` when the database does not hold the reader to its organisation.
  public func make(_ reader: SQLReader, properties: [PropertyPath]) async throws {
    let user = Self.quoted(reader.name)
    let owner = Self.quoted(reader.owner)
    let settings = try await settings()
    if isOwnServer { try await closeSystemTables() }
    try await client.execute(
      "CREATE DATABASE IF NOT EXISTS \(user) COMMENT \(Self.literal("\(reader.organization) \(reader.environment)"))")
    try await client.execute("CREATE USER IF NOT EXISTS \(owner) IDENTIFIED WITH no_password HOST NONE")
    try await client.execute("ALTER USER \(owner) IDENTIFIED WITH no_password HOST NONE DEFAULT ROLE NONE SETTINGS \(settings)")
    // The policy before the grant, and closed before it has its condition: at no moment is there a reader without one.
    try await client.execute("CREATE ROW POLICY IF NOT EXISTS \(user) ON \(identifier: Self.events) FOR SELECT USING 0 TO \(owner)")
    try await client.execute(
      """
      ALTER ROW POLICY \(user) ON \(identifier: Self.events) AS PERMISSIVE FOR SELECT \
      USING org_id = \(Self.literal(reader.organization)) AND environment = \(Self.literal(reader.environment)) TO \(owner)
      """)
    try await client.execute("GRANT SELECT ON \(identifier: Self.events) TO \(owner) WITH REPLACE OPTION")
    try await makeView(reader, properties)
    try await client.execute("CREATE USER IF NOT EXISTS \(user) IDENTIFIED WITH no_password HOST NONE")
    try await client.execute("GRANT emban_sql TO \(user)")
    try await client.execute(
      """
      ALTER USER \(user) IDENTIFIED WITH sha256_hash BY \(bind: ClickHouseMigrator.sha256(reader.password)) \
      HOST \(isOwnServer ? "LOCAL" : "ANY") DEFAULT ROLE emban_sql SETTINGS \(settings)
      """)
    try await client.execute("GRANT SELECT ON \(user).events TO \(user) WITH REPLACE OPTION")
    try await check(reader)
  }

  /// The view, unless it is there as it should be. Not CREATE OR REPLACE: after that, ClickHouse 25.8 takes the owner for that of a view
  /// that is gone, and does not let it be dropped. A statement that comes between the two is tried again (`AdHocSQL`).
  private func makeView(_ reader: SQLReader, _ properties: [PropertyPath]) async throws {
    let view: SQL = "\(Self.quoted(reader.name)).events"
    let select: SQL = "SELECT \(Self.columns(properties)) FROM \(identifier: Self.events) AS stored"
    let mark = String(ClickHouseMigrator.sha256(select.text).prefix(16))
    let there = try await client.query(
      "SELECT comment FROM system.tables WHERE database = \(bind: reader.name) AND name = 'events'", as: .admin)
    guard there.rows.first?.first?.stringValue != mark else { return }
    try await client.execute("DROP VIEW IF EXISTS \(view) SYNC")
    try await client.execute(
      """
      CREATE VIEW IF NOT EXISTS \(view) DEFINER = \(Self.quoted(reader.owner)) SQL SECURITY DEFINER AS \(select) \
      COMMENT \(Self.literal(mark))
      """)
  }

  /// The profile, and what of it depends on the machine and on who runs it: a statement may have a quarter of the memory of ClickHouse,
  /// and the statements of an environment together a quarter as well, so that those of an organisation leave half of it to everybody
  /// else.
  private func settings() async throws -> SQL {
    let limit = try await client.query(
      "SELECT toInt64OrZero(value) FROM system.server_settings WHERE name = 'max_server_memory_usage'", as: .admin)
    let share = (limit.rows.first?.first?.numberValue).map { Int64($0 / 4) } ?? 0
    let statement = share > 0 ? min(Limits.sqlStatementBytes, share) : Limits.sqlStatementBytes
    let together = share > 0 ? min(Limits.sqlReaderBytes, share) : Limits.sqlReaderBytes
    return SQL(
      trusted: """
        PROFILE 'emban_sql', max_execution_time = \(seconds), max_memory_usage = \(statement), max_memory_usage_for_user = \(together), \
        max_bytes_before_external_group_by = \(statement / 2), max_bytes_before_external_sort = \(statement / 2)
        """)
  }

  /// Removes every reader but those given.
  /// - Parameter keeping: the names of readers; is asked after they were listed: one that is made meanwhile is none of them.
  /// - Returns: how many.
  public func removeAll(but keeping: @Sendable () async throws -> Set<String>) async throws -> Int {
    let found = try await client.query(
      "SELECT name FROM system.databases WHERE startsWith(name, \(bind: SQLReader.prefix))", as: .admin)
    guard !found.rows.isEmpty else { return 0 }
    let kept = try await keeping()
    var removed = 0
    for name in found.rows.compactMap({ $0.first?.stringValue }) where !kept.contains(name) && Self.isName(name) {
      let user = Self.quoted(name)
      // Who may sign in goes first, the policy last; the owner of a view cannot go before it. A removal that broke off is found again by
      // the database, which goes after everything.
      try await client.execute("DROP USER IF EXISTS \(user)")
      try await client.execute("DROP VIEW IF EXISTS \(user).events SYNC")
      try await client.execute("DROP USER IF EXISTS \(Self.quoted(name + "_view"))")
      try await client.execute("DROP ROW POLICY IF EXISTS \(user) ON \(identifier: Self.events)")
      try await client.execute("DROP DATABASE IF EXISTS \(user) SYNC")
      removed += 1
    }
    return removed
  }

  /// Whether a property's name can be the name of a column. Others are read out of `string_props` and `numeric_props`.
  public static func isNameable(_ property: PropertyPath) -> Bool {
    PropertyPath.isStorable(key: property.key)
      && property.key.unicodeScalars.allSatisfy {
        $0.isASCII
          ? ($0.properties.isAlphabetic || $0.properties.numericType != nil || "_-./:@#$%+ ".unicodeScalars.contains($0))
          : $0.properties.isAlphabetic
      }
  }

  // MARK: - Text

  private static func columns(_ properties: [PropertyPath]) -> SQL {
    // Not as it is stored: a function of a LowCardinality works on its dictionary, in which the names of others lie as well, and may tell of
    // these by an error.
    let fixed: SQL = """
      tenant_id, CAST(stored.event_name, 'String') AS event_name, timestamp, event_id, user_id, string_props, numeric_props, ingested_at
      """
    return SQL.join(
      [fixed]
        + properties.filter(isNameable).map { property in
          let expression =
            switch property.column {
            case .stringProps: property.optionalStringExpression
            case .numericProps: property.numericExpression
            }
          return "\(expression) AS \(quoted("\(property.column.rawValue).\(property.key)"))"
        }, separator: ", ")
  }

  /// A name between backticks. What comes here is made of our own prefix and a hash, or was let through by ``isNameable(_:)``.
  private static func quoted(_ name: String) -> SQL {
    SQL(trusted: "`" + name.replacing("\\", with: "\\\\").replacing("`", with: "\\`") + "`")
  }

  /// Parameters do not reach policies. An ``SQLReader`` holds nothing that would have to be escaped.
  private static func literal(_ text: String) -> SQL {
    SQL(trusted: "'" + text.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'")
  }

  private static func isName(_ name: String) -> Bool {
    let code = name.dropFirst(SQLReader.prefix.count).utf8
    return name.hasPrefix(SQLReader.prefix) && code.count == 24
      && code.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || UInt8(ascii: "a")...UInt8(ascii: "f") ~= $0 }
  }

  // MARK: - System tables

  /// What the catalogue tells of the server: folders, settings, functions. Restrictive, so that it can open nothing to anybody.
  private func closeSystemTables() async throws {
    let there = Set(
      try await client.query("SELECT name FROM system.tables WHERE database = 'system'", as: .admin).rows.compactMap {
        $0.first?.stringValue
      })
    let tables = Self.openSystemTables.map { "\($0)" }.filter(there.contains).map { "system.\($0)" }.joined(separator: ", ")
    try await client.execute(
      "CREATE ROW POLICY IF NOT EXISTS emban_sql ON \(SQL(trusted: tables)) AS RESTRICTIVE FOR SELECT USING 0 TO emban_sql")
  }

  // MARK: - Check

  /// Asks the database itself, as the reader, whether it keeps to its view.
  private func check(_ reader: SQLReader) async throws {
    let refused: [(String, SQL)] = [
      ("reads the events past its view", "SELECT 1 FROM \(identifier: Self.events) LIMIT 1"),
      ("reads the index of the events", "SELECT tenant_id FROM mergeTreeIndex('emban', 'events') LIMIT 1"),
      ("can leave its read-only mode", "SELECT 1 SETTINGS readonly = 0"),
      ("reaches the network", "SELECT * FROM url('http://127.0.0.1:1/', CSV, 'a String')"),
      ("reaches other servers", "SELECT 1 FROM remote('127.0.0.1:1', 'emban', 'events')"),
      ("reads files", "SELECT * FROM file('a.csv', CSV, 'a String')"),
    ]
    for (what, statement) in refused {
      do {
        _ = try await client.query(statement, as: .sql(reader))
      } catch ClickHouseError.exception(let exception) where exception.isRefusal {
        continue
      }
      throw SchemaError.accessNotEnforced("an SQL reader \(what)")
    }
    _ = try await client.query("SELECT 1 FROM events LIMIT 0", as: .sql(reader))
  }
}
