public import Domain

/// The whole answer of a query.
public struct QueryRows: Sendable {
  public struct Column: Sendable, Hashable {
    public let name: String
    /// ClickHouse's type: `UInt64`, `Nullable(Float64)`, `LowCardinality(String)` …
    public let type: String
  }

  public let columns: [Column]
  /// One array per row, in the order of ``columns``. Integers of any width are numbers; NaN and infinities are null.
  public let rows: [[JSONValue]]
  /// What the server says about its work, when it said it.
  public let statistics: QueryStatistics

  /// The first value of the first row.
  public var scalar: JSONValue? { rows.first?.first }

  /// The position of a column.
  public func index(of name: String) -> Int? { columns.firstIndex { $0.name == name } }
}

/// The server's own account of a query.
public struct QueryStatistics: Sendable, Hashable {
  /// Milliseconds that the server spent; nil when it did not say.
  public let elapsedMilliseconds: Double?
  public let readRows: Int?
  public let readBytes: Int?

  /// Reads the header `X-ClickHouse-Summary`: a flat JSON object of integers as strings.
  init(summary: String?) {
    let object = summary.flatMap { try? JSONParser.parse($0) }
    func integer(_ key: String) -> Int? { object?[key]?.stringValue.flatMap { Int($0) } }
    elapsedMilliseconds = integer("elapsed_ns").map { Double($0) / 1_000_000 }
    readRows = integer("read_rows")
    readBytes = integer("read_bytes")
  }
}
