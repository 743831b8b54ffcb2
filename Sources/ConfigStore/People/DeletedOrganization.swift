public import Domain

/// An organisation that is no more, as far as it is remembered: for the events that are still to be erased.
public struct DeletedOrganization: Sendable, Hashable {
  public let id: OrganizationID
  public let deletedAt: Instant

  static let columns: Statement = "id, deleted_at"

  init(row: Row) throws {
    id = try row.id("id")
    deletedAt = try row.instant("deleted_at")
  }
}

extension OrganizationRepository {
  /// Deletes an organisation with everything that the configuration store holds of it: members' sessions, keys, embed sessions, dashboards, the
  /// audit log. People stay. It is remembered as deleted in the same transaction.
  /// - Parameter owner: whose it must be at this moment.
  /// - Returns: Whether it was deleted; not when there is no such organisation, or it is somebody else's by now.
  public func delete(_ id: OrganizationID, ownedBy owner: UserID, at now: Instant) async throws -> Bool {
    try await database.write { connection in
      let isOwn = try connection.exists(
        "SELECT 1 AS found FROM memberships WHERE org_id = \(id) AND user_id = \(owner) AND role = 'owner'")
      guard isOwn, try connection.execute("DELETE FROM organizations WHERE id = \(id)") > 0 else { return false }
      try connection.execute(
        "INSERT INTO deleted_organizations (id, deleted_at, erased_at) VALUES (\(id), \(now), NULL) ON CONFLICT (id) DO NOTHING")
      return true
    }
  }

  /// The deleted organisations, the one deleted first at the beginning.
  /// - Parameter notErased: only those whose events may still be stored.
  public func deleted(notErased: Bool = false) async throws -> [DeletedOrganization] {
    // One that was brought back out of a backup is no deleted one any more.
    var statement: Statement = """
      SELECT \(DeletedOrganization.columns) FROM deleted_organizations d WHERE NOT EXISTS (SELECT 1 FROM organizations o WHERE o.id = d.id)
      """
    if notErased { statement += " AND erased_at IS NULL" }
    statement += " ORDER BY deleted_at, id"
    return try await database.read { [statement] in try $0.query(statement).map(DeletedOrganization.init) }
  }

  /// Notes that nothing of a deleted organisation is stored any more.
  public func noteErased(_ id: OrganizationID, at now: Instant) async throws {
    _ = try await database.write {
      try $0.execute("UPDATE deleted_organizations SET erased_at = \(now) WHERE id = \(id) AND erased_at IS NULL")
    }
  }

  /// Makes an organisation of a person who has an account, with both environments, the owner's membership and the first key, or nothing of it.
  /// - Parameters:
  ///   - most: how many organisations one person may own.
  ///   - onlyFirst: for somebody who must not be a member of any.
  /// - Returns: The owner's membership; nil when the person is a member of one although it was to be the first.
  /// - Throws: ``Domain/AppError`` 409 `too_many_organizations`.
  public func found(
    _ organization: Organization, by user: UserID, key: APIKey, keyHash: String, most: Int, onlyFirst: Bool = false
  ) async throws -> Membership? {
    try await database.write { connection in
      if onlyFirst, try connection.exists("SELECT 1 AS found FROM memberships WHERE user_id = \(user)") { return nil }
      let owned = try connection.count("SELECT COUNT(*) AS count FROM memberships WHERE user_id = \(user) AND role = 'owner'")
      guard owned < most else {
        throw AppError.conflict("too_many_organizations", "You own \(most) organizations: delete or hand over one of them first.")
      }
      let membership = Membership(organizationID: organization.id, userID: user, role: .owner, createdAt: organization.createdAt)
      try Self.insert(organization, owner: membership, key: key, keyHash: keyHash, into: connection)
      return membership
    }
  }

  /// With both environments, the owner's membership and the first key.
  static func insert(
    _ organization: Organization, owner: Membership, key: APIKey, keyHash: String, into connection: any ConfigConnection
  ) throws {
    try insert(organization, into: connection)
    try MembershipRepository.put(owner, into: connection)
    try APIKeyRepository.insert(key, hash: keyHash, into: connection)
  }
}
