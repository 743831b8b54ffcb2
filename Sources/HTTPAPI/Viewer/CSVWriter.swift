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
  ///
  /// Looked at scalar by scalar: to a reader of CSV a comma or quote is one whatever follows it, while Swift takes it together with a
  /// combining mark behind it for another character.
  private static func field(_ text: String) -> String {
    var scalars = text.unicodeScalars
    if let first = scalars.first, formulaStarts.contains(first) { scalars.insert("'", at: scalars.startIndex) }
    guard scalars.contains(where: quoted.contains) else { return String(scalars) }
    var field: String.UnicodeScalarView = "\"".unicodeScalars
    for scalar in scalars {
      if scalar == "\"" { field.append(scalar) }
      field.append(scalar)
    }
    field.append("\"")
    return String(field)
  }

  /// The last four are the full-width forms, which spreadsheets of East Asian languages read as well.
  private static let formulaStarts: Set<Unicode.Scalar> = ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"]
  private static let quoted: Set<Unicode.Scalar> = [
    ",", "\"", "\n", "\r", "\u{000B}", "\u{000C}", "\u{0085}", "\u{2028}", "\u{2029}",
  ]
}
