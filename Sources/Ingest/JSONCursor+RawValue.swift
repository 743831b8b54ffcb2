import Domain

extension JSONCursor {
  /// Reads a scalar; arrays and objects are checked, skipped and named only.
  mutating func readValue(depth: Int) throws(JSONSyntaxError) -> RawValue {
    skipWhitespace()
    switch current {
    case UInt8(ascii: "\""): return .string(try readString())
    case let byte? where byte == UInt8(ascii: "-") || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte:
      return .number(try readNumber())
    case UInt8(ascii: "{"):
      try skipContainer(depth: depth)
      return .object
    case UInt8(ascii: "["):
      try skipContainer(depth: depth)
      return .array
    case UInt8(ascii: "t"):
      try readWord("true")
      return .bool(true)
    case UInt8(ascii: "f"):
      try readWord("false")
      return .bool(false)
    case UInt8(ascii: "n"):
      try readWord("null")
      return .null
    case nil: throw error("the text ends where a value is expected")
    default: throw error("a value is expected here")
    }
  }

  /// As ``readValue(depth:)``, with a text where it stands.
  mutating func readSent(depth: Int, _ arena: TextArena) throws(JSONSyntaxError) -> SentEvent.Value {
    skipWhitespace()
    switch current {
    case UInt8(ascii: "\""): return .text(try readText(arena))
    case let byte? where byte == UInt8(ascii: "-") || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte: return .number(try readNumber())
    default: return SentEvent.Value(try readValue(depth: depth), arena)
    }
  }

  private mutating func skipContainer(depth: Int) throws(JSONSyntaxError) {
    guard depth < JSONCursor.maximumDepth else { throw error("nested deeper than \(JSONCursor.maximumDepth) levels") }
    if current == UInt8(ascii: "[") {
      _ = skip(UInt8(ascii: "["))
      if skip(UInt8(ascii: "]")) { return }
      repeat { _ = try readValue(depth: depth + 1) } while try hasNextElement()
    } else {
      _ = skip(UInt8(ascii: "{"))
      var isFirst = true
      while try nextKey(isFirst: &isFirst) != nil {
        _ = try readValue(depth: depth + 1)
        guard try hasNextMember() else { return }
      }
    }
  }
}
