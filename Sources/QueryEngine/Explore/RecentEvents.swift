internal import ClickHouse
public import Domain

/// How to ask for a customer's newest events of one name, whole: for whoever watches them come in. There is no way on to earlier ones; taking
/// events away is what ``EventExport`` is for.
public struct RecentEvents: Sendable {
  public static let count = Limits.pageSize

  public let scope: Scope
  public let eventName: String

  public init(scope: Scope, eventName: String) {
    self.scope = scope
    self.eventName = eventName
  }

  /// The store's sort key ends in name and time: the newest are read from its end.
  var statement: Statement {
    Statement(
      .rows,
      """
      SELECT tenant_id, toUnixTimestamp64Milli(timestamp), event_id, user_id, string_props, numeric_props \
      \(EventsSource(scope).from(where: [Conditions.event(eventName)])) ORDER BY timestamp DESC LIMIT \(bind: Self.count)
      """)
  }

  /// Events in the form in which they were sent, the newest first.
  func shape(_ rows: [[JSONValue]]) -> [JSONValue] {
    rows.map { row in
      [
        "tenant_id": row[0], "event_name": .string(eventName),
        "timestamp": Instant(milliseconds: row[1].numberValue.map { Int64($0) } ?? 0).json,
        "event_id": Self.text(row[2]), "user_id": Self.text(row[3]), "string_props": Self.properties(row[4]),
        "numeric_props": Self.properties(row[5]),
      ]
    }
  }

  private static func text(_ value: JSONValue) -> JSONValue { value == "" ? .null : value }

  private static func properties(_ value: JSONValue) -> JSONValue {
    .object(
      Dictionary((value.objectValue ?? [:]).map { (PropertyPath.key(stored: $0.key), $0.value) }, uniquingKeysWith: { first, _ in first }))
  }
}

extension Executor {
  public func run(_ recent: RecentEvents) async throws -> [JSONValue] {
    recent.shape(try await rows(of: [recent.statement], role: recent.scope.role).first?.rows ?? [])
  }
}
