import Domain
import Ingest
import Testing

@Suite struct EventValidatorTests {
  struct Scenario: Sendable, CustomTestStringConvertible {
    let event: String
    let code: RejectionCode
    let field: String
    var expected = ""
    var testDescription: String { "\(code.rawValue) \(event.prefix(60))" }
  }

  static func with(_ members: String) -> String { #"{"tenant_id":"acme","event_name":"api.call",\#(members)}"# }
  static let long = String(repeating: "x", count: 5_000)

  static let refused: [Scenario] = [
    Scenario(event: "5", code: .eventType, field: "", expected: "number"),
    Scenario(event: "null", code: .eventType, field: ""),
    Scenario(event: "[]", code: .eventType, field: ""),
    Scenario(event: with(#""tenant":"b""#), code: .unknownField, field: "tenant"),
    Scenario(event: with(#""tenant_id":"b""#), code: .duplicateField, field: "tenant_id"),
    Scenario(event: with(#""string_props":{},"string_props":{}"#), code: .duplicateField, field: "string_props"),

    Scenario(event: #"{"event_name":"a"}"#, code: .tenantIDMissing, field: "tenant_id"),
    Scenario(event: #"{"event_name":"a","tenant_id":null}"#, code: .tenantIDMissing, field: "tenant_id"),
    Scenario(event: #"{"event_name":"a","tenant_id":7}"#, code: .tenantIDType, field: "tenant_id", expected: "number"),
    Scenario(event: #"{"event_name":"a","tenant_id":{"x":1}}"#, code: .tenantIDType, field: "tenant_id", expected: "object"),
    Scenario(event: #"{"event_name":"a","tenant_id":""}"#, code: .tenantIDLength, field: "tenant_id", expected: "1 to 256"),
    Scenario(event: #"{"event_name":"a","tenant_id":"\#(long)"}"#, code: .tenantIDLength, field: "tenant_id", expected: "5000"),
    Scenario(event: #"{"event_name":"a","tenant_id":"ac\u0000me"}"#, code: .tenantIDCharacters, field: "tenant_id"),
    Scenario(event: #"{"event_name":"a","tenant_id":"acme\n"}"#, code: .tenantIDCharacters, field: "tenant_id"),
    Scenario(event: #"{"event_name":"a","tenant_id":"ac\u0085me"}"#, code: .tenantIDCharacters, field: "tenant_id"),

    Scenario(event: #"{"tenant_id":"a"}"#, code: .eventNameMissing, field: "event_name"),
    Scenario(event: #"{"tenant_id":"a","event_name":true}"#, code: .eventNameType, field: "event_name", expected: "boolean"),
    Scenario(event: #"{"tenant_id":"a","event_name":""}"#, code: .eventNameLength, field: "event_name"),
    Scenario(event: #"{"tenant_id":"a","event_name":"a\u007f"}"#, code: .eventNameCharacters, field: "event_name"),

    Scenario(event: with(#""timestamp":1700000000"#), code: .timestampType, field: "timestamp", expected: "number"),
    Scenario(event: with(#""timestamp":"yesterday""#), code: .timestampFormat, field: "timestamp", expected: "zone"),
    Scenario(event: with(#""timestamp":"2026-04-14T10:00:00""#), code: .timestampFormat, field: "timestamp"),
    Scenario(event: with(#""timestamp":"2026-02-30T10:00:00Z""#), code: .timestampFormat, field: "timestamp"),
    Scenario(event: with(#""timestamp":"""#), code: .timestampFormat, field: "timestamp"),
    Scenario(event: with(#""timestamp":"1969-12-31T23:59:59Z""#), code: .timestampRange, field: "timestamp"),
    Scenario(event: with(#""timestamp":"2026-04-15T12:00:00.001Z""#), code: .timestampRange, field: "timestamp", expected: "24 hours"),

    Scenario(event: with(#""event_id":5"#), code: .eventIDType, field: "event_id"),
    Scenario(event: with(#""event_id":"""#), code: .eventIDLength, field: "event_id"),
    Scenario(event: with(#""event_id":"a\tb""#), code: .eventIDCharacters, field: "event_id"),
    Scenario(event: with(#""user_id":5"#), code: .userIDType, field: "user_id"),
    Scenario(event: with(#""user_id":"\#(long)""#), code: .userIDLength, field: "user_id"),
    Scenario(event: with(#""user_id":"a\u0001""#), code: .userIDCharacters, field: "user_id"),

    Scenario(event: with(#""string_props":"x""#), code: .stringPropsType, field: "string_props", expected: "string"),
    Scenario(event: with(#""string_props":{"a":1}"#), code: .stringPropsType, field: "string_props.a", expected: "number"),
    Scenario(event: with(#""string_props":{"a":null}"#), code: .stringPropsType, field: "string_props.a", expected: "null"),
    Scenario(event: with(#""string_props":{"a":{"b":"c"}}"#), code: .stringPropsType, field: "string_props.a", expected: "object"),
    Scenario(event: with(#""numeric_props":[1]"#), code: .numericPropsType, field: "numeric_props", expected: "array"),
    Scenario(event: with(#""numeric_props":{"a":"1"}"#), code: .numericPropsType, field: "numeric_props.a", expected: "string"),
    Scenario(event: with(#""numeric_props":{"a":true}"#), code: .numericPropsType, field: "numeric_props.a"),
    Scenario(event: with(#""numeric_props":{"a":1e999}"#), code: .numericPropsNotFinite, field: "numeric_props.a"),
    Scenario(event: with(#""numeric_props":{"a":-1e400}"#), code: .numericPropsNotFinite, field: "numeric_props.a"),

    Scenario(event: with(#""string_props":{"":"x"}"#), code: .propertyNameLength, field: "string_props."),
    Scenario(
      event: with(#""numeric_props":{"\#(long.prefix(129))":1}"#), code: .propertyNameLength,
      field: "numeric_props.\(long.prefix(100))", expected: "128"),
    Scenario(event: with(#""string_props":{"a\u0000b":"x"}"#), code: .propertyNameCharacters, field: "string_props.a\u{FFFD}b"),
    Scenario(event: with(#""string_props":{"a%2Eb":"x"}"#), code: .propertyNameCharacters, field: "string_props.a%2Eb"),
    Scenario(event: with(#""string_props":{"a":"x","a":"y"}"#), code: .propertyDuplicate, field: "string_props.a"),
    Scenario(event: with(#""numeric_props":{"a":1,"\u0061":2}"#), code: .propertyDuplicate, field: "numeric_props.a"),
    Scenario(event: with(#""string_props":{"a":"\#(long)"}"#), code: .propertyValueLength, field: "string_props.a", expected: "4096"),
    Scenario(event: with(#""string_props":{"a":"x\u0000"}"#), code: .propertyValueCharacters, field: "string_props.a"),
    Scenario(
      event: with(#""numeric_props":{\#((0...100).map { "\"p\($0)\":1" }.joined(separator: ","))}"#), code: .tooManyProperties,
      field: "numeric_props", expected: "101"),
    Scenario(
      event: with(
        #""numeric_props":{\#((0...59).map { "\"p\($0)\":1" }.joined(separator: ","))},"#
          + #""string_props":{\#((0...59).map { "\"p\($0)\":\"1\"" }.joined(separator: ","))}"#), code: .tooManyProperties, field: "",
      expected: "120"),
  ]

  @Test(arguments: refused) func refuses(_ scenario: Scenario) throws {
    let validated = try validate(scenario.event)
    #expect(validated.accepted.isEmpty)
    let rejection = try #require(validated.rejections.first)
    #expect(rejection.code == scenario.code)
    #expect(rejection.field == scenario.field)
    #expect(rejection.expected.contains(scenario.expected))
    #expect(rejection.index == 0)
  }

  /// Every reason that a request can be given has a scenario above, is spoken elsewhere in these tests, or belongs to imports.
  @Test func everyReasonHasAScenario() {
    let elsewhere: Set<RejectionCode> = [
      .malformedJSON, .notStorable, .csvColumns, .csvQuotes, .invalidUTF8, .recordLength, .numberFormat,
      // The event id and name share their check with tenant_id.
    ]
    let missing = Set(RejectionCode.allCases).subtracting(Self.refused.map(\.code)).subtracting(elsewhere)
    #expect(missing.isEmpty)
  }

  @Test func stepsAreNamedInTheirOrder() {
    #expect(
      EventValidator.steps.map(\.name) == [
        "shape", "tenant_id", "event_name", "timestamp", "event_id", "user_id", "string_props", "numeric_props", "property_count",
      ])
  }

  @Test func acceptsAnEventWithEveryField() throws {
    let event = try #require(
      try validate(
        """
        {"tenant_id": "acme", "event_name": "api.call", "timestamp": "2026-04-14T10:00:00.5+02:00", "event_id": "e1", "user_id": "u1",
         "string_props": {"model": "gpt-4", "a.b": "", "same": "☃ \\n"}, "numeric_props": {"tokens": 150, "same": -0.25, "big": 1e300}}
        """
      ).accepted.first)
    #expect(event.tenantID == TenantID("acme"))
    #expect(event.eventName == "api.call")
    #expect(event.timestamp == Instant(iso8601: "2026-04-14T08:00:00.500Z"))
    #expect(event.eventID == "e1")
    #expect(event.userID == "u1")
    #expect(event.stringProps == ["model": "gpt-4", "a.b": "", "same": "☃ \n"])
    #expect(event.numericProps == ["tokens": 150, "same": -0.25, "big": 1e300])
  }

  @Test func takesTheServersTimeWhenThereIsNone() throws {
    for timestamp in ["", #","timestamp":null"#] {
      let event = try #require(try validate(#"{"tenant_id":"a","event_name":"b"\#(timestamp)}"#).accepted.first)
      #expect(event.timestamp == noon)
    }
  }

  @Test func acceptsTheBoundsThemselves() throws {
    let name = String(repeating: "n", count: 128)
    let value = String(repeating: "v", count: 4_096)
    let tenant = String(repeating: "t", count: 256)
    for event in [
      Self.with(#""timestamp":"1970-01-01T00:00:00Z""#), Self.with(#""timestamp":"2026-04-15T12:00:00Z""#),
      Self.with(#""string_props":{"\#(name)":"\#(value)"}"#), #"{"tenant_id":"\#(tenant)","event_name":"x"}"#,
      Self.with(#""numeric_props":{\#((1...100).map { "\"p\($0)\":1" }.joined(separator: ","))}"#),
      Self.with(#""user_id":"""#), Self.with(#""user_id":null,"event_id":null,"string_props":null,"numeric_props":null"#),
      Self.with(#""numeric_props":{"max":1.7976931348623157e308,"min":5e-324}"#),
      #"{"tenant_id":"Ünï/çødé 漢字 🎉","event_name":"x y"}"#,
    ] {
      #expect(try validate(event).rejections.isEmpty, "\(event.prefix(80))")
    }
  }

  @Test func keepsTheValidOnesAndTheirPositions() throws {
    let good = #"{"tenant_id":"a","event_name":"x"}"#
    let raw = try decode("{\"events\":[\(good),{},\(good),7,\(good)]}")
    let validated = EventValidator().validate(raw, now: noon)
    #expect(validated.acceptedIndices == [0, 2, 4])
    #expect(validated.rejections.map(\.index) == [1, 3])
    #expect(validated.rejections.first?.problem.field == "events[1].tenant_id")
    #expect(validated.rejections.last?.problem.field == "events[3]")
  }
}
