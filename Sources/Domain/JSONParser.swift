/// Why a text is not JSON, and where: `offset` counts bytes from the start of the text.
public struct JSONSyntaxError: Error, Sendable, Hashable {
  public let offset: Int
  public let reason: String

  public init(offset: Int, reason: String) {
    self.offset = offset
    self.reason = reason
  }
}

/// A strict reader of RFC 8259 JSON in UTF-8. On top of the standard it refuses what would be ambiguous or harmful later: keys
/// that appear twice in one object, lone surrogates, numbers beyond the range of a double, nesting deeper than `maximumDepth`.
public enum JSONParser {
  public static let maximumDepth = JSONCursor.maximumDepth

  /// Reads one JSON value that fills the whole text (white space around it is allowed).
  public static func parse(_ text: String) throws(JSONSyntaxError) -> JSONValue {
    try parse(Array(text.utf8))
  }

  /// Reads one JSON value that fills all the bytes (white space around it is allowed).
  public static func parse(_ bytes: [UInt8]) throws(JSONSyntaxError) -> JSONValue {
    let result: Result<JSONValue, JSONSyntaxError> = bytes.withUnsafeBytes { parse(buffer: $0) }
    return try result.get()
  }

  /// As ``parse(_:)-([UInt8])``, without a copy of the bytes.
  public static func parse(_ bytes: UnsafeRawBufferPointer) throws(JSONSyntaxError) -> JSONValue {
    try parse(buffer: bytes).get()
  }

  private static func parse(buffer: UnsafeRawBufferPointer) -> Result<JSONValue, JSONSyntaxError> {
    var cursor = JSONCursor(buffer)
    do throws(JSONSyntaxError) {
      let value = try cursor.readTree(depth: 0)
      try cursor.expectEnd()
      return .success(value)
    } catch {
      return .failure(error)
    }
  }
}

extension JSONCursor {
  fileprivate mutating func readTree(depth: Int) throws(JSONSyntaxError) -> JSONValue {
    skipWhitespace()
    guard depth <= Self.maximumDepth else { throw error("nested deeper than \(Self.maximumDepth) levels") }
    switch current {
    case nil: throw error("the text ends where a value is expected")
    case UInt8(ascii: "{"): return try readObject(depth: depth)
    case UInt8(ascii: "["): return try readArray(depth: depth)
    case UInt8(ascii: "\""): return .string(try readString())
    case UInt8(ascii: "t"):
      try readWord("true")
      return .bool(true)
    case UInt8(ascii: "f"):
      try readWord("false")
      return .bool(false)
    case UInt8(ascii: "n"):
      try readWord("null")
      return .null
    case let byte? where byte == UInt8(ascii: "-") || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte:
      let start = offset
      let number = try readNumber()
      guard number.isFinite else {
        throw JSONSyntaxError(offset: start, reason: "the number is beyond the range of a 64-bit float")
      }
      return .number(number)
    default: throw error("a value is expected here")
    }
  }

  private mutating func readObject(depth: Int) throws(JSONSyntaxError) -> JSONValue {
    _ = skip(UInt8(ascii: "{"))
    var members: [String: JSONValue] = [:]
    var isFirst = true
    repeat {
      skipWhitespace()
      let keyOffset = offset
      guard let key = try nextKey(isFirst: &isFirst) else { return .object(members) }
      guard members.updateValue(try readTree(depth: depth + 1), forKey: key) == nil else {
        throw JSONSyntaxError(offset: keyOffset, reason: "the same key appears twice in one object")
      }
    } while try hasNextMember()
    return .object(members)
  }

  private mutating func readArray(depth: Int) throws(JSONSyntaxError) -> JSONValue {
    _ = skip(UInt8(ascii: "["))
    if skip(UInt8(ascii: "]")) { return .array([]) }
    var values: [JSONValue] = []
    repeat { values.append(try readTree(depth: depth + 1)) } while try hasNextElement()
    return .array(values)
  }
}
