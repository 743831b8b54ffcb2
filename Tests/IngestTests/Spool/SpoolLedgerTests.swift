import Domain
import Ingest
import Testing

/// A ledger that can be asked within an expectation.
@dynamicMemberLookup
private final class Books {
  private var ledger: SpoolLedger

  init(limit: Int, segmentBytes: Int, contents: SpoolLedger.Contents = .init()) {
    ledger = SpoolLedger(limit: limit, segmentBytes: segmentBytes, contents: contents)
  }

  subscript<Value>(dynamicMember path: KeyPath<SpoolLedger, Value>) -> Value { ledger[keyPath: path] }

  func reserve(records: Int, length: Int) -> SpoolLedger.Reservation? { ledger.reserve(records: records, length: length) }
  func appended(_ place: SpoolLedger.Reservation, rows: Int, now: Instant) { ledger.appended(place, rows: rows, now: now) }
  func failed(_ place: SpoolLedger.Reservation) -> [UInt64] { ledger.failed(place) }
  func setAside(files: Int, bytes: Int) { ledger.setAside(files: files, bytes: bytes) }

  func replayed(through sequence: UInt64, records: Int = 0, events: Int = 0, bytes: Int = 0, acceptedAt time: Instant? = nil) -> [UInt64] {
    ledger.replayed(through: sequence, records: records, events: events, bytes: bytes, acceptedAt: time)
  }
}

/// The books of the spool, without files.
@Suite struct SpoolLedgerTests {
  private let magic = SegmentScan.magic.count

  private func append(
    _ ledger: Books, _ length: Int = 100, records: Int = 1, at time: Instant = noon
  ) throws -> SpoolLedger.Reservation {
    let place = try #require(ledger.reserve(records: records, length: length))
    ledger.appended(place, rows: records * 10, now: time)
    return place
  }

  @Test func recordsFollowEachOtherInSegments() throws {
    let ledger = Books(limit: 10_000, segmentBytes: 250)
    #expect(ledger.isEmpty)
    let first = try append(ledger)
    #expect(first.isNew && first.segment == 1 && first.offset == magic && first.firstSequence == 1)
    let second = try append(ledger, records: 2)
    #expect(!second.isNew && second.segment == 1 && second.offset == magic + 100 && second.firstSequence == 2)
    let third = try append(ledger)
    #expect(!third.isNew && third.offset == magic + 200 && third.firstSequence == 4)
    let fourth = try append(ledger)
    #expect(fourth.isNew && fourth.segment == 2 && fourth.offset == magic && fourth.firstSequence == 5)
    #expect(ledger.pendingRecords == 5 && ledger.pendingEvents == 50 && ledger.pendingBytes == 400 && !ledger.isEmpty)
    #expect(ledger.usedBytes == 400 + 2 * magic)
  }

  @Test func aSegmentGoesWhenAllOfItIsReplayed() throws {
    let ledger = Books(limit: 10_000, segmentBytes: 150)
    for _ in 1...5 { _ = try append(ledger) }
    #expect(ledger.segments.map(\.number) == [1, 2, 3])
    #expect(ledger.replayed(through: 1, records: 1, events: 10, bytes: 100, acceptedAt: noon) == [])
    #expect(ledger.replayed(through: 3, records: 2, events: 20, bytes: 200, acceptedAt: noon) == [1])
    #expect(ledger.pendingEvents == 20 && ledger.oldest == noon)
    // The last one goes too when nothing is left, and what comes next begins another.
    #expect(ledger.replayed(through: 5, records: 2, events: 20, bytes: 200, acceptedAt: noon) == [2, 3])
    #expect(ledger.isEmpty && ledger.usedBytes == 0 && ledger.oldest == nil)
    let next = try append(ledger)
    #expect(next.isNew && next.segment == 4 && next.firstSequence == 6)
  }

  /// The last record is replayed while another is on its way into the same file.
  @Test func aSegmentThatIsWrittenToStays() throws {
    let ledger = Books(limit: 10_000, segmentBytes: 1_000)
    _ = try append(ledger)
    let place = try #require(ledger.reserve(records: 1, length: 50))
    #expect(ledger.replayed(through: 1, records: 1, events: 10, bytes: 100, acceptedAt: noon) == [])
    #expect(ledger.isEmpty)
    ledger.appended(place, rows: 3, now: noon.adding(seconds: 5))
    #expect(!ledger.isEmpty && ledger.pendingEvents == 3 && ledger.oldest == noon.adding(seconds: 5))
    #expect(ledger.replayed(through: 2, records: 1, events: 3, bytes: 50, acceptedAt: noon) == [1])
  }

  @Test func whatDoesNotFitIsRefusedUntilThereIsRoom() throws {
    let ledger = Books(limit: 2 * (magic + 200), segmentBytes: 150)
    for _ in 1...4 { _ = try append(ledger) }
    #expect(ledger.reserve(records: 1, length: 1) == nil)
    #expect(ledger.replayed(through: 1, records: 1, events: 10, bytes: 100, acceptedAt: noon) == [])
    #expect(ledger.reserve(records: 1, length: 1) == nil)
    #expect(ledger.replayed(through: 2, records: 1, events: 10, bytes: 100, acceptedAt: noon) == [1])
    #expect(try append(ledger).firstSequence == 5)
    let off = Books(limit: 0, segmentBytes: 100)
    #expect(off.reserve(records: 1, length: 1) == nil)
  }

  @Test func filesThatWereSetAsideCount() throws {
    let ledger = Books(limit: 1_000, segmentBytes: 500)
    ledger.setAside(files: 1, bytes: 950)
    #expect(ledger.reserve(records: 1, length: 100) == nil)
    #expect(ledger.setAsideFiles == 1 && ledger.usedBytes == 950)
  }

  /// Nothing is written behind bytes that may or may not be there, and no sequence is given twice.
  @Test func aFailedWriteEndsItsSegment() throws {
    let ledger = Books(limit: 10_000, segmentBytes: 1_000)
    _ = try append(ledger)
    let failing = try #require(ledger.reserve(records: 2, length: 100))
    #expect(ledger.failed(failing) == [])
    #expect(ledger.pendingRecords == 1)
    let next = try append(ledger)
    #expect(next.isNew && next.segment == 2 && next.firstSequence == 4)
    let another = try #require(ledger.reserve(records: 1, length: 100))
    #expect(ledger.failed(another) == [])
    // A new segment whose first write fails leaves nothing.
    let fresh = try #require(ledger.reserve(records: 1, length: 100))
    #expect(fresh.isNew && ledger.failed(fresh) == [3])
    #expect(ledger.replayed(through: 4, records: 2, events: 20, bytes: 200, acceptedAt: noon) == [1, 2])
  }

  @Test func sequencesGoOnAfterAStart() throws {
    var contents = SpoolLedger.Contents()
    contents.replayed = 7
    let ledger = Books(limit: 10_000, segmentBytes: 1_000, contents: contents)
    #expect(ledger.isEmpty)
    #expect(try append(ledger).firstSequence == 8)
    contents.segments = [.init(number: 4, size: 300, lastSequence: 9)]
    contents.pendingRecords = 2
    let started = Books(limit: 10_000, segmentBytes: 1_000, contents: contents)
    #expect(!started.isEmpty)
    // What an earlier run wrote is not continued.
    let next = try append(started)
    #expect(next.isNew && next.segment == 5 && next.firstSequence == 10)
  }

  /// Records that were counted at the start and cannot be read when their turn comes do not keep the spool open for ever.
  @Test func whatCannotBeReadDoesNotStayPending() throws {
    let ledger = Books(limit: 10_000, segmentBytes: 1_000)
    for _ in 1...3 { _ = try append(ledger) }
    _ = ledger.replayed(through: 1, records: 1, events: 10, bytes: 100, acceptedAt: noon)
    #expect(ledger.replayed(through: 3) == [1])
    #expect(ledger.isEmpty && ledger.pendingRecords == 0 && ledger.pendingEvents == 0 && ledger.pendingBytes == 0)
  }
}
