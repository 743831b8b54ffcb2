/// One accepted event of a tenant. Names and values have passed the validator.
public struct Event: Sendable, Hashable {
  public var tenantID: TenantID
  public var eventName: String
  public var timestamp: Instant
  /// Makes a resend harmless: the same id of the same tenant counts once.
  public var eventID: String?
  public var userID: String?
  /// Dimensions.
  public var stringProps: [String: String]
  /// Measures; finite.
  public var numericProps: [String: Double]

  public init(
    tenantID: TenantID, eventName: String, timestamp: Instant, eventID: String? = nil, userID: String? = nil,
    stringProps: [String: String] = [:], numericProps: [String: Double] = [:]
  ) {
    self.tenantID = tenantID
    self.eventName = eventName
    self.timestamp = timestamp
    self.eventID = eventID
    self.userID = userID
    self.stringProps = stringProps
    self.numericProps = numericProps
  }
}
