import Domain
import NIOCore

/// Which configuration store an event store belongs to: the first that claims it, until another one does so on purpose.
public struct StoreClaim: Sendable {
  private static let table: SQLIdentifier = "emban.configuration_store"

  private let client: ClickHouseClient

  /// - Parameter client: of a database that is migrated.
  public init(client: ClickHouseClient) { self.client = client }

  /// Looks whether another configuration store has the events, and changes nothing. To be asked before everything else: a program that is
  /// refused must not have put its own passwords in the place of those that the rightful one uses.
  ///
  /// - Throws: ``SchemaError/otherConfigurationStore``, ``ClickHouseError``.
  public func check(id: String, adopting: Bool) async throws {
    guard !adopting else { return }
    let tables = try await client.query(
      "SELECT count() FROM system.tables WHERE database = 'emban' AND name = 'configuration_store'", as: .admin)
    guard tables.scalar?.numberValue ?? 0 > 0, let holder = try await newest() else { return }
    guard holder.id == id else { throw SchemaError.otherConfigurationStore }
  }

  /// Claims the events for a configuration store, unless another one has them.
  ///
  /// - Parameters:
  ///   - id: of the configuration store.
  ///   - adopting: takes them from another one.
  /// - Throws: ``SchemaError/otherConfigurationStore``, ``ClickHouseError``.
  public func make(id: String, adopting: Bool) async throws {
    var holder = try await newest()
    if holder == nil || (adopting && holder?.id != id) {
      let row: JSONValue = ["id": .string(id), "claim": .int((holder?.claim ?? 0) + 1)]
      try await client.insert(into: Self.table, columns: ["id", "claim"], body: ByteBuffer(string: row.serialized()))
      // Another one may have done the same at this moment.
      holder = try await newest()
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
