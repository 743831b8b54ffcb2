import ClickHouse
public import Domain

/// The accepted events of one request as the rows that will be inserted: RowBinary, in the column order of ``columns``.
///
/// Rows are encoded once, on the request's own task, so that the buffer knows its size in bytes exactly and a block is made by
/// copying bytes. RowBinary, with the two JSON columns as JSON text, needs 45 % fewer bytes than JSONEachRow and was inserted 15 %
/// to 35 % faster (200,000 rows of 7 properties).
public struct EncodedEvents: Sendable {
  /// The columns of `emban.events` that are written.
  static let columns: [SQLIdentifier] = [
    "org_id", "environment", "tenant_id", "event_name", "timestamp", "event_id", "user_id", "string_props", "numeric_props",
  ]

  /// A row that has an event id, and where its key lies.
  struct KeyedRow: Sendable, Hashable {
    let row: Int
    let place: EventKey.Place
  }

  public let scope: IngestScope
  /// The rows, one after another.
  public private(set) var bytes: [UInt8] = []
  /// Where each row ends in `bytes`.
  private(set) var rowEnds: [Int] = []
  private(set) var keyedRows: [KeyedRow] = []

  public var count: Int { rowEnds.count }
  public var byteCount: Int { bytes.count }

  /// What every row begins with.
  private let prefix: [UInt8]
  private let hashing: EventKey.Hashing
  private var scratch: [UInt8] = []

  init(scope: IngestScope, hashing: @escaping EventKey.Hashing = EventKey.seeded) {
    self.scope = scope
    prefix = scope.rowPrefix
    self.hashing = hashing
  }

  public init(_ events: [Event], scope: IngestScope) { self.init(events, scope: scope, hashing: EventKey.seeded) }

  package init(_ events: [Event], scope: IngestScope, hashing: @escaping EventKey.Hashing) {
    self.init(scope: scope, hashing: hashing)
    bytes.reserveCapacity(events.count * 256)
    rowEnds.reserveCapacity(events.count)
    for event in events { append(event) }
  }

  mutating func reserve(bytes count: Int) { bytes.reserveCapacity(count) }

  private mutating func append(_ event: Event) {
    let start = bytes.count
    bytes.append(contentsOf: prefix)
    RowBinary.write(event.tenantID.rawValue, into: &bytes)
    let owner = start..<bytes.count
    RowBinary.write(event.eventName, into: &bytes)
    RowBinary.write(event.timestamp.milliseconds, into: &bytes)
    RowBinary.write(event.eventID ?? "", into: &bytes)
    keyed(owner, idLength: event.eventID?.utf8.count ?? 0)
    RowBinary.write(event.userID ?? "", into: &bytes)
    RowBinary.write(event.stringProps, scratch: &scratch, into: &bytes)
    RowBinary.write(event.numericProps, scratch: &scratch, into: &bytes)
    rowEnds.append(bytes.count)
  }

  /// Adds the row of an event that has passed every step.
  mutating func append(_ event: SentEvent) {
    let start = bytes.count
    bytes.append(contentsOf: prefix)
    RowBinary.write(event.tenantID.text, into: &bytes)
    let owner = start..<bytes.count
    RowBinary.write(event.eventName.text, into: &bytes)
    RowBinary.write(event.time.milliseconds, into: &bytes)
    RowBinary.write(event.eventID.text, into: &bytes)
    keyed(owner, idLength: event.eventID.text.count)
    RowBinary.write(event.userID.text, into: &bytes)
    RowBinary.writeStrings(event.stringProps.members, scratch: &scratch, into: &bytes)
    RowBinary.writeNumbers(event.numericProps.members, scratch: &scratch, into: &bytes)
    rowEnds.append(bytes.count)
  }

  /// Notes the key of the row that is being written, of which the id was written last.
  private mutating func keyed(_ owner: Range<Int>, idLength: Int) {
    guard idLength > 0 else { return }
    let id = (bytes.count - idLength)..<bytes.count
    keyedRows.append(KeyedRow(row: rowEnds.count, place: EventKey.Place(in: bytes, owner: owner, id: id, hashing)))
  }

  /// The bytes of some rows.
  func bytes(of rows: Range<Int>) -> ArraySlice<UInt8> {
    rows.isEmpty ? [] : bytes[(rows.lowerBound == 0 ? 0 : rowEnds[rows.lowerBound - 1])..<rowEnds[rows.upperBound - 1]]
  }

  func key(of keyed: KeyedRow) -> EventKey { EventKey(bytes, keyed.place) }

  /// Those of all rows that have an id, in their order.
  package var keys: some Sequence<EventKey> { keyedRows.lazy.map { [bytes] in EventKey(bytes, $0.place) } }
}

extension IngestScope {
  /// What its rows begin with.
  var rowPrefix: [UInt8] {
    var bytes: [UInt8] = []
    RowBinary.write(organization.rawValue, into: &bytes)
    RowBinary.write(environment.rawValue, into: &bytes)
    return bytes
  }
}

/// Writes values in ClickHouse's RowBinary format. https://clickhouse.com/docs/interfaces/formats/RowBinary
enum RowBinary {
  static func write(_ text: String, into bytes: inout [UInt8]) {
    var text = text
    text.withUTF8 { write(ByteText($0), into: &bytes) }
  }

  static func write(_ text: ByteText, into bytes: inout [UInt8]) {
    writeLength(text.count, into: &bytes)
    bytes.append(contentsOf: text.bytes)
  }

  /// An Int64, little endian; a DateTime64(3) is the milliseconds since 1970 in this form.
  static func write(_ value: Int64, into bytes: inout [UInt8]) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// Dimensions as JSON text. The dots of a key stay in the key: the insert runs with `json_type_escape_dots_in_keys`.
  static func write(_ properties: [String: String], scratch: inout [UInt8], into bytes: inout [UInt8]) {
    writeObject(properties, scratch: &scratch, into: &bytes) { JSONWriter.write($0, into: &$1) }
  }

  /// Measures as JSON text.
  static func write(_ properties: [String: Double], scratch: inout [UInt8], into bytes: inout [UInt8]) {
    writeObject(properties, scratch: &scratch, into: &bytes, writeMeasure)
  }

  /// Dimensions as JSON text, in the order in which they were sent.
  static func writeStrings(_ properties: [SentEvent.Property], scratch: inout [UInt8], into bytes: inout [UInt8]) {
    beginObject(&scratch)
    for property in properties {
      writeKey(property.name, into: &scratch)
      JSONWriter.write(property.value.text, into: &scratch)
    }
    endObject(&scratch, into: &bytes)
  }

  /// Measures as JSON text, in the order in which they were sent.
  static func writeNumbers(_ properties: [SentEvent.Property], scratch: inout [UInt8], into bytes: inout [UInt8]) {
    beginObject(&scratch)
    for property in properties {
      writeKey(property.name, into: &scratch)
      writeMeasure(property.number, into: &scratch)
    }
    endObject(&scratch, into: &bytes)
  }

  /// Always with a fraction or an exponent, so that ClickHouse takes every value for a Float64: a property that came now as
  /// `12`, now as `12.5` keeps one type, and a large whole number does not turn into another one.
  private static func writeMeasure(_ value: Double, into bytes: inout [UInt8]) {
    if value == value.rounded(), abs(value) < 1e15 {
      bytes.append(contentsOf: String(Int64(value)).utf8)
      bytes.append(contentsOf: ".0".utf8)
    } else {
      bytes.append(contentsOf: value.description.utf8)
    }
  }

  private static func writeObject<Value>(
    _ properties: [String: Value], scratch: inout [UInt8], into bytes: inout [UInt8],
    _ writeValue: (Value, inout [UInt8]) -> Void
  ) {
    beginObject(&scratch)
    for (key, value) in properties {
      var key = key
      key.withUTF8 { writeKey(ByteText($0), into: &scratch) }
      writeValue(value, &scratch)
    }
    endObject(&scratch, into: &bytes)
  }

  private static func beginObject(_ scratch: inout [UInt8]) {
    scratch.removeAll(keepingCapacity: true)
    scratch.append(UInt8(ascii: "{"))
  }

  private static func writeKey(_ key: ByteText, into scratch: inout [UInt8]) {
    if scratch.count > 1 { scratch.append(UInt8(ascii: ",")) }
    JSONWriter.write(key, into: &scratch)
    scratch.append(UInt8(ascii: ":"))
  }

  private static func endObject(_ scratch: inout [UInt8], into bytes: inout [UInt8]) {
    scratch.append(UInt8(ascii: "}"))
    writeLength(scratch.count, into: &bytes)
    bytes.append(contentsOf: scratch)
  }

  /// Unsigned LEB128.
  private static func writeLength(_ length: Int, into bytes: inout [UInt8]) {
    var rest = UInt64(length)
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}
