import Domain
import QueryEngine

/// Answers as CSV of RFC 4180.
enum CSVWriter {
  static func text(of result: QueryResult) -> String {
    var lines = [result.columns.map { field($0.name) }.joined(separator: ",")]
    for row in result.rows {
      lines.append(row.map(cell).joined(separator: ","))
    }
    return lines.joined(separator: "\r\n") + "\r\n"
  }

  private static func cell(_ value: JSONValue) -> String {
    switch value {
    case .null: ""
    case .string(let text): field(text)
    default: value.serialized()
    }
  }

  /// Text that a spreadsheet would run as a formula gets an apostrophe in front: values come from the tenants' own users. See OWASP,
  /// "CSV Injection".
  private static func field(_ text: String) -> String {
    var text = text
    if let first = text.unicodeScalars.first, "=+-@\t\r".unicodeScalars.contains(first) { text = "'" + text }
    guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
    return "\"" + text.replacing("\"", with: "\"\"") + "\""
  }
}
