import ClickHouse
import Domain
import QueryEngine
import Testing

/// The look at a statement before it is sent. What it lets through is held by the database: see
/// `Tests/IntegrationTests/test_attacks_sql.py`.
@Suite struct AdHocStatementTests {
  private func refusal(_ text: String) -> (code: String, line: Int?, column: Int?)? {
    do {
      _ = try AdHocStatement(text)
      return nil
    } catch {
      let position = error.extra["position"]
      return (error.code, position?["line"]?.numberValue.map { Int($0) }, position?["column"]?.numberValue.map { Int($0) })
    }
  }

  @Test(arguments: [
    "SELECT 1", "select 1;", "  WITH x AS (SELECT 1) SELECT * FROM x  ", "(SELECT 1)", "/* a /* b */ c */ SELECT 1 -- d",
    "SELECT ';' AS a, `;`, $x$;$x$",
    "SELECT 1 AS format", "SELECT format('{}', 1)", "SELECT 1 AS settings", "SELECT file, url, version FROM events",
    "SELECT e.version FROM events AS e",
    "SELECT extract(YEAR FROM timestamp) FROM events", "SELECT 'it''s', 'it\\'s' FROM events", "SELECT \"a;b\" FROM events", "SELECT 1 # c",
    "SELECT\u{A0}1",
    "SELECT 'EXPLAIN SELECT 1; SETTINGS a = 1 FORMAT CSV'",
  ])
  func whatIsOneSelectIsTaken(_ text: String) throws {
    #expect(refusal(text) == nil)
  }

  @Test(arguments: [
    ("", "sql_invalid", 1, 1), ("-- a", "sql_invalid", 1, 1), ("SELECT 1; SELECT 2", "sql_not_allowed", 1, 11),
    ("SELECT '\u{1F642}';\n DROP TABLE x", "sql_not_allowed", 2, 2),
    ("DROP TABLE x", "sql_not_allowed", 1, 1), ("\nEXPLAIN SELECT 1", "sql_not_allowed", 2, 1), ("SELECT 'a", "sql_invalid", 1, 8),
    ("SELECT /* /* */ 1", "sql_invalid", 1, 8),
    ("SELECT 1)", "sql_invalid", 1, 9), ("SELECT (1", "sql_invalid", 1, 8), ("SELECT '\u{1F642}', (1", "sql_invalid", 1, 14),
    ("SELECT 1 SETTINGS a = 1", "sql_not_allowed", 1, 10),
    ("SELECT 1 SETTINGS `a` = 1", "sql_not_allowed", 1, 10), ("SELECT 1 FORMAT CSV;", "sql_not_allowed", 1, 10),
    ("SELECT 1 INTO/**/OUTFILE 'x'", "sql_not_allowed", 1, 18),
    ("SELECT * FROM (EXPLAIN SELECT 1)", "sql_not_allowed", 1, 16), ("SELECT * FROM url('a')", "sql_not_allowed", 1, 15),
    ("SELECT * FROM `URL` ('a')", "sql_not_allowed", 1, 15),
    ("SELECT * FROM events, numbers(10)", "sql_not_allowed", 1, 23), ("SELECT * FROM system.tables", "sql_not_allowed", 1, 15),
    ("SELECT hostName/**/()", "sql_not_allowed", 1, 8),
    ("SELECT * APPLY version FROM events", "sql_not_allowed", 1, 16), ("SELECT * APPLY(version) FROM events", "sql_not_allowed", 1, 16),
    ("SELECT dictGetOrDefault('a', 'b', 1, 2)", "sql_not_allowed", 1, 8),
    ("SELECT 1\0", "sql_invalid", 1, 9), ("SELECT // '\nhostName() // '", "sql_not_allowed", 2, 1),
    ("SELECT `hostN\\x61me`()", "sql_not_allowed", 1, 8),
    ("SELECT \u{201C}hostName\u{201D}()", "sql_not_allowed", 1, 8), ("SELECT 1 \u{2212}hostName()", "sql_invalid", 1, 10),
    ("SELECT gr\u{F6}sse", "sql_invalid", 1, 10), ("SELECT $ab$ 1, $ac$ 2", "sql_invalid", 1, 8),
    ("SELECT hostName\u{2003}()", "sql_not_allowed", 1, 8), ("SELECT * FROM `n\\x75mbers`(3)", "sql_not_allowed", 1, 15),
  ])
  func whatIsNotIsRefusedWithItsPlace(_ text: String, _ code: String, _ line: Int, _ column: Int) throws {
    let found = try #require(refusal(text))
    #expect(found.code == code)
    #expect(found.line == line)
    #expect(found.column == column)
  }

  @Test func aSemicolonAtTheEndIsLeftOut() throws {
    #expect(try AdHocStatement("SELECT 1 ; -- end").text == "SELECT 1 ")
    #expect(try AdHocStatement("SELECT ';'").text == "SELECT ';'")
  }

  @Test func theStatementStandsWithinBrackets() throws {
    #expect(try AdHocStatement("SELECT 1 -- one").sql.text == "SELECT * FROM (\nSELECT 1       \n) LIMIT 10001")
    #expect(
      try AdHocStatement("SELECT /* a\nb */ '--', `//`\u{A0}// c").sql.text
        == "SELECT * FROM (\nSELECT     \n     '--', `//`      \n) LIMIT 10001")
  }

  @Test(arguments: [
    ("timestamp > '2026-11-01T00:00:00Z'", "timestamp > '2026-11-01 00:00:00' "),
    ("e.`timestamp` <= '2026-11-01T02:30:00.25+02:30'", "e.`timestamp` <= '2026-11-01 00:00:00.25'      "),
    ("'2026-11-01T00:00:00.500Z' = ingested_at", "'2026-11-01 00:00:00.5'    = ingested_at"),
    (
      "timestamp NOT BETWEEN '2026-11-01T00:00:00Z' AND '2026-11-02T00:00:00Z'",
      "timestamp NOT BETWEEN '2026-11-01 00:00:00'  AND '2026-11-02 00:00:00' "
    ),
    ("timestamp IN ('2026-11-01', '2026-11-02T00:00:00Z')", "timestamp IN ('2026-11-01', '2026-11-02 00:00:00' )"),
    ("user_id = '2026-11-01T00:00:00Z'", nil), ("string_props.timestamp = '2026-11-01T00:00:00Z'", nil),
    ("'2026-11-01T00:00:00Z' = string_props.timestamp", nil),
    ("timestamp > '2026-11-01 00:00:00' AND '2026-11-01T00:00:00Z' = user_id", nil), ("timestamp > '2026-11-31T00:00:00Z'", nil),
    ("timestamp > '2026-11-01T00:00Z'", nil),
    ("concat(timestamp, '2026-11-01T00:00:00Z')", nil),
  ])
  func timesWithAZoneAreWrittenForTheDatabase(_ condition: String, _ expected: String?) throws {
    let sent = try AdHocStatement("SELECT 1 FROM events WHERE \(condition)").sql.text
    #expect(sent == "SELECT * FROM (\nSELECT 1 FROM events WHERE \(expected ?? condition)\n) LIMIT 10001")
  }

  @Test func propertiesAreFound() throws {
    let statement = try AdHocStatement(
      "SELECT string_props.a.b, e.numeric_props.`c d`, `string_props.e f`, string_props.g.:String, string_props, 'string_props.h' FROM e"
    )
    #expect(statement.properties == ["string_props.a.b", "numeric_props.c d", "string_props.e f", "string_props.g"])
  }
}
