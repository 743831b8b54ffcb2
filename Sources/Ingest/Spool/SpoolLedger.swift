import Domain

/// What the spool holds, in numbers: which segments there are, how much of them waits, whether more fits, which can go. A pure state
/// machine; the files follow it.
struct SpoolLedger: Sendable {
  struct Segment: Sendable, Hashable {
    let number: UInt64
    /// Of the part that counts.
    var size: Int
    /// The sequence of its last record; 0 for none.
    var lastSequence: UInt64 = 0
    /// A record is being written at its end.
    var isBusy = false
  }

  /// Where records may be written, after which ``appended(_:rows:now:)`` or ``failed(_:)`` has to be called.
  struct Reservation: Sendable, Hashable {
    let segment: UInt64
    let isNew: Bool
    let offset: Int
    let length: Int
    /// Of the first record; the others count on.
    let firstSequence: UInt64
    let records: Int
  }

  let limit: Int
  let segmentBytes: Int
  private(set) var segments: [Segment]
  private var isLastOpen = false
  private var nextSegment: UInt64
  private var nextSequence: UInt64
  private(set) var replayed: UInt64
  private var lastDurable: UInt64
  private(set) var pendingRecords: Int
  private(set) var pendingEvents: Int
  private(set) var pendingBytes: Int
  /// Not later than when the oldest of what waits was accepted.
  private(set) var oldest: Instant?
  private(set) var setAsideFiles: Int
  private(set) var setAsideBytes: Int

  /// What was found on disk.
  struct Contents: Sendable {
    var segments: [Segment] = []
    var replayed: UInt64 = 0
    var pendingRecords = 0
    var pendingEvents = 0
    var pendingBytes = 0
    var oldest: Instant?
    var setAsideFiles = 0
    var setAsideBytes = 0
  }

  /// - Parameters:
  ///   - limit: bytes of all files; 0 takes nothing.
  ///   - segmentBytes: a segment that has this much is followed by another one.
  init(limit: Int, segmentBytes: Int, contents: Contents = Contents()) {
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
  var isEmpty: Bool { replayed >= lastDurable }
  var usedBytes: Int { segments.reduce(setAsideBytes) { $0 + $1.size } }
  var lastSequence: UInt64 { nextSequence - 1 }

  /// A place for some records; nil when they do not fit.
  mutating func reserve(records: Int, length: Int) -> Reservation? {
    var isNew = false
    if !isLastOpen || (segments.last.map { $0.size >= segmentBytes } ?? true) {
      isNew = true
    }
    let needed = length + (isNew ? SegmentScan.magic.count : 0)
    guard usedBytes + needed <= limit else { return nil }
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
  mutating func appended(_ reservation: Reservation, rows: Int, now: Instant) {
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
  mutating func failed(_ reservation: Reservation) -> [UInt64] {
    guard let index = segments.firstIndex(where: { $0.number == reservation.segment }) else { return [] }
    segments[index].isBusy = false
    if index == segments.count - 1 { isLastOpen = false }
    return removeReplayed()
  }

  /// Everything up to a sequence is in the store or set aside, and that is written down.
  /// - Parameters:
  ///   - time: when the last of it was accepted.
  /// - Returns: segments whose files are to be removed.
  mutating func replayed(
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
  mutating func setAside(files: Int, bytes: Int) {
    setAsideFiles += files
    setAsideBytes += bytes
  }

  /// The segments that may hold records which wait, oldest first.
  func segments(from number: UInt64) -> ArraySlice<Segment> { segments.drop { $0.number < number } }

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
