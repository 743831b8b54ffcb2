/// Why an import did not start or did not go on. The descriptions are for people.
public enum ImportError: Error, Sendable, Hashable, CustomStringConvertible {
  case unreadable(path: String, reason: String)
  case emptyFile(path: String)
  case unknownColumns([String], known: [String])
  case duplicateColumns([String])
  /// Nothing says how columns become events, and they are not named like the fields of one.
  case noMapping(known: [String])
  /// Columns beside those of an event, without flags that say what they are.
  case unknownFields([String])
  /// Lists or structures where single values belong.
  case nestedColumns([String])
  /// Properties that are no map of names to values.
  case notAMap(String)
  /// Whoever started the import asked it to stop. What was decided is in the checkpoint.
  case interrupted
  /// The sink gave up; `stored` rows are in the store.
  case sinkFailed(reason: String)

  public var description: String {
    switch self {
    case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)"
    case .emptyFile(let path): "\(path) is empty; the first line must name the columns"
    case .unknownColumns(let names, let known):
      "there is no column \(names.map { "“\($0)”" }.joined(separator: ", ")); the file has "
        + known.prefix(100).joined(separator: ", ")
    case .duplicateColumns(let names): "the column \(Self.list(names)) is in the header more than once"
    case .noMapping(let known):
      "say whose events these are and what happened: --tenant-column or --tenant, --event-name or --event-name-column (the file has \(known.joined(separator: ", ")))"
    case .unknownFields(let names): "no event has a field \(Self.list(names)): say with --string and --numeric what the columns are"
    case .nestedColumns(let names): "the column \(Self.list(names)) holds lists or structures; only single values can be imported"
    case .notAMap(let name): "the column \(Self.list([name])) must be a map of names to values"
    case .interrupted: "the import was interrupted"
    case .sinkFailed(let reason): reason
    }
  }

  private static func list(_ names: [String]) -> String { names.map { "“\($0)”" }.joined(separator: ", ") }
}
