import Domain
import GRDB

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The configuration store in a SQLite file: WAL, foreign keys on, one writer at a time, readers beside it, every commit synced to
/// the disk (configuration is small and precious; a revoked key must not come back after a power failure).
///
/// The file and its companions are readable and writable by their owner only (mode 0600); a looser mode is tightened on opening.
public final class SQLiteDatabase: ConfigDatabase {
  private let pool: DatabasePool

  /// How often a file is opened that another process keeps to itself, with five seconds of waiting each time.
  private static let attempts = 12

  /// Opens the file, or makes it together with missing folders (mode 0700). Waits up to five seconds for another process's write, and
  /// for a minute while another one keeps the file from being opened.
  /// - Throws: ``ConfigStoreError/cannotOpen(reason:)``.
  public init(path: String) throws {
    try Self.prepareFile(path)
    var configuration = Configuration()
    configuration.label = "emban.config"
    configuration.foreignKeysEnabled = true
    configuration.busyMode = .timeout(5)
    configuration.maximumReaderCount = 4
    configuration.prepareDatabase { database in
      try database.execute(sql: "PRAGMA trusted_schema = OFF")
    }
    do {
      pool = try Self.openPool(path, configuration)
      // GRDB leaves a WAL writer on NORMAL, which may lose the last commits when the power fails.
      try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
    } catch {
      throw ConfigStoreError.cannotOpen(reason: "\(path): \((error as? DatabaseError)?.message ?? "\(error)")")
    }
  }

  private static func openPool(_ path: String, _ configuration: Configuration) throws -> DatabasePool {
    for _ in 1..<attempts {
      do {
        return try DatabasePool(path: path, configuration: configuration)
      } catch let error as DatabaseError where [.SQLITE_BUSY, .SQLITE_LOCKED].contains(error.resultCode) {
        continue
      }
    }
    return try DatabasePool(path: path, configuration: configuration)
  }

  public func read<T: Sendable>(_ body: @escaping @Sendable (any ConfigConnection) throws -> T) async throws -> T {
    do {
      return try await pool.read { try body(SQLiteConnection(database: $0)) }
    } catch let error as DatabaseError {
      throw Self.translated(error)
    }
  }

  public func write<T: Sendable>(_ body: @escaping @Sendable (any ConfigConnection) throws -> T) async throws -> T {
    do {
      return try await pool.write { try body(SQLiteConnection(database: $0)) }
    } catch let error as DatabaseError {
      throw Self.translated(error)
    }
  }

  public func close() async throws {
    // The last writer waits for its turn, so that nothing that was begun is cut off.
    try await pool.barrierWriteWithoutTransaction { _ in }
    try pool.close()
  }

  fileprivate static func translated(_ error: DatabaseError) -> any Error {
    let cause = "SQLite \(error.extendedResultCode.rawValue): \(error.message ?? "")"
    switch error.extendedResultCode {
    case .SQLITE_CONSTRAINT_UNIQUE, .SQLITE_CONSTRAINT_PRIMARYKEY:
      return ConfigStoreError.uniqueViolation(constraint: error.message ?? "")
    case .SQLITE_CONSTRAINT_FOREIGNKEY:
      return ConfigStoreError.foreignKeyViolation
    default: break
    }
    switch error.resultCode {
    case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_READONLY:
      return AppError.unavailable("store_unavailable", "The configuration store cannot be reached at the moment.", cause: cause)
    default:
      return AppError.internal(cause: cause)
    }
  }

  private static func prepareFile(_ path: String) throws {
    try makeFolders(of: path)
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw ConfigStoreError.cannotOpen(reason: "\(path): \(String(cString: strerror(errno)))")
    }
    closeDescriptor(descriptor)
    // SQLite gives its companion files the mode of the main one; those of an earlier run may still be looser.
    for name in [path, path + "-wal", path + "-shm"] {
      var status = stat()
      guard stat(name, &status) == 0, status.st_mode & 0o077 != 0 else { continue }
      guard chmod(name, 0o600) == 0 else {
        throw ConfigStoreError.cannotOpen(reason: "\(name) is open to other users of this machine and its mode cannot be changed")
      }
    }
  }

  private static func makeFolders(of path: String) throws {
    var folder = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/").dropLast() {
      folder += "/" + part
      guard mkdir(folder, 0o700) == 0 || errno == EEXIST else {
        throw ConfigStoreError.cannotOpen(reason: "\(folder): \(String(cString: strerror(errno)))")
      }
    }
  }
}

/// Outside the class, whose own `close()` hides the system's.
private func closeDescriptor(_ descriptor: Int32) { _ = close(descriptor) }

private struct SQLiteConnection: ConfigConnection {
  let database: Database

  func query(_ statement: Statement) throws -> [Row] {
    do {
      let prepared = try database.cachedStatement(sql: statement.text(placeholder: "?"))
      let positions = Dictionary(prepared.columnNames.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
      let cursor = try GRDB.Row.fetchCursor(prepared, arguments: arguments(of: statement))
      var rows: [Row] = []
      while let row = try cursor.next() {
        rows.append(Row(positions: positions, values: try row.databaseValues.map(value)))
      }
      return rows
    } catch let error as DatabaseError {
      throw SQLiteDatabase.translated(error)
    }
  }

  @discardableResult
  func execute(_ statement: Statement) throws -> Int {
    do {
      try database.cachedStatement(sql: statement.text(placeholder: "?")).execute(arguments: arguments(of: statement))
      return database.changesCount
    } catch let error as DatabaseError {
      throw SQLiteDatabase.translated(error)
    }
  }

  func script(_ sql: String) throws {
    do {
      try database.execute(sql: sql)
    } catch let error as DatabaseError {
      throw SQLiteDatabase.translated(error)
    }
  }

  private func arguments(of statement: Statement) -> StatementArguments {
    StatementArguments(
      statement.values.map { value -> (any DatabaseValueConvertible)? in
        switch value {
        case .null: nil
        case .integer(let integer): integer
        case .text(let text): text
        }
      })
  }

  private func value(_ value: DatabaseValue) throws -> SQLValue {
    switch value.storage {
    case .null: .null
    case .int64(let integer): .integer(integer)
    case .string(let text): .text(text)
    case .double, .blob: throw AppError.internal(cause: "The configuration store holds a value of a type that its schema has not.")
    }
  }
}
