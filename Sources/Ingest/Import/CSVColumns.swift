import Domain

/// The header of a CSV file together with the mapping: makes events of records.
struct CSVColumns {
  private let positions: [ExactText: Int]
  private let count: Int
  private let mapping: ImportMapping

  init(header: CSVReader.Record, mapping: ImportMapping?) throws(ImportError) {
    var positions: [ExactText: Int] = [:]
    var names: [String] = []
    var duplicates: [String] = []
    for index in 0..<header.count {
      // The name of a property may begin or end with a space; a column that somebody names does not.
      let name = mapping == nil ? header[index] ?? "" : (header[index] ?? "").trimmingASCIISpace
      if positions.updateValue(index, forKey: ExactText(name)) != nil { duplicates.append(name) }
      names.append(name)
    }
    guard let mapping = mapping ?? ImportMapping(ofEventColumns: names) else { throw .noMapping(known: names) }
    try mapping.check(against: names)
    let ambiguous = duplicates.filter { mapping.columns.containsExactly($0) }
    guard ambiguous.isEmpty else { throw .duplicateColumns(ambiguous) }
    self.positions = positions
    self.count = header.count
    self.mapping = mapping
  }

  func event(_ record: CSVReader.Record) -> RawEvent {
    switch record.defect {
    case nil: break
    case .unterminatedQuote: return RawEvent(defect: .unreadable(code: .csvQuotes, reason: "has a quote that is never closed"))
    case .textAfterQuote: return RawEvent(defect: .unreadable(code: .csvQuotes, reason: "has text after a closing quote"))
    case .tooLong:
      return RawEvent(
        defect: .unreadable(code: .recordLength, reason: "is longer than \(CSVReader.maximumRecordBytes) bytes"))
    }
    guard record.count == count else {
      return RawEvent(
        defect: .unreadable(code: .csvColumns, reason: "must have \(count) columns as the header has, not \(record.count)"))
    }
    var isUTF8 = true
    let event = mapping.event { name in
      guard let position = positions[ExactText(name)] else { return nil }
      guard let text = record[position] else {
        isUTF8 = false
        return nil
      }
      if text.isEmpty, mapping.isOfEvents, !record.isQuotedEmpty(position) { return nil }
      return .string(text)
    }
    return isUTF8 ? event : RawEvent(defect: .unreadable(code: .invalidUTF8, reason: "must be UTF-8 text"))
  }
}
