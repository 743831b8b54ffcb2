import CZlib
import Domain
import Logging
import NIOCore
import Synchronization
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
  private var left: [FilePath] { didSet { leftCount.withLock { $0 = left.count } } }
  /// Those of which was told that they cannot be read.
  private var told: Set<FilePath> = [] { didSet { toldPaths.withLock { $0 = told } } }
  private var taking: Task<Bool, Never>?
  /// How many there are, for those who ask before every insert.
  private nonisolated let leftCount: Mutex<Int>
  private nonisolated let toldPaths = Mutex<Set<FilePath>>([])

  init(directory: SpoolDirectory, left: [FilePath], logger: Logger) {
    self.directory = directory
    self.left = left
    leftCount = Mutex(left.count)
    self.logger = logger
  }

  /// Notes a block before its first insert. Nil when it cannot be noted, which is no reason not to insert it.
  /// - Parameter rows: as they will be inserted; they are not copied.
  func begin(_ rows: ByteBuffer, rowCount: Int, token: String) -> FilePath? {
    let path = directory.underWay.appending(token + ".block")
    do {
      let file = try FileDescriptor.open(path, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: .ownerReadWrite)
      try file.closeAfter {
        try rows.withUnsafeReadableBytes { rows in
          let head = SpoolRecord.head(rowCount: rowCount, token: token, rows: rows)
          // The head last: where it is, so are the rows.
          try file.writeAll(toAbsoluteOffset: Int64(head.count), rows)
          try file.writeAll(toAbsoluteOffset: 0, head)
        }
      }
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

  /// How many are to be completed.
  nonisolated var count: Int { leftCount.withLock(\.self) }

  /// Those that could not be read when that was last tried.
  nonisolated var unreadable: [FilePath] { toldPaths.withLock { $0.sorted { $0.string < $1.string } } }

  /// Puts what is left into the spool. What cannot be read now stays for the next time.
  /// - Returns: whether nothing is left.
  nonisolated func takeOver(_ append: @escaping @Sendable ([SpoolBlock]) async -> SpoolOutcome) async -> Bool {
    if count == 0 { return true }
    return await takeOverLeft(append)
  }

  private func takeOverLeft(_ append: @escaping @Sendable ([SpoolBlock]) async -> SpoolOutcome) async -> Bool {
    // One at a time: two would both put the same block into the spool.
    if let taking { return await taking.value }
    let task = Task { await putIntoSpool(append) }
    taking = task
    defer { taking = nil }
    return await task.value
  }

  private func putIntoSpool(_ append: @Sendable ([SpoolBlock]) async -> SpoolOutcome) async -> Bool {
    for path in left {
      do {
        if let block = try Self.block(in: path) {
          guard case .kept = await append([block]) else { return false }
          logger.notice("An insert that was broken off goes into the spool", metadata: ["events": "\(block.rowCount)"])
        }
      } catch {
        // No more files may be open, or the disk does not give it back: nothing is known of the insert.
        if told.insert(path).inserted {
          logger.error(
            "The note of an insert that was broken off cannot be read; trying again", metadata: ["file": "\(path)", "cause": "\(error)"])
        }
        continue
      }
      // A file that is not whole belongs to an insert that never began.
      directory.remove(path)
      told.remove(path)
      left.removeAll { $0 == path }
    }
    return left.isEmpty
  }

  /// Nil for a file that is not whole, or not there any more.
  private static func block(in path: FilePath) throws -> SpoolBlock? {
    let file: SegmentFile
    do {
      file = try SegmentFile(path)
    } catch Errno.noSuchFileOrDirectory {
      return nil
    }
    defer { file.close() }
    let bytes = try file.read(at: 0, count: Int(try file.descriptor.seek(offset: 0, from: .end)))
    guard let header = SpoolRecord.Header(bytes.prefix(SpoolRecord.Header.length)),
      let record = SpoolRecord(header, body: Array(bytes.dropFirst(SpoolRecord.Header.length)))
    else { return nil }
    return SpoolBlock(token: record.token, rows: record.rows, rowCount: record.rowCount)
  }
}

extension SpoolRecord {
  /// What stands before the rows in the file of a block: a record's header and the token.
  fileprivate static func head(rowCount: Int, token: String, rows: UnsafeRawBufferPointer) -> [UInt8] {
    let token = Array(token.utf8)
    var sum = UInt(Checksum.of(token[...]))
    sum = crc32_z(sum, rows.bindMemory(to: UInt8.self).baseAddress, rows.count)
    let header = Header(
      sequence: 0, storedAt: Instant(milliseconds: 0), rowCount: rowCount, tokenLength: token.count, rowsLength: rows.count,
      bodyChecksum: UInt32(truncatingIfNeeded: sum))
    return header.bytes + token
  }
}
