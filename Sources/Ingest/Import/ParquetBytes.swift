import ClickHouse
import Domain
import Foundation

/// The rows of a Parquet file as lines of JSON, read by ClickHouse: only the columns that the import uses.
final class ParquetBytes: ImportBytes {
  private let path: String
  private let lines: ClickHouseLocal.Lines
  /// The rows of the whole file.
  let totalRows: Int
  private(set) var bytesRead = 0

  /// - Parameters:
  ///   - mapping: nil for a file whose columns are the fields of an event, as `emban export` writes it.
  ///   - skipped: so many rows are left out at the beginning.
  init(path: String, file: FileHandle, local: ClickHouseLocal, mapping: ImportMapping?, skipping skipped: Int) throws(ImportError) {
    self.path = path
    let columns = try Self.describe(path, file, local)
    let selection = try ParquetSelection(columns: columns, mapping: mapping)
    do {
      let count = try JSONParser.parse(
        try local.lines(of: "SELECT count() AS rows FROM \(ClickHouseLocal.parquet)", reading: file).readAll())
      totalRows = count["rows"]?.numberValue.map { Int($0) } ?? 0
      lines = try local.lines(of: "\(selection.select) OFFSET \(bind: skipped)", reading: file)
    } catch {
      throw Self.told(error, path, 0)
    }
  }

  func read() throws(ImportError) -> [UInt8] {
    do {
      let bytes = try lines.read(upTo: 256 << 10)
      bytesRead += bytes.count
      return bytes
    } catch {
      throw Self.told(error, path, bytesRead)
    }
  }

  private static func describe(_ path: String, _ file: FileHandle, _ local: ClickHouseLocal) throws(ImportError) -> [ParquetColumn] {
    do {
      let bytes = try local.lines(of: "DESCRIBE \(ClickHouseLocal.parquet)", reading: file).readAll()
      return try bytes.split(separator: 0x0A).map { line in
        let column = try JSONParser.parse(Array(line))
        return ParquetColumn(name: column["name"]?.stringValue ?? "", type: column["type"]?.stringValue ?? "")
      }
    } catch {
      throw told(error, path, 0)
    }
  }

  /// The reader's error in our words.
  private static func told(_ error: any Error, _ path: String, _ bytesRead: Int) -> ImportError {
    guard let failure = error as? ClickHouseLocal.LocalFailure else {
      return .unreadable(path: path, reason: (error as? ClickHouseConfigurationError)?.reason ?? "\(error)")
    }
    let later = bytesRead > 0 ? " somewhere behind its beginning" : ""
    switch failure.code {
    case 636:
      return .unreadable(path: path, reason: "it is not a Parquet file, or only a part of one")
    case 241: return .unreadable(path: path, reason: "its row groups are too large for the memory of this machine")
    case 0: return .unreadable(path: path, reason: "the reader of Parquet files was ended from outside")
    default:
      return .unreadable(path: path, reason: "it is a damaged Parquet file\(later), or of a kind that cannot be read (\(failure.code))")
    }
  }
}

/// A column of a Parquet file, with the type that ClickHouse reads it as.
struct ParquetColumn: Sendable, Hashable {
  let name: String
  let type: String

  /// The type without what only says that a value may be absent or how it is packed.
  private var plainType: Substring {
    var type = type[...]
    for wrapper in ["LowCardinality(", "Nullable("] where type.hasPrefix(wrapper) { type = type.dropFirst(wrapper.count).dropLast() }
    return type
  }

  var isNested: Bool { ["Array(", "Map(", "Tuple(", "Nested("].contains { plainType.hasPrefix($0) } }
  var isMap: Bool { plainType.hasPrefix("Map(") }
  /// A time that names no zone.
  var isLocalTime: Bool { plainType.hasPrefix("DateTime") && !plainType.contains("'") }
}

/// Which columns of a Parquet file are read, and how each is written.
struct ParquetSelection {
  let select: SQL

  init(columns: [ParquetColumn], mapping: ImportMapping?) throws(ImportError) {
    let parts = if let mapping { try Self.mapped(columns, mapping) } else { try Self.events(columns) }
    select = "SELECT \(SQL.join(parts, separator: ", ")) FROM \(ClickHouseLocal.parquet)"
  }

  /// Texts are made by ClickHouse, which knows the column's type: a number of 19 digits keeps all of them.
  private static func mapped(_ columns: [ParquetColumn], _ mapping: ImportMapping) throws(ImportError) -> [SQL] {
    try mapping.check(against: columns.map(\.name))
    let used = columns.filter { mapping.columns.containsExactly($0.name) }
    let nested = used.filter(\.isNested)
    guard nested.isEmpty else { throw .nestedColumns(nested.map(\.name)) }
    let texts = mapping.textColumns
    return used.map { column in
      let name = ClickHouseLocal.column(column.name)
      let isTime = mapping.timestampColumn?.isExactly(column.name) ?? false
      return texts.containsExactly(column.name) || (isTime && column.isLocalTime) ? "toString(\(name)) AS \(name)" : name
    }
  }

  private static func events(_ columns: [ParquetColumn]) throws(ImportError) -> [SQL] {
    let names = columns.map(\.name)
    guard EventField.required.allSatisfy(names.contains) else { throw .noMapping(known: names) }
    let unknown = names.filter { EventField(rawValue: $0) == nil }
    guard unknown.isEmpty else { throw .unknownFields(unknown) }
    for column in columns where EventField.properties.contains(column.name) && !column.isMap { throw .notAMap(column.name) }
    return columns.map { column in
      let name = ClickHouseLocal.column(column.name)
      return EventField.texts.contains(column.name) ? "toString(\(name)) AS \(name)" : name
    }
  }
}

/// The fields of an event, as files name them.
enum EventField: String, CaseIterable {
  case tenant = "tenant_id"
  case name = "event_name"
  case timestamp
  case id = "event_id"
  case user = "user_id"
  case strings = "string_props"
  case numbers = "numeric_props"

  static let required = [tenant.rawValue, name.rawValue]
  static let texts = [tenant.rawValue, name.rawValue, id.rawValue, user.rawValue]
  static let properties = [strings.rawValue, numbers.rawValue]
}
