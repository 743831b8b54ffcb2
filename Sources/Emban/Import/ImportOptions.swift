import ArgumentParser
import Domain
import Foundation
import Ingest

/// The flags that say how the columns of a file become events.
struct ImportOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Column that holds the tenant.", valueName: "column")) var tenantColumn: String?
  @Option(help: "Tenant of every row, for a file of one tenant.") var tenant: String?
  @Option(help: ArgumentHelp("Name of every event.", valueName: "name")) var eventName: String?
  @Option(help: ArgumentHelp("Column that holds the event's name.", valueName: "column")) var eventNameColumn: String?
  @Option(
    help: ArgumentHelp(
      "Column that holds the time: ISO 8601 (the T may be a space), a date, or seconds, milli-, micro- or nanoseconds since 1970.",
      valueName: "column"))
  var timestampColumn: String?
  @Option(help: ArgumentHelp("Zone of times that name none, such as Europe/Berlin (UTC).", valueName: "zone")) var timezone: String?
  @Option(name: .customLong("string"), help: ArgumentHelp("Columns that become dimensions.", valueName: "a,b")) var strings: [String] = []
  @Option(name: .customLong("numeric"), help: ArgumentHelp("Columns that become measures.", valueName: "c,d")) var numbers: [String] = []
  @Option(help: ArgumentHelp("Column that holds the end user.", valueName: "column")) var userColumn: String?
  @Option(
    help: ArgumentHelp(
      "Column that identifies a row: sent again within a week it counts once, whatever file it is in.", valueName: "column"))
  var eventIdColumn: String?
  @Option(help: "csv, tsv, ndjson or parquet (by the file's name).") var format: FormatName?
  @Option(help: ArgumentHelp("Separator of a CSV file (,).", valueName: "character")) var delimiter: String?

  enum FormatName: String, ExpressibleByArgument, CaseIterable {
    case csv, tsv, ndjson, parquet
  }

  func validate() throws {
    if tenant != nil, tenantColumn != nil { throw ValidationError("Give --tenant or --tenant-column, not both.") }
    if eventName != nil, eventNameColumn != nil { throw ValidationError("Give --event-name or --event-name-column, not both.") }
    if let timezone, TimeZone(identifier: timezone) == nil {
      throw ValidationError("--timezone must be the name of a zone such as Europe/Berlin, not '\(timezone)'.")
    }
    if let delimiter, delimiter.utf8.count != 1 || delimiter == "\"" || delimiter == "\n" {
      throw ValidationError("--delimiter must be one ASCII character.")
    }
  }

  /// How the file at `path` is written. A name may have `.gz` behind it.
  func format(of path: String) -> FormatName {
    if let format { return format }
    var name = path.lowercased()
    if name.hasSuffix(".gz") { name.removeLast(3) }
    if [".ndjson", ".jsonl", ".json"].contains(where: name.hasSuffix) { return .ndjson }
    if [".parquet", ".pq"].contains(where: name.hasSuffix) { return .parquet }
    return name.hasSuffix(".tsv") ? .tsv : .csv
  }

  /// The separator of a CSV or TSV file.
  func delimiter(of format: FormatName) -> UInt8 {
    delimiter?.utf8.first ?? (format == .tsv ? UInt8(ascii: "\t") : UInt8(ascii: ","))
  }

  /// Nil without any flag that maps: the file's columns are then the fields of an event.
  func mapping() throws -> ImportMapping? {
    let mapsNothing =
      tenant == nil && tenantColumn == nil && eventName == nil && eventNameColumn == nil && timestampColumn == nil
      && strings.isEmpty && numbers.isEmpty && userColumn == nil && eventIdColumn == nil
    if mapsNothing { return nil }
    guard let tenantSource = Self.source(fixed: tenant, column: tenantColumn) else {
      throw ValidationError("Say whose events these are: --tenant-column COLUMN, or --tenant NAME for all rows.")
    }
    guard let nameSource = Self.source(fixed: eventName, column: eventNameColumn) else {
      throw ValidationError("Say what happened: --event-name NAME for all rows, or --event-name-column COLUMN.")
    }
    return ImportMapping(
      tenant: tenantSource, eventName: nameSource, timestampColumn: timestampColumn, stringColumns: Self.names(strings),
      numericColumns: Self.names(numbers), userColumn: userColumn, eventIDColumn: eventIdColumn,
      timestamps: ImportTimestamp(timeZone: timezone.flatMap { TimeZone(identifier: $0) }))
  }

  private static func source(fixed: String?, column: String?) -> ImportMapping.Source? {
    fixed.map(ImportMapping.Source.fixed) ?? column.map(ImportMapping.Source.column)
  }

  private static func names(_ lists: [String]) -> [String] {
    lists.flatMap { $0.split(separator: ",") }.map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
  }
}
