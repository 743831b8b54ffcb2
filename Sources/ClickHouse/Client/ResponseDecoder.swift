import Domain

/// Reads the body of an answer in the format `JSONCompactEachRowWithNamesAndTypes`: a line with the columns' names, a line with
/// their types, then a line per row, each a JSON array.
///
/// The format was chosen because a row is a line: an exception that the server meets after it has begun to answer with status
/// 200 stands on lines that do not begin with `[`, so that neither a half-written answer nor a value can be taken for the other.
enum ResponseDecoder {
  static let format = "JSONCompactEachRowWithNamesAndTypes"
  /// The line before an exception that ends an answer begun with status 200 (with `http_write_exception_in_output_format=0`).
  static let exceptionMarker = Array("__exception__".utf8)

  static func decode(_ body: UnsafeRawBufferPointer, summary: String?) throws -> QueryRows {
    var names: [JSONValue] = []
    var types: [JSONValue] = []
    var rows: [[JSONValue]] = []
    var line = 0
    var start = 0
    while start < body.count {
      let rest = UnsafeRawBufferPointer(rebasing: body[start...])
      let length = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.count
      let bytes = UnsafeRawBufferPointer(rebasing: rest[..<length])
      start += length + 1
      if bytes.isEmpty { continue }
      guard bytes[0] == UInt8(ascii: "[") else {
        throw exception(in: body).map(ClickHouseError.exception) ?? ClickHouseError.protocolError("a line that is not a row")
      }
      let values: [JSONValue]
      do {
        values = try JSONParser.parse(bytes).arrayValue ?? []
      } catch {
        throw ClickHouseError.protocolError("row \(line): \(error.reason) at byte \(error.offset)")
      }
      switch line {
      case 0: names = values
      case 1: types = values
      default:
        guard values.count == names.count else { throw ClickHouseError.protocolError("row \(line) has another width") }
        rows.append(values)
      }
      line += 1
    }
    // A statement without a result (DDL) answers with nothing at all.
    guard line != 1, types.count == names.count else { throw ClickHouseError.protocolError("the columns' types are missing") }
    let columns = zip(names, types).map { QueryRows.Column(name: $0.stringValue ?? "", type: $1.stringValue ?? "") }
    return QueryRows(columns: columns, rows: rows, statistics: QueryStatistics(summary: summary))
  }

  /// The exception that ends a body, if one does. The marker must begin a line and an exception's text must follow, which no
  /// row of the formats used here can imitate.
  static func exception(in body: UnsafeRawBufferPointer) -> ClickHouseException? {
    // The exception is at most 16 KiB plus its frame: ClickHouse cuts it there.
    let tail = UnsafeRawBufferPointer(rebasing: body.suffix(65_536))
    var position = 0
    while position + exceptionMarker.count <= tail.count {
      let atLineStart = position == 0 || tail[position - 1] == UInt8(ascii: "\n")
      if atLineStart, tail[position..<position + exceptionMarker.count].elementsEqual(exceptionMarker) {
        let text = String(decoding: tail[(position + exceptionMarker.count)...], as: UTF8.self)
        if text.contains("Code: ") { return ClickHouseException(text: text) }
      }
      guard let newline = tail[position...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
      position = newline + 1
    }
    return nil
  }
}
