public import Domain

/// What the spool keeps of one block of events: its rows as they are inserted, in the order in which they were accepted.
///
/// On disk: ``Header``, the token, the rows. The header has a checksum of its own, so that a damaged body can be passed over by its length.
public struct SpoolRecord: Sendable, Hashable {
  /// Counts records from 1; never used twice.
  public var sequence: UInt64
  public var storedAt: Instant
  public var rowCount: Int
  /// Of a block that may have reached the store: the token of its insert. These very rows have to be inserted again with this very token.
  /// Nil for a block that no insert has carried.
  public var token: String?
  /// As ``EncodedEvents`` writes them.
  public var rows: [UInt8]

  var header: Header {
    let token = Array((token ?? "").utf8)
    return Header(
      sequence: sequence, storedAt: storedAt, rowCount: rowCount, tokenLength: token.count, rowsLength: rows.count,
      bodyChecksum: Checksum.of(token[...], rows[...]))
  }

  /// On disk.
  public var byteCount: Int { Header.length + (token?.utf8.count ?? 0) + rows.count }

  /// As they are on disk.
  public var bytes: [UInt8] {
    var writer = SpoolWriter()
    writer.write(header.bytes)
    writer.write((token ?? "").utf8)
    writer.write(rows)
    return writer.bytes
  }

  /// Nil when the body is not the one that the header was made for.
  init?(_ header: Header, body: [UInt8]) {
    guard body.count == header.bodyLength, Checksum.of(body[...]) == header.bodyChecksum else { return nil }
    sequence = header.sequence
    storedAt = header.storedAt
    rowCount = header.rowCount
    token = header.tokenLength == 0 ? nil : String(decoding: body.prefix(header.tokenLength), as: UTF8.self)
    rows = Array(body.dropFirst(header.tokenLength))
  }

  public init(sequence: UInt64, storedAt: Instant, rowCount: Int, token: String?, rows: [UInt8]) {
    self.sequence = sequence
    self.storedAt = storedAt
    self.rowCount = rowCount
    self.token = token
    self.rows = rows
  }

  /// The fixed part, 44 bytes: marker, length of the token and of the rows, sequence, time, number of rows, checksum of the body, checksum
  /// of all this.
  struct Header: Sendable, Hashable {
    static let length = 44
    /// `EMBR`
    static let marker: [UInt8] = [0x45, 0x4D, 0x42, 0x52]

    var sequence: UInt64
    var storedAt: Instant
    var rowCount: Int
    var tokenLength: Int
    var rowsLength: Int
    var bodyChecksum: UInt32

    var bodyLength: Int { tokenLength + rowsLength }
    var recordLength: Int { Self.length + bodyLength }

    var bytes: [UInt8] {
      var writer = SpoolWriter()
      writer.write(Self.marker)
      writer.write(UInt32(tokenLength))
      writer.write(UInt64(rowsLength))
      writer.write(sequence)
      writer.write(storedAt.milliseconds)
      writer.write(UInt32(rowCount))
      writer.write(bodyChecksum)
      writer.write(Checksum.of(writer.bytes[...]))
      return writer.bytes
    }
  }
}

extension SpoolRecord.Header {
  /// Nil unless these are the 44 bytes of a header.
  init?(_ bytes: some Sequence<UInt8>) {
    let bytes = Array(bytes)
    guard bytes.count == Self.length, bytes.starts(with: Self.marker) else { return nil }
    var reader = SpoolReader(bytes.dropFirst(Self.marker.count))
    guard let tokenLength = reader.number(UInt32.self), let rowsLength = reader.number(UInt64.self),
      let sequence = reader.number(UInt64.self), let time = reader.number(Int64.self), let rowCount = reader.number(UInt32.self),
      let bodyChecksum = reader.number(UInt32.self), let checksum = reader.number(UInt32.self),
      checksum == Checksum.of(bytes[..<(Self.length - 4)]), tokenLength <= 1_000, rowsLength <= 1 << 40
    else { return nil }
    self.init(
      sequence: sequence, storedAt: Instant(milliseconds: time), rowCount: Int(rowCount), tokenLength: Int(tokenLength),
      rowsLength: Int(rowsLength), bodyChecksum: bodyChecksum)
  }
}
