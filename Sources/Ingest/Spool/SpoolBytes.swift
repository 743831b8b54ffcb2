import CZlib

/// Writes the numbers of the spool's files: little endian.
struct SpoolWriter {
  private(set) var bytes: [UInt8] = []

  mutating func write(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }
  mutating func write(_ other: some Sequence<UInt8>) { bytes.append(contentsOf: other) }
}

/// Reads what ``SpoolWriter`` wrote; nil when there is not enough.
struct SpoolReader {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: some Sequence<UInt8>) { rest = ArraySlice(bytes) }

  mutating func number<Number: FixedWidthInteger>(_: Number.Type = Number.self) -> Number? {
    guard let bytes = bytes(MemoryLayout<Number>.size) else { return nil }
    return bytes.withUnsafeBytes { Number(littleEndian: $0.loadUnaligned(as: Number.self)) }
  }

  mutating func bytes(_ count: Int) -> ArraySlice<UInt8>? {
    guard count >= 0, count <= rest.count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }
}

enum Checksum {
  /// CRC-32 of zlib over all the pieces, as if they were one.
  static func of(_ pieces: ArraySlice<UInt8>...) -> UInt32 {
    var sum = crc32(0, nil, 0)
    for piece in pieces {
      sum = piece.withUnsafeBufferPointer { crc32_z(sum, $0.baseAddress, $0.count) }
    }
    return UInt32(truncatingIfNeeded: sum)
  }
}
