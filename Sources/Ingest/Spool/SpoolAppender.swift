import Domain
import Synchronization
import SystemPackage

/// Events of a block on their way into the spool.
public struct SpoolBlock: Sendable {
  /// Of the insert that may have carried them to the store; nil when none did.
  public var token: String?
  /// As ``EncodedEvents`` writes them.
  public var rows: [UInt8]
  public var rowCount: Int

  public init(token: String? = nil, rows: [UInt8], rowCount: Int) {
    self.token = token
    self.rows = rows
    self.rowCount = rowCount
  }

  var length: Int { SpoolRecord.Header.length + (token?.utf8.count ?? 0) + rows.count }
}

/// What became of it.
public enum SpoolOutcome: Sendable, Hashable {
  /// On the disk.
  case kept
  /// The spool holds as much as it may.
  case full
  /// The disk did not take it. Nothing of it is kept.
  case failed(cause: String)
}

/// The books of the spool, which the appending and the replaying side share.
final class SharedLedger: Sendable {
  private let ledger: Mutex<SpoolLedger>

  init(_ ledger: SpoolLedger) { self.ledger = Mutex(ledger) }

  func withLock<Result: Sendable>(_ body: (inout SpoolLedger) -> Result) -> Result {
    ledger.withLock { ledger in body(&ledger) }
  }
}

/// Writes blocks at the end of the newest segment, one after another, each with one fsync.
actor SpoolAppender {
  private nonisolated let executor = BlockingExecutor("emban.spool.append")
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private let directory: SpoolDirectory
  private let ledger: SharedLedger
  private let clock: TimeSource
  private var open: (number: UInt64, file: FileDescriptor)?

  init(directory: SpoolDirectory, ledger: SharedLedger, clock: @escaping TimeSource) {
    self.directory = directory
    self.ledger = ledger
    self.clock = clock
  }

  deinit { try? open?.file.close() }

  /// Writes all of the blocks or none; when it says that they are kept, they are on the disk.
  func append(_ blocks: [SpoolBlock], beyondLimit: Bool) -> SpoolOutcome {
    let length = blocks.reduce(0) { $0 + $1.length }
    guard let place = ledger.withLock({ $0.reserve(records: blocks.count, length: length, beyondLimit: beyondLimit) }) else { return .full }
    let now = clock()
    do {
      let file = try fileToWrite(place)
      var offset = Int64(place.offset)
      for (index, block) in blocks.enumerated() {
        let record = SpoolRecord(
          sequence: place.firstSequence + UInt64(index), storedAt: now, rowCount: block.rowCount, token: block.token, rows: block.rows)
        offset += Int64(try file.writeAll(toAbsoluteOffset: offset, record.bytes))
      }
      try file.syncToDisk()
      if place.isNew { try SpoolDirectory.sync(directory.path) }
    } catch {
      takeBack(place)
      return .failed(cause: "\(error)")
    }
    ledger.withLock { $0.appended(place, rows: blocks.reduce(0) { $0 + $1.rowCount }, now: now) }
    return .kept
  }

  private func fileToWrite(_ place: SpoolLedger.Reservation) throws -> FileDescriptor {
    if !place.isNew, let open, open.number == place.segment { return open.file }
    try? open?.file.close()
    open = nil
    guard place.isNew else { throw Errno.badFileDescriptor }
    let file = try FileDescriptor.open(
      directory.segment(place.segment), .readWrite, options: [.create, .exclusiveCreate, .closeOnExec], permissions: .ownerReadWrite)
    open = (place.segment, file)
    try file.writeAll(toAbsoluteOffset: 0, SegmentScan.magic)
    return file
  }

  /// Cuts off what was written of records that nobody was told to be kept. Should that fail too, they come again at the next start, as
  /// requests do whose answer got lost.
  private func takeBack(_ place: SpoolLedger.Reservation) {
    if let open, open.number == place.segment {
      try? open.file.resize(to: Int64(place.offset))
      try? open.file.syncToDisk()
      try? open.file.close()
      self.open = nil
    }
    for number in ledger.withLock({ $0.failed(place) }) { directory.remove(directory.segment(number)) }
  }
}
