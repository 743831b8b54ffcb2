public import Domain

/// What a scope's events look like.
public struct DiscoverReport: Sendable, Hashable {
  public struct EventSummary: Sendable, Hashable {
    public var name: String
    public var count: Int
    public var firstSeen: Instant
    public var lastSeen: Instant
    /// How many customers sent it.
    public var tenants: Int
    /// How many of the newest events the rest is from.
    public var sampled: Int
    /// How many of those carry a `user_id`.
    public var withUser: Int
    /// The most frequent first.
    public var dimensions: [DimensionSummary]
    public var measures: [MeasureSummary]

    public init(
      name: String, count: Int, firstSeen: Instant, lastSeen: Instant, tenants: Int, sampled: Int = 0, withUser: Int = 0,
      dimensions: [DimensionSummary] = [], measures: [MeasureSummary] = []
    ) {
      self.name = name
      self.count = count
      self.firstSeen = firstSeen
      self.lastSeen = lastSeen
      self.tenants = tenants
      self.sampled = sampled
      self.withUser = withUser
      self.dimensions = dimensions
      self.measures = measures
    }
  }

  public struct DimensionSummary: Sendable, Hashable {
    public var name: String
    /// How many sampled events have it.
    public var events: Int
    /// How many values it has in the sample.
    public var cardinality: Int
    /// The most frequent first.
    public var topValues: [FilterValues.Value]

    public init(name: String, events: Int, cardinality: Int, topValues: [FilterValues.Value] = []) {
      self.name = name
      self.events = events
      self.cardinality = cardinality
      self.topValues = topValues
    }
  }

  public struct MeasureSummary: Sendable, Hashable {
    public var name: String
    /// How many sampled events have it.
    public var events: Int
    public var min: Double
    public var max: Double
    public var average: Double
    public var p50: Double
    public var p95: Double

    public init(name: String, events: Int, min: Double, max: Double, average: Double, p50: Double, p95: Double) {
      self.name = name
      self.events = events
      self.min = min
      self.max = max
      self.average = average
      self.p50 = p50
      self.p95 = p95
    }
  }

  /// The most frequent first.
  public var events: [EventSummary]
  public var now: Instant

  public init(events: [EventSummary], now: Instant) {
    self.events = events
    self.now = now
  }

  /// `{"events": [{"event_name", "count", "first_seen", "last_seen", "tenants", "sampled", "dimensions": [{"name", "events", "cardinality",
  /// "top_values"}], "numeric_properties": [{"name", "events", "min", "max", "avg", "p50", "p95"}]}]}`
  public var json: JSONValue { ["events": .array(events.map(\.json))] }
}

extension DiscoverReport.EventSummary {
  public var json: JSONValue {
    [
      "event_name": .string(name), "count": .int(count), "first_seen": firstSeen.json, "last_seen": lastSeen.json,
      "tenants": .int(tenants), "sampled": .int(sampled), "dimensions": .array(dimensions.map(\.json)),
      "numeric_properties": .array(measures.map(\.json)),
    ]
  }
}

extension DiscoverReport.DimensionSummary {
  public var json: JSONValue {
    [
      "name": .string(name), "events": .int(events), "cardinality": .int(cardinality),
      "top_values": .array(topValues.map { ["value": .string($0.value), "count": .int($0.count)] }),
    ]
  }
}

extension DiscoverReport.MeasureSummary {
  public var json: JSONValue {
    [
      "name": .string(name), "events": .int(events), "min": .optional(min), "max": .optional(max), "avg": .optional(average),
      "p50": .optional(p50), "p95": .optional(p95),
    ]
  }
}
