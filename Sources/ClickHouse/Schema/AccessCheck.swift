import Domain

/// Asks the database itself, with the real users, whether isolation holds. It runs after every migration, so that a server that
/// treats settings or policies differently from the one this was written on is refused instead of served from.
struct AccessCheck {
  let client: ClickHouseClient

  /// The tables that readers may see, each with its policies.
  private static let tables: [SQLIdentifier] = ["emban.events", "emban.tenant_days", "emban.rollups", "emban.rollup_days"]

  func run() async throws {
    let nobody = ScopeSettings(organization: "", environment: "", tenant: nil)
    let readers = [("viewer", DatabaseRole.viewer(nobody), 4), ("analyst", .analyst(nobody), 4), ("exporter", .exporter(nobody), 1)]
    for (name, role, open) in readers {
      for (index, table) in Self.tables.enumerated() {
        if index < open {
          try await demand("a \(name) without scope reads rows of \(table.name)") {
            try await client.query("SELECT 1 FROM \(identifier: table) LIMIT 1", as: role).rows.isEmpty
          }
        } else {
          try await demand("a \(name) reads \(table.name)") {
            try await isRefused("SELECT 1 FROM \(identifier: table) LIMIT 1", as: role)
          }
        }
      }
      try await demand("a \(name) reads event ids") {
        try await isRefused("SELECT count() FROM emban.event_ids", as: role)
      }
      try await demand("a \(name) can leave its read-only mode") {
        try await isRefused("SELECT 1 SETTINGS readonly = 0", as: role)
      }
    }
    // The scope must reach the policy letter by letter.
    let hostile = ScopeSettings(organization: "o'1", environment: "\\n\t\"%27", tenant: "NULL' OR 1=1 -- ü")
    let echo = try await client.query(
      "SELECT getSetting('SQL_emban_org'), getSetting('SQL_emban_env'), getSetting('SQL_emban_tenant')", as: .viewer(hostile))
    let expected = [hostile.organization, hostile.environment, hostile.tenant ?? ""].map(JSONValue.string)
    guard echo.rows == [expected] else { throw SchemaError.accessNotEnforced("a scope arrives altered") }
  }

  private func demand(_ failure: String, _ holds: () async throws -> Bool) async throws {
    guard try await holds() else { throw SchemaError.accessNotEnforced(failure) }
  }

  private func isRefused(_ sql: SQL, as role: DatabaseRole) async throws -> Bool {
    do {
      _ = try await client.query(sql, as: role)
      return false
    } catch ClickHouseError.exception(let exception) where exception.kind == .accessDenied {
      return true
    }
  }
}
