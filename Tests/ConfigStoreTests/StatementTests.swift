import ConfigStore
import Domain
import Testing

@Suite struct StatementTests {
  @Test func bindsWhatIsInterpolated() {
    let hostile = "x'; DROP TABLE users; --"
    let statement: Statement = "SELECT id FROM users WHERE email = \(hostile) AND created_at < \(Instant(milliseconds: 5))"
    #expect(statement.text(placeholder: "$") == "SELECT id FROM users WHERE email = $1 AND created_at < $2")
    #expect(statement.text(placeholder: "?") == "SELECT id FROM users WHERE email = ?1 AND created_at < ?2")
    #expect(statement.values == [.text(hostile), .integer(5)])
  }

  @Test func splicesStatementsAndNumbersThroughout() {
    let condition: Statement = "org_id = \(OrganizationID("org_1")) AND slug = \("usage")"
    var statement: Statement = "UPDATE dashboards SET name = \("Usage") WHERE \(condition)"
    statement += " AND revision = \(3)"
    #expect(
      statement.text(placeholder: "$") == "UPDATE dashboards SET name = $1 WHERE org_id = $2 AND slug = $3 AND revision = $4")
    #expect(statement.values == [.text("Usage"), .text("org_1"), .text("usage"), .integer(3)])
  }

  @Test func bindsNilAsNull() {
    let statement: Statement = "VALUES (\(String?.none), \(Instant?.none), \(JSONValue?.none), \(Int?.none), \(["a": 1] as JSONValue))"
    #expect(statement.values == [.null, .null, .null, .null, .text(#"{"a":1}"#)])
  }
}

@Suite struct PageRequestTests {
  @Test(arguments: [0, -1, Limits.maximumPageSize + 1])
  func refusesLimits(limit: Int) throws {
    let error = #expect(throws: AppError.self) { try PageRequest(limit: limit) }
    #expect(error?.status == 422 && error?.details.first?.field == "limit")
  }

  @Test(arguments: ["", ".", "abc", "zz.", "!.dash_1", "k8.da sh", "k8.\u{0}", String(repeating: "a", count: 200) + ".x"])
  func refusesCursors(cursor: String) throws {
    let error = #expect(throws: AppError.self) { try PageRequest(cursor: cursor) }
    #expect(error?.status == 422 && error?.details.first?.field == "cursor")
  }
}

@Suite struct EmailAddressTests {
  @Test func normalizes() {
    #expect(EmailAddress("  Ada.Lovelace@Example.COM\n")?.value == "ada.lovelace@example.com")
    #expect(EmailAddress("root@localhost")?.value == "root@localhost")
  }

  @Test(arguments: ["", "ada", "@example.com", "ada@", "a@b@c", "ada@ex ample.com", "ada@example..com", "a\u{0}b@example.com", "ada@.com"])
  func refuses(text: String) { #expect(EmailAddress(text) == nil) }

  @Test func refusesLongOnes() {
    #expect(EmailAddress(String(repeating: "a", count: 65) + "@example.com") == nil)
    #expect(EmailAddress("a@" + String(repeating: "b", count: 260)) == nil)
  }
}
