import ClickHouse
public import Domain
public import Logging

/// Erases what the event store holds of organisations that are no more: events, their ids, what is counted of them, rollups.
///
/// That an organisation was deleted is written down when it is deleted, and all that follows may be repeated: whoever does this next finds what is
/// still there, whatever died meanwhile. Events that were accepted before may be stored afterwards, by this program in the next seconds, by one that
/// was away after days; so what was deleted is looked at until some time has passed, and every so often for ever.
public struct OrganizationEraser: Sendable {
  /// An organisation of which events may still be stored.
  public struct Deleted: Sendable, Hashable {
    public let id: OrganizationID
    public let at: Instant

    public init(id: OrganizationID, at: Instant) {
      self.id = id
      self.at = at
    }
  }

  /// For how long, in seconds, an organisation is looked at again and again: longer than it takes to store what was accepted.
  private static let settling: Double = 600
  /// How many organisations one question asks about.
  private static let atOnce = 500
  private static let tables: [SQLIdentifier] = [
    "emban.events", "emban.event_ids", "emban.rollups", "emban.rollup_days", "emban.tenant_days",
  ]

  private let remover: EventRemover
  private let open: @Sendable () async throws -> [Deleted]
  private let all: @Sendable () async throws -> [OrganizationID]
  private let erased: @Sendable (OrganizationID) async throws -> Void
  private let logger: Logger

  /// - Parameters:
  ///   - open: those that have not been noted as erased.
  ///   - all: every organisation that was ever deleted.
  ///   - erased: notes that one of `open` is erased; perhaps more than once.
  public init(
    remover: EventRemover, open: @escaping @Sendable () async throws -> [Deleted],
    all: @escaping @Sendable () async throws -> [OrganizationID], erased: @escaping @Sendable (OrganizationID) async throws -> Void,
    logger: Logger
  ) {
    self.remover = remover
    self.open = open
    self.all = all
    self.erased = erased
    self.logger = logger
  }

  /// Erases what there is of those that were deleted lately.
  /// - Throws: ``ClickHouseError`` and what the functions of the initialiser throw.
  public func erase(at now: Instant) async throws {
    for organization in try await open() {
      let isLeft = try await eraseAll(of: [organization.id])
      if !isLeft, organization.at.adding(seconds: Self.settling) <= now { try await erased(organization.id) }
    }
  }

  /// Erases what has been stored since of any that was ever deleted.
  /// - Throws: As ``erase(at:)``.
  public func sweep() async throws {
    let organizations = try await all()
    for start in stride(from: 0, to: organizations.count, by: Self.atOnce) {
      _ = try await eraseAll(of: Array(organizations[start..<min(start + Self.atOnce, organizations.count)]))
    }
  }

  /// - Returns: Whether there was anything.
  private func eraseAll(of organizations: [OrganizationID]) async throws -> Bool {
    let parts = Self.tables.map { table -> SQL in
      "SELECT DISTINCT org_id FROM \(identifier: table) WHERE org_id IN \(bind: organizations.map(\.rawValue))"
    }
    let rows = try await remover.client.query(
      "SELECT DISTINCT org_id FROM (\(SQL.join(parts, separator: " UNION ALL ")))", as: .admin, settings: ["max_threads": "1"],
      timeout: .seconds(600))
    let found = rows.rows.compactMap { $0.first?.stringValue }
    for organization in found {
      // The events first: nothing is built or counted of them any more.
      for table in Self.tables { try await remover.delete(from: table, where: "org_id = \(bind: organization)") }
      logger.info("the events of a deleted organization were erased", metadata: ["organization": "\(organization)"])
    }
    return !found.isEmpty
  }
}
