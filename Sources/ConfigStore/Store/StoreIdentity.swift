import Domain

/// The id of a configuration store: made once, kept by its backups, and another one in every other store.
public struct StoreIdentity: Sendable {
  private let database: any ConfigDatabase

  public init(_ database: any ConfigDatabase) { self.database = database }

  /// - Parameter candidate: becomes the id when there is none yet.
  public func id(orElse candidate: String) async throws -> String {
    try await database.write { connection in
      _ = try connection.execute("INSERT INTO store (name, value) VALUES ('id', \(candidate)) ON CONFLICT (name) DO NOTHING")
      return try connection.first("SELECT value FROM store WHERE name = 'id'")?.text("value") ?? candidate
    }
  }
}
