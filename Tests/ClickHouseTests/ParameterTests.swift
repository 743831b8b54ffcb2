import ClickHouse
import Domain
import TestSupport
import Testing

/// Bound values reach the real server letter by letter, and come back so.
@Suite struct ParameterTests {
  @Test func stringsRoundTrip() async throws {
    let client = try await TestClickHouse.shared().client
    let values = HostileText.samples + HostileText.random(count: 100, seed: 1)
    for batch in stride(from: 0, to: values.count, by: 20).map({ Array(values[$0..<min($0 + 20, values.count)]) }) {
      let list = SQL.join(batch.map { "\(bind: $0)" }, separator: ", ")
      let rows = try await client.query("SELECT \(list)", as: .admin)
      #expect(rows.rows == [batch.map(JSONValue.string)])
    }
  }

  @Test func listsRoundTrip() async throws {
    let client = try await TestClickHouse.shared().client
    let values = HostileText.samples + HostileText.random(count: 50, seed: 2)
    let rows = try await client.query("SELECT \(bind: values), \(bind: [String]())", as: .admin)
    #expect(rows.rows == [[.strings(values), .array([])]])
  }

  @Test func listsOfBytesAreListsOfTexts() {
    let values = HostileText.samples + HostileText.random(count: 50, seed: 3)
    #expect(SQLValue(utf8: values.map { ArraySlice($0.utf8) }) == SQLValue(values))
    #expect(SQLValue(utf8: []) == SQLValue([String]()))
    for value in values {
      #expect(SQLValue(utf8: [ArraySlice(value.utf8)]).literal.utf8.count <= SQLValue.itemLength(ArraySlice(value.utf8)) + 1)
    }
  }

  /// Long values travel as form fields of the body; the same rules must hold there.
  @Test func longValuesRoundTrip() async throws {
    let client = try await TestClickHouse.shared().client
    let padding = String(repeating: "x", count: 20_000)
    let values = HostileText.samples.filter { !$0.isEmpty } + ["--boundary\r\n", padding]
    let rows = try await client.query("SELECT \(bind: values), \(bind: padding + "\t\\'\n\r\n--")", as: .admin)
    #expect(rows.rows == [[.strings(values), .string(padding + "\t\\'\n\r\n--")]])
  }

  @Test func aListOfFiveHundredLongFilterValuesWorks() async throws {
    let client = try await TestClickHouse.shared().client
    let values = (0..<500).map { String(repeating: "v", count: 4_000) + String($0) }
    let condition = SQL.membership(of: "concat(repeat('v', 4000), toString(number))", in: values)
    let rows = try await client.query("SELECT count() FROM numbers(1000) WHERE \(condition)", as: .admin)
    #expect(rows.scalar == 500)
    let none = SQL.membership(of: "toString(number)", in: [])
    #expect(try await client.query("SELECT count() FROM numbers(1000) WHERE \(none)", as: .admin).scalar == 0)
  }

  @Test func numbersAndMomentsRoundTrip() async throws {
    let client = try await TestClickHouse.shared().client
    let rows = try await client.query(
      """
      SELECT \(bind: -9_007_199_254_740_991), \(bind: 0.1), \(bind: 1e300), \(bind: -0.0), \(bind: Double.infinity),
        \(bind: Instant(milliseconds: 1_767_225_600_123)), \(bind: Instant(milliseconds: -1))
      """, as: .admin)
    #expect(
      rows.rows == [
        [
          -9_007_199_254_740_991, 0.1, 1e300, 0, .null, "2026-01-01T00:00:00.123Z", "1969-12-31T23:59:59.999Z",
        ]
      ])
  }

  @Test func aValueCannotBecomeSQL() async throws {
    let client = try await TestClickHouse.shared().client
    for attack in ["' OR 1=1 --", "'; DROP TABLE emban.events; --", "\\' OR 1=1 --", "{p1:String}", "x') UNION ALL SELECT 1 --"] {
      let rows = try await client.query("SELECT count() FROM numbers(10) WHERE toString(number) = \(bind: attack)", as: .admin)
      #expect(rows.scalar == 0)
    }
  }
}
