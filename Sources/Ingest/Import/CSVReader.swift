/// Cuts CSV (RFC 4180) into records as bytes arrive, holding one record at a time.
///
/// Quoted fields may hold delimiters, doubled quotes and line breaks; lines may end with LF, CRLF or CR; a byte order mark at the
/// start and empty lines are skipped. A record that breaks the quoting rules is handed out with its ``Defect``, and reading goes on
/// after its line.
public struct CSVReader {
  /// What is wrong with the text of a record.
  public enum Defect: Sendable, Hashable {
    /// The file ends inside quotes.
    case unterminatedQuote
    /// Text follows a closing quote.
    case textAfterQuote
    /// Longer than ``CSVReader/maximumRecordBytes``; what was beyond is not there.
    case tooLong
  }

  /// One record: its fields without their quotes.
  public struct Record {
    /// The line on which the record starts, from 1.
    public internal(set) var line: Int
    public internal(set) var defect: Defect?
    fileprivate(set) var bytes: [UInt8] = []
    fileprivate(set) var ends: [Int] = []
    fileprivate(set) var quotedEmpties: [Int] = []

    public var count: Int { ends.count }

    /// Whether a field is `""`: an empty text, where a bare empty field is none.
    public func isQuotedEmpty(_ index: Int) -> Bool { quotedEmpties.contains(index) }

    /// The text of a field, or nil when it is not UTF-8.
    public subscript(index: Int) -> String? {
      String(validating: bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]], as: UTF8.self)
    }
  }

  /// Bounds the memory that a stray quote can claim.
  public static let maximumRecordBytes = 1 << 20

  private enum State {
    case fieldStart, unquoted, quoted, quoteInQuoted
  }

  private let delimiter: UInt8
  private var state = State.fieldStart
  private var fieldIsQuoted = false
  private var record = Record(line: 1)
  private var line = 1
  private var previousWasCR = false
  private var mark: [UInt8]? = []

  public init(delimiter: UInt8 = UInt8(ascii: ",")) { self.delimiter = delimiter }

  /// Takes the next bytes of the file and hands each record that they complete to `body`.
  public mutating func read<E: Error>(_ bytes: [UInt8], _ body: (Record) throws(E) -> Void) throws(E) {
    var position = 0
    while position < bytes.count {
      let run = runLength(bytes, from: position)
      if run > 0 {
        append(bytes[position..<position + run])
        previousWasCR = false
        position += run
      } else {
        try takeFirst(bytes[position], body)
        position += 1
      }
    }
  }

  /// How many of the next bytes are nothing but content, so that they can be taken at once.
  private func runLength(_ bytes: [UInt8], from start: Int) -> Int {
    guard mark == nil, state == .unquoted || state == .quoted else { return 0 }
    let end = state == .quoted ? UInt8(ascii: "\"") : delimiter
    var position = start
    while position < bytes.count {
      let byte = bytes[position]
      if byte == end || byte == 0x0A || byte == 0x0D { break }
      position += 1
    }
    return position - start
  }

  /// As ``take(_:_:)``, after setting aside a byte order mark at the very beginning.
  private mutating func takeFirst<E: Error>(_ byte: UInt8, _ body: (Record) throws(E) -> Void) throws(E) {
    guard var held = mark else { return try take(byte, body) }
    let expected: [UInt8] = [0xEF, 0xBB, 0xBF]
    held.append(byte)
    if held == expected {
      mark = nil
    } else if expected.starts(with: held) {
      mark = held
    } else {
      mark = nil
      for byte in held { try take(byte, body) }
    }
  }

  /// Ends the file: hands out the record of a last line without a line break.
  public mutating func finish<E: Error>(_ body: (Record) throws(E) -> Void) throws(E) {
    for byte in mark ?? [] { try take(byte, body) }
    mark = nil
    if state == .quoted { record.defect = record.defect ?? .unterminatedQuote }
    if state != .fieldStart || !record.ends.isEmpty { try endRecord(body) }
  }

  private mutating func take<E: Error>(_ byte: UInt8, _ body: (Record) throws(E) -> Void) throws(E) {
    let isSecondOfCRLF = previousWasCR && byte == 0x0A
    previousWasCR = byte == 0x0D
    if byte == 0x0D || (byte == 0x0A && !isSecondOfCRLF) { line += 1 }
    switch state {
    case .quoted:
      if byte == UInt8(ascii: "\"") { state = .quoteInQuoted } else { append(CollectionOfOne(byte)) }
      return
    case .quoteInQuoted:
      if byte == UInt8(ascii: "\"") {
        append(CollectionOfOne(byte))
        state = .quoted
        return
      }
      if byte != delimiter, byte != 0x0A, byte != 0x0D {
        record.defect = record.defect ?? .textAfterQuote
        append(CollectionOfOne(byte))
        state = .unquoted
        return
      }
    case .fieldStart where byte == UInt8(ascii: "\""):
      state = .quoted
      fieldIsQuoted = true
      return
    case .fieldStart, .unquoted: break
    }
    switch byte {
    case delimiter:
      endField()
      state = .fieldStart
    case 0x0A where isSecondOfCRLF: record.line = line
    case 0x0A, 0x0D:
      if state == .fieldStart, record.ends.isEmpty {
        record.line = line
      } else {
        try endRecord(body)
      }
    default:
      append(CollectionOfOne(byte))
      state = .unquoted
    }
  }

  private mutating func append(_ bytes: some Collection<UInt8>) {
    let room = Self.maximumRecordBytes - record.bytes.count
    if bytes.count > room { record.defect = .tooLong }
    record.bytes.append(contentsOf: bytes.prefix(room))
  }

  private mutating func endField() {
    if fieldIsQuoted, record.bytes.count == record.ends.last ?? 0 { record.quotedEmpties.append(record.ends.count) }
    fieldIsQuoted = false
    record.ends.append(record.bytes.count)
  }

  private mutating func endRecord<E: Error>(_ body: (Record) throws(E) -> Void) throws(E) {
    endField()
    let finished = record
    state = .fieldStart
    record = Record(line: line)
    record.bytes.reserveCapacity(finished.bytes.count)
    try body(finished)
  }
}
