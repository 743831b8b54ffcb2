import CZlib
public import Domain
public import NIOCore

/// Unpacks gzip bodies (RFC 1952) with a bound on what comes out, because a few kilobytes can hold gigabytes.
public enum GzipInflater {
  private static let chunk = 65_536

  /// - Parameter limit: the most bytes that may come out.
  /// - Throws: ``AppError`` 400 `malformed_gzip`, 413 beyond the limit.
  public static func inflate(_ body: ByteBuffer, limit: Int) throws(AppError) -> ByteBuffer {
    var stream = z_stream()
    // 16 asks for a gzip header, 15 is the largest window.
    guard inflateInit2_(&stream, 16 + 15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw .internal(cause: "zlib could not be started")
    }
    defer { inflateEnd(&stream) }
    var input = Array(body.readableBytesView)
    var output = ByteBuffer()
    let result = input.withUnsafeMutableBufferPointer { bytes -> Result<Void, AppError> in
      stream.next_in = bytes.baseAddress
      stream.avail_in = UInt32(bytes.count)
      while true {
        var status = Z_OK
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: chunk) { space in
          stream.next_out = space.bindMemory(to: UInt8.self).baseAddress
          stream.avail_out = UInt32(space.count)
          status = CZlib.inflate(&stream, Z_NO_FLUSH)
          return space.count - Int(stream.avail_out)
        }
        if output.readableBytes > limit { return .failure(.payloadTooLarge(limit: limit)) }
        switch status {
        case Z_STREAM_END where stream.avail_in == 0: return .success(())
        // A gzip file may consist of several members, one after the other.
        case Z_STREAM_END where inflateReset(&stream) == Z_OK: continue
        case Z_OK where stream.avail_in > 0 || stream.avail_out == 0: continue
        default: return .failure(.malformed("malformed_gzip", "The body is not a whole gzip stream."))
        }
      }
    }
    try result.get()
    return output
  }
}
