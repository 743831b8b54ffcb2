import ClickHouse
import Domain
import Foundation
import Ingest
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

/// Pages of a file that the disk does not give back.
private struct BadDisk: SegmentBytes {
  let bytes: [UInt8]
  let bad: Set<Int>
  var size: Int { bytes.count }

  struct ReadError: Error {}

  func read(at offset: Int, count: Int) throws -> [UInt8] {
    let end = min(offset + count, bytes.count)
    guard offset < end else { return [] }
    let pages = (offset / SalvagedBytes.page)...((end - 1) / SalvagedBytes.page)
    guard !pages.contains(where: bad.contains) else { throw ReadError() }
    return Array(bytes[offset..<end])
  }
}

@Suite struct UnreadableSegmentTests {
  /// Thirty records of some 1,000 bytes, so that every page holds several and some lie on two.
  private static let records = (1...30).map { record(UInt64($0), length: 900 + $0 * 7) }
  private static let bytes = SegmentScan.magic + records.flatMap(\.bytes)

  /// Whatever pages are bad: every record that does not touch one comes back as it was, and nothing else does.
  @Test func whatLiesOnGoodPagesIsRead() throws {
    let ends = Self.records.reduce(into: [SegmentScan.magic.count]) { $0.append($0[$0.count - 1] + $1.byteCount) }
    let pages = (Self.bytes.count - 1) / SalvagedBytes.page + 1
    for bad in [[0], [1], [3, 4], [pages - 1], [0, pages - 1], Set(0..<pages), []] as [Set<Int>] {
      let disk = SalvagedBytes(BadDisk(bytes: Self.bytes, bad: bad), size: Self.bytes.count)
      var scan = SegmentScan()
      var found: [SpoolRecord] = []
      steps: while true {
        switch try scan.next(in: disk, end: Self.bytes.count) {
        case .record(let record): found.append(record)
        case .damaged, .torn: continue
        case .end: break steps
        }
      }
      let readable = Self.records.indices.filter { index in
        !((ends[index] / SalvagedBytes.page)...((ends[index + 1] - 1) / SalvagedBytes.page)).contains(where: bad.contains)
      }
      #expect(found == readable.map { Self.records[$0] }, "bad pages \(bad.sorted())")
      #expect(bad.isEmpty || found.count < Self.records.count)
    }
  }

  /// A segment that gives nothing but errors is set aside after a while, and those around it are replayed; meanwhile the spool says so.
  @Test func aSegmentThatCannotBeReadIsSetAsideAndTheOthersAreReplayed() async throws {
    let test = try await TestClickHouse.shared()
    let scope = IngestScope(organization: OrganizationID(TestClickHouse.uniqueOrganization()), environment: .production)
    let folder = SpoolFolder()
    defer { folder.remove() }
    // Each block fills a segment.
    let spool = try folder.open(segmentBytes: 1 << 16)
    for number in 1...3 {
      let ids: [String?] = (0..<1_200).map { "\(number)-\($0)" }
      #expect(await spool.append([block(ids, scope: scope)]) == .kept)
    }
    let names = folder.segments
    #expect(names.count == 3)
    // What reads of a folder give is an error.
    try FileManager.default.removeItem(atPath: "\(folder.path)/\(names[1])")
    try FileManager.default.createDirectory(atPath: "\(folder.path)/\(names[1])", withIntermediateDirectories: false)
    let seen = Mutex<Set<SpoolStatus.State>>([])
    let reading = RetryPolicy(firstPause: .milliseconds(20), longestPause: .milliseconds(50), deadline: .milliseconds(400))
    try await running([SpoolReplayer(spool, client: test.client, reading: reading, logger: quiet)]) {
      let deadline = ContinuousClock.now + .seconds(60)
      while !spool.isEmpty {
        _ = seen.withLock { $0.insert(spool.status.state) }
        try #require(ContinuousClock.now < deadline, "the replay does not go on: \(spool.status)")
        try await Task.sleep(for: .milliseconds(5))
      }
    }
    #expect(seen.withLock { $0.contains(.unreadable) })
    #expect(spool.status.state == .empty && spool.status.setAside == 1)
    #expect(folder.segments == [] && folder.setAside == ["unreadable-2.segment"])
    let ids = try await test.client.query(
      """
      SELECT countIf(startsWith(event_id, '1-')), countIf(startsWith(event_id, '3-')), count() FROM \(identifier: "emban.events") \
      WHERE org_id = \(bind: scope.organization.rawValue)
      """, as: .admin)
    #expect(ids.rows == [[1_200, 1_200, 2_400]])
    // It goes on as if nothing had been.
    #expect(await spool.append([block(["later"], scope: scope)]) == .kept)
    #expect(try folder.open().status.pendingEvents == 1)
  }

  /// An error that passes costs nothing: the file is there again before the time is over.
  @Test func aSegmentThatCanBeReadAgainIsReplayedWhole() async throws {
    let test = try await TestClickHouse.shared()
    let scope = IngestScope(organization: OrganizationID(TestClickHouse.uniqueOrganization()), environment: .production)
    let folder = SpoolFolder()
    defer { folder.remove() }
    let spool = try folder.open()
    #expect(await spool.append([block(["a", "b", nil], scope: scope)]) == .kept)
    let path = "\(folder.path)/\(try #require(folder.segments.first))"
    try FileManager.default.moveItem(atPath: path, toPath: path + "-away")
    let reading = RetryPolicy(firstPause: .milliseconds(20), longestPause: .milliseconds(50), deadline: .seconds(600))
    try await running([SpoolReplayer(spool, client: test.client, reading: reading, logger: quiet)]) {
      let deadline = ContinuousClock.now + .seconds(60)
      while spool.status.state != .unreadable {
        try #require(ContinuousClock.now < deadline)
        try await Task.sleep(for: .milliseconds(5))
      }
      try FileManager.default.moveItem(atPath: path + "-away", toPath: path)
      while !spool.isEmpty {
        try #require(ContinuousClock.now < deadline)
        try await Task.sleep(for: .milliseconds(5))
      }
    }
    #expect(spool.status.state == .empty && spool.status.setAside == 0)
    let count = try await test.client.query(
      "SELECT count() FROM \(identifier: "emban.events") WHERE org_id = \(bind: scope.organization.rawValue)", as: .admin)
    #expect(count.scalar == 3)
  }

  /// A full disk is told once, and then once a minute with how often it refused.
  @Test func whatHappensAgainAndAgainIsToldOnceAMinute() {
    var count = TroubleCount()
    let start = ContinuousClock.now
    #expect(count.happened(at: start) == 1)
    for second in 1..<60 { #expect(count.happened(at: start + .seconds(second)) == nil) }
    #expect(count.happened(at: start + .seconds(60)) == 60)
    #expect(count.happened(at: start + .seconds(61)) == nil)
    #expect(count.happened(at: start + .seconds(500)) == 2)
  }
}
