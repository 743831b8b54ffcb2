import Domain
import NIOCore

/// Rows as ``EncodedEvents`` writes them, read back.
struct StoredRows: Sendable {
  struct Row: Sendable, Hashable {
    let bytes: Range<Int>
    let scope: IngestScope
    let tenant: TenantID
    let timestamp: Instant
    /// Nil for an event without an id.
    let key: EventKey?
  }

  let bytes: [UInt8]
  let rows: [Row]

  /// Nil when the bytes are not whole rows.
  init?(_ bytes: [UInt8]) {
    self.bytes = bytes
    var rows: [Row] = []
    var reader = RowBinaryReader(bytes)
    while !reader.isAtEnd {
      let start = reader.offset
      guard let organization = reader.text(), let environment = reader.text(),
        let tenant = reader.text(), reader.skip(), let milliseconds = reader.int64(), let id = reader.text(), reader.skip(),
        reader.skip(), reader.skip()
      else { return nil }
      let scope = IngestScope(organization: OrganizationID(organization), environment: EnvironmentName(environment))
      rows.append(
        Row(
          bytes: start..<reader.offset, scope: scope, tenant: TenantID(tenant), timestamp: Instant(milliseconds: milliseconds),
          key: id.isEmpty ? nil : EventKey(scope: scope, tenant: TenantID(tenant), id: id)))
    }
    self.rows = rows
  }

  /// A row as a JSON object with its columns, for people.
  func json(_ row: Int) -> JSONValue {
    var reader = RowBinaryReader(bytes, from: rows[row].bytes.lowerBound)
    func text() -> JSONValue { .string(reader.text() ?? "") }
    let organization = text(), environment = text(), tenant = text(), name = text()
    let time = Instant(milliseconds: reader.int64() ?? 0).json
    let id = text(), user = text()
    func properties() -> JSONValue {
      let text = reader.text() ?? ""
      return (try? JSONParser.parse(Array(text.utf8))) ?? .string(text)
    }
    return [
      "org_id": organization, "environment": environment, "tenant_id": tenant, "event_name": name, "timestamp": time, "event_id": id,
      "user_id": user, "string_props": properties(), "numeric_props": properties(),
    ]
  }

  /// Some of the rows, for an insert.
  func body(of positions: some Collection<Int>) -> ByteBuffer {
    var body = ByteBufferAllocator().buffer(capacity: positions.reduce(0) { $0 + rows[$1].bytes.count })
    for position in positions { body.writeBytes(bytes[rows[position].bytes]) }
    return body
  }

  /// Whose events some of the rows are.
  func summary(of positions: some Sequence<Int>) -> [IngestScope: [StoredEvents]] {
    var found: [IngestScope: [TenantID: (count: Int, earliest: Instant)]] = [:]
    for position in positions {
      let row = rows[position]
      let known = found[row.scope]?[row.tenant] ?? (0, row.timestamp)
      found[row.scope, default: [:]][row.tenant] = (known.count + 1, min(known.earliest, row.timestamp))
    }
    return found.mapValues { tenants in
      tenants.map { StoredEvents(tenant: $0.key, count: $0.value.count, earliest: $0.value.earliest) }
    }
  }
}

/// Reads what ``RowBinary`` writes; nil where the bytes end too early.
struct RowBinaryReader {
  private let bytes: [UInt8]
  private(set) var offset: Int

  init(_ bytes: [UInt8], from offset: Int = 0) {
    self.bytes = bytes
    self.offset = offset
  }

  var isAtEnd: Bool { offset == bytes.count }

  mutating func text() -> String? { field().map { String(decoding: bytes[$0], as: UTF8.self) } }

  mutating func skip() -> Bool { field() != nil }

  mutating func int64() -> Int64? {
    guard offset + 8 <= bytes.count else { return nil }
    defer { offset += 8 }
    return bytes.withUnsafeBytes { Int64(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Int64.self)) }
  }

  private mutating func field() -> Range<Int>? {
    var length: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      guard offset < bytes.count, shift < 63 else { return nil }
      let byte = bytes[offset]
      offset += 1
      length |= UInt64(byte & 0x7F) << shift
      if byte & 0x80 == 0 { break }
      shift += 7
    }
    guard length <= UInt64(bytes.count - offset) else { return nil }
    defer { offset += Int(length) }
    return offset..<(offset + Int(length))
  }
}
