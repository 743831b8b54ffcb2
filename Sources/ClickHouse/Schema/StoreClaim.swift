import Domain
import NIOCore
import Schema

/// Which configuration store an event store belongs to: the first that claims it, until another one does so on purpose.
public struct StoreClaim: Sendable {
  private static let table: SQLIdentifier = "emban.configuration_store"
  private static let migration = "0004_configuration_store"
  /// As many claims as were taken back by hand.
  private static let attempts = 10

  private let client: ClickHouseClient

  public init(client: ClickHouseClient) { self.client = client }

  /// Claims the events for a configuration store, unless another one has them. To be asked before everything else: a program that is refused must
  /// not have put its own passwords in the place of those that the rightful one uses. Of several that claim at the same moment one has them.
  ///
  /// - Parameters:
  ///   - id: of the configuration store.
  ///   - adopting: takes them from another one.
  /// - Throws: ``SchemaError/otherConfigurationStore``, ``SchemaError/serverTooOld(version:)``, ``ClickHouseError``.
  public func make(id: String, adopting: Bool) async throws {
    try await ClickHouseMigrator.checkVersion(client)
    try await client.execute("CREATE DATABASE IF NOT EXISTS emban")
    for migration in Schema.clickhouse where migration.name == Self.migration {
      for statement in SQLFile.statements(of: migration.sql) { try await client.execute(SQL(trusted: statement)) }
    }
    var holder = try await newest()
    if holder == nil || (adopting && holder?.id != id) {
      // The token makes one claim of each number the only one: the store takes the first insert and ignores the others.
      try await client.execute("ALTER TABLE \(identifier: Self.table) MODIFY SETTING non_replicated_deduplication_window = 1000")
      let first = (holder?.claim ?? 0) + 1
      for claim in first..<first + Self.attempts {
        let row: JSONValue = ["id": .string(id), "claim": .int(claim)]
        try await client.insert(
          into: Self.table, columns: ["id", "claim"], body: ByteBuffer(string: row.serialized()), deduplicationToken: "claim-\(claim)")
        holder = try await newest()
        if let holder, holder.claim >= claim { break }
      }
    }
    guard holder?.id == id else { throw SchemaError.otherConfigurationStore }
  }

  private func newest() async throws -> (id: String, claim: Int)? {
    let rows = try await client.query(
      "SELECT id, claim FROM \(identifier: Self.table) ORDER BY claim DESC, claimed_at, id LIMIT 1", as: .admin)
    guard let row = rows.rows.first, let id = row[0].stringValue, let claim = row[1].numberValue else { return nil }
    return (id, Int(claim))
  }
}
