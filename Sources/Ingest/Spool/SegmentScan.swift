/// Bytes at rest: a segment's file, or an array in tests.
public protocol SegmentBytes {
  var size: Int { get }
  /// `count` bytes from `offset` on; less only at the end.
  func read(at offset: Int, count: Int) throws -> [UInt8]
}

/// Reads a segment record by record, in the order in which they were written, and tells what of it cannot be read.
///
/// Two kinds of things can be wrong. A record that ends beyond the end of the file, and zeros where a record should be, are what an
/// interrupted write leaves: that block was never answered. Anything else was right once: it is damage, and the scan goes on behind it.
public struct SegmentScan: Sendable {
  /// What comes next.
  public enum Step: Sendable, Hashable {
    case record(SpoolRecord)
    /// The checksum says that these bytes are not what was written. What follows may be whole.
    case damaged(Range<Int>)
    /// From here to the end lies the beginning of a record that was never completed.
    case torn(Range<Int>)
    case end
  }

  /// At the beginning of every segment.
  public static let magic: [UInt8] = Array("emban spool 1\r\n\0".utf8)

  public private(set) var offset: Int

  /// - Parameter offset: where a record begins.
  public init(from offset: Int = SegmentScan.magic.count) { self.offset = offset }

  /// The next step; what it covers is behind ``offset`` then.
  /// - Parameter end: how much of the file counts.
  public mutating func next(in file: some SegmentBytes, end: Int) throws -> Step {
    guard offset < end else { return .end }
    let start = offset
    let headerBytes = try file.read(at: start, count: min(SpoolRecord.Header.length, end - start))
    if let header = SpoolRecord.Header(headerBytes) {
      guard header.recordLength <= end - start else {
        offset = end
        return .torn(start..<end)
      }
      offset = start + header.recordLength
      let body = try file.read(at: start + SpoolRecord.Header.length, count: header.bodyLength)
      return SpoolRecord(header, body: body).map(Step.record) ?? .damaged(start..<offset)
    }
    if let next = try nextHeader(in: file, from: start + 1, end: end) {
      offset = next
      return .damaged(start..<next)
    }
    offset = end
    let isCutHeader = headerBytes.count < SpoolRecord.Header.length
    let isUnwritten = try isZero(in: file, from: start, end: end)
    return isCutHeader || isUnwritten ? .torn(start..<end) : .damaged(start..<end)
  }

  private static let piece = 1 << 20

  private func nextHeader(in file: some SegmentBytes, from start: Int, end: Int) throws -> Int? {
    var position = start
    while position + SpoolRecord.Header.length <= end {
      let bytes = try file.read(at: position, count: min(Self.piece, end - position))
      guard bytes.count >= SpoolRecord.Header.length else { return nil }
      let last = bytes.count - SpoolRecord.Header.length
      for index in 0...last where bytes[index] == SpoolRecord.Header.marker[0] {
        if SpoolRecord.Header(bytes[index..<(index + SpoolRecord.Header.length)]) != nil { return position + index }
      }
      position += last + 1
    }
    return nil
  }

  private func isZero(in file: some SegmentBytes, from start: Int, end: Int) throws -> Bool {
    var position = start
    while position < end {
      let bytes = try file.read(at: position, count: min(Self.piece, end - position))
      guard !bytes.isEmpty, bytes.allSatisfy({ $0 == 0 }) else { return false }
      position += bytes.count
    }
    return true
  }
}
