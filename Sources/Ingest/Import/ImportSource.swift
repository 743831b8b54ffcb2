import Domain
public import Foundation

/// How an import file is written.
public enum ImportFormat: Sendable, Hashable {
  case csv(delimiter: UInt8)
  /// One JSON object per line: flat objects with a mapping, our own event objects without one.
  case ndjson
}

/// One row of an import file, as a raw event.
public struct ImportRow: Sendable {
  /// The line of the file on which the row starts, from 1.
  public let line: Int
  public let event: RawEvent
}

/// Reads the rows of one file in order, holding a chunk of it at a time.
public final class ImportSource {
  private static let chunkBytes = 256 << 10

  private enum Reader {
    case csv(CSVReader, CSVColumns?)
    case ndjson(LineReader)
  }

  private let path: String
  private let file: FileHandle
  private let mapping: ImportMapping?
  private var reader: Reader
  private var pending: [ImportRow] = []
  private var position = 0
  private var isAtEnd = false
  /// Bytes of the file that have been read.
  public private(set) var bytesRead = 0
  /// Size of the file; nil for standard input and the like.
  public let totalBytes: Int?

  /// Opens a file and checks that every column of the mapping is there: in the header of a CSV file, or in one of the first
  /// lines (256 KiB) of an NDJSON file.
  ///
  /// - Parameters:
  ///   - path: `-` is standard input.
  ///   - mapping: required for CSV; nil for NDJSON lines that are event objects.
  /// - Throws: ``ImportError``.
  public init(path: String, format: ImportFormat, mapping: ImportMapping?) throws(ImportError) {
    self.path = path
    self.mapping = mapping
    if path == "-" {
      file = .standardInput
      totalBytes = nil
    } else {
      guard let opened = FileHandle(forReadingAtPath: path) else {
        throw .unreadable(path: path, reason: "there is no such file, or it may not be read")
      }
      file = opened
      let attributes = try? FileManager.default.attributesOfItem(atPath: path)
      let isRegular = attributes?[.type] as? FileAttributeType == .typeRegular
      totalBytes = isRegular ? (attributes?[.size] as? NSNumber)?.intValue : nil
    }
    switch format {
    case .csv(let delimiter): reader = .csv(CSVReader(delimiter: delimiter), nil)
    case .ndjson: reader = .ndjson(LineReader())
    }
    try prepare()
  }

  /// The next rows, at most `limit`; nil at the end of the file.
  public func next(_ limit: Int) throws(ImportError) -> [ImportRow]? {
    while pending.count - position < limit, !isAtEnd { try readChunk() }
    guard position < pending.count else { return nil }
    let end = min(position + limit, pending.count)
    defer {
      position = end
      if position == pending.count {
        pending.removeAll(keepingCapacity: true)
        position = 0
      }
    }
    return Array(pending[position..<end])
  }

  private func prepare() throws(ImportError) {
    switch reader {
    case .csv:
      while !isAtEnd {
        if case .csv(_, .some) = reader { return }
        try readChunk()
      }
      if case .csv(_, .some) = reader { return }
      throw .emptyFile(path: path)
    case .ndjson:
      guard let mapping else { return }
      var known: [String] = []
      while known.isEmpty, !isAtEnd { try readChunk(seenColumns: &known) }
      if !known.isEmpty { try mapping.check(against: known) }
    }
  }

  private func readChunk() throws(ImportError) {
    var ignored: [String]?
    try readChunk(collecting: &ignored)
  }

  private func readChunk(seenColumns: inout [String]) throws(ImportError) {
    var collected: [String]? = []
    try readChunk(collecting: &collected)
    seenColumns = collected ?? []
  }

  private func readChunk(collecting columns: inout [String]?) throws(ImportError) {
    if position > 0 {
      pending.removeFirst(position)
      position = 0
    }
    let chunk: Data?
    do {
      chunk = try file.read(upToCount: Self.chunkBytes)
    } catch {
      throw .unreadable(path: path, reason: "reading failed after \(bytesRead) bytes")
    }
    let bytes = [UInt8](chunk ?? Data())
    bytesRead += bytes.count
    isAtEnd = bytes.isEmpty
    var rows: [ImportRow] = []
    let mapping = mapping
    switch reader {
    case .csv(var csv, var header):
      let handle = { (record: CSVReader.Record) throws(ImportError) in
        if let header {
          rows.append(ImportRow(line: record.line, event: header.event(record)))
        } else {
          header = try CSVColumns(header: record, mapping: mapping)
        }
      }
      if isAtEnd { try csv.finish(handle) } else { try csv.read(bytes, handle) }
      reader = .csv(csv, header)
    case .ndjson(var lines):
      let handle = { (line: LineReader.Line) in
        if let row = Self.row(line, mapping, &columns) { rows.append(row) }
      }
      if isAtEnd { lines.finish(handle) } else { lines.read(bytes, handle) }
      reader = .ndjson(lines)
    }
    pending += rows
  }

  private static func row(_ line: LineReader.Line, _ mapping: ImportMapping?, _ columns: inout [String]?) -> ImportRow? {
    guard !line.isBlank else { return nil }
    guard !line.isTooLong else {
      let reason = "is longer than \(LineReader.maximumLineBytes) bytes"
      return ImportRow(line: line.number, event: RawEvent(defect: .unreadable(code: .recordLength, reason: reason)))
    }
    let event = line.bytes.withUnsafeBytes { bytes in
      guard let mapping else { return EventDecoder().decodeLine(bytes) }
      var cursor = JSONCursor(bytes)
      do throws(JSONSyntaxError) {
        guard let object = try cursor.readFlatObject() else { return RawEvent(defect: .notAnObject(typeName: "something else")) }
        if columns != nil {
          for key in object.keys.sorted() where columns?.contains(key) == false { columns?.append(key) }
        }
        return mapping.event { object[$0] }
      } catch {
        let reason = "is not valid JSON: \(error.reason) (byte \(error.offset) of the line)"
        return RawEvent(defect: .unreadable(code: .malformedJSON, reason: reason))
      }
    }
    return ImportRow(line: line.number, event: event)
  }
}

/// The header of a CSV file together with the mapping: makes events of records.
struct CSVColumns {
  private let positions: [String: Int]
  private let count: Int
  private let mapping: ImportMapping

  init(header: CSVReader.Record, mapping: ImportMapping?) throws(ImportError) {
    var positions: [String: Int] = [:]
    var names: [String] = []
    var duplicates: [String] = []
    for index in 0..<header.count {
      let name = (header[index] ?? "").trimmingASCIISpace
      if positions.updateValue(index, forKey: name) != nil { duplicates.append(name) }
      names.append(name)
    }
    guard let mapping else { throw .unknownColumns(["tenant"], known: names) }
    try mapping.check(against: names)
    let ambiguous = duplicates.filter { mapping.columns.contains($0) }
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
      guard let position = positions[name] else { return nil }
      guard let text = record[position] else {
        isUTF8 = false
        return nil
      }
      return .string(text)
    }
    return isUTF8 ? event : RawEvent(defect: .unreadable(code: .invalidUTF8, reason: "must be UTF-8 text"))
  }
}

extension JSONCursor {
  /// Reads a text that is one JSON object, its nested values named only; nil when it is something else. A key that comes twice
  /// keeps its last value.
  fileprivate mutating func readFlatObject() throws(JSONSyntaxError) -> [String: RawValue]? {
    guard skip(UInt8(ascii: "{")) else {
      _ = try readValue(depth: 0)
      try expectEnd()
      return nil
    }
    var object: [String: RawValue] = [:]
    var isFirst = true
    while let key = try nextKey(isFirst: &isFirst) {
      object[key] = try readValue(depth: 1)
      guard try hasNextMember() else { break }
    }
    try expectEnd()
    return object
  }
}
