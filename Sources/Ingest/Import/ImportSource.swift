public import ClickHouse
import Domain
import Foundation

/// How an import file is written.
public enum ImportFormat: Sendable, Hashable {
  case csv(delimiter: UInt8)
  /// One JSON object per line: flat objects with a mapping, our own event objects without one.
  case ndjson
  /// Read by this ClickHouse.
  case parquet(ClickHouseLocal)
}

/// One row of an import file, as a raw event.
public struct ImportRow: Sendable {
  /// Which row of the file it is, from 0: without the header and without blank lines.
  public let number: Int
  /// The line of the file on which the row starts, from 1; in a Parquet file the row, from 1.
  public let line: Int
  public let event: RawEvent
}

/// Reads the rows of one file in order, holding a piece of it at a time.
public final class ImportSource {
  private enum Reader {
    case csv(CSVReader, CSVColumns?)
    case lines(LineReader)
  }

  private let path: String
  private let mapping: ImportMapping?
  private let bytes: any ImportBytes
  private var reader: Reader
  private var pending: [ImportRow] = []
  private var position = 0
  private var isAtEnd = false
  /// Rows that were read or left out.
  private var rowsRead: Int
  private let skipped: Int
  private let firstLine: Int
  /// Bytes of the file that have been read: the packed ones when it is packed, lines of JSON when it is Parquet.
  public var bytesRead: Int { bytes.bytesRead }
  /// Size of the file; nil for standard input and the like.
  public let totalBytes: Int?
  /// Rows of the file, where it says how many it has.
  public let totalRows: Int?

  /// How much of the file has been read, from 0 to 1; nil when its size is not known.
  public var share: Double? {
    if let totalRows { return totalRows > 0 ? min(1, Double(rowsRead) / Double(totalRows)) : 1 }
    return totalBytes.map { $0 > 0 ? min(1, Double(bytesRead) / Double($0)) : 1 }
  }

  /// Opens a file and checks that every column of the mapping is there: in the header of a CSV file, among the columns of a Parquet file, or
  /// in one of the first lines (256 KiB) of an NDJSON file. What is packed with gzip is unpacked.
  ///
  /// - Parameters:
  ///   - path: `-` is standard input.
  ///   - mapping: nil for a file of events: NDJSON as the API takes them, CSV and Parquet as `emban export` writes them.
  ///   - skipped: so many rows at the beginning are left out, because an earlier run has decided them.
  /// - Throws: ``ImportError``.
  public init(path: String, format: ImportFormat, mapping: ImportMapping?, skipping skipped: Int = 0) throws(ImportError) {
    self.path = path
    self.mapping = mapping
    self.skipped = skipped
    let file: FileHandle
    if path == "-" {
      file = .standardInput
      totalBytes = nil
    } else {
      guard let opened = FileHandle(forReadingAtPath: path) else {
        throw .unreadable(path: path, reason: "there is no such file, or it may not be read")
      }
      file = opened
      let attributes = try? FileManager.default.attributesOfItem(atPath: path)
      guard attributes?[.type] as? FileAttributeType != .typeDirectory else { throw .unreadable(path: path, reason: "it is a folder") }
      let isRegular = attributes?[.type] as? FileAttributeType == .typeRegular
      totalBytes = isRegular ? (attributes?[.size] as? NSNumber)?.intValue : nil
    }
    switch format {
    case .csv(let delimiter):
      reader = .csv(CSVReader(delimiter: delimiter), nil)
      bytes = try FileBytes(path: path, file: file)
      (totalRows, rowsRead, firstLine) = (nil, 0, 0)
    case .ndjson:
      reader = .lines(LineReader())
      bytes = try FileBytes(path: path, file: file)
      (totalRows, rowsRead, firstLine) = (nil, 0, 0)
    case .parquet(let local):
      guard totalBytes != nil else {
        throw .unreadable(
          path: path, reason: "what a Parquet file holds is listed at its end, so that it must be a file and no stream")
      }
      reader = .lines(LineReader())
      let parquet = try ParquetBytes(path: path, file: file, local: local, mapping: mapping, skipping: skipped)
      bytes = parquet
      (totalRows, rowsRead, firstLine) = (parquet.totalRows, skipped, skipped)
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
    case .lines:
      // The reader of Parquet has looked already.
      guard let mapping, totalRows == nil else { return }
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
    let piece = try bytes.read()
    isAtEnd = piece.isEmpty
    var rows: [ImportRow] = []
    var number = rowsRead
    let (mapping, skipped, firstLine) = (mapping, skipped, firstLine)
    switch reader {
    case .csv(var csv, var header):
      let handle = { (record: CSVReader.Record) throws(ImportError) in
        guard let columns = header else {
          header = try CSVColumns(header: record, mapping: mapping)
          return
        }
        if number >= skipped { rows.append(ImportRow(number: number, line: record.line, event: columns.event(record))) }
        number += 1
      }
      if isAtEnd { try csv.finish(handle) } else { try csv.read(piece, handle) }
      reader = .csv(csv, header)
    case .lines(var lines):
      let handle = { (line: LineReader.Line) in
        guard !line.isBlank else { return }
        if number >= skipped || columns != nil {
          let event = Self.event(line, mapping, &columns)
          if number >= skipped { rows.append(ImportRow(number: number, line: firstLine + line.number, event: event)) }
        }
        number += 1
      }
      if isAtEnd { lines.finish(handle) } else { lines.read(piece, handle) }
      reader = .lines(lines)
    }
    rowsRead = number
    pending += rows
  }

  private static func event(_ line: LineReader.Line, _ mapping: ImportMapping?, _ columns: inout [String]?) -> RawEvent {
    guard !line.isTooLong else {
      return RawEvent(
        defect: .unreadable(code: .recordLength, reason: "is longer than \(LineReader.maximumLineBytes) bytes"))
    }
    return line.bytes.withUnsafeBytes { bytes in
      guard let mapping else { return EventDecoder().decodeLine(bytes) }
      var cursor = JSONCursor(bytes)
      do throws(JSONSyntaxError) {
        guard let object = try cursor.readFlatObject() else { return RawEvent(defect: .notAnObject(typeName: "something else")) }
        if columns != nil {
          for key in object.keys.sorted() where columns?.contains(key.text) == false { columns?.append(key.text) }
        }
        return mapping.event { object[ExactText($0)] }
      } catch {
        let reason = "is not valid JSON: \(error.reason) (byte \(error.offset) of the line)"
        return RawEvent(defect: .unreadable(code: .malformedJSON, reason: reason))
      }
    }
  }
}

extension JSONCursor {
  /// Reads a text that is one JSON object, its nested values named only; nil when it is something else. A key that comes twice
  /// keeps its last value.
  fileprivate mutating func readFlatObject() throws(JSONSyntaxError) -> [ExactText: RawValue]? {
    guard skip(UInt8(ascii: "{")) else {
      _ = try readValue(depth: 0)
      try expectEnd()
      return nil
    }
    var object: [ExactText: RawValue] = [:]
    var isFirst = true
    while let key = try nextKey(isFirst: &isFirst) {
      object[ExactText(key)] = try readValue(depth: 1)
      guard try hasNextMember() else { break }
    }
    try expectEnd()
    return object
  }
}
