/// A UTF-8 text where it stands in memory: nothing was copied, and it is valid only as long as those bytes are. Compared byte for byte.
///
/// Ingestion reads the texts of a request in this form, because a `String` for each would cost more than everything else that is done with it.
package struct ByteText: Equatable {
  package let bytes: UnsafeBufferPointer<UInt8>

  package init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  package var count: Int { bytes.count }
  package var isEmpty: Bool { bytes.isEmpty }
  /// A copy.
  package var string: String { String(decoding: bytes, as: UTF8.self) }

  package static func == (left: ByteText, right: ByteText) -> Bool { left.isEqual(right.bytes) }

  /// Compares with a text of ASCII letters.
  package func `is`(_ text: StaticString) -> Bool {
    isEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  private func isEqual(_ other: UnsafeBufferPointer<UInt8>) -> Bool {
    guard bytes.count == other.count else { return false }
    let ours = UnsafeRawBufferPointer(bytes), theirs = UnsafeRawBufferPointer(other)
    var offset = 0
    while offset + 8 <= ours.count {
      guard
        ours.loadUnaligned(fromByteOffset: offset, as: UInt64.self) == theirs.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      else { return false }
      offset += 8
    }
    while offset < ours.count {
      guard ours[offset] == theirs[offset] else { return false }
      offset += 1
    }
    return true
  }
}

/// Keeps copies of texts at places that do not move, for as long as it lives itself.
package final class TextArena {
  private static let chunk = 4_096

  private var chunks: [UnsafeMutableBufferPointer<UInt8>] = []
  private var used = 0

  package init() {}

  deinit {
    for chunk in chunks { chunk.deallocate() }
  }

  package func keep(_ bytes: UnsafeBufferPointer<UInt8>) -> ByteText {
    if chunks.last.map({ $0.count - used < bytes.count }) ?? true {
      chunks.append(.allocate(capacity: max(Self.chunk, bytes.count)))
      used = 0
    }
    let place = UnsafeMutableBufferPointer(rebasing: chunks[chunks.count - 1][used..<used + bytes.count])
    _ = place.update(fromContentsOf: bytes)
    used += bytes.count
    return ByteText(UnsafeBufferPointer(place))
  }

  package func keep(_ text: String) -> ByteText {
    var text = text
    return text.withUTF8 { keep($0) }
  }
}

/// What the readers and writers of JSON strings ask of bytes, eight at a time.
enum PlainBytes {
  private static let ones: UInt64 = 0x0101_0101_0101_0101
  private static let highs: UInt64 = 0x8080_8080_8080_8080

  /// The place of the first byte from `start` on that a JSON string holds only escaped or that ends it (a quote, a backslash, a control
  /// character), or the end; and whether all before it is ASCII.
  static func end(in bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> (offset: Int, isASCII: Bool) {
    let raw = UnsafeRawBufferPointer(bytes)
    var offset = start
    var seen: UInt64 = 0
    while offset + 8 <= raw.count {
      let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      let special = zeros(word ^ (ones &* 0x22)) | zeros(word ^ (ones &* 0x5C)) | below(word)
      if special != 0 {
        // Exact for the lowest mark, which is the one that counts.
        let plain = special.trailingZeroBitCount >> 3
        if plain > 0 { seen |= word << UInt64(64 - 8 * plain) }
        return (offset + plain, seen & highs == 0)
      }
      seen |= word
      offset += 8
    }
    while offset < raw.count {
      let byte = raw[offset]
      if byte == 0x22 || byte == 0x5C || byte < 0x20 { break }
      seen |= UInt64(byte)
      offset += 1
    }
    return (offset, seen & highs == 0)
  }

  /// Marks the bytes that are 0. https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord
  private static func zeros(_ word: UInt64) -> UInt64 { (word &- ones) & ~word & highs }

  /// Marks the bytes below 0x20.
  private static func below(_ word: UInt64) -> UInt64 { (word &- ones &* 0x20) & ~word & highs }
}
