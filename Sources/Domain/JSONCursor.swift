/// Walks over strict RFC 8259 JSON in UTF-8, token by token. ``JSONParser`` builds its tree on it; ingestion reads without a tree,
/// because the tree would cost more than everything else on its path. Nothing is read beyond the buffer; the buffer must outlive the cursor.
package struct JSONCursor {
  package static let maximumDepth = 64

  private let bytes: UnsafeBufferPointer<UInt8>
  package private(set) var offset = 0

  package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes.bindMemory(to: UInt8.self) }

  package var current: UInt8? { offset < bytes.count ? bytes[offset] : nil }
  package var isAtEnd: Bool { offset >= bytes.count }

  package func error(_ reason: String) -> JSONSyntaxError { JSONSyntaxError(offset: offset, reason: reason) }

  package mutating func skipWhitespace() {
    while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { offset += 1 }
  }

  /// Steps over `byte` when it is the next one after white space.
  package mutating func skip(_ byte: UInt8) -> Bool {
    skipWhitespace()
    guard current == byte else { return false }
    offset += 1
    return true
  }

  package mutating func expectEnd() throws(JSONSyntaxError) {
    skipWhitespace()
    guard isAtEnd else { throw error("unexpected text after the value") }
  }

  /// The next key of the object whose `{` was skipped, with the `:` behind it; nil when the object ends. `isFirst` belongs to
  /// the caller's loop and starts as true.
  package mutating func nextKey(isFirst: inout Bool) throws(JSONSyntaxError) -> String? {
    guard try beginKey(isFirst: &isFirst) else { return nil }
    let key = try readString()
    try endKey()
    return key
  }

  /// As ``nextKey(isFirst:)``, without copying the key.
  package mutating func nextKey(isFirst: inout Bool, _ arena: TextArena) throws(JSONSyntaxError) -> ByteText? {
    guard try beginKey(isFirst: &isFirst) else { return nil }
    let key = try readText(arena)
    try endKey()
    return key
  }

  private mutating func beginKey(isFirst: inout Bool) throws(JSONSyntaxError) -> Bool {
    skipWhitespace()
    if current == UInt8(ascii: "}") {
      guard isFirst else { throw error("a key in double quotes is expected here") }
      offset += 1
      return false
    }
    isFirst = false
    guard current == UInt8(ascii: "\"") else { throw error("a key in double quotes is expected here") }
    return true
  }

  private mutating func endKey() throws(JSONSyntaxError) {
    guard skip(UInt8(ascii: ":")) else { throw error("':' is expected after a key") }
    skipWhitespace()
  }

  /// True when another member follows (its comma is skipped), false when the object has ended (its brace is skipped).
  package mutating func hasNextMember() throws(JSONSyntaxError) -> Bool {
    if skip(UInt8(ascii: ",")) { return true }
    guard skip(UInt8(ascii: "}")) else { throw error("',' or '}' is expected here") }
    return false
  }

  /// As ``hasNextMember()``, for the elements of an array.
  package mutating func hasNextElement() throws(JSONSyntaxError) -> Bool {
    if skip(UInt8(ascii: ",")) { return true }
    guard skip(UInt8(ascii: "]")) else { throw error("',' or ']' is expected here") }
    return false
  }

  package mutating func readWord(_ word: StaticString) throws(JSONSyntaxError) {
    let matches = word.withUTF8Buffer { expected in
      bytes.count - offset >= expected.count && expected.indices.allSatisfy { bytes[offset + $0] == expected[$0] }
    }
    guard matches else { throw error("a value is expected here") }
    offset += word.utf8CodeUnitCount
  }

  /// Reads the string whose opening quote is the current byte.
  package mutating func readString() throws(JSONSyntaxError) -> String {
    switch try readContent() {
    case .plain(let text): text.string
    case .escaped(let bytes): String(decoding: bytes, as: UTF8.self)
    }
  }

  /// Reads the string whose opening quote is the current byte where it stands; one with escapes is written out into the arena.
  package mutating func readText(_ arena: TextArena) throws(JSONSyntaxError) -> ByteText {
    switch try readContent() {
    case .plain(let text): text
    case .escaped(let bytes): bytes.withUnsafeBufferPointer { arena.keep($0) }
    }
  }

  /// The content of a string: valid UTF-8.
  private enum Content {
    /// The common case has no escape: the bytes up to the closing quote are the string.
    case plain(ByteText)
    case escaped([UInt8])
  }

  private mutating func readContent() throws(JSONSyntaxError) -> Content {
    let start = offset + 1
    let (end, isASCII) = PlainBytes.end(in: bytes, from: start)
    offset = end
    switch current {
    case UInt8(ascii: "\""):
      let text = UnsafeBufferPointer(rebasing: bytes[start..<end])
      guard isASCII || String(validating: text, as: UTF8.self) != nil else { throw Self.invalidUTF8(start) }
      offset += 1
      return .plain(ByteText(text))
    case UInt8(ascii: "\\"): return .escaped(try readEscaped(from: start))
    case nil: throw error("the text ends inside a string")
    default: throw error("a control character must be escaped inside a string")
    }
  }

  private static func invalidUTF8(_ offset: Int) -> JSONSyntaxError {
    JSONSyntaxError(offset: offset, reason: "the string is not valid UTF-8")
  }

  private mutating func readEscaped(from start: Int) throws(JSONSyntaxError) -> [UInt8] {
    var unescaped = [UInt8](bytes[start..<offset])
    while let byte = current {
      switch byte {
      case UInt8(ascii: "\""):
        guard String(validating: unescaped, as: UTF8.self) != nil else { throw Self.invalidUTF8(start) }
        offset += 1
        return unescaped
      case UInt8(ascii: "\\"):
        offset += 1
        try readEscape(into: &unescaped)
      case ..<0x20: throw error("a control character must be escaped inside a string")
      default:
        unescaped.append(byte)
        offset += 1
      }
    }
    throw error("the text ends inside a string")
  }

  private mutating func readEscape(into unescaped: inout [UInt8]) throws(JSONSyntaxError) {
    guard let byte = current else { throw error("the text ends inside a string") }
    offset += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(byte)
    case UInt8(ascii: "n"): unescaped.append(0x0A)
    case UInt8(ascii: "r"): unescaped.append(0x0D)
    case UInt8(ascii: "t"): unescaped.append(0x09)
    case UInt8(ascii: "b"): unescaped.append(0x08)
    case UInt8(ascii: "f"): unescaped.append(0x0C)
    case UInt8(ascii: "u"):
      var code = try readHexadecimal()
      if 0xD800...0xDBFF ~= code {
        guard current == UInt8(ascii: "\\"), offset + 1 < bytes.count, bytes[offset + 1] == UInt8(ascii: "u") else {
          throw error("a high surrogate must be followed by a low one")
        }
        offset += 2
        let low = try readHexadecimal()
        guard 0xDC00...0xDFFF ~= low else { throw error("a high surrogate must be followed by a low one") }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw error("a low surrogate stands alone") }
      unescaped.append(contentsOf: String(Character(scalar)).utf8)
    default: throw error("this escape does not exist")
    }
  }

  private mutating func readHexadecimal() throws(JSONSyntaxError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      let digit: UInt8
      switch current {
      case let byte? where UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte: digit = byte - UInt8(ascii: "0")
      case let byte? where UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte: digit = byte - UInt8(ascii: "a") + 10
      case let byte? where UInt8(ascii: "A")...UInt8(ascii: "F") ~= byte: digit = byte - UInt8(ascii: "A") + 10
      default: throw error("four hexadecimal digits are expected after \\u")
      }
      code = code << 4 | UInt32(digit)
      offset += 1
    }
    return code
  }

  /// Reads a number; one beyond the range of a double becomes an infinity, which the validator refuses for that event alone.
  package mutating func readNumber() throws(JSONSyntaxError) -> Double {
    let start = offset
    let isNegative = current == UInt8(ascii: "-")
    if isNegative { offset += 1 }
    let integerStart = offset
    // Up to 18 digits fit an Int64; what has more is read by the standard library below.
    var magnitude: Int64 = 0
    var digits = readDigits(into: &magnitude)
    guard digits > 0 else { throw error("a digit is expected here") }
    guard digits == 1 || bytes[integerStart] != UInt8(ascii: "0") else {
      throw JSONSyntaxError(offset: start, reason: "a number must not begin with 0")
    }
    var decimals = 0
    if current == UInt8(ascii: ".") {
      offset += 1
      decimals = readDigits(into: &magnitude)
      guard decimals > 0 else { throw error("a digit is expected after the decimal point") }
      digits += decimals
    }
    var hasExponent = false
    if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
      hasExponent = true
      offset += 1
      if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { offset += 1 }
      var exponent: Int64 = 0
      guard readDigits(into: &exponent) > 0 else { throw error("a digit is expected in the exponent") }
    }
    // With at most 15 digits both the digits and the power of ten are exact doubles, so one division rounds correctly.
    if !hasExponent, digits <= 15 {
      let value = Double(magnitude) / Self.powersOfTen[decimals]
      return isNegative ? -value : value
    }
    guard let value = Double(String(decoding: bytes[start..<offset], as: UTF8.self)) else {
      return isNegative ? -.infinity : .infinity
    }
    return value
  }

  private static let powersOfTen: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
  ]

  /// Steps over digits and appends them to `magnitude` as long as it has room; gives their count.
  private mutating func readDigits(into magnitude: inout Int64) -> Int {
    let start = offset
    while let byte = current, UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte {
      if magnitude < 100_000_000_000_000_000 { magnitude = magnitude * 10 + Int64(byte - UInt8(ascii: "0")) }
      offset += 1
    }
    return offset - start
  }
}
