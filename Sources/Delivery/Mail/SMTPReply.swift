/// An answer of a mail server: a code of three digits, and its lines without it (RFC 5321, 4.2).
package struct SMTPReply: Sendable, Hashable {
  package let code: Int
  package let lines: [String]

  package init(code: Int, lines: [String]) {
    self.code = code
    self.lines = lines
  }
}

/// Reads replies out of what arrives, in parts of any size.
package struct SMTPReplyParser {
  /// A reply that is longer is none that a mail server would give.
  package static let maximumBytes = 65_536

  package struct Malformed: Error {}

  package init() {}

  private var bytes: [UInt8] = []
  private var lines: [String] = []
  private var size = 0
  /// How many bytes have been appended in all.
  package private(set) var received = 0

  /// Whether anything has arrived that is not part of a whole reply yet.
  package var hasRemainder: Bool { !bytes.isEmpty || !lines.isEmpty }

  package mutating func append(_ more: some Collection<UInt8>) {
    bytes.append(contentsOf: more)
    received += more.count
  }

  /// The next whole reply; nil until it has arrived.
  package mutating func next() throws(Malformed) -> SMTPReply? {
    while let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
      var line = bytes[..<end]
      if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
      let text = String(decoding: line, as: UTF8.self)
      size += line.count
      bytes.removeFirst(end + 1)
      guard size <= Self.maximumBytes, let code = Int(text.prefix(3)), 200..<600 ~= code, text.utf8.count >= 3 else { throw Malformed() }
      let mark = text.dropFirst(3).first
      guard mark == nil || mark == " " || mark == "-" else { throw Malformed() }
      lines.append(String(text.dropFirst(4)))
      guard mark != "-" else { continue }
      defer { (lines, size) = ([], 0) }
      return SMTPReply(code: code, lines: lines)
    }
    guard bytes.count <= Self.maximumBytes else { throw Malformed() }
    return nil
  }
}
