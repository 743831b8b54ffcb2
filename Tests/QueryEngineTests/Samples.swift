import ClickHouse
import Domain
import NIOCore
import QueryEngine
import TestSupport

/// Generated events of two customers, the same on every run, and their rows on the server under an organisation of their own.
struct Samples {
  let organization: String
  let events: [Event]
  let executor: Executor

  /// From 1 September to now, over the change of the clock in America and Europe; properties are missing, empty and odd now and then.
  static func generate(count: Int, seed: UInt64) -> [Event] {
    var random = Randomness(seed)
    let start = moment("2026-09-01T00:00:00Z").milliseconds
    return (0..<count).map { index in
      var event = Event(
        tenantID: TenantID(random.chance(0.6) ? "acme" : "globex"), eventName: random.pick(["api.call", "api.call", "login", "it's"]),
        timestamp: Instant(milliseconds: Int64.random(in: start...now.milliseconds, using: &random)))
      if random.chance(0.8) { event.userID = "u\(Int.random(in: 1...60, using: &random))" }
      if random.chance(0.9) { event.stringProps["model"] = random.pick(["gpt-4", "GPT-4o", "claude", "llama", "", "a'b\\c"]) }
      if random.chance(0.7) { event.stringProps["end.point"] = random.pick(["/chat", "/Chat/100%_x", "/embed", "/é漢"]) }
      if random.chance(0.5) { event.stringProps["we`ird\\"] = random.pick(["1", "2"]) }
      if random.chance(0.85) {
        // Integers and fractions mixed, as senders do.
        event.numericProps["latency_ms"] =
          random.chance(0.5) ? Double(Int.random(in: 1...900, using: &random)) : Double.random(in: 0...900, using: &random)
      }
      if random.chance(0.3) { event.numericProps["delta"] = Double(Int.random(in: -50...50, using: &random)) }
      return event
    }
  }

  init(count: Int = 1_500, seed: UInt64 = 1) async throws {
    let clickhouse = try await TestClickHouse.shared()
    let client = clickhouse.client
    organization = TestClickHouse.uniqueOrganization()
    events = Self.generate(count: count, seed: seed)
    executor = Executor { sql, role in try await client.query(sql, as: role) }
    let lines = events.map { event in
      let row: JSONValue = [
        "org_id": .string(organization), "environment": "production", "tenant_id": .string(event.tenantID.rawValue),
        "event_name": .string(event.eventName), "timestamp": event.timestamp.json, "event_id": "", "user_id": .string(event.userID ?? ""),
        "string_props": .object(event.stringProps.mapValues(JSONValue.string)),
        "numeric_props": .object(event.numericProps.mapValues(JSONValue.number)),
      ]
      return row.serialized()
    }
    try await client.insert(
      into: "emban.events",
      columns: ["org_id", "environment", "tenant_id", "event_name", "timestamp", "event_id", "user_id", "string_props", "numeric_props"],
      body: ByteBuffer(string: lines.joined(separator: "\n")))
  }

  /// One set of rows for all tests of the process.
  static func shared() async throws -> Samples { try await made.value }
  private static let made = Task { try await Samples() }

  func planner(permissions: EmbedPermissions = EmbedPermissions(), tenant: Scope.Tenant = .one(TenantID("acme")), zone: Zone = .utc) throws
    -> Planner
  {
    Planner(scope: try scope(organization: organization, tenant: tenant, permissions: permissions, zone: zone), dashboard: usage)
  }
}

/// What the engine should say, computed from the events in the plainest way.
struct Oracle {
  var events: [Event]

  init(_ events: [Event], tenant: String? = "acme", name: String? = nil, within range: TimeRange? = nil) {
    self.events = events.filter { event in
      (tenant == nil || event.tenantID.rawValue == tenant) && (name == nil || event.eventName == name)
        && range.map { $0.from <= event.timestamp && event.timestamp < $0.to } ?? true
    }
  }

  func filtered(_ isIncluded: (Event) -> Bool) -> Oracle {
    var oracle = self
    oracle.events = events.filter(isIncluded)
    return oracle
  }

  static func text(_ dimension: Dimension, of event: Event) -> String {
    switch dimension {
    case .eventName: event.eventName
    case .userID: event.userID ?? ""
    case .property(let name): event.stringProps[name] ?? ""
    }
  }

  static func holds(_ filter: QueryFilter, for event: Event) -> Bool {
    switch filter {
    case .string(let dimension, let condition, let values):
      let text = text(dimension, of: event)
      switch condition {
      case .equal, .isIn: return values.contains(text)
      case .notEqual, .isNotIn: return !values.contains(text)
      case .contains: return values.contains { text.lowercased().contains($0.lowercased()) }
      }
    case .numeric(let property, let condition):
      guard let number = event.numericProps[property] else { return false }
      switch condition {
      case .atLeast(let bound): return number >= bound
      case .atMost(let bound): return number <= bound
      case .between(let low, let high): return low <= number && number <= high
      }
    case .soft(let soft):
      guard let values = soft.resolved else { return false }
      return holds(.string(soft.dimension, soft.condition, values: values), for: event)
    case .anyOf(let groups): return groups.contains { $0.allSatisfy { holds($0, for: event) } }
    }
  }

  func value(_ query: WidgetQuery) -> Double? {
    let numbers = query.numericProp.map { name in events.compactMap { $0.numericProps[name] }.sorted() } ?? []
    switch query.metric {
    case .count: return Double(events.count)
    case .countUnique, .countUniqueApprox:
      let texts = events.map { Self.text(query.uniqueProp.map(Dimension.init) ?? .userID, of: $0) }
      return Double(Set(texts).subtracting([""]).count)
    case .sum: return numbers.reduce(0, +)
    case .avg: return numbers.isEmpty ? nil : numbers.reduce(0, +) / Double(numbers.count)
    case .min: return numbers.first
    case .max: return numbers.last
    case .p50, .p90, .p95, .p99:
      guard let quantile = query.metric.quantile, !numbers.isEmpty else { return nil }
      let place = quantile * Double(numbers.count - 1)
      let below = numbers[Int(place)]
      let above = numbers[min(Int(place) + 1, numbers.count - 1)]
      return below + (above - below) * (place - place.rounded(.down))
    }
  }

  /// The second metric of a query.
  func secondValue(_ query: WidgetQuery) -> Double? {
    guard let metric = query.secondMetric else { return nil }
    return value(WidgetQuery(metric: metric, numericProp: query.secondNumericProp, uniqueProp: query.uniqueProp))
  }

  func groups(_ dimension: Dimension) -> [String: Oracle] {
    Dictionary(grouping: events) { Self.text(dimension, of: $0) }.mapValues { Oracle($0, tenant: nil) }
  }
}

extension Oracle {
  /// The values of a dimension in the order in which they are shown, each with its events.
  func ranked(_ dimension: Dimension, _ query: WidgetQuery) -> [(name: String, oracle: Oracle)] {
    groups(dimension).map { (name: $0.key, oracle: $0.value) }.sorted { left, right in
      let values = (left.oracle.value(query), right.oracle.value(query))
      guard values.0 != values.1 else { return Array(left.name.utf8).lexicographicallyPrecedes(Array(right.name.utf8)) }
      guard let first = values.0, let second = values.1 else { return values.0 != nil }
      return query.order == .descending ? first > second : first < second
    }
  }

  /// The events whose value of a dimension is none of those named.
  func without(_ names: [String], of dimension: Dimension) -> Oracle {
    let names = Set(names)
    return filtered { !names.contains(Self.text(dimension, of: $0)) }
  }
}

/// Whether two numbers are the same but for the order in which they were added up.
func agree(_ value: JSONValue, _ expected: Double?) -> Bool {
  guard let expected else { return value.isNull }
  guard let value = value.numberValue else { return false }
  return abs(value - expected) <= 1e-9 * max(1, abs(expected))
}
