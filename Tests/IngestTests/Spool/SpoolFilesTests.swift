import Domain
import Foundation
import Ingest
import Testing

/// The spool's files: what is in them after a start, whatever happened to them before.
@Suite struct SpoolFilesTests {
  private let scope = IngestScope(organization: OrganizationID("org_1"), environment: .production)

  private func filled(_ folder: SpoolFolder, blocks: Int = 3) async throws {
    let spool = try folder.open()
    for number in 1...blocks { #expect(await spool.append([block(["a\(number)", nil], scope: scope)]) == .kept) }
    #expect(spool.status.pendingEvents == 2 * blocks && spool.status.state == .pending)
  }

  @Test func whatWasKeptIsThereAfterAStart() async throws {
    let folder = SpoolFolder()
    defer { folder.remove() }
    try await filled(folder)
    let again = try folder.open()
    #expect(again.status.pendingEvents == 6 && !again.isEmpty && again.status.setAside == 0)
    #expect(again.status.state == .pending)
    // A new start writes a new file.
    #expect(await again.append([block(["b"], scope: scope)]) == .kept)
    #expect(folder.segments.count == 2)
    #expect(try folder.open().status.pendingEvents == 7)
  }

  @Test func anEmptyFolderIsAnEmptySpool() throws {
    let folder = SpoolFolder()
    defer { folder.remove() }
    #expect(try folder.open().isEmpty)
    #expect(try folder.open().status.state == .empty)
    #expect(try folder.open(limit: 0).status.state == .off)
    let attributes = try FileManager.default.attributesOfItem(atPath: folder.path)
    #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o700)
  }

  /// Power is cut in the middle of a write, at every byte of the last record.
  @Test func aTornTailIsCutOff() async throws {
    let folder = SpoolFolder()
    defer { folder.remove() }
    try await filled(folder, blocks: 2)
    let name = try #require(folder.segments.first)
    let whole = try folder.bytes(of: name)
    let middle = (whole.count - SegmentScan.magic.count) / 2 + SegmentScan.magic.count
    for length in stride(from: middle + 1, to: whole.count, by: 5) {
      try folder.write(Array(whole.prefix(length)), to: name)
      #expect(try folder.open().status.pendingEvents == 2, "cut after \(length)")
      #expect(try folder.bytes(of: name).count == middle)
      #expect(folder.setAside == [])
    }
    // Of a file that ends in its own beginning nothing was ever acknowledged.
    for length in [0, 5, SegmentScan.magic.count] {
      try folder.write(Array(whole.prefix(length)), to: name)
      #expect(try folder.open().isEmpty)
      #expect(folder.segments == [])
    }
  }

  @Test func aDamagedRecordIsSetAsideAndTheOthersStay() async throws {
    let folder = SpoolFolder()
    defer { folder.remove() }
    try await filled(folder)
    let name = try #require(folder.segments.first)
    var bytes = try folder.bytes(of: name)
    bytes[bytes.count / 2] ^= 0x40
    try folder.write(bytes, to: name)
    let spool = try folder.open()
    #expect(spool.status.pendingEvents == 4 && spool.status.setAside == 1)
    let file = try #require(folder.setAside.first)
    #expect(file.hasPrefix("damaged-1-") && !folder.setAside.contains { $0.hasSuffix(".part") })
    // Once, however often it is started.
    #expect(try folder.open().status.setAside == 1)
  }

  @Test func aFileOfSomethingElseIsSetAsideAndOneOfAnotherVersionRefused() async throws {
    let folder = SpoolFolder()
    defer { folder.remove() }
    try await filled(folder)
    try folder.write(Array(repeating: 7, count: 100), to: "000000000009.segment")
    let spool = try folder.open()
    #expect(spool.status.pendingEvents == 6 && spool.status.setAside == 1 && folder.segments.count == 1)
    try folder.write(Array("emban spool 2\r\n\0 and more".utf8), to: "000000000009.segment")
    #expect(throws: Spool.Unusable.self) { try folder.open() }
  }

  @Test func moreThanMayBeIsRefused() async throws {
    let folder = SpoolFolder()
    defer { folder.remove() }
    let spool = try folder.open(limit: 12_000)
    let large = block(Array(repeating: nil, count: 100), scope: scope)
    #expect(await spool.append([large]) == .kept)
    #expect(await spool.append([large, large]) == .full)
    #expect(spool.status.state == .full && spool.status.pendingEvents == 100)
    #expect(await spool.append([block(["x"], scope: scope)]) == .kept)
    #expect(spool.status.state == .pending && spool.status.usedBytes <= 12_000)
    #expect(try folder.open(limit: 12_000).status.pendingEvents == 101)
  }

  /// The folder goes away under the program: an error, told as such; when it is back, so is the spool.
  @Test func aWriteThatFailsKeepsNothing() async throws {
    let folder = SpoolFolder()
    defer { folder.remove() }
    let spool = try folder.open()
    try FileManager.default.moveItem(atPath: folder.path, toPath: folder.path + "-away")
    guard case .failed = await spool.append([block(["x"], scope: scope)]) else {
      Issue.record("a write into a missing folder succeeded")
      return
    }
    #expect(spool.isEmpty && spool.status.state == .failing && spool.status.usedBytes == 0)
    try FileManager.default.moveItem(atPath: folder.path + "-away", toPath: folder.path)
    #expect(await spool.append([block(["x"], scope: scope)]) == .kept)
    #expect(spool.status.state == .pending)
    #expect(try folder.open().status.pendingEvents == 1)
  }

  /// Both places of the replay's state are lost: everything that is there is replayed, rather than nothing.
  @Test func aLostStateLosesNoEvents() async throws {
    let folder = SpoolFolder()
    defer { folder.remove() }
    try await filled(folder)
    try folder.write(Array(repeating: 0x55, count: 2 * ReplayState.slotLength), to: "replay")
    #expect(try folder.open().status.pendingEvents == 6)
  }
}
