import Domain
import Logging
import SystemPackage

/// Blocks whose insert is under way, each in a file of its own until it is known what became of it.
///
/// An insert that breaks off can leave events without their ids and counts, which views fill within it: sent again, they would count twice.
/// Repeating exactly this insert, with its token, completes it. While the program runs it does so itself; what a killed one was inserting
/// lies here, and goes into the spool before anything else is inserted.
///
/// The files are not synced: against `kill -9` that is not needed.
actor BlocksUnderWay {
  private nonisolated let executor = BlockingExecutor("emban.spool.under-way")
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private let directory: SpoolDirectory
  private let logger: Logger
  /// Those of which nobody knows what became of them.
  private var left: [FilePath]

  init(directory: SpoolDirectory, left: [FilePath], logger: Logger) {
    self.directory = directory
    self.left = left
    self.logger = logger
  }

  /// Notes a block before its first insert. Nil when it cannot be noted, which is no reason not to insert it.
  func begin(_ block: SpoolBlock) -> FilePath? {
    let path = directory.underWay.appending((block.token ?? "") + ".block")
    let record = SpoolRecord(sequence: 0, storedAt: .init(milliseconds: 0), rowCount: block.rowCount, token: block.token, rows: block.rows)
    do {
      let file = try FileDescriptor.open(path, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: .ownerReadWrite)
      try file.closeAfter { _ = try file.writeAll(record.bytes) }
      return path
    } catch {
      logger.debug("A block could not be noted before its insert", metadata: ["cause": "\(error)"])
      directory.remove(path)
      return nil
    }
  }

  /// It is stored, or in the spool.
  func end(_ path: FilePath) { directory.remove(path) }

  /// It may be stored in part, and the spool does not take it.
  func leave(_ path: FilePath) { left.append(path) }

  /// Puts what is left into the spool.
  /// - Returns: whether nothing is left.
  func takeOver(_ append: ([SpoolBlock]) async -> SpoolOutcome) async -> Bool {
    while let path = left.first {
      if let block = Self.block(in: path) {
        guard case .kept = await append([block]) else { return false }
        logger.notice("An insert that was broken off goes into the spool", metadata: ["events": "\(block.rowCount)"])
      }
      // A file that is not whole belongs to an insert that never began.
      directory.remove(path)
      left.removeAll { $0 == path }
    }
    return true
  }

  private static func block(in path: FilePath) -> SpoolBlock? {
    guard let file = try? SegmentFile(path) else { return nil }
    defer { file.close() }
    guard let bytes = try? file.read(at: 0, count: file.size), let header = SpoolRecord.Header(bytes.prefix(SpoolRecord.Header.length)),
      let record = SpoolRecord(header, body: Array(bytes.dropFirst(SpoolRecord.Header.length)))
    else { return nil }
    return SpoolBlock(token: record.token, rows: record.rows, rowCount: record.rowCount)
  }
}
