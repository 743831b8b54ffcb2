import Domain
import Logging
import SystemPackage

/// The reading side of the spool: records in order, the state of the replay, and what is set aside.
actor SpoolReplayFiles {
  enum Next: Sendable {
    case record(SpoolRecord)
    /// Nothing more can be read; everything up to this sequence has been.
    case exhausted(through: UInt64)
  }

  private nonisolated let executor = BlockingExecutor("emban.spool.replay")
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private let directory: SpoolDirectory
  private let ledger: SharedLedger
  private let logger: Logger
  private let stateFile: FileDescriptor
  private(set) var state: ReplayState
  private var segment: OpenSegment?
  private var pushedBack: SpoolRecord?
  /// Segments that cannot be read as a whole, and of which what can be read is taken.
  private var salvaged: Set<UInt64> = []

  private struct OpenSegment: Sendable {
    let number: UInt64
    /// Nil for one that cannot be opened.
    let file: SegmentFile?
    let bytes: any SegmentBytes & Sendable
    var scan = SegmentScan()

    func close() { file?.close() }
  }

  init(directory: SpoolDirectory, ledger: SharedLedger, stateFile: FileDescriptor, state: ReplayState, logger: Logger) {
    self.directory = directory
    self.ledger = ledger
    self.stateFile = stateFile
    self.state = state
    self.logger = logger
  }

  deinit {
    segment?.close()
    try? stateFile.close()
  }

  /// The next record that is not replayed yet. A damaged one is set aside and passed over.
  /// - Throws: ``SegmentUnreadable``, or what keeps the damaged from being set aside.
  func next() throws -> Next {
    if let record = pushedBack {
      pushedBack = nil
      return .record(record)
    }
    while true {
      let position = segment?.number ?? 0
      let segments = ledger.withLock { Array($0.segments(from: position)) }
      // One without a record is being made right now, and may not have its file yet.
      guard let current = segments.first, current.lastSequence > 0 else { return .exhausted(through: 0) }
      if segment?.number != current.number { try open(current) }
      guard let open = segment else { return .exhausted(through: 0) }
      var scan = open.scan
      let step: SegmentScan.Step
      do {
        step = try scan.next(in: open.bytes, end: current.size)
      } catch {
        throw SegmentUnreadable(segment: current.number, cause: error)
      }
      switch step {
      case .record(let record):
        segment?.scan = scan
        if record.sequence > state.replayed { return .record(record) }
      case .damaged(let range), .torn(let range):
        // Of one that is salvaged the file itself will be set aside.
        if !salvaged.contains(current.number) { try setAside(range, of: open.bytes, number: current.number) }
        segment?.scan = scan
      case .end:
        guard let following = segments.dropFirst().first, following.lastSequence > 0 else {
          return .exhausted(through: current.lastSequence)
        }
        try self.open(following)
      }
    }
  }

  /// From now on takes what can be read of a segment, instead of failing.
  func salvage(_ number: UInt64) {
    salvaged.insert(number)
    rewind()
  }

  /// Gives back the record that ``next()`` gave last.
  func pushBack(_ record: SpoolRecord) { pushedBack = record }

  /// Begins again with the first record that is not replayed.
  func rewind() {
    pushedBack = nil
    segment?.close()
    segment = nil
  }

  /// Makes a new state of the replay durable.
  func fix(replayed: UInt64? = nil, plan: ReplayPlan?) throws {
    var next = state
    next.version += 1
    if let replayed { next.replayed = max(replayed, state.replayed) }
    next.plan = plan
    guard let bytes = next.bytes else { throw Errno.fileTooLarge }
    try stateFile.writeAll(toAbsoluteOffset: Int64(next.slot * ReplayState.slotLength), bytes)
    try stateFile.syncToDisk()
    state = next
  }

  /// Keeps a row that the store does not take, for people.
  /// - Returns: bytes that it takes; 0 when it was set aside before.
  func setAside(row: Int, of rows: StoredRows, record: UInt64, cause: String) throws -> Int {
    let note: JSONValue = ["cause": .string(cause), "event": rows.json(row)]
    return try directory.putAside("event-\(record)-\(row).json", note.serializedBytes() + [UInt8(ascii: "\n")])
  }

  /// Keeps a whole record whose rows cannot be told apart.
  func setAside(_ record: SpoolRecord) throws -> Int { try directory.putAside("record-\(record.sequence).bin", record.bytes) }

  func removeSegments(_ numbers: [UInt64]) {
    for number in numbers {
      if segment?.number == number {
        segment?.close()
        segment = nil
      }
      if salvaged.remove(number) != nil { setAside(unreadable: number) } else { directory.remove(directory.segment(number)) }
    }
  }

  private func open(_ current: SpoolLedger.Segment) throws {
    segment?.close()
    segment = nil
    let isSalvaged = salvaged.contains(current.number)
    do {
      let file = try SegmentFile(directory.segment(current.number))
      segment = OpenSegment(number: current.number, file: file, bytes: isSalvaged ? SalvagedBytes(file, size: current.size) : file)
    } catch {
      guard isSalvaged else { throw SegmentUnreadable(segment: current.number, cause: error) }
      let nothing = NoBytes(size: current.size, cause: error)
      segment = OpenSegment(number: current.number, file: nil, bytes: SalvagedBytes(nothing, size: current.size))
    }
  }

  /// Keeps a file of which not everything could be read: another machine, or another day, may read it.
  private func setAside(unreadable number: UInt64) {
    do {
      guard let length = try directory.moveAside(directory.segment(number), as: "unreadable-\(number).segment") else { return }
      ledger.withLock { $0.setAside(files: 1, bytes: length) }
    } catch {
      logger.error("A segment of the spool cannot be set aside", metadata: ["segment": "\(number)", "cause": "\(error)"])
    }
  }

  private func setAside(_ range: Range<Int>, of file: some SegmentBytes, number: UInt64) throws {
    let bytes = try file.read(at: range.lowerBound, count: range.count)
    let length = try directory.putAside("damaged-\(number)-\(range.lowerBound).bin", bytes)
    guard length > 0 else { return }
    ledger.withLock { $0.setAside(files: 1, bytes: length) }
    logger.error(
      "The spool holds bytes that are not what was written; they are set aside",
      metadata: ["segment": "\(number)", "from": "\(range.lowerBound)", "bytes": "\(range.count)"])
  }
}
