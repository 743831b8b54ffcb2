public import Domain

/// A removal that is written down.
public struct RemovalEntry: Sendable, Hashable {
  public let organization: OrganizationID
  public let id: String
  /// A ``Removal`` as JSON; nil while that is being found out.
  public let plan: String?
  /// When the program that performs it was last heard of.
  public let touchedAt: Instant

  public init(organization: OrganizationID, id: String, plan: String?, touchedAt: Instant) {
    self.organization = organization
    self.id = id
    self.plan = plan
    self.touchedAt = touchedAt
  }
}

/// Where removals under way are written down, for all programs on the same stores: at most one of each organisation at a time.
public protocol RemovalJournal: Sendable {
  /// Begins a removal of the organisation's events.
  /// - Returns: Nil when it was begun, else the other one that is under way.
  func begin(_ organization: OrganizationID, id: String, at now: Instant) async throws -> RemovalEntry?
  /// Writes the plan down.
  /// - Returns: Whether it may be performed; not when another program took this one for dead.
  func fix(_ organization: OrganizationID, id: String, plan: String) async throws -> Bool
  /// Says when the program that performs it was last heard of.
  func touch(_ organization: OrganizationID, id: String, at now: Instant) async throws
  /// Drops one that has no plan, in one step: its program may be writing one down at this moment.
  /// - Returns: Whether it was dropped; not when it has a plan by now, or is over.
  func abandon(_ organization: OrganizationID, id: String) async throws -> Bool
  func finish(_ organization: OrganizationID, id: String) async throws
  func entries() async throws -> [RemovalEntry]
}
