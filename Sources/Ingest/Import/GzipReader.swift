import CZlib

/// Unpacks a gzip file (RFC 1952) of any length piece by piece.
final class GzipReader {
  private static let chunkBytes = 256 << 10

  private var stream = z_stream()
  /// Between two members: a file may end here, and nowhere else.
  private var isAtMemberEnd = false
  private var isBroken: Bool

  init() {
    // 16 asks for a gzip header, 15 is the largest window.
    isBroken = inflateInit2_(&stream, 16 + 15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) != Z_OK
  }

  deinit { inflateEnd(&stream) }

  /// Unpacks some of `packed` and takes it away from there.
  ///
  /// - Parameter isEnd: nothing comes after `packed`.
  /// - Returns: at most 256 KiB; nil when the file is damaged, or ends in the middle.
  func inflate(_ packed: inout [UInt8], isEnd: Bool) -> [UInt8]? {
    guard !isBroken else { return nil }
    if isAtMemberEnd {
      // Some writers fill the last block of the file up with zeros.
      packed.removeFirst(packed.prefix { $0 == 0 }.count)
      if packed.isEmpty { return [] }
      isAtMemberEnd = false
      guard inflateReset(&stream) == Z_OK else { return nil }
    }
    if packed.isEmpty { return isEnd ? nil : [] }
    var status = Z_OK
    let output = [UInt8](unsafeUninitializedCapacity: Self.chunkBytes) { space, count in
      packed.withUnsafeMutableBufferPointer { bytes in
        stream.next_in = bytes.baseAddress
        stream.avail_in = UInt32(bytes.count)
        stream.next_out = space.baseAddress
        stream.avail_out = UInt32(space.count)
        status = CZlib.inflate(&stream, Z_NO_FLUSH)
      }
      count = space.count - Int(stream.avail_out)
    }
    packed.removeFirst(packed.count - Int(stream.avail_in))
    switch status {
    case Z_OK: return output
    case Z_STREAM_END:
      isAtMemberEnd = true
      return output
    default:
      isBroken = true
      return nil
    }
  }
}
