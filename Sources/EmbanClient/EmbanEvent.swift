public import Foundation

/// Something that happened to one of your customers.
///
///     EmbanEvent(
///       tenantID: "acme", eventName: "api.call", userID: "user_42",
///       stringProps: ["model": "gpt-4", "endpoint": "/chat"], numericProps: ["tokens": 150, "latency_ms": 230])
///
/// It is given an id and a time when it is made, so that it counts once and for the right moment however often and however late it is sent.
public struct EmbanEvent: Sendable, Hashable {
  /// Your customer: 1 to 256 bytes.
  public var tenantID: String
  /// Such as `api.call`: 1 to 256 bytes.
  public var eventName: String
  /// When it happened; nil leaves it to the server's clock.
  public var timestamp: Date?
  /// What makes a resend harmless: the server stores an id of a tenant once in seven days.
  public var eventID: String
  /// Your customer's user.
  public var userID: String?
  /// Dimensions: what you will group and filter by.
  public var stringProps: [String: String]
  /// Measures: what you will add up or average. Finite numbers.
  public var numericProps: [String: Double]

  /// - Parameters:
  ///   - timestamp: now, unless it is given.
  ///   - eventID: a random one, unless it is given; give one of yours (a request's id) where the event itself may be made twice.
  public init(
    tenantID: String, eventName: String, timestamp: Date? = Date(), eventID: String? = nil, userID: String? = nil,
    stringProps: [String: String] = [:], numericProps: [String: Double] = [:]
  ) {
    self.tenantID = tenantID
    self.eventName = eventName
    self.timestamp = timestamp
    self.eventID = eventID ?? UUID().uuidString.lowercased()
    self.userID = userID
    self.stringProps = stringProps
    self.numericProps = numericProps
  }
}

extension EmbanEvent: Codable {
  private enum CodingKeys: String, CodingKey {
    case tenantID = "tenant_id"
    case eventName = "event_name"
    case timestamp
    case eventID = "event_id"
    case userID = "user_id"
    case stringProps = "string_props"
    case numericProps = "numeric_props"
  }

  /// An event without an id, such as a line of a file, is given one.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      tenantID: try container.decode(String.self, forKey: .tenantID), eventName: try container.decode(String.self, forKey: .eventName),
      timestamp: try container.dateIfPresent(.timestamp), eventID: try container.decodeIfPresent(String.self, forKey: .eventID),
      userID: try container.decodeIfPresent(String.self, forKey: .userID),
      stringProps: try container.decodeIfPresent([String: String].self, forKey: .stringProps) ?? [:],
      numericProps: try container.decodeIfPresent([String: Double].self, forKey: .numericProps) ?? [:])
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(tenantID, forKey: .tenantID)
    try container.encode(eventName, forKey: .eventName)
    try container.encodeIfPresent(timestamp.map(EmbanTime.text), forKey: .timestamp)
    try container.encode(eventID, forKey: .eventID)
    try container.encodeIfPresent(userID, forKey: .userID)
    if !stringProps.isEmpty { try container.encode(stringProps, forKey: .stringProps) }
    if !numericProps.isEmpty { try container.encode(numericProps, forKey: .numericProps) }
  }
}

/// What became of the events of one call of ``EmbanClient/ingest(_:)``.
public struct EmbanIngestResult: Sendable, Hashable {
  /// An event that was refused, and why.
  public struct Rejection: Sendable, Hashable, Codable {
    /// Which of the events that were handed over.
    public var index: Int
    /// `numeric_props`; empty where it is the event as a whole.
    public var field: String
    /// Stable, in snake case: `timestamp_range`.
    public var code: String
    /// A sentence for people.
    public var expected: String
  }

  /// How many are durable and will be counted. A repeated id counts as accepted.
  public internal(set) var accepted = 0
  /// How many were refused.
  public internal(set) var rejected = 0
  /// Which, in the order of the events. The server names at most a hundred out of a thousand.
  public internal(set) var rejections: [Rejection] = []

  /// Of no events.
  public init() {}

  /// Whether every event was accepted.
  public var isComplete: Bool { rejected == 0 }
}
