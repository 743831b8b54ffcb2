public import Domain

/// One column of an answer.
public struct ResultColumn: Sendable, Hashable {
  public enum Kind: String, Sendable, Hashable { case datetime, string, number }
  public enum Role: String, Sendable, Hashable { case time, dimension, measure, comparison }

  public let name: String
  public let type: Kind
  public let role: Role

  public init(_ name: String, _ type: Kind, _ role: Role) {
    self.name = name
    self.type = type
    self.role = role
  }

  static let time = ResultColumn("time", .datetime, .time)
  static let value = ResultColumn("value", .number, .measure)
  static let secondValue = ResultColumn("second_value", .number, .measure)
  static let share = ResultColumn("share", .number, .measure)
  static let previousValue = ResultColumn("previous_value", .number, .comparison)
  static let deltaPercent = ResultColumn("delta_pct", .number, .comparison)

  static let weekday = ResultColumn("weekday", .number, .dimension)
  static let hour = ResultColumn("hour", .number, .dimension)

  static let reservedNames: Set<String> = ["time", "value", "second_value", "previous_value", "delta_pct", "share"]

  /// The column of a dimension: its own name, with `_` behind it where that is the name of another column.
  static func dimension(_ dimension: Dimension, taken: Set<String> = reservedNames) -> ResultColumn {
    ResultColumn(freeName(dimension.name, taken: taken), .string, .dimension)
  }

  static func freeName(_ name: String, taken: Set<String>) -> String {
    var free = name
    while taken.contains(free) { free += "_" }
    return free
  }

  public var json: JSONValue { ["name": .string(name), "type": .string(type.rawValue), "role": .string(role.rawValue)] }
}

/// The answer to a query as it goes over the wire.
public struct QueryResult: Sendable, Hashable {
  public struct Previous: Sendable, Hashable {
    public var range: TimeRange
    public var columns: [ResultColumn]
    public var rows: [[JSONValue]]
  }

  /// The metric over all events of each row, of each column and of all, of a table with two dimensions.
  public struct Totals: Sendable, Hashable {
    public var rowColumns: [ResultColumn]
    public var columnColumns: [ResultColumn]
    /// Values in the order of `rowColumns`.
    public var rows: [[JSONValue]] = []
    /// Values in the order of `columnColumns`.
    public var columns: [[JSONValue]] = []
    public var value: JSONValue

    public init(rowColumns: [ResultColumn], columnColumns: [ResultColumn], value: JSONValue) {
      self.rowColumns = rowColumns
      self.columnColumns = columnColumns
      self.value = value
    }

    var json: JSONValue {
      ["rows": objects(rows, rowColumns), "columns": objects(columns, columnColumns), "value": value]
    }
  }

  public struct Meta: Sendable, Hashable {
    public var range: TimeRange
    public var granularity: Granularity?
    public var timezone: String
    /// Whether there were more groups or rows than the answer holds.
    public var truncated: Bool
    /// Whether percentiles were computed from bounded memory (off by at most 0.4 %), because exact ones needed too much.
    public var approximate: Bool
    public var elapsedMilliseconds: Double
    public var cached: Bool
    public var dataAsOf: Instant
  }

  public var columns: [ResultColumn]
  /// Values in the order of `columns`.
  public var rows: [[JSONValue]]
  public var previous: Previous?
  public var totals: Totals?
  public var meta: Meta

  /// `{"columns", "rows": [{column: value}], "previous", "totals", "meta"}`, `totals` only where there are any.
  public var json: JSONValue {
    var members: [String: JSONValue] = [
      "columns": .array(columns.map(\.json)), "rows": objects(rows, columns),
      "previous": previous.map {
        [
          "from": $0.range.from.json, "to": $0.range.to.json, "rows": objects($0.rows, $0.columns),
        ]
      } ?? .null,
      "meta": metaJSON,
    ]
    if let totals { members["totals"] = totals.json }
    return .object(members)
  }

  private var metaJSON: JSONValue {
    .compact([
      "from": meta.range.from.json, "to": meta.range.to.json,
      "granularity": meta.granularity.map { .string($0.rawValue) } ?? .null, "timezone": .string(meta.timezone),
      "rows": .int(rows.count), "elapsed_ms": .number((meta.elapsedMilliseconds * 10).rounded() / 10),
      "cached": .bool(meta.cached), "data_as_of": meta.dataAsOf.json, "truncated": .bool(meta.truncated),
      "approximate": meta.approximate ? true : nil,
    ])
  }
}

private func objects(_ rows: [[JSONValue]], _ columns: [ResultColumn]) -> JSONValue {
  let names = columns.map(\.name)
  return .array(
    rows.map { row in
      .object(Dictionary(zip(names, row), uniquingKeysWith: { first, _ in first }))
    })
}
