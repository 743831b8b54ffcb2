extension JSONValue {
  /// The value as JSON text; object keys are sorted, so that equal values give equal text.
  public func serialized() -> String { String(decoding: serializedBytes(), as: UTF8.self) }

  /// The value as UTF-8 JSON text; object keys are sorted, so that equal values give equal bytes.
  public func serializedBytes() -> [UInt8] {
    var bytes: [UInt8] = []
    write(into: &bytes)
    return bytes
  }

  public func write(into bytes: inout [UInt8]) {
    switch self {
    case .null: bytes.append(contentsOf: "null".utf8)
    case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
    case .number(let value): JSONWriter.write(value, into: &bytes)
    case .string(let value): JSONWriter.write(value, into: &bytes)
    case .array(let values):
      bytes.append(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        value.write(into: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let members):
      bytes.append(UInt8(ascii: "{"))
      for (index, key) in members.keys.sorted().enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        JSONWriter.write(key, into: &bytes)
        bytes.append(UInt8(ascii: ":"))
        (members[key] ?? .null).write(into: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }
}

/// Writes single JSON tokens; used where a tree of ``JSONValue`` would be a detour (ingest rows).
public enum JSONWriter {
  /// Writes a quoted, escaped JSON string. `/` stays as it is; control characters become `\u00XX`.
  public static func write(_ string: String, into bytes: inout [UInt8]) {
    var string = string
    string.withUTF8 { write(ByteText($0), into: &bytes) }
  }

  /// As above, of a text that is not copied first.
  package static func write(_ text: ByteText, into bytes: inout [UInt8]) {
    let text = text.bytes
    bytes.append(UInt8(ascii: "\""))
    var start = 0
    while start < text.count {
      let (end, _) = PlainBytes.end(in: text, from: start)
      bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<end]))
      guard end < text.count else { break }
      writeEscaped(text[end], into: &bytes)
      start = end + 1
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private static func writeEscaped(_ byte: UInt8, into bytes: inout [UInt8]) {
    switch byte {
    case UInt8(ascii: "\""): bytes.append(contentsOf: #"\""#.utf8)
    case UInt8(ascii: "\\"): bytes.append(contentsOf: #"\\"#.utf8)
    case 0x0A: bytes.append(contentsOf: #"\n"#.utf8)
    case 0x0D: bytes.append(contentsOf: #"\r"#.utf8)
    case 0x09: bytes.append(contentsOf: #"\t"#.utf8)
    default:
      bytes.append(contentsOf: #"\u00"#.utf8)
      bytes.append(hexDigits[Int(byte >> 4)])
      bytes.append(hexDigits[Int(byte & 15)])
    }
  }

  /// Writes a number: integers up to 2^53 without a fraction, others in the shortest form that reads back the same; NaN and
  /// infinities, which JSON cannot hold, as `null`.
  public static func write(_ number: Double, into bytes: inout [UInt8]) {
    if number == number.rounded(), abs(number) <= 9_007_199_254_740_992 {
      bytes.append(contentsOf: String(Int64(number)).utf8)
    } else if number.isFinite {
      bytes.append(contentsOf: number.description.utf8)
    } else {
      bytes.append(contentsOf: "null".utf8)
    }
  }

  private static let hexDigits = [UInt8]("0123456789abcdef".utf8)
}
