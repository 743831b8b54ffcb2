import Domain
import Ingest
import Testing

@Suite struct EventDecoderTests {
  static let good = #"{"tenant_id":"a","event_name":"x"}"#

  @Test func readsOneToAThousandEvents() throws {
    #expect(try decode("{\"events\":[\(Self.good)]}").count == 1)
    let thousand = Array(repeating: Self.good, count: 1_000).joined(separator: ",")
    #expect(try decode(" \n{ \"events\" : [ \(thousand) ] } ").count == 1_000)
  }

  @Test(arguments: [0, 1_001, 2_500]) func refusesOtherCounts(_ count: Int) {
    let body = "{\"events\":[\(Array(repeating: Self.good, count: count).joined(separator: ","))]}"
    let error = failure { try decode(body) }
    #expect(error?.status == 422)
    #expect(error?.details.first?.field == "events")
    #expect(error?.details.first?.expected.contains("1 to 1000 events, not \(count)") == true)
    let lines = failure { try decode(Array(repeating: Self.good, count: count).joined(separator: "\n"), .ndjson) }
    #expect(lines?.status == 422)
    #expect(lines?.details.first?.field == "events")
  }

  struct Shape: Sendable {
    let body: String
    let field: String
    let code: String
  }

  @Test(arguments: [
    Shape(body: "[]", field: "", code: "wrong_type"),
    Shape(body: "\"x\"", field: "", code: "wrong_type"),
    Shape(body: "null", field: "", code: "wrong_type"),
    Shape(body: "12", field: "", code: "wrong_type"),
    Shape(body: "{}", field: "events", code: "missing"),
    Shape(body: #"{"events":null}"#, field: "events", code: "wrong_type"),
    Shape(body: #"{"events":{}}"#, field: "events", code: "wrong_type"),
    Shape(body: #"{"events":"x"}"#, field: "events", code: "wrong_type"),
    Shape(body: #"{"event":[]}"#, field: "event", code: "unknown_field"),
    Shape(body: #"{"events":[\#(good)],"debug":true}"#, field: "debug", code: "unknown_field"),
    Shape(body: good, field: "tenant_id", code: "unknown_field"),
  ])
  func refusesOtherShapes(_ shape: Shape) {
    let error = failure { try decode(shape.body) }
    #expect(error?.status == 422)
    #expect(error?.details.first?.field == shape.field)
    #expect(error?.details.first?.code == shape.code)
  }

  struct Malformed: Sendable {
    let body: String
    let offset: Int
  }

  @Test(arguments: [
    Malformed(body: "", offset: 0),
    Malformed(body: "{", offset: 1),
    Malformed(body: "{\"events\":[", offset: 11),
    Malformed(body: "{\"events\":[{]}", offset: 12),
    Malformed(body: "{\"events\":[{\"tenant_id\":\"a\",}]}", offset: 28),
    Malformed(body: "{\"events\":[{\"numeric_props\":{\"a\":NaN}}]}", offset: 33),
    Malformed(body: "{\"events\":[{\"numeric_props\":{\"a\":Infinity}}]}", offset: 33),
    Malformed(body: "{\"events\":[{\"numeric_props\":{\"a\":-Infinity}}]}", offset: 34),
    Malformed(body: "{\"events\":[{\"numeric_props\":{\"a\":01}}]}", offset: 33),
    Malformed(body: "{\"events\":[{\"numeric_props\":{\"a\":1.}}]}", offset: 35),
    Malformed(body: "{\"events\":[{\"numeric_props\":{\"a\":1e}}]}", offset: 35),
    Malformed(body: "{\"events\":[{\"numeric_props\":{\"a\":+1}}]}", offset: 33),
    Malformed(body: "{\"events\":[]} x", offset: 14),
    Malformed(body: "{\"events\":[]}{}", offset: 13),
    Malformed(body: "{\"events\":[],\"events\":[]}", offset: 13),
    Malformed(body: "{'events':[]}", offset: 1),
    Malformed(body: "{\"events\":[{\"tenant_id\":\"a\nb\"}]}", offset: 26),
    Malformed(body: "{\"events\":[{\"tenant_id\":\"\\ud800\"}]}", offset: 31),
    Malformed(body: "{\"events\":[{\"tenant_id\":\"\\udc00\"}]}", offset: 31),
    Malformed(body: "{\"events\":[{\"tenant_id\":\"\\ud800\\u0041\"}]}", offset: 37),
    Malformed(body: "{\"events\":[{\"tenant_id\":\"\\x\"}]}", offset: 27),
    Malformed(body: "{\"events\":[{\"tenant_id\":\"\\u12g4\"}]}", offset: 29),
    Malformed(body: "{\"events\":[{\"tenant_id\":\"abc", offset: 28),
    Malformed(body: "{\"events\":[tru]}", offset: 11),
  ])
  func tellsWhereTheTextIsNotJSON(_ malformed: Malformed) {
    let error = failure { try decode(malformed.body) }
    #expect(error?.status == 400)
    #expect(error?.code == "malformed_json")
    #expect(error?.message.hasSuffix("(byte \(malformed.offset)).") == true, "\(error?.message ?? "no error")")
  }

  @Test func refusesInvalidUTF8() {
    for bytes: [UInt8] in [[0xFF], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80]] {
      let error = failure { try decode(Array(#"{"events":[{"tenant_id":""#.utf8) + bytes + Array("\"}]}".utf8)) }
      #expect(error?.code == "malformed_json")
      #expect(error?.message.contains("UTF-8") == true)
    }
  }

  @Test func refusesDeepNesting() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
      let deep = String(repeating: open, count: 100_000) + "1" + String(repeating: close, count: 100_000)
      for body in [deep, "{\"events\":\(deep)}", "{\"events\":[\(deep)]}", "{\"x\":\(deep)}"] {
        let error = failure { try decode(body) }
        #expect(error?.status == 400)
        #expect(error?.message.contains("nested deeper") == true)
      }
    }
  }

  @Test func refusesAHugeStringInItsEventOnly() throws {
    let huge = String(repeating: "x", count: 10 << 20)
    let raw = try decode(#"{"events":[\#(Self.good),{"tenant_id":"\#(huge)","event_name":"x"}]}"#)
    let validated = EventValidator().validate(raw, now: noon)
    #expect(validated.accepted.count == 1)
    #expect(validated.rejections.map(\.code) == [.tenantIDLength])
  }

  @Test func countsHundredsOfThousandsOfPropertiesWithoutKeepingThem() throws {
    let members = (0..<200_000).map { "\"p\($0)\":1" }.joined(separator: ",")
    let raw = try decode(#"{"events":[{"tenant_id":"a","event_name":"x","numeric_props":{\#(members)}}]}"#)
    guard case .members(let kept, let count) = raw[0].numericProps else {
      Issue.record("not read")
      return
    }
    #expect(kept.count == Limits.propertiesPerEvent)
    #expect(count == 200_000)
  }

  @Test func unescapesStrings() throws {
    let raw = try decode(#"{"events":[{"tenant\u005fid":"\"\\\/\b\f\n\r\t\u00e9\ud83c\udf89 é🎉","event_name":"x"}]}"#)
    #expect(raw[0].tenantID == .string("\"\\/\u{8}\u{C}\n\r\té🎉 é🎉"))
  }

  /// Compared with the standard library's own reading, which is correctly rounded.
  @Test func readsNumbersExactly() throws {
    var generator = SystemRandomNumberGenerator()
    var texts = ["0", "-0", "0.1", "123456789012345", "999999999999999.9", "0.000000000000001", "9007199254740993", "1e23", "5e-324"]
    for _ in 0..<2_000 {
      let digits = String(Int.random(in: 0...999_999_999_999_999, using: &generator))
      let point = Int.random(in: 1...digits.count, using: &generator)
      texts.append("-" + digits.prefix(point) + (point < digits.count ? "." + digits.dropFirst(point) : ""))
      texts.append(Double(bitPattern: UInt64.random(in: 0..<0x7FF0_0000_0000_0000, using: &generator)).description)
    }
    for text in texts {
      let raw = try decode(#"{"events":[{"numeric_props":{"a":\#(text)}}]}"#)
      guard case .members(let members, _) = raw[0].numericProps, case .number(let number) = members[0].value else {
        Issue.record("not read: \(text)")
        continue
      }
      #expect(number == Double(text), "\(text)")
    }
  }

  @Test func readsLinesAndJudgesEachAlone() throws {
    let raw = try decode("\(Self.good)\r\n\n  \n{broken\n\(Self.good) x\n5\n\(Self.good)", .ndjson)
    let validated = EventValidator().validate(raw, now: noon)
    #expect(validated.acceptedIndices == [0, 4])
    #expect(validated.rejections.map(\.code) == [.malformedJSON, .malformedJSON, .eventType])
    #expect(validated.rejections.map(\.index) == [1, 2, 3])
  }

  @Test func choosesTheFormatByTheContentType() throws {
    for type in [nil, "", "application/json", "Application/JSON; charset=utf-8", "application/x-www-form-urlencoded"] {
      #expect(try EventDecoder.Format(contentType: type) == .json)
    }
    #expect(try EventDecoder.Format(contentType: "application/x-ndjson; charset=utf-8") == .ndjson)
    #expect(failure { try EventDecoder.Format(contentType: "text/csv") }?.status == 415)
  }

  /// Whatever the bytes, decoding ends with events or an error.
  @Test func survivesMutatedBodies() {
    let seed = Array(
      #"{"events":[{"tenant_id":"a\u00e9","event_name":"x","timestamp":"2026-04-14T10:00:00Z","numeric_props":{"a":-1.5e3}},null]}"#
        .utf8)
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      var bytes = seed
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let position = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[position] = UInt8.random(in: 0...255, using: &generator)
        case 1: bytes.remove(at: position)
        default: bytes.removeLast(bytes.count - position)
        }
        if bytes.isEmpty { break }
      }
      do throws(AppError) {
        _ = EventValidator().validate(try decode(bytes), now: noon)
      } catch {
        #expect(error.status == 400 || error.status == 422)
      }
    }
  }
}
