public import Domain

/// An open invitation to become a member. Its token is stored as a hash only, works once and until it expires.
public struct Invite: Sendable, Hashable {
  public let id: InviteID
  public let organizationID: OrganizationID
  public let email: EmailAddress
  /// Never the owner's.
  public let role: Role
  /// The user who sent it.
  public let createdBy: String
  public let createdAt: Instant
  public let expiresAt: Instant

  public init(
    id: InviteID, organizationID: OrganizationID, email: EmailAddress, role: Role, createdBy: String, createdAt: Instant,
    expiresAt: Instant
  ) {
    self.id = id
    self.organizationID = organizationID
    self.email = email
    self.role = role
    self.createdBy = createdBy
    self.createdAt = createdAt
    self.expiresAt = expiresAt
  }

  static let columns: Statement = "id, org_id, email, role, created_by, created_at, expires_at"

  init(row: Row) throws {
    self.init(
      id: try row.id("id"), organizationID: try row.id("org_id"), email: EmailAddress(stored: try row.text("email")),
      role: try row.role(), createdBy: try row.text("created_by"), createdAt: try row.instant("created_at"),
      expiresAt: try row.instant("expires_at"))
  }
}

public struct InviteRepository: Sendable {
  private let database: any ConfigDatabase

  public init(_ database: any ConfigDatabase) { self.database = database }

  /// Stores an invite in place of an earlier one to the same address.
  /// - Throws: ``Domain/AppError`` 409 `already_member`, `too_many_invites`; 403 `insufficient_scope` when its sender may not invite, or no more.
  public func put(_ invite: Invite, tokenHash: String, noting note: AuditNote<Invite>? = nil) async throws {
    try await database.write { connection in
      try Self.require(invite.createdBy, mayInvite: invite.role, to: invite.organizationID, in: connection)
      let isMember = try connection.exists(
        """
        SELECT 1 AS found FROM memberships m JOIN users u ON u.id = m.user_id \
        WHERE m.org_id = \(invite.organizationID) AND u.email = \(invite.email.value)
        """)
      if isMember {
        throw AppError.conflict(
          "already_member", "This person is a member already.",
          details: [FieldProblem(field: "email", code: "taken", expected: "the address of somebody who is no member")])
      }
      try connection.execute(
        """
        DELETE FROM invites WHERE org_id = \(invite.organizationID) AND (email = \(invite.email.value) OR expires_at <= \(invite.createdAt))
        """)
      let open = try connection.count("SELECT COUNT(*) AS count FROM invites WHERE org_id = \(invite.organizationID)")
      guard open < Limits.openInvites else {
        throw AppError.conflict(
          "too_many_invites", "There are \(Limits.openInvites) open invites: withdraw some, or wait until they are accepted or expire.")
      }
      try connection.execute(
        """
        INSERT INTO invites (\(Invite.columns), token_hash) VALUES (\(invite.id), \(invite.organizationID), \(invite.email.value), \
        \(invite.role.rawValue), \(invite.createdBy), \(invite.createdAt), \(invite.expiresAt), \(tokenHash))
        """)
      try AuditRepository.append(note?(invite), into: connection)
    }
  }

  /// Gives an invite another token, another end and another sender, who holds the new link; the earlier token works no more.
  /// - Returns: The invite; nil when the organisation has no such one.
  /// - Throws: ``Domain/AppError`` 403 `insufficient_scope` when the sender may not invite, or no more.
  public func renew(
    _ organization: OrganizationID, _ id: InviteID, by sender: UserID, tokenHash: String, expiresAt: Instant,
    noting note: AuditNote<Invite>? = nil
  ) async throws -> Invite? {
    try await database.write { connection in
      let row = try connection.first(
        """
        UPDATE invites SET token_hash = \(tokenHash), expires_at = \(expiresAt), created_by = \(sender) \
        WHERE org_id = \(organization) AND id = \(id) RETURNING \(Invite.columns)
        """)
      guard let invite = try row.map(Invite.init) else { return nil }
      try Self.require(sender.rawValue, mayInvite: invite.role, to: organization, in: connection)
      try AuditRepository.append(note?(invite), into: connection)
      return invite
    }
  }

  /// As of now: the request may have begun before its sender was demoted or removed, and a link would outlive that.
  private static func require(
    _ sender: String, mayInvite role: Role, to organization: OrganizationID, in connection: any ConfigConnection
  ) throws {
    let row = try connection.first("SELECT role FROM memberships WHERE org_id = \(organization) AND user_id = \(sender)")
    let own = try row?.role()
    guard own == .owner || (own == .admin && role != .admin) else {
      throw AppError.forbidden("insufficient_scope", "You may not invite somebody of the role \(role.rawValue).")
    }
  }

  public func get(_ organization: OrganizationID, _ id: InviteID) async throws -> Invite? {
    try await database.read {
      try $0.first("SELECT \(Invite.columns) FROM invites WHERE org_id = \(organization) AND id = \(id)").map(Invite.init)
    }
  }

  /// The organisation's invites that have not expired, newest first.
  public func list(_ organization: OrganizationID, _ request: PageRequest = .first, at now: Instant) async throws -> Page<Invite> {
    var statement: Statement = "SELECT \(Invite.columns) FROM invites WHERE org_id = \(organization) AND expires_at > \(now)"
    if let position = request.position {
      statement += " AND (created_at, id) < (\(position.instant), \(position.id))"
    }
    statement += " ORDER BY created_at DESC, id DESC LIMIT \(request.limit + 1)"
    let invites = try await database.read { [statement] in try $0.query(statement).map(Invite.init) }
    return Page(invites, request: request) { ($0.createdAt, $0.id.rawValue) }
  }

  /// Withdraws an invite.
  /// - Returns: The invite that was; nil when the organisation has no such one.
  public func delete(_ organization: OrganizationID, _ id: InviteID, noting note: AuditNote<Invite>? = nil) async throws -> Invite? {
    try await database.write { connection in
      let row = try connection.first("DELETE FROM invites WHERE org_id = \(organization) AND id = \(id) RETURNING \(Invite.columns)")
      guard let invite = try row.map(Invite.init) else { return nil }
      try AuditRepository.append(note?(invite), into: connection)
      return invite
    }
  }

  /// The invite whose token has this hash, and its organisation; nil when it was used, withdrawn, expired or never was.
  public func find(tokenHash: String, at now: Instant) async throws -> (invite: Invite, organization: Organization)? {
    try await database.read { connection in
      let found = try connection.first(
        "SELECT \(Invite.columns) FROM invites WHERE token_hash = \(tokenHash) AND expires_at > \(now)")
      guard let invite = try found.map(Invite.init),
        let row = try connection.first("SELECT \(Organization.columns) FROM organizations WHERE id = \(invite.organizationID)")
      else { return nil }
      return (invite, try Organization(row: row))
    }
  }

  /// Uses an invite up and makes the person a member, or does nothing at all. Somebody who has become a member meanwhile keeps that role.
  /// - Parameters:
  ///   - user: whose address is that of the invite.
  ///   - isNew: whether the person is to be stored as well.
  /// - Returns: The membership; nil when the token was used, withdrawn, expired or never was, or is somebody else's.
  /// - Throws: ``Domain/AppError`` 409 `email_taken` when the new person has an account by now.
  public func accept(
    tokenHash: String, by user: User, isNew: Bool, at now: Instant, noting note: AuditNote<(invite: Invite, membership: Membership)>? = nil
  ) async throws -> Membership? {
    try await database.write { connection in
      let used = try connection.first(
        """
        DELETE FROM invites WHERE token_hash = \(tokenHash) AND expires_at > \(now) AND email = \(user.email.value) \
        RETURNING \(Invite.columns)
        """)
      guard let invite = try used.map(Invite.init) else { return nil }
      if isNew { try UserRepository.insert(user, into: connection) }
      try connection.execute(
        """
        INSERT INTO memberships (\(Membership.columns)) VALUES (\(invite.organizationID), \(user.id), \(invite.role.rawValue), \(now)) \
        ON CONFLICT (org_id, user_id) DO NOTHING
        """)
      let row = try connection.first(
        "SELECT \(Membership.columns) FROM memberships WHERE org_id = \(invite.organizationID) AND user_id = \(user.id)")
      guard let membership = try row.map(Membership.init) else { return nil }
      try AuditRepository.append(note?((invite, membership)), into: connection)
      return membership
    }
  }

  /// Removes what expired before `now`.
  /// - Returns: How many invites.
  @discardableResult
  public func purge(at now: Instant) async throws -> Int {
    try await database.write { try $0.execute("DELETE FROM invites WHERE expires_at <= \(now)") }
  }

  static func withdraw(by user: UserID, _ organization: OrganizationID, in connection: any ConfigConnection) throws {
    try connection.execute("DELETE FROM invites WHERE org_id = \(organization) AND created_by = \(user)")
  }
}
