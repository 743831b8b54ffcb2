import Domain

/// The thin driver under the repositories. There is one for each database that can hold the configuration; the SQL above it is
/// the same for all of them.
public protocol ConfigDatabase: Sendable {
  /// Runs `body` in a read-only transaction that sees one state of the database.
  ///
  /// `body` runs on a thread of the driver, never on the cooperative pool, and must not keep the connection.
  /// - Throws: What `body` throws; ``Domain/AppError`` 503 `store_unavailable` while the database cannot be reached, is locked or
  ///   full; `CancellationError`.
  func read<T: Sendable>(_ body: @escaping @Sendable (any ConfigConnection) throws -> T) async throws -> T

  /// Runs `body` in a write transaction, committed when it returns and rolled back when it throws. When this returns, the change
  /// is on the disk.
  /// - Throws: As ``read(_:)``.
  func write<T: Sendable>(_ body: @escaping @Sendable (any ConfigConnection) throws -> T) async throws -> T

  /// Waits for what runs and closes the connections.
  func close() async throws
}

/// One connection inside a transaction; valid only while the closure that received it runs.
public protocol ConfigConnection {
  /// - Throws: ``ConfigStoreError`` when a constraint refuses the change, ``Domain/AppError`` for everything else.
  func query(_ statement: Statement) throws -> [Row]

  /// The number of rows inserted, changed or deleted.
  /// - Throws: As ``query(_:)``.
  @discardableResult
  func execute(_ statement: Statement) throws -> Int

  /// Runs a migration's whole text, which may hold several statements and binds nothing.
  func script(_ sql: String) throws
}

extension ConfigConnection {
  func first(_ statement: Statement) throws -> Row? { try query(statement).first }

  func exists(_ statement: Statement) throws -> Bool { try !query(statement).isEmpty }

  func count(_ statement: Statement) throws -> Int {
    guard let row = try first(statement) else { return 0 }
    return try row.integer("count")
  }
}

/// What a repository must tell apart from a broken database, and why a store may refuse to start.
public enum ConfigStoreError: Error, Sendable, Hashable, CustomStringConvertible {
  /// A row with the same unique columns exists; `constraint` is the database's own word for it.
  case uniqueViolation(constraint: String)
  /// A row that this one refers to does not exist.
  case foreignKeyViolation
  /// A migration that was applied here differs from the one of the same name in this program.
  case changedMigration(name: String)
  /// The store has a migration that this program does not know: the program is older than the store.
  case unknownMigration(name: String)
  /// The database file cannot be opened.
  case cannotOpen(reason: String)

  public var description: String {
    switch self {
    case .uniqueViolation(let constraint): "The row is not unique (\(constraint))."
    case .foreignKeyViolation: "The row refers to one that does not exist."
    case .changedMigration(let name):
      "The migration \(name) was changed after it had been applied to this configuration store. Use the program that applied it, or "
        + "restore its text and put the change into a new migration."
    case .unknownMigration(let name):
      "The configuration store has the migration \(name), which this program does not know: the program is older than its data. "
        + "Use a newer emban."
    case .cannotOpen(let reason): "The configuration store cannot be opened: \(reason)"
    }
  }
}
