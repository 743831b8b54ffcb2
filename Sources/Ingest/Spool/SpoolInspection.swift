import Domain
import Logging
import SystemPackage

/// Looks through the segments at the start: what is whole, what was never completed, what is damaged.
struct SpoolInspection {
  let directory: SpoolDirectory
  let logger: Logger

  /// Reads every record once, with its checksum, one in memory at a time.
  /// - Parameter replayed: records up to this sequence are in the store.
  func run(replayed: UInt64) throws -> SpoolLedger.Contents {
    var contents = SpoolLedger.Contents()
    contents.replayed = replayed
    for number in try directory.segmentNumbers() { try inspect(number, &contents) }
    let aside = try directory.setAsideFiles()
    contents.setAsideFiles = aside.count
    contents.setAsideBytes = aside.bytes
    return contents
  }

  private func inspect(_ number: UInt64, _ contents: inout SpoolLedger.Contents) throws {
    let path = directory.segment(number)
    let file = try SegmentFile(path, .readWrite)
    defer { file.close() }
    var segment = SpoolLedger.Segment(number: number, size: file.size)
    guard try isOurs(file, number) else {
      directory.remove(path)
      return
    }
    var scan = SegmentScan()
    steps: while true {
      switch try scan.next(in: file, end: segment.size) {
      case .record(let record):
        segment.lastSequence = max(segment.lastSequence, record.sequence)
        guard record.sequence > contents.replayed else { continue }
        contents.pendingRecords += 1
        contents.pendingEvents += record.rowCount
        contents.pendingBytes += record.byteCount
        contents.oldest = min(contents.oldest ?? record.storedAt, record.storedAt)
      case .damaged(let range):
        try setAside(file.read(at: range.lowerBound, count: range.count), of: number, at: range.lowerBound)
      case .torn(let range):
        logger.warning(
          "The spool ends in a record that was never completed; it is cut off",
          metadata: ["segment": "\(number)", "bytes": "\(range.count)"])
        try file.descriptor.resize(to: Int64(range.lowerBound))
        try file.descriptor.syncToDisk()
        segment.size = range.lowerBound
      case .end: break steps
      }
    }
    guard segment.lastSequence > contents.replayed else {
      // Replayed before its file could be removed, or without a record that can be read.
      directory.remove(path)
      return
    }
    contents.segments.append(segment)
  }

  /// Whether the file begins as a segment does. One that was cut off before it had a beginning holds nothing.
  /// - Throws: ``Spool/Unusable`` for a segment of another version.
  private func isOurs(_ file: SegmentFile, _ number: UInt64) throws -> Bool {
    let magic = SegmentScan.magic
    let beginning = try file.read(at: 0, count: magic.count)
    if beginning == magic { return true }
    if beginning.count < magic.count || beginning.allSatisfy({ $0 == 0 }), file.size <= magic.count { return false }
    if beginning.starts(with: "emban spool ".utf8) {
      throw Spool.Unusable(description: "\(directory.segment(number)) was written by another version of emban; start that one to replay it")
    }
    try setAside(file.read(at: 0, count: file.size), of: number, at: 0)
    return false
  }

  private func setAside(_ bytes: [UInt8], of number: UInt64, at offset: Int) throws {
    _ = try directory.putAside("damaged-\(number)-\(offset).bin", bytes)
    logger.error(
      "The spool holds bytes that are not what was written; they are set aside",
      metadata: ["segment": "\(number)", "from": "\(offset)", "bytes": "\(bytes.count)"])
  }
}
