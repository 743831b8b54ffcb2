import Ingest
import Testing

/// What can be read of a segment's bytes, whatever happened to them.
@Suite struct SegmentScanTests {
  private static let records = [record(1), record(2, token: "abc123", rows: 3, length: 500), record(3, length: 0)]
  private static let bytes = SegmentScan.magic + records.flatMap(\.bytes)
  /// Where each record ends.
  private static let ends = records.reduce(into: [SegmentScan.magic.count]) { $0.append($0[$0.count - 1] + $1.byteCount) }

  private func steps(_ bytes: [UInt8]) throws -> [SegmentScan.Step] {
    var scan = SegmentScan()
    var steps: [SegmentScan.Step] = []
    while true {
      let step = try scan.next(in: BytesInMemory(bytes: bytes), end: bytes.count)
      if step == .end { return steps }
      steps.append(step)
    }
  }

  @Test func recordsComeBackAsTheyWere() throws {
    #expect(try steps(Self.bytes) == Self.records.map { .record($0) })
    #expect(try steps(SegmentScan.magic) == [])
  }

  /// A write that was interrupted after any byte: what was complete before is read, the rest is a torn tail.
  @Test func aCutAtAnyByteLosesOnlyTheRecordThatIsCut() throws {
    for length in SegmentScan.magic.count...Self.bytes.count {
      let whole = Self.ends.filter { $0 <= length }.count - 1
      let end = Self.ends[whole]
      let expected = Self.records.prefix(whole).map { SegmentScan.Step.record($0) } + (end < length ? [.torn(end..<length)] : [])
      #expect(try steps(Array(Self.bytes.prefix(length))) == expected, "cut after \(length) bytes")
    }
  }

  /// A bit that tipped over anywhere: its record is told as damaged, never read as something else, and the others are read.
  @Test func aFlippedBitAnywhereCostsOnlyItsRecord() throws {
    for position in SegmentScan.magic.count..<Self.bytes.count {
      for bit in [UInt8(0x01), 0x80] {
        var bytes = Self.bytes
        bytes[position] ^= bit
        let hit = Self.ends.filter { $0 <= position }.count - 1
        let found = try steps(bytes)
        let whole = found.compactMap { if case .record(let record) = $0 { record } else { nil } }
        #expect(whole == Self.records.enumerated().filter { $0.offset != hit }.map(\.element), "byte \(position)")
        let damage = found.filter { if case .damaged = $0 { true } else { false } }
        #expect(damage == [.damaged(Self.ends[hit]..<Self.ends[hit + 1])], "byte \(position)")
      }
    }
  }

  @Test func severalDamagedRecordsInARowArePassedOver() throws {
    var bytes = Self.bytes
    for position in Self.ends[0]..<(Self.ends[0] + 44) { bytes[position] = 0xFF }
    for position in Self.ends[1]..<(Self.ends[1] + 44) { bytes[position] = 0 }
    #expect(try steps(bytes) == [.damaged(Self.ends[0]..<Self.ends[2]), .record(Self.records[2])])
  }

  /// A power cut may leave a file longer than what was written to it.
  @Test func zerosAtTheEndAreATornTail() throws {
    let zeros = [UInt8](repeating: 0, count: 3_000)
    #expect(try steps(Self.bytes + zeros).last == .torn(Self.bytes.count..<(Self.bytes.count + 3_000)))
    #expect(try steps(Self.bytes + zeros + [1]).last == .damaged(Self.bytes.count..<(Self.bytes.count + 3_001)))
  }

  /// Rows may hold anything, also what looks like the beginning of a record.
  @Test func markersInsideOfRowsAreNotRecords() throws {
    var inner = record(9)
    inner.rows = Array("EMBREMBREMBR".utf8)
    let bytes = SegmentScan.magic + inner.bytes + record(10).bytes
    #expect(try steps(bytes) == [.record(inner), .record(record(10))])
  }

  /// Beyond what the ledger counts lies what was taken back.
  @Test func whatLiesBehindTheEndIsNotRead() throws {
    var scan = SegmentScan()
    let file = BytesInMemory(bytes: Self.bytes)
    #expect(try scan.next(in: file, end: Self.ends[1]) == .record(Self.records[0]))
    #expect(try scan.next(in: file, end: Self.ends[1]) == .end)
    #expect(try scan.next(in: file, end: Self.bytes.count) == .record(Self.records[1]))
  }
}
