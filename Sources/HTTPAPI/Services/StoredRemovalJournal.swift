public import ConfigStore
public import Domain
public import Ingest

/// The journal of removals in the configuration store.
public struct StoredRemovalJournal: RemovalJournal {
  private let removals: RemovalRepository

  public init(_ database: any ConfigDatabase) { removals = RemovalRepository(database) }

  public func begin(_ organization: OrganizationID, id: String, at now: Instant) async throws -> RemovalEntry? {
    while true {
      // Looked at first: who waits for another's end must not write all the time.
      if let other = try await removals.get(organization) { return RemovalEntry(other) }
      if try await removals.begin(organization, id: id, at: now) { return nil }
    }
  }

  public func fix(_ organization: OrganizationID, id: String, plan: String) async throws -> Bool {
    try await removals.fix(organization, id: id, plan: plan)
  }

  public func touch(_ organization: OrganizationID, id: String, at now: Instant) async throws {
    try await removals.touch(organization, id: id, at: now)
  }

  public func abandon(_ organization: OrganizationID, id: String) async throws -> Bool {
    try await removals.abandon(organization, id: id)
  }

  public func finish(_ organization: OrganizationID, id: String) async throws {
    try await removals.finish(organization, id: id)
  }

  public func entries() async throws -> [RemovalEntry] { try await removals.list().map(RemovalEntry.init) }
}

extension RemovalEntry {
  fileprivate init(_ stored: StoredRemoval) {
    self.init(organization: stored.organization, id: stored.id, plan: stored.plan, touchedAt: stored.touchedAt)
  }
}
