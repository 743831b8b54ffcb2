import ClickHouse
import Domain
import Testing

/// What the text and the bound values of a statement are, without a server.
@Suite struct SQLTests {
  @Test func literalTextStaysAsItIs() {
    let sql: SQL = "SELECT 1"
    #expect(sql.text == "SELECT 1")
    #expect(sql.parameters.isEmpty)
    #expect(SQL.empty.isEmpty)
    #expect(SQL.empty.text == "")
  }

  @Test func interpolatingBinds() {
    let sql: SQL = "SELECT \(bind: "a"), \(bind: 2), \(bind: 0.5), \(bind: ["x", "y"])"
    #expect(sql.text == "SELECT {p0:String}, {p1:Int64}, {p2:Float64}, {p3:Array(String)}")
    #expect(sql.parameters.map(\.name) == ["p0", "p1", "p2", "p3"])
    #expect(sql.parameters.map(\.value) == ["a", "2", "0.5", "['x','y']"])
    #expect(sql.parameters.map(\.type) == ["String", "Int64", "Float64", "Array(String)"])
  }

  @Test func aMomentIsBoundInUTC() {
    let sql: SQL = "\(bind: Instant(milliseconds: 1_767_225_600_123))"
    #expect(sql.text == "{p0:DateTime64(3, 'UTC')}")
    #expect(sql.parameters.first?.value == "2026-01-01 00:00:00.123")
  }

  @Test func splicingRenumbers() {
    let tenant: SQL = "tenant_id = \(bind: "acme")"
    let names: SQL = "event_name IN \(bind: ["a"])"
    let sql: SQL = "SELECT \(bind: 1) WHERE \(tenant) AND \(names) OR \(tenant)"
    #expect(
      sql.text
        == "SELECT {p0:Int64} WHERE tenant_id = {p1:String} AND event_name IN {p2:Array(String)} OR tenant_id = {p3:String}")
    #expect(sql.parameters.map(\.value) == ["1", "acme", "['a']", "acme"])
  }

  @Test func joining() {
    let parts: [SQL] = ["a = \(bind: "1")", "b = \(bind: "2")"]
    let sql = SQL.join(parts, separator: " AND ")
    #expect(sql.text == "a = {p0:String} AND b = {p1:String}")
    #expect(SQL.join([], separator: ", ").isEmpty)
    #expect((parts[0] + " OR " + parts[1]).text == "a = {p0:String} OR b = {p1:String}")
  }

  @Test func identifiersAreQuotedPartByPart() {
    let sql: SQL = "SELECT * FROM \(identifier: "emban.events") AS \(identifier: "e")"
    #expect(sql.text == "SELECT * FROM `emban`.`events` AS `e`")
  }

  @Test(arguments: [
    ("plain", "plain"), ("a\tb", "a\\tb"), ("a\nb", "a\\nb"), ("a\\b", "a\\\\b"), ("it's", "it\\'s"), ("\r", "\\r"),
    ("\0", "\\0"), ("ü😀", "ü😀"), ("", ""), ("\\N", "\\\\N"), ("a\"b", "a\"b"), ("{p0:String}", "{p0:String}"),
  ])
  func stringsAreEscaped(value: String, escaped: String) {
    #expect(SQLValue(value).literal == escaped)
    #expect(SQLValue([value]).literal == "['\(escaped)']")
  }

  @Test(arguments: [(Double.infinity, "inf"), (-.infinity, "-inf"), (.nan, "nan"), (1e300, "1e+300"), (-0.1, "-0.1")])
  func numbersOfEveryKind(value: Double, literal: String) {
    #expect(SQLValue(value).literal == literal)
  }

  @Test func aVeryLongListIsBoundInPieces() {
    // ClickHouse bounds one value of a form at 128 KiB; 500 filter values of 4 KiB are 2 MB.
    let values = (0..<500).map { String(repeating: "v", count: 4_000) + String($0) }
    let sql: SQL = "x IN \(bind: values)"
    #expect(sql.text.hasPrefix("x IN [{p0:String}, {p1:String}, "))
    #expect(sql.text.hasSuffix("{p499:String}]"))
    #expect(sql.parameters.map(\.value) == values)
  }

  @Test func membership() {
    #expect(SQL.membership(of: "x", in: ["a", "b"]).text == "x IN {p0:Array(String)}")
    let long = SQL.membership(of: "x", in: (0..<3).map { String(repeating: "v", count: 300_000) + String($0) })
    #expect(long.text == "(x IN [{p0:String}] OR x IN [{p1:String}] OR x IN [{p2:String}])")
  }

  @Test func propertyPathsAreQuoted() {
    let sql: SQL = "\(property: .string("model"))"
    #expect(sql.text == "`string_props`.`model`")
    #expect(PropertyPath.numeric("a.b").numericExpression.text == "`numeric_props`.`a%2Eb`::Nullable(Float64)")
    #expect(PropertyPath.string("a`b\\c").stringExpression.text == "ifNull(`string_props`.`a\\`b\\\\c`.:String, '')")
    #expect(PropertyPath.string("m").optionalStringExpression.text == "`string_props`.`m`.:String")
  }

  @Test(arguments: ["a", "a b", "ü", "a.b", ":x", "a%25", "%2e"])
  func keysThatTheStoreKeepsApart(key: String) {
    #expect(PropertyPath.isStorable(key: key))
  }

  /// An empty key has no subcolumn, and `a%2Eb` is the same subcolumn as `a.b`.
  @Test(arguments: ["", "a%2Eb", "%2E"])
  func keysThatTheStoreCannotKeepApart(key: String) {
    #expect(!PropertyPath.isStorable(key: key))
  }
}
