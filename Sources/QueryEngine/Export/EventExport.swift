public import ClickHouse
public import Domain

/// A customer's events as a file: which, and in which form. The columns and names are those of an event of `POST /v1/events`, so that
/// `emban import` takes the file back.
///
/// It is made in two steps: what there is up to a moment, then these events and no later ones. The columns of CSV are known by then, and a file is
/// of one moment however long it takes.
public struct EventExport: Sendable, Hashable {
  public enum Format: String, Sendable, Hashable, CaseIterable {
    /// An event object a line.
    case ndjson
    /// A column for every property, named `string_props.model`. A quoted empty field is an empty text, a bare one none.
    case csv
    /// Properties as maps.
    case parquet

    public var contentType: String {
      switch self {
      case .ndjson: "application/x-ndjson"
      case .csv: "text/csv; charset=utf-8"
      case .parquet: "application/vnd.apache.parquet"
      }
    }

    /// ClickHouse's name of it.
    public var storeName: StaticString {
      switch self {
      case .ndjson: "JSONEachRow"
      case .csv: "CSV"
      case .parquet: "Parquet"
      }
    }
  }

  public let scope: Scope
  public let format: Format
  private let eventName: String?
  private let from: Instant?
  private let to: Instant?
  private let tenant: TenantID

  /// - Parameters:
  ///   - eventName: nil for events of all names.
  ///   - from: the first moment; nil for the first there is.
  ///   - to: the first moment that is not in it; nil for no end.
  /// - Throws: ``AppError`` 403 `scope_incomplete`; 422 when `to` is not behind `from`.
  public init(
    organization: OrganizationID, environment: EnvironmentName, tenant: TenantID, format: Format, eventName: String? = nil,
    from: Instant? = nil, to: Instant? = nil, now: Instant
  ) throws(AppError) {
    if let from, let to, to <= from { throw .invalid("to", "range_order", "must be after from") }
    scope = try Scope(organization: organization, environment: environment, tenant: .one(tenant), now: now, zone: .utc)
    self.tenant = tenant
    self.format = format
    self.eventName = eventName
    self.from = from
    self.to = to
  }

  /// As whom the statements run.
  public var role: DatabaseRole {
    .exporter(
      ScopeSettings(
        organization: scope.organization.rawValue, environment: scope.environment.rawValue, tenant: tenant.rawValue))
  }

  /// What there is to export.
  public struct Extent: Sendable, Hashable {
    public let events: Int
    /// When the last of them was stored.
    let storedUntil: Instant
    /// The properties of CSV, by name.
    let strings: [String]
    let numbers: [String]
  }

  /// Asks for the ``Extent``.
  public var extentStatement: SQL {
    let paths: SQL = format == .csv ? "distinctJSONPaths(string_props), distinctJSONPaths(numeric_props)" : "[], []"
    return """
      SELECT count(), toUnixTimestamp64Milli(max(ingested_at)), \(paths) \(EventsSource(scope).from(where: conditions))
      """
  }

  /// - Throws: ``AppError`` 422 `too_many_columns` when CSV would have more columns than ``Limits/exportColumns``.
  public func extent(_ row: [JSONValue]) throws(AppError) -> Extent {
    func names(_ value: JSONValue) -> [String] {
      (value.arrayValue ?? []).compactMap { $0.stringValue.map(PropertyPath.key(stored:)) }
        .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
    guard row.count == 4 else { throw .internal(cause: "the extent of an export has \(row.count) columns") }
    let extent = Extent(
      events: row[0].numberValue.map { Int($0) } ?? 0, storedUntil: Instant(milliseconds: row[1].numberValue.map { Int64($0) } ?? 0),
      strings: names(row[2]), numbers: names(row[3]))
    guard extent.strings.count + extent.numbers.count <= Limits.exportColumns else {
      throw AppError(
        status: 422, code: "too_many_columns",
        message:
          "The events have \(extent.strings.count + extent.numbers.count) different properties, and CSV takes \(Limits.exportColumns) columns; "
          + "ndjson and parquet take any number.")
    }
    return extent
  }

  /// The events themselves, in the order of the store: by name, then by time.
  public func statement(_ extent: Extent) -> SQL {
    let columns: [SQL] = ["tenant_id", "event_name", "timestamp", "nullIf(event_id, '') AS event_id", "nullIf(user_id, '') AS user_id"]
    return """
      SELECT \(SQL.join(columns + properties(extent), separator: ", ")) \
      \(EventsSource(scope).from(where: conditions + ["ingested_at <= \(bind: extent.storedUntil)"])) ORDER BY event_name, timestamp
      """
  }

  /// What stands before the answer of the statement: the names of the columns of CSV.
  public func head(_ extent: Extent) -> String {
    guard format == .csv else { return "" }
    let names =
      ["tenant_id", "event_name", "timestamp", "event_id", "user_id"] + extent.strings.map { "string_props." + $0 }
      + extent.numbers.map { "numeric_props." + $0 }
    return names.map { "\"" + $0.replacing("\"", with: "\"\"") + "\"" }.joined(separator: ",") + "\n"
  }

  private var conditions: [SQL] {
    [
      Conditions.event(eventName), from.map { "timestamp >= \(bind: $0)" } ?? .empty,
      to.map { "timestamp < \(bind: $0)" } ?? .empty,
    ]
  }

  private func properties(_ extent: Extent) -> [SQL] {
    switch format {
    case .ndjson: ["string_props", "numeric_props"]
    case .parquet:
      [
        "CAST(JSONExtractKeysAndValues(toJSONString(string_props), 'String'), 'Map(String, String)') AS string_props",
        "CAST(JSONExtractKeysAndValues(toJSONString(numeric_props), 'Float64'), 'Map(String, Float64)') AS numeric_props",
      ]
    case .csv:
      extent.strings.map { PropertyPath.string($0).optionalStringExpression }
        + extent.numbers.map { PropertyPath.numeric($0).numericExpression }
    }
  }
}
