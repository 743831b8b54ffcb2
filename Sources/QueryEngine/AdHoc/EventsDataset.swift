public import ClickHouse
public import Domain

/// The events as somebody who writes SQL sees them: a table `events` with a column for each property that events were found to have.
public struct EventsDataset: Sendable, Hashable {
  public static let name = "events"
  private static let description = """
    The events of all customers in this environment, one row each. Properties have columns such as string_props.model and numeric_props.tokens, \
    NULL where an \
    event does not have them; those without a column of their own are read as string_props.`name`.:String and numeric_props.`name`::Float64.
    """

  public struct Column: Sendable, Hashable {
    public var name: String
    /// ClickHouse's.
    public var type: String
    public var description: String
    public var examples: [JSONValue]
    /// The events that were found to have it, most frequent first; nil for what every event has.
    public var events: [String]?
  }

  public let columns: [Column]
  /// Those with columns of their own, in their order.
  public let properties: [PropertyPath]

  /// - Parameters:
  ///   - report: what events there are.
  ///   - tenants: a few customers, as examples.
  ///   - known: the properties that had columns before. They keep them, so that a saved statement goes on working when a property has
  ///   become rare; when there are more than columns, those that were not found any more give way first.
  public init(_ report: DiscoverReport, tenants: [String], known: [PropertyPath]) {
    let found = Self.found(in: report)
    let there = Set(known)
    let added = found.values.filter { !there.contains($0.path) && SQLReaderAccess.isNameable($0.path) }
      .sorted { ($0.count, $1.path.key) > ($1.count, $0.path.key) }
    var surplus = known.count + added.count - Limits.datasetProperties
    var properties = known.filter { property in
      guard surplus > 0, found[property] == nil else { return true }
      surplus -= 1
      return false
    }
    properties += added.prefix(max(0, Limits.datasetProperties - properties.count)).map(\.path)
    self.properties = properties
    columns = Self.fixed(report, tenants: tenants) + properties.map { Self.column($0, found[$0]) }
  }

  // MARK: - Columns

  private static func fixed(_ report: DiscoverReport, tenants: [String]) -> [Column] {
    let newest = report.events.map(\.lastSeen).max()
    return [
      Column(name: "tenant_id", type: "String", description: "Your customer.", examples: tenants.map(JSONValue.string)),
      Column(
        name: "event_name", type: "String", description: "What happened.",
        examples: report.events.prefix(5).map { .string($0.name) }),
      Column(
        name: "timestamp", type: "DateTime64(3, 'UTC')", description: "When it happened, in UTC.",
        examples: newest.map { [$0.json] } ?? []),
      Column(name: "event_id", type: "String", description: "The id that came with the event; '' without one.", examples: []),
      Column(name: "user_id", type: "String", description: "The end user; '' without one.", examples: []),
      Column(name: "string_props", type: "JSON", description: "All dimensions of the event.", examples: []),
      Column(name: "numeric_props", type: "JSON", description: "All measures of the event.", examples: []),
      Column(name: "ingested_at", type: "DateTime64(3, 'UTC')", description: "When it was stored, in UTC.", examples: []),
    ]
  }

  private struct Found {
    let path: PropertyPath
    var count = 0
    var events: [String] = []
    var examples: [JSONValue] = []
    var cardinality = 0
  }

  private static func found(in report: DiscoverReport) -> [PropertyPath: Found] {
    var found: [PropertyPath: Found] = [:]
    for event in report.events {
      for dimension in event.dimensions {
        let path = PropertyPath.string(dimension.name)
        var entry = found[path] ?? Found(path: path)
        entry.count += dimension.events
        entry.events.append(event.name)
        entry.cardinality = max(entry.cardinality, dimension.cardinality)
        for value in dimension.topValues.prefix(5) where entry.examples.count < 5 && !entry.examples.contains(.string(value.value)) {
          entry.examples.append(.string(value.value))
        }
        found[path] = entry
      }
      for measure in event.measures {
        let path = PropertyPath.numeric(measure.name)
        var entry = found[path] ?? Found(path: path)
        entry.count += measure.events
        entry.events.append(event.name)
        if entry.examples.isEmpty { entry.examples = [.optional(measure.min), .optional(measure.p50), .optional(measure.max)] }
        found[path] = entry
      }
    }
    return found
  }

  private static func column(_ property: PropertyPath, _ found: Found?) -> Column {
    let isString = property.column == .stringProps
    let of = found.map { found in
      let shown = found.events.prefix(3).joined(separator: ", ")
      return " of \(shown)\(found.events.count > 3 ? " and \(found.events.count - 3) more" : "")"
    }
    let values = found.flatMap {
      isString && $0.cardinality > 0 ? ", \($0.cardinality) value\($0.cardinality == 1 ? "" : "s") in the newest events" : nil
    }
    return Column(
      name: "\(property.column.rawValue).\(property.key)", type: isString ? "Nullable(String)" : "Nullable(Float64)",
      description: "\(isString ? "Dimension" : "Measure") \(property.key)\(of ?? "")\(values ?? "").",
      examples: found?.examples ?? [], events: found?.events ?? [])
  }

  // MARK: - Shown

  /// `{"name", "description", "columns": [{"name", "sql", "type", "description", "examples", "events"?}]}`; `sql` is the name as it is
  /// written in a statement.
  public var json: JSONValue {
    ["name": .string(Self.name), "description": .string(Self.description), "columns": .array(columns.map(\.json))]
  }

  /// The table as a statement would make it.
  public var ddl: String {
    let lines = columns.map { "  \($0.sql) \($0.type) COMMENT '\(Self.escaped($0.description))'" }
    return "CREATE TABLE \(Self.name)\n(\n\(lines.joined(separator: ",\n"))\n)\n"
  }

  private static func escaped(_ text: String) -> String { text.replacing("\\", with: "\\\\").replacing("'", with: "\\'") }
}

extension EventsDataset.Column {
  /// The name as it is written in a statement: between backticks unless it is plain.
  public var sql: String {
    let isPlain = name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
      !part.isEmpty && !(part.first?.isNumber ?? true) && part.utf8.allSatisfy { $0 < 0x80 }
        && part.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" }
    }
    return isPlain ? name : "`\(name)`"
  }

  var json: JSONValue {
    .compact([
      "name": .string(name), "sql": .string(sql), "type": .string(type), "description": .string(description), "examples": .array(examples),
      "events": events.map { JSONValue.strings($0) },
    ])
  }
}
