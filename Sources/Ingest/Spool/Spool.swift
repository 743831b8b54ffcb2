public import Domain
public import Logging
import Synchronization
import SystemPackage

import struct NIOCore.ByteBuffer

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Keeps accepted events on the disk while the event store cannot take them (docs/adr/0010-spool.md).
///
/// What ``EventBufferService`` cannot insert is appended here, with one fsync a block, before its senders are answered; a ``SpoolReplayer``
/// brings it into the store, in order. While anything is in here, everything new goes behind it.
public final class Spool: Sendable {
  /// Where the spool lies and how much it may hold.
  public struct Configuration: Sendable {
    /// The folder; made when it is missing.
    public var path: String
    /// Bytes of all its files; 0 takes nothing in but inserts that were broken off, and what is there is still replayed.
    public var limit: Int
    /// About how large one file becomes.
    public var segmentBytes: Int

    public init(path: String, limit: Int = 1 << 30, segmentBytes: Int = 64 << 20) {
      self.path = path
      self.limit = limit
      self.segmentBytes = segmentBytes
    }
  }

  /// Why the spool cannot be used, for the operator.
  public struct Unusable: Error, CustomStringConvertible {
    public let description: String
  }

  let files: SpoolReplayFiles
  private let appender: SpoolAppender
  private let underWay: BlocksUnderWay
  private let ledger: SharedLedger
  private let configuration: Configuration
  private let clock: TimeSource
  private let logger: Logger
  private let trouble = Mutex(Trouble())
  /// Yields when something was appended, and once at the beginning.
  let appended: AsyncStream<Void>
  private let appendedSink: AsyncStream<Void>.Continuation

  private struct Trouble {
    var isFull = false
    var isFailing = false
    /// The number of the segment that cannot be read at the moment.
    var unreadable: UInt64?
    var failures = TroubleCount()
  }

  /// Opens the folder and reads what an earlier run left in it: cuts off what was never completed, sets aside what is damaged.
  /// - Throws: ``Unusable``.
  public init(_ configuration: Configuration, clock: @escaping TimeSource, logger: Logger) throws {
    // A limit on the size of files shall be an error of the write, not the end of the program.
    signal(SIGXFSZ, SIG_IGN)
    let directory = SpoolDirectory(path: FilePath(configuration.path))
    do {
      try directory.create()
      let (stateFile, state) = try Self.openState(directory, logger)
      let contents = try SpoolInspection(directory: directory, logger: logger).run(replayed: state.replayed)
      let ledger = SpoolLedger(
        limit: configuration.limit, segmentBytes: max(1 << 16, min(configuration.segmentBytes, configuration.limit / 4)),
        contents: contents)
      self.ledger = SharedLedger(ledger)
      underWay = BlocksUnderWay(directory: directory, left: try directory.blocksUnderWay(), logger: logger)
      files = SpoolReplayFiles(directory: directory, ledger: self.ledger, stateFile: stateFile, state: state, logger: logger)
    } catch let error as Unusable {
      throw error
    } catch {
      throw Unusable(description: "EMBAN_DATA_DIR: the spool \(configuration.path) cannot be used: \(error)")
    }
    appender = SpoolAppender(directory: directory, ledger: ledger, clock: clock)
    self.configuration = configuration
    self.clock = clock
    self.logger = logger
    (appended, appendedSink) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    appendedSink.yield()
    let status = status
    if status.pendingEvents > 0 {
      logger.notice(
        "The spool holds events of an earlier run", metadata: ["events": "\(status.pendingEvents)", "bytes": "\(status.pendingBytes)"])
    }
  }

  /// Whether it takes events in.
  public var isOn: Bool { configuration.limit > 0 }

  /// Whether everything that was taken in is in the store.
  public var isEmpty: Bool { ledger.withLock { $0.isEmpty } }

  /// Of the newest record.
  var lastSequence: UInt64 { ledger.withLock { $0.lastSequence } }

  /// Whether everything up to a record is in the store.
  func isReplayed(through sequence: UInt64) -> Bool { ledger.withLock { $0.isEmpty || $0.replayed >= sequence } }

  /// Whether a block may be inserted at once: nothing waits in here, and no insert was broken off that has to be completed first.
  func allowsInserts() async -> Bool { await completeBrokenInserts() && isEmpty }

  /// Takes in the inserts that were broken off, with an earlier run or in this one: those few blocks even when it is full or off.
  /// - Returns: whether nothing of them is left.
  @discardableResult
  func completeBrokenInserts() async -> Bool { await underWay.takeOver { await self.append($0, beyondLimit: true) } }

  /// Notes a block before its insert; to be followed by ``ended(_:)`` or ``leave(_:)`` with what is returned.
  func begin(_ rows: ByteBuffer, rowCount: Int, token: String) async -> FilePath? {
    await underWay.begin(rows, rowCount: rowCount, token: token)
  }

  /// What became of the block is known: it is stored, refused, or in here.
  func ended(_ note: FilePath?) async { if let note { await underWay.end(note) } }

  /// The block may be stored in part, and is nowhere else: it is completed as soon as the store is there.
  func leave(_ note: FilePath?) async {
    guard let note else { return }
    await underWay.leave(note)
    appendedSink.yield()
  }

  /// Keeps all of the blocks, or none.
  public func append(_ blocks: [SpoolBlock]) async -> SpoolOutcome { await append(blocks, beyondLimit: false) }

  private func append(_ blocks: [SpoolBlock], beyondLimit: Bool) async -> SpoolOutcome {
    let outcome = await appender.append(blocks, beyondLimit: beyondLimit)
    let (wasFull, failures) = trouble.withLock { trouble -> (Bool, Int?) in
      let wasFull = trouble.isFull
      trouble.isFull = outcome == .full
      if case .failed = outcome {
        trouble.isFailing = true
        return (wasFull, trouble.failures.happened(at: .now))
      }
      if outcome == .kept { trouble.isFailing = false }
      return (wasFull, nil)
    }
    switch outcome {
    case .kept: appendedSink.yield()
    case .full:
      if !wasFull { logger.error("The spool is full; events are refused", metadata: ["bytes": "\(status.usedBytes)"]) }
    case .failed(let cause):
      if let failures {
        logger.error("The spool could not be written; events are refused", metadata: ["blocks": "\(failures)", "cause": "\(cause)"])
      }
    }
    return outcome
  }

  func replayed(through sequence: UInt64, records: Int, events: Int, bytes: Int, acceptedAt time: Instant?) async {
    let removable = ledger.withLock {
      $0.replayed(through: sequence, records: records, events: events, bytes: bytes, acceptedAt: time)
    }
    if !removable.isEmpty {
      trouble.withLock { $0.isFull = false }
      await files.removeSegments(removable)
    }
  }

  /// A segment cannot be read, or it can again.
  func setUnreadable(_ segment: UInt64?) { trouble.withLock { $0.unreadable = segment } }

  func setAside(_ bytes: Int) { if bytes > 0 { ledger.withLock { $0.setAside(files: 1, bytes: bytes) } } }

  /// What the spool holds at the moment.
  public var status: SpoolStatus {
    let trouble = trouble.withLock(\.self)
    let isOn = isOn
    let brokenInserts = underWay.count
    let unreadable = trouble.unreadable.map { [SpoolDirectory(path: FilePath(configuration.path)).segment($0)] } ?? []
    let now = clock()
    return ledger.withLock { ledger in
      let state: SpoolStatus.State =
        if trouble.isFailing {
          .failing
        } else if trouble.isFull {
          .full
        } else if trouble.unreadable != nil {
          .unreadable
        } else if !ledger.isEmpty || brokenInserts > 0 {
          .pending
        } else {
          isOn ? .empty : .off
        }
      return SpoolStatus(
        state: state, pendingEvents: ledger.pendingEvents, pendingBytes: ledger.pendingBytes,
        oldestSeconds: ledger.oldest.map { max(0, Double(now.milliseconds - $0.milliseconds) / 1000) } ?? 0,
        brokenInserts: brokenInserts, unreadable: (underWay.unreadable + unreadable).map(relative), setAside: ledger.setAsideFiles,
        usedBytes: ledger.usedBytes, limitBytes: ledger.limit)
    }
  }

  /// A file of the spool as an operator finds it in the data directory: `spool/under-way/….block`.
  private func relative(_ file: FilePath) -> String {
    var file = file
    let folder = FilePath(configuration.path)
    guard file.removePrefix(folder) else { return file.string }
    return folder.lastComponent.map { "\($0)/\(file)" } ?? file.string
  }

  private static func openState(_ directory: SpoolDirectory, _ logger: Logger) throws -> (FileDescriptor, ReplayState) {
    let length = 2 * ReplayState.slotLength
    let file = try FileDescriptor.open(
      directory.replayState, .readWrite, options: [.create, .closeOnExec], permissions: .ownerReadWrite)
    do {
      let reader = try SegmentFile(directory.replayState)
      defer { reader.close() }
      let bytes = try reader.read(at: 0, count: length)
      guard bytes.count == length else {
        // Its space is taken once and for all, so that the replay goes on when the disk is full.
        try file.writeAll(toAbsoluteOffset: 0, [UInt8](repeating: 0, count: length))
        try file.syncToDisk()
        try SpoolDirectory.sync(directory.path)
        return (file, ReplayState())
      }
      let states = [bytes[..<ReplayState.slotLength], bytes[ReplayState.slotLength...]].compactMap { ReplayState($0) }
      if states.isEmpty, bytes.contains(where: { $0 != 0 }) {
        logger.error("The state of the replay cannot be read; what is in the spool is replayed from its beginning")
      }
      return (file, states.max { $0.version < $1.version } ?? ReplayState())
    } catch {
      try? file.close()
      throw error
    }
  }
}

/// What the spool holds, as `/readyz` and `/metrics` tell it.
public struct SpoolStatus: Sendable, Hashable {
  public enum State: String, Sendable {
    /// It takes nothing in: `EMBAN_SPOOL_MB=0`.
    case off
    /// Nothing waits.
    case empty
    /// Events wait for the store, or inserts that were broken off for the spool.
    case pending
    /// No more fits; new events are refused.
    case full
    /// The disk refused the last write; new events are refused while the store is away.
    case failing
    /// A file of it cannot be read: that is tried again for some time, then what can be read is replayed, and the file set aside.
    case unreadable
  }

  public var state: State
  public var pendingEvents: Int
  public var pendingBytes: Int
  /// Since when the oldest of them waits, at most.
  public var oldestSeconds: Double
  /// Inserts that were broken off and are in neither the store nor the spool yet.
  public var brokenInserts: Int
  /// The files that cannot be read now, from the spool's folder on: one under `under-way/` holds back everything that comes after it.
  public var unreadable: [String] = []
  /// Files in `set-aside/`.
  public var setAside: Int
  public var usedBytes: Int
  public var limitBytes: Int

  /// Of a program without a spool.
  public static let off = SpoolStatus(
    state: .off, pendingEvents: 0, pendingBytes: 0, oldestSeconds: 0, brokenInserts: 0, setAside: 0, usedBytes: 0, limitBytes: 0)
}
