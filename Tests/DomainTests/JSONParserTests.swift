import Domain
import Foundation
import Testing

@Suite struct JSONParserTests {
  @Test(arguments: [
    ("null", JSONValue.null), (" true ", JSONValue.bool(true)), ("-0", JSONValue.number(0)), ("1e3", JSONValue.number(1000)),
    ("123456789012345678", JSONValue.number(123_456_789_012_345_680)),
    (#""a\u00e9\ud83d\ude00\n""#, JSONValue.string("aé😀\n")), ("[]", JSONValue.array([])), ("{}", JSONValue.object([:])),
    (#"{"a":[1,{"b":null}]}"#, ["a": [1, ["b": JSONValue.null]]] as JSONValue),
  ])
  func reads(text: String, value: JSONValue) throws {
    #expect(try JSONParser.parse(text) == value)
  }

  @Test(arguments: [
    "", " ", "{", "[1,]", #"{"a":1,}"#, "01", "1.", ".5", "+1", "1e", "NaN", "Infinity", "-Infinity", "nul", "'a'", "\"a", "\"\\x\"",
    "\"\u{01}\"", #""\ud800""#, #""\udc00""#, #""\ud800\u0041""#, "1 2", "{1:2}", #"{"a" 1}"#, "1e999", #"{"a":1,"a":2}"#, "[1 2]",
    "\u{FEFF}{}",
  ])
  func refuses(text: String) {
    #expect(throws: JSONSyntaxError.self) { try JSONParser.parse(text) }
  }

  @Test func refusesInvalidUTF8() {
    #expect(throws: JSONSyntaxError.self) { try JSONParser.parse([0x22, 0xC3, 0x28, 0x22]) }
    #expect(throws: JSONSyntaxError.self) { try JSONParser.parse([0x22, 0xED, 0xA0, 0x80, 0x22]) }
  }

  @Test func stopsAtTheDepthLimit() throws {
    let deep = String(repeating: "[", count: 100_000)
    #expect(throws: JSONSyntaxError.self) { try JSONParser.parse(deep) }
    let allowed = String(repeating: "[", count: JSONParser.maximumDepth) + String(repeating: "]", count: JSONParser.maximumDepth)
    #expect(throws: Never.self) { try JSONParser.parse(allowed) }
  }

  @Test func namesTheOffsetOfTheError() throws {
    #expect { try JSONParser.parse(#"{"events": [1, x]}"#) } throws: { ($0 as? JSONSyntaxError)?.offset == 15 }
  }

  /// What we write, Foundation reads as the same value, and so do we.
  @Test func writesWhatOthersRead() throws {
    var generator = SeededGenerator(state: 7)
    for _ in 0..<500 {
      let value = JSONValue.object(["v": .random(depth: 3, using: &generator)])
      let bytes = value.serializedBytes()
      #expect(try JSONParser.parse(bytes) == value)
      let foreign = try JSONSerialization.jsonObject(with: Data(bytes))
      let rewritten = try JSONSerialization.data(withJSONObject: foreign)
      #expect(try JSONParser.parse([UInt8](rewritten)) == value)
    }
  }

  /// Random damage to valid text never crashes the reader.
  @Test func survivesDamagedText() {
    var generator = SeededGenerator(state: 11)
    let original = [UInt8](#"{"events":[{"tenant_id":"acmé","n":-1.5e3,"s":"\u00e9\ud83d\ude00"},null,true]}"#.utf8)
    for _ in 0..<20_000 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      _ = try? JSONParser.parse(bytes)
    }
  }
}

/// SplitMix64, so that a failing run can be repeated.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}

extension JSONValue {
  static func random(depth: Int, using generator: inout SeededGenerator) -> JSONValue {
    switch Int.random(in: 0...(depth > 0 ? 6 : 4), using: &generator) {
    case 0: .null
    case 1: .bool(.random(using: &generator))
    case 2: .number(Double(Int.random(in: -1_000_000...1_000_000, using: &generator)))
    case 3: .number(Double.random(in: -1e6...1e6, using: &generator))
    case 4:
      .string(
        String(
          String.UnicodeScalarView(
            (0..<8).compactMap { _ in Unicode.Scalar(UInt32.random(in: 0...0x10FFFF, using: &generator)) })))
    case 5: .array((0..<3).map { _ in .random(depth: depth - 1, using: &generator) })
    default: .object(["a": .random(depth: depth - 1, using: &generator), "b\"\\": .random(depth: depth - 1, using: &generator)])
    }
  }
}
