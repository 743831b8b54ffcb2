/// Why a text is not JSON, and where: `offset` counts bytes from the start of the text.
public struct JSONSyntaxError: Error, Sendable, Hashable {
  public let offset: Int
  public let reason: String
}

/// A strict reader of RFC 8259 JSON in UTF-8. On top of the standard it refuses what would be ambiguous or harmful later: keys
/// that appear twice in one object, lone surrogates, numbers beyond the range of a double, nesting deeper than `maximumDepth`.
public struct JSONParser {
  public static let maximumDepth = 64

  /// Reads one JSON value that fills the whole text (white space around it is allowed).
  public static func parse(_ text: String) throws(JSONSyntaxError) -> JSONValue {
    try parse(Array(text.utf8))
  }

  /// Reads one JSON value that fills all the bytes (white space around it is allowed).
  public static func parse(_ bytes: [UInt8]) throws(JSONSyntaxError) -> JSONValue {
    let result: Result<JSONValue, JSONSyntaxError> = bytes.withUnsafeBufferPointer { parse(buffer: $0) }
    return try result.get()
  }

  /// As ``parse(_:)-([UInt8])``, without a copy of the bytes.
  public static func parse(_ bytes: UnsafeRawBufferPointer) throws(JSONSyntaxError) -> JSONValue {
    try parse(buffer: bytes.bindMemory(to: UInt8.self)).get()
  }

  private static func parse(buffer: UnsafeBufferPointer<UInt8>) -> Result<JSONValue, JSONSyntaxError> {
    var parser = JSONParser(bytes: buffer)
    do throws(JSONSyntaxError) {
      parser.skipWhitespace()
      let value = try parser.value(depth: 0)
      parser.skipWhitespace()
      guard parser.position == buffer.count else { throw parser.error("unexpected text after the value") }
      return .success(value)
    } catch {
      return .failure(error)
    }
  }

  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0

  private init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  private func error(_ reason: String) -> JSONSyntaxError { JSONSyntaxError(offset: position, reason: reason) }

  private mutating func skipWhitespace() {
    while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  private mutating func value(depth: Int) throws(JSONSyntaxError) -> JSONValue {
    guard depth <= Self.maximumDepth else { throw error("nested deeper than \(Self.maximumDepth) levels") }
    guard let byte = current else { throw error("the text ends where a value is expected") }
    switch byte {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"):
      try word("true")
      return .bool(true)
    case UInt8(ascii: "f"):
      try word("false")
      return .bool(false)
    case UInt8(ascii: "n"):
      try word("null")
      return .null
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
    default: throw error("a value is expected here")
    }
  }

  private mutating func word(_ word: StaticString) throws(JSONSyntaxError) {
    let matches = word.withUTF8Buffer { expected in
      bytes.count - position >= expected.count && expected.indices.allSatisfy { bytes[position + $0] == expected[$0] }
    }
    guard matches else { throw error("a value is expected here") }
    position += word.utf8CodeUnitCount
  }

  private mutating func object(depth: Int) throws(JSONSyntaxError) -> JSONValue {
    position += 1
    var members: [String: JSONValue] = [:]
    skipWhitespace()
    if current == UInt8(ascii: "}") {
      position += 1
      return .object(members)
    }
    while true {
      skipWhitespace()
      guard current == UInt8(ascii: "\"") else { throw error("a key in double quotes is expected here") }
      let keyPosition = position
      let key = try string()
      skipWhitespace()
      guard current == UInt8(ascii: ":") else { throw error("':' is expected after a key") }
      position += 1
      skipWhitespace()
      guard members.updateValue(try value(depth: depth + 1), forKey: key) == nil else {
        throw JSONSyntaxError(offset: keyPosition, reason: "the same key appears twice in one object")
      }
      skipWhitespace()
      switch current {
      case UInt8(ascii: ","): position += 1
      case UInt8(ascii: "}"):
        position += 1
        return .object(members)
      default: throw error("',' or '}' is expected here")
      }
    }
  }

  private mutating func array(depth: Int) throws(JSONSyntaxError) -> JSONValue {
    position += 1
    var values: [JSONValue] = []
    skipWhitespace()
    if current == UInt8(ascii: "]") {
      position += 1
      return .array(values)
    }
    while true {
      skipWhitespace()
      values.append(try value(depth: depth + 1))
      skipWhitespace()
      switch current {
      case UInt8(ascii: ","): position += 1
      case UInt8(ascii: "]"):
        position += 1
        return .array(values)
      default: throw error("',' or ']' is expected here")
      }
    }
  }

  private mutating func string() throws(JSONSyntaxError) -> String {
    position += 1
    let start = position
    // The common case has no escape: the bytes up to the closing quote are the string.
    while let byte = current, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { position += 1 }
    if current == UInt8(ascii: "\"") {
      guard let text = String(validating: bytes[start..<position], as: UTF8.self) else {
        throw JSONSyntaxError(offset: start, reason: "the string is not valid UTF-8")
      }
      position += 1
      return text
    }
    var unescaped = [UInt8](bytes[start..<position])
    while let byte = current {
      switch byte {
      case UInt8(ascii: "\""):
        guard let text = String(validating: unescaped, as: UTF8.self) else {
          throw JSONSyntaxError(offset: start, reason: "the string is not valid UTF-8")
        }
        position += 1
        return text
      case UInt8(ascii: "\\"):
        position += 1
        try escape(into: &unescaped)
      case ..<0x20: throw error("a control character must be escaped inside a string")
      default:
        unescaped.append(byte)
        position += 1
      }
    }
    throw error("the text ends inside a string")
  }

  private mutating func escape(into unescaped: inout [UInt8]) throws(JSONSyntaxError) {
    guard let byte = current else { throw error("the text ends inside a string") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(byte)
    case UInt8(ascii: "n"): unescaped.append(0x0A)
    case UInt8(ascii: "r"): unescaped.append(0x0D)
    case UInt8(ascii: "t"): unescaped.append(0x09)
    case UInt8(ascii: "b"): unescaped.append(0x08)
    case UInt8(ascii: "f"): unescaped.append(0x0C)
    case UInt8(ascii: "u"):
      var code = try hexadecimal()
      if 0xD800...0xDBFF ~= code {
        guard current == UInt8(ascii: "\\"), position + 1 < bytes.count, bytes[position + 1] == UInt8(ascii: "u") else {
          throw error("a high surrogate must be followed by a low one")
        }
        position += 2
        let low = try hexadecimal()
        guard 0xDC00...0xDFFF ~= low else { throw error("a high surrogate must be followed by a low one") }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw error("a low surrogate stands alone") }
      unescaped.append(contentsOf: String(scalar).utf8)
    default: throw error("this escape does not exist")
    }
  }

  private mutating func hexadecimal() throws(JSONSyntaxError) -> UInt32 {
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
      position += 1
    }
    return code
  }

  private mutating func number() throws(JSONSyntaxError) -> Double {
    let start = position
    if current == UInt8(ascii: "-") { position += 1 }
    let integerStart = position
    var magnitude: Int64 = 0
    while let byte = current, UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte {
      if position - integerStart < 15 { magnitude = magnitude * 10 + Int64(byte - UInt8(ascii: "0")) }
      position += 1
    }
    let digits = position - integerStart
    guard digits > 0 else { throw error("a digit is expected here") }
    guard digits == 1 || bytes[integerStart] != UInt8(ascii: "0") else {
      throw JSONSyntaxError(offset: start, reason: "a number must not begin with 0")
    }
    var isInteger = true
    if current == UInt8(ascii: ".") {
      isInteger = false
      position += 1
      guard skipDigits() else { throw error("a digit is expected after the decimal point") }
    }
    if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
      isInteger = false
      position += 1
      if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
      guard skipDigits() else { throw error("a digit is expected in the exponent") }
    }
    if isInteger, digits <= 15 { return Double(integerStart == start ? magnitude : -magnitude) }
    guard let value = Double(String(decoding: bytes[start..<position], as: UTF8.self)), value.isFinite else {
      throw JSONSyntaxError(offset: start, reason: "the number is beyond the range of a 64-bit float")
    }
    return value
  }

  /// Skips digits; false when there is none.
  private mutating func skipDigits() -> Bool {
    let start = position
    while let byte = current, UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte { position += 1 }
    return position > start
  }
}
