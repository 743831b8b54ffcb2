public import Domain

/// What the spool holds, in numbers: which segments there are, how much of them waits, whether more fits, which can go. A pure state
/// machine; the files follow it.
public struct SpoolLedger: Sendable {
  /// A file of records.
  public struct Segment: Sendable, Hashable {
    public let number: UInt64
    /// Of the part that counts.
    public var size: Int
    /// The sequence of its last record; 0 for none.
    public var lastSequence: UInt64
    /// A record is being written at its end.
    public var isBusy = false

    public init(number: UInt64, size: Int, lastSequence: UInt64 = 0) {
      self.number = number
      self.size = size
      self.lastSequence = lastSequence
    }
  }

  /// Where records may be written, after which ``appended(_:rows:now:)`` or ``failed(_:)`` has to be called.
  public struct Reservation: Sendable, Hashable {
    public let segment: UInt64
    /// The file has to be made.
    public let isNew: Bool
    public let offset: Int
    public let length: Int
    /// Of the first record; the others count on.
    public let firstSequence: UInt64
    public let records: Int
  }

  public let limit: Int
  let segmentBytes: Int
  public private(set) var segments: [Segment]
  private var isLastOpen = false
  private var nextSegment: UInt64
  private var nextSequence: UInt64
  public private(set) var replayed: UInt64
  private var lastDurable: UInt64
  public private(set) var pendingRecords: Int
  public private(set) var pendingEvents: Int
  public private(set) var pendingBytes: Int
  /// Not later than when the oldest of what waits was accepted.
  public private(set) var oldest: Instant?
  public private(set) var setAsideFiles: Int
  public private(set) var setAsideBytes: Int

  /// What was found on disk.
  public struct Contents: Sendable {
    public var segments: [Segment] = []
    public var replayed: UInt64 = 0
    public var pendingRecords = 0
    public var pendingEvents = 0
    public var pendingBytes = 0
    public var oldest: Instant?
    public var setAsideFiles = 0
    public var setAsideBytes = 0

    public init() {}
  }

  /// - Parameters:
  ///   - limit: bytes of all files; 0 takes nothing.
  ///   - segmentBytes: a segment that has this much is followed by another one.
  public init(limit: Int, segmentBytes: Int, contents: Contents = Contents()) {
    self.limit = limit
    self.segmentBytes = segmentBytes
    segments = contents.segments
    nextSegment = (contents.segments.last?.number ?? 0) + 1
    nextSequence = max(contents.replayed, contents.segments.map(\.lastSequence).max() ?? 0) + 1
    replayed = contents.replayed
    lastDurable = contents.segments.map(\.lastSequence).max() ?? 0
    pendingRecords = contents.pendingRecords
    pendingEvents = contents.pendingEvents
    pendingBytes = contents.pendingBytes
    oldest = contents.oldest
    setAsideFiles = contents.setAsideFiles
    setAsideBytes = contents.setAsideBytes
  }

  /// Whether everything that was appended is in the store or set aside.
  public var isEmpty: Bool { replayed >= lastDurable }
  /// Bytes of all files.
  public var usedBytes: Int { segments.reduce(setAsideBytes) { $0 + $1.size } }
  /// The last that was given to a record.
  public var lastSequence: UInt64 { nextSequence - 1 }

  /// A place for some records; nil when they do not fit.
  /// - Parameter beyondLimit: they are kept however full it is.
  public mutating func reserve(records: Int, length: Int, beyondLimit: Bool = false) -> Reservation? {
    var isNew = false
    if !isLastOpen || (segments.last.map { $0.size >= segmentBytes } ?? true) {
      isNew = true
    }
    let needed = length + (isNew ? SegmentScan.magic.count : 0)
    guard beyondLimit || usedBytes + needed <= limit else { return nil }
    if isNew {
      segments.append(Segment(number: nextSegment, size: SegmentScan.magic.count))
      nextSegment += 1
      isLastOpen = true
    }
    let last = segments.count - 1
    segments[last].isBusy = true
    defer { nextSequence += UInt64(records) }
    return Reservation(
      segment: segments[last].number, isNew: isNew, offset: segments[last].size, length: length, firstSequence: nextSequence,
      records: records)
  }

  /// The records are durable.
  public mutating func appended(_ reservation: Reservation, rows: Int, now: Instant) {
    guard let index = segments.firstIndex(where: { $0.number == reservation.segment }) else { return }
    segments[index].isBusy = false
    segments[index].size = reservation.offset + reservation.length
    segments[index].lastSequence = reservation.firstSequence + UInt64(reservation.records) - 1
    if isEmpty { oldest = now }
    lastDurable = segments[index].lastSequence
    pendingRecords += reservation.records
    pendingEvents += rows
    pendingBytes += reservation.length
  }

  /// The records could not be written. Nothing more is written to their segment: what lies behind its size is not to be trusted.
  /// - Returns: segments whose files are to be removed.
  public mutating func failed(_ reservation: Reservation) -> [UInt64] {
    guard let index = segments.firstIndex(where: { $0.number == reservation.segment }) else { return [] }
    segments[index].isBusy = false
    if index == segments.count - 1 { isLastOpen = false }
    return removeReplayed()
  }

  /// Everything up to a sequence is in the store or set aside, and that is written down.
  /// - Parameters:
  ///   - time: when the last of it was accepted.
  /// - Returns: segments whose files are to be removed.
  public mutating func replayed(
    through sequence: UInt64, records: Int = 0, events: Int = 0, bytes: Int = 0, acceptedAt time: Instant? = nil
  ) -> [UInt64] {
    replayed = max(replayed, sequence)
    pendingRecords = max(0, pendingRecords - records)
    pendingEvents = max(0, pendingEvents - events)
    pendingBytes = max(0, pendingBytes - bytes)
    if isEmpty {
      // Also what was counted and then could not be read.
      (pendingRecords, pendingEvents, pendingBytes) = (0, 0, 0)
      oldest = nil
    } else if let time {
      oldest = time
    }
    return removeReplayed()
  }

  /// Files were made in `set-aside/`, which count towards the limit.
  public mutating func setAside(files: Int, bytes: Int) {
    setAsideFiles += files
    setAsideBytes += bytes
  }

  /// The segments that may hold records which wait, oldest first.
  public func segments(from number: UInt64) -> ArraySlice<Segment> { segments.drop { $0.number < number } }

  private mutating func removeReplayed() -> [UInt64] {
    // The open one stays while anything waits in it or is being written to it; when all is done, nothing is left.
    let removable = segments.enumerated().filter { index, segment in
      !segment.isBusy && segment.lastSequence <= replayed && (index < segments.count - 1 || !isLastOpen || isEmpty)
    }.map(\.element.number)
    guard !removable.isEmpty else { return [] }
    if let last = segments.last, removable.contains(last.number) { isLastOpen = false }
    segments.removeAll { removable.contains($0.number) }
    return removable
  }
}
