/// Cuts text into lines as bytes arrive, holding one line at a time. Lines end with LF or CRLF; a byte order mark at the start is
/// skipped.
public struct LineReader {
  /// One line without its end.
  public struct Line {
    /// From 1.
    public let number: Int
    public let bytes: [UInt8]
    /// Longer than ``LineReader/maximumLineBytes``; what was beyond is not there.
    public let isTooLong: Bool

    /// Nothing but white space.
    public var isBlank: Bool { bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D } }
  }

  /// Bounds the memory that a file without line breaks can claim.
  public static let maximumLineBytes = 1 << 20

  private var held: [UInt8] = []
  private var isTooLong = false
  private var number = 1

  public init() {}

  /// Takes the next bytes of the file and hands each line that they complete to `body`.
  public mutating func read<E: Error>(_ bytes: [UInt8], _ body: (Line) throws(E) -> Void) throws(E) {
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
      let room = Self.maximumLineBytes - held.count
      if end - start > room { isTooLong = true }
      held.append(contentsOf: bytes[start..<end].prefix(room))
      if end < bytes.count { try endLine(body) }
      start = end + 1
    }
  }

  /// Ends the file: hands out a last line without a line break.
  public mutating func finish<E: Error>(_ body: (Line) throws(E) -> Void) throws(E) {
    if !held.isEmpty { try endLine(body) }
  }

  private mutating func endLine<E: Error>(_ body: (Line) throws(E) -> Void) throws(E) {
    if held.last == 0x0D { held.removeLast() }
    if number == 1, held.starts(with: [0xEF, 0xBB, 0xBF]) { held.removeFirst(3) }
    let line = Line(number: number, bytes: held, isTooLong: isTooLong)
    held.removeAll(keepingCapacity: true)
    isTooLong = false
    number += 1
    try body(line)
  }
}
