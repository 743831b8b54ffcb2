import Domain
import Ingest
import NIOCore
import Testing

/// The one pass over a request comes to the same as reading all events and judging them one by one.
@Suite struct EventIntakeTests {
  static let scope = IngestScope(organization: OrganizationID("org_a"), environment: .production)

  static func take(_ body: [UInt8], _ format: EventDecoder.Format = .json) throws(AppError) -> TakenEvents {
    try EventIntake().take(ByteBuffer(bytes: body), format: format, scope: scope, now: noon)
  }

  static func take(_ body: String, _ format: EventDecoder.Format = .json) throws(AppError) -> TakenEvents {
    try take(Array(body.utf8), format)
  }

  @Test func tellsWhoseTheAcceptedEventsAre() throws {
    let events = [
      #"{"tenant_id":"a","event_name":"x"}"#, #"{"tenant_id":"b","event_name":"x","timestamp":"2026-04-14T10:00:00Z"}"#, "5",
      #"{"tenant_id":"a","event_name":"x","timestamp":"2026-04-14T09:00:00Z"}"#, #"{"tenant_id":"\u0061","event_name":"y"}"#,
    ]
    let taken = try Self.take("{\"events\":[\(events.joined(separator: ","))]}")
    #expect(taken.encoded.count == 4)
    #expect(taken.acceptedIndices == [0, 1, 3, 4])
    #expect(taken.rejections.map(\.index) == [2])
    #expect(taken.stored.map(\.tenant) == [TenantID("a"), TenantID("b")])
    #expect(taken.stored.map(\.count) == [3, 1])
    #expect(taken.stored.map(\.earliest.iso8601) == ["2026-04-14T09:00:00Z", "2026-04-14T10:00:00Z"])
  }

  @Test func takesTwoSpellingsOfANameForTwoProperties() throws {
    let composed = "{\"tenant_id\":\"a\",\"event_name\":\"x\",\"string_props\":{\"\u{E9}\":\"1\",\"e\u{301}\":\"2\"}}"
    #expect(try Self.take(composed, .ndjson).encoded.count == 1)
    let same = "{\"tenant_id\":\"a\",\"event_name\":\"x\",\"string_props\":{\"\u{E9}\":\"1\",\"\\u00e9\":\"2\"}}"
    #expect(try Self.take(same, .ndjson).rejections.map(\.code) == [.propertyDuplicate])
  }

  @Test func takesNothingOfABodyThatEndsBadly() {
    let good = #"{"tenant_id":"a","event_name":"x"}"#
    for body in ["{\"events\":[\(good),\(good)", "{\"events\":[\(good)]} x", "{\"events\":[\(good)],\"more\":1}"] {
      #expect(throws: AppError.self) { try Self.take(body) }
    }
  }

  /// Strings of every length, with what a string may hold at every place of a machine word.
  @Test func readsStringsOfEveryLength() throws {
    for length in 0...40 {
      for (place, insert) in [("é", "é"), ("\\\"", "\""), ("\\\\", "\\"), ("\\u20ac", "€"), ("🎉", "🎉"), ("x", "x")].enumerated() {
        for position in 0...length where position % 3 == place % 3 {
          let before = String(repeating: "a", count: position), after = String(repeating: "b", count: length - position)
          let raw = try decode(#"{"events":[{"tenant_id":"\#(before)\#(insert.0)\#(after)"}]}"#)
          #expect(raw[0].tenantID == .string(before + insert.1 + after))
        }
      }
      let raw = "{\"events\":[{\"tenant_id\":\"\(String(repeating: "a", count: length))\u{1}\"}]}"
      #expect(failure { try decode(raw) }?.message.hasSuffix("(byte \(25 + length)).") == true)
    }
  }

  @Test func agreesWithReadingEventsOneByOne() {
    let seed = Array(
      #"""
      {"events":[{"tenant_id":"a\u00e9","event_name":"x","timestamp":"2026-04-14T10:00:00Z","string_props":{"k":"v","l":"w"}},
      {"tenant_id":"b","event_name":"y","user_id":"","event_id":"1","numeric_props":{"a":-1.5e3,"b":2}},null,{"tenant_id":"c","event_name":"z"}]}
      """#.utf8)
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<10_000 {
      var bytes = seed
      for _ in 0..<Int.random(in: 0...3, using: &generator) {
        let position = Int.random(in: 0..<bytes.count, using: &generator)
        if Bool.random(using: &generator) {
          bytes[position] = UInt8.random(in: 0...255, using: &generator)
        } else {
          bytes[position] = seed[Int.random(in: 0..<seed.count, using: &generator)]
        }
      }
      do throws(AppError) {
        let validated = EventValidator().validate(try decode(bytes), now: noon)
        let taken = try Self.take(bytes)
        #expect(taken.acceptedIndices == validated.acceptedIndices)
        #expect(taken.rejections == validated.rejections)
        #expect(taken.encoded.count == validated.accepted.count)
        #expect(taken.stored.reduce(0) { $0 + $1.count } == validated.accepted.count)
      } catch {
        #expect(throws: AppError.self) { try Self.take(bytes) }
      }
    }
  }
}
