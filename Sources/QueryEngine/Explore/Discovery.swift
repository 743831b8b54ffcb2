internal import ClickHouse
public import Domain

/// Looks at a scope's events in two rounds: first all of them by name (only columns of the sort key are read), then the properties of
/// the newest events of each name. The second round reads about ``sampleSize`` events of each name however many there are.
public struct Discovery: Sendable {
  public static let sampleSize = 20_000
  public static let eventNames = 50
  public static let propertiesPerEvent = 50
  public static let topValues = 10
  /// From how many randomly chosen times the time of the sample's oldest event is estimated.
  private static let timesPerEvent = 5_000

  public let scope: Scope

  public init(scope: Scope) { self.scope = scope }

  // MARK: First round

  /// Rows of: event name, count, first and last time, customers, and the time from which on about a sample's worth of events happened (0
  /// when all events are no more than that).
  public var overview: Statement {
    Statement(
      .overview,
      """
      SELECT event_name, count() AS events, toUnixTimestamp64Milli(min(timestamp)), toUnixTimestamp64Milli(max(timestamp)), uniq(tenant_id), \
      arrayReverseSort(groupArraySample(5000, 1)(toUnixTimestamp64Milli(timestamp)))\
      [greatest(1, toInt64(ceil(\(bind: 1.5 * Double(Self.sampleSize * Self.timesPerEvent)) / count())))] AS recent \
      \(EventsSource(scope).from(where: [])) GROUP BY event_name ORDER BY events DESC, event_name ASC LIMIT \(bind: Self.eventNames)
      """)
  }

  // MARK: Second round

  /// The statements about the properties: about rows and users, string properties, numeric properties.
  /// - Parameter overview: the rows of ``overview``.
  public func details(_ overview: [[JSONValue]]) -> [Statement] {
    let parts = overview.map { row -> SQL in
      let recent = Instant(milliseconds: row[5].numberValue.map { Int64($0) } ?? 0)
      return "(event_name = \(bind: row[0].stringValue ?? "") AND timestamp >= \(bind: recent))"
    }
    guard !parts.isEmpty else { return [] }
    let sample: SQL = """
      (SELECT event_name, user_id, string_props, numeric_props \
      \(EventsSource(scope).from(where: ["(\(SQL.join(parts, separator: " OR ")))"])) LIMIT \(bind: Self.sampleSize) BY event_name)
      """
    let users: SQL = "SELECT event_name, count(), countIf(user_id != '') FROM \(sample) GROUP BY event_name"
    let dimensions: SQL = """
      SELECT event_name, key, sum(n) AS events, count() AS cardinality, \
      arraySlice(arraySort(v -> (-toInt64(v.2), v.1), groupArray((value, n))), 1, \(bind: Self.topValues)) AS top FROM \
      (SELECT event_name, property.1 AS key, property.2 AS value, count() AS n FROM \(sample) \
      ARRAY JOIN JSONExtractKeysAndValues(toJSONString(string_props), 'String') AS property GROUP BY event_name, key, value) \
      GROUP BY event_name, key ORDER BY event_name, events DESC, key LIMIT \(bind: Self.propertiesPerEvent) BY event_name
      """
    let measures: SQL = """
      SELECT event_name, property.1 AS key, count() AS events, min(property.2), max(property.2), avg(property.2), \
      quantileExactInclusive(0.5)(property.2), quantileExactInclusive(0.95)(property.2) FROM \(sample) \
      ARRAY JOIN JSONExtractKeysAndValues(toJSONString(numeric_props), 'Float64') AS property \
      GROUP BY event_name, key ORDER BY event_name, events DESC, key LIMIT \(bind: Self.propertiesPerEvent) BY event_name
      """
    return [Statement(.rows, users), Statement(.dimensions, dimensions), Statement(.measures, measures)]
  }

  // MARK: Report

  /// - Parameter details: the rows of each statement of ``details(_:)``.
  public func shape(overview: [[JSONValue]], details: [[[JSONValue]]]) -> DiscoverReport {
    var events = overview.map { row in
      DiscoverReport.EventSummary(
        name: row[0].stringValue ?? "", count: Int(row[1].numberValue ?? 0),
        firstSeen: Instant(milliseconds: Int64(row[2].numberValue ?? 0)),
        lastSeen: Instant(milliseconds: Int64(row[3].numberValue ?? 0)), tenants: Int(row[4].numberValue ?? 0))
    }
    let places = Dictionary(events.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    func each(_ index: Int, _ body: (Int, [JSONValue]) -> Void) {
      guard details.indices.contains(index) else { return }
      for row in details[index] {
        if let place = places[row[0].stringValue ?? ""] { body(place, row) }
      }
    }
    each(0) { place, row in
      events[place].sampled = Int(row[1].numberValue ?? 0)
      events[place].withUser = Int(row[2].numberValue ?? 0)
    }
    each(1) { place, row in
      events[place].dimensions.append(
        DiscoverReport.DimensionSummary(
          name: Self.name(row[1]), events: Int(row[2].numberValue ?? 0), cardinality: Int(row[3].numberValue ?? 0),
          topValues: (row[4].arrayValue ?? []).map {
            FilterValues.Value(value: $0[0]?.stringValue ?? "", count: Int($0[1]?.numberValue ?? 0))
          }))
    }
    each(2) { place, row in
      func number(_ index: Int) -> Double { row[index].numberValue ?? 0 }
      events[place].measures.append(
        DiscoverReport.MeasureSummary(
          name: Self.name(row[1]), events: Int(number(2)), min: number(3), max: number(4), average: number(5), p50: number(6),
          p95: number(7)))
    }
    return DiscoverReport(events: events, now: scope.now)
  }

  /// A property's name as it was sent: the store writes its dots as `%2E`.
  private static func name(_ key: JSONValue) -> String { (key.stringValue ?? "").replacing("%2E", with: ".") }
}

extension Executor {
  public func run(_ discovery: Discovery) async throws -> DiscoverReport {
    let role = discovery.scope.role
    let overview = try await rows(of: [discovery.overview], role: role)[0].rows
    let details = try await rows(of: discovery.details(overview), role: role)
    return discovery.shape(overview: overview, details: details.map(\.rows))
  }
}
