public import Domain

/// A member as a list of the team shows them.
public struct Member: Sendable, Hashable {
  public let userID: UserID
  public let email: EmailAddress
  public let name: String
  public let role: Role
  /// When the membership began.
  public let joinedAt: Instant
  /// The last visit of a session that has not ended; nil when there is none.
  public let lastSeenAt: Instant?

  static let columns: Statement = """
    m.user_id, u.email, u.name, m.role, m.created_at, \
    (SELECT MAX(s.last_seen_at) FROM console_sessions s WHERE s.org_id = m.org_id AND s.user_id = m.user_id) AS last_seen_at
    """

  init(row: Row) throws {
    userID = try row.id("user_id")
    email = EmailAddress(stored: try row.text("email"))
    name = try row.text("name")
    role = try row.role()
    joinedAt = try row.instant("created_at")
    lastSeenAt = try row.optionalInstant("last_seen_at")
  }
}

extension MembershipRepository {
  /// The organisation's members with what is known of them, the one who joined last first.
  public func members(_ organization: OrganizationID, _ request: PageRequest = .first) async throws -> Page<Member> {
    var statement: Statement = """
      SELECT \(Member.columns) FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.org_id = \(organization)
      """
    if let position = request.position {
      statement += " AND (m.created_at, m.user_id) < (\(position.instant), \(position.id))"
    }
    statement += " ORDER BY m.created_at DESC, m.user_id DESC LIMIT \(request.limit + 1)"
    let members = try await database.read { [statement] in try $0.query(statement).map(Member.init) }
    return Page(members, request: request) { ($0.joinedAt, $0.userID.rawValue) }
  }

  public func member(_ organization: OrganizationID, _ user: UserID) async throws -> Member? {
    try await database.read { try Self.member(organization, user, in: $0) }
  }

  /// Gives a member another role. The invites of somebody who may no longer invite are withdrawn.
  /// - Returns: The role before; the member now.
  /// - Throws: ``Domain/AppError`` 404 `member_not_found`; 409 `owner_stays` for the owner, whose role goes over by ``transfer(_:from:to:)``.
  public func setRole(
    _ role: Role, of user: UserID, in organization: OrganizationID, noting note: AuditNote<(before: Role, member: Member)>? = nil
  ) async throws -> (before: Role, member: Member) {
    try await database.write { connection in
      let before = try Self.require(organization, user, in: connection).role
      guard before != .owner, role != .owner else { throw AppError.ownerStays }
      // The condition again: where several write at once, an ownership that was handed over since must not be taken away.
      let changed = try connection.execute(
        """
        UPDATE memberships SET role = \(role.rawValue) WHERE org_id = \(organization) AND user_id = \(user) AND role = \(before.rawValue)
        """)
      guard changed == 1 else { throw AppError.changedMeanwhile }
      if role != .admin { try InviteRepository.withdraw(by: user, organization, in: connection) }
      let change = (before: before, member: try Self.require(organization, user, in: connection))
      try AuditRepository.append(note?(change), into: connection)
      return change
    }
  }

  /// Ends a membership, the member's console sessions there and the invites that the member has sent.
  /// - Parameter roles: which members the caller may remove.
  /// - Returns: The member who was.
  /// - Throws: ``Domain/AppError`` 404 `member_not_found`; 409 `owner_stays`; 403 `insufficient_scope` for a member of another role.
  public func remove(
    _ user: UserID, from organization: OrganizationID, ofRoles roles: Set<Role>, noting note: AuditNote<Member>? = nil
  ) async throws -> Member {
    try await database.write { connection in
      let member = try Self.require(organization, user, in: connection)
      guard member.role != .owner else { throw AppError.ownerStays }
      guard roles.contains(member.role) else {
        throw AppError.forbidden("insufficient_scope", "Only the owner may remove somebody of the role \(member.role.rawValue).")
      }
      try InviteRepository.withdraw(by: user, organization, in: connection)
      let removed = try connection.execute(
        "DELETE FROM memberships WHERE org_id = \(organization) AND user_id = \(user) AND role = \(member.role.rawValue)")
      guard removed == 1 else { throw AppError.changedMeanwhile }
      try AuditRepository.append(note?(member), into: connection)
      return member
    }
  }

  /// Makes a member the owner, and the owner an admin. Open invites of admins, which only an owner may send, end.
  /// - Returns: The new owner.
  /// - Throws: ``Domain/AppError`` 404 `member_not_found`; 409 `owner_stays` when `owner` is the owner no more, or stays it.
  public func transfer(
    _ organization: OrganizationID, from owner: UserID, to user: UserID, noting note: AuditNote<Member>? = nil
  ) async throws -> Member {
    try await database.write { connection in
      _ = try Self.require(organization, user, in: connection)
      let given = try connection.execute(
        "UPDATE memberships SET role = 'admin' WHERE org_id = \(organization) AND user_id = \(owner) AND role = 'owner'")
      guard given == 1, owner != user else { throw AppError.ownerStays }
      let taken = try connection.execute("UPDATE memberships SET role = 'owner' WHERE org_id = \(organization) AND user_id = \(user)")
      guard taken == 1 else { throw AppError.changedMeanwhile }
      try connection.execute("DELETE FROM invites WHERE org_id = \(organization) AND role = 'admin'")
      let member = try Self.require(organization, user, in: connection)
      try AuditRepository.append(note?(member), into: connection)
      return member
    }
  }

  private static func member(_ organization: OrganizationID, _ user: UserID, in connection: any ConfigConnection) throws -> Member? {
    try connection.first(
      """
      SELECT \(Member.columns) FROM memberships m JOIN users u ON u.id = m.user_id \
      WHERE m.org_id = \(organization) AND m.user_id = \(user)
      """
    ).map(Member.init)
  }

  private static func require(_ organization: OrganizationID, _ user: UserID, in connection: any ConfigConnection) throws -> Member {
    guard let member = try member(organization, user, in: connection) else {
      throw AppError.notFound("There is no such member.", code: "member_not_found")
    }
    return member
  }
}

extension AppError {
  static var ownerStays: AppError {
    .conflict("owner_stays", "An organization has exactly one owner: hand the ownership over to another member first.")
  }

  static var changedMeanwhile: AppError {
    .conflict("changed_meanwhile", "Somebody else has changed this member just now. Look again, then try again.")
  }
}
