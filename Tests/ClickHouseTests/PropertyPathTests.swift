import ClickHouse
import Domain
import TestSupport
import Testing

/// Property names are the one thing from outside that becomes SQL text; these tests write them with the real ingestion settings
/// and read them back through the real server.
@Suite struct PropertyPathTests {
  private func scope(_ organization: String) -> DatabaseRole {
    .viewer(ScopeSettings(organization: organization, environment: "production", tenant: "acme"))
  }

  @Test func everyStorableNameIsReadBackAlone() async throws {
    let client = try await TestClickHouse.shared().client
    let organization = TestClickHouse.uniqueOrganization()
    let keys = Array(Set(HostileText.samples + HostileText.random(count: 300, seed: 7))).sorted().filter {
      PropertyPath.isStorable(key: $0)
    }
    var rows = EventRows(organization: organization)
    // Fifty names per event, as the limits allow a hundred; every name has a value of its own.
    for start in stride(from: 0, to: keys.count, by: 50) {
      let part = keys[start..<min(start + 50, keys.count)]
      rows.add(
        strings: Dictionary(uniqueKeysWithValues: part.map { ($0, "value of \($0)") }),
        numbers: Dictionary(uniqueKeysWithValues: part.enumerated().map { ($1, Double(start + $0) + 0.5) }))
    }
    try await rows.insert(with: client)

    for (number, key) in keys.enumerated() {
      let result = try await client.query(
        """
        SELECT \(PropertyPath.string(key).stringExpression) AS dimension, sum(\(PropertyPath.numeric(key).numericExpression)),
          count()
        FROM emban.events
        WHERE \(PropertyPath.string(key).optionalStringExpression) = \(bind: "value of \(key)")
        GROUP BY dimension
        """, as: scope(organization))
      #expect(result.rows == [[.string("value of \(key)"), .number(Double(number) + 0.5), 1]], "key \(key.debugDescription)")
    }
  }

  @Test func aMissingPropertyIsEmptyOrNull() async throws {
    let client = try await TestClickHouse.shared().client
    let organization = TestClickHouse.uniqueOrganization()
    var rows = EventRows(organization: organization)
    rows.add(strings: ["model": "a"], numbers: ["n": 1])
    rows.add()
    try await rows.insert(with: client)
    let result = try await client.query(
      """
      SELECT \(PropertyPath.string("model").stringExpression) AS model, sum(\(PropertyPath.numeric("n").numericExpression)),
        count(\(PropertyPath.numeric("n").numericExpression)), avg(\(PropertyPath.numeric("never").numericExpression))
      FROM emban.events GROUP BY model ORDER BY model
      """, as: scope(organization))
    #expect(result.rows == [["", .null, 0, .null], ["a", 1, 1, .null]])
  }

  /// The bug that `.:Float64` would be: of 1, 2.5 and 3 it sums only 2.5.
  @Test func integersAndFloatsSumTogether() async throws {
    let client = try await TestClickHouse.shared().client
    let organization = TestClickHouse.uniqueOrganization()
    for value in [1, 2.5, 3, -0.25, 1e15] {
      var rows = EventRows(organization: organization)
      rows.add(numbers: ["n": value])
      try await rows.insert(with: client)
    }
    let n = PropertyPath.numeric("n").numericExpression
    let result = try await client.query("SELECT sum(\(n)), min(\(n)), max(\(n)) FROM emban.events", as: scope(organization))
    #expect(result.rows == [[.number(1e15 + 6.25), -0.25, 1e15]])
  }

  @Test func stringsThatLookLikeOtherThingsStayStrings() async throws {
    let client = try await TestClickHouse.shared().client
    let organization = TestClickHouse.uniqueOrganization()
    let values = ["2024-01-01", "2024-01-01T00:00:00Z", "123", "1.5", "true", "null", "{}", "[1]", "nan", ""]
    for value in values {
      var rows = EventRows(organization: organization)
      rows.add(strings: ["v": value])
      try await rows.insert(with: client)
    }
    let result = try await client.query(
      "SELECT \(PropertyPath.string("v").stringExpression) AS v FROM emban.events ORDER BY v", as: scope(organization))
    #expect(result.rows.map { $0[0] } == values.sorted().map(JSONValue.string))
  }

  /// `a.b` and `a%2Eb` would be one subcolumn. Validation refuses the second; should it ever come through, the batch still stands.
  @Test func aCollidingNameDoesNotSpoilTheBatch() async throws {
    let client = try await TestClickHouse.shared().client
    let organization = TestClickHouse.uniqueOrganization()
    var rows = EventRows(organization: organization)
    rows.add(strings: ["a.b": "x", "a%2Eb": "y"])
    rows.add(strings: ["a.b": "z"])
    try await rows.insert(with: client)
    #expect(try await client.query("SELECT count() FROM emban.events", as: scope(organization)).scalar == 2)
  }

  @Test func storedNamesAreReadAsTheyWereWritten() async throws {
    let client = try await TestClickHouse.shared().client
    let organization = TestClickHouse.uniqueOrganization()
    var rows = EventRows(organization: organization)
    rows.add(strings: ["http.method": "GET", "a%b": "x"])
    try await rows.insert(with: client)
    let result = try await client.query(
      "SELECT arraySort(JSONAllPaths(string_props)) FROM emban.events", as: scope(organization))
    let stored = result.scalar?.arrayValue?.compactMap(\.stringValue) ?? []
    #expect(stored.map { PropertyPath.key(stored: $0) } == ["a%b", "http.method"])
  }
}
