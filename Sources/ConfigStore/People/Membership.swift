public import Domain

/// What a member is in an organisation; what each role may do is told by the access rules.
public enum Role: String, Sendable, Hashable, CaseIterable {
  case owner
  case admin
  case editor
  case member

  /// Reads a role's name; `viewer` is another name for `member`.
  public init?(name: String) {
    self.init(rawValue: name == "viewer" ? "member" : name)
  }
}

/// A user's place in an organisation.
public struct Membership: Sendable, Hashable {
  public let organizationID: OrganizationID
  public let userID: UserID
  public let role: Role
  public let createdAt: Instant

  public init(organizationID: OrganizationID, userID: UserID, role: Role, createdAt: Instant) {
    self.organizationID = organizationID
    self.userID = userID
    self.role = role
    self.createdAt = createdAt
  }

  static let columns: Statement = "org_id, user_id, role, created_at"

  init(row: Row) throws {
    self.init(
      organizationID: try row.id("org_id"), userID: try row.id("user_id"), role: try row.role(), createdAt: try row.instant("created_at"))
  }
}

extension Row {
  func role() throws(AppError) -> Role {
    let name = try text("role")
    guard let role = Role(rawValue: name) else { throw .internal(cause: "The configuration store holds an unknown role \(name).") }
    return role
  }
}

public struct MembershipRepository: Sendable {
  let database: any ConfigDatabase

  public init(_ database: any ConfigDatabase) { self.database = database }

  public func get(_ organization: OrganizationID, _ user: UserID) async throws -> Membership? {
    try await database.read {
      try $0.first("SELECT \(Membership.columns) FROM memberships WHERE org_id = \(organization) AND user_id = \(user)")
        .map(Membership.init)
    }
  }

  /// The user's memberships, oldest first: the first one is where a login leads.
  public func list(of user: UserID) async throws -> [Membership] {
    try await database.read {
      try $0.query("SELECT \(Membership.columns) FROM memberships WHERE user_id = \(user) ORDER BY created_at, org_id")
        .map(Membership.init)
    }
  }

  /// The organisations that a person is a member of, the one joined first at the beginning.
  public func organizations(of user: UserID) async throws -> [(organization: Organization, role: Role)] {
    try await database.read {
      try $0.query(
        """
        SELECT o.id, o.name, o.plan, o.allowed_origins, o.retention_days, o.time_zone, o.branding, o.created_at, m.role \
        FROM memberships m JOIN organizations o ON o.id = m.org_id WHERE m.user_id = \(user) ORDER BY m.created_at, m.org_id
        """
      ).map { (try Organization(row: $0), try $0.role()) }
    }
  }

  /// The organisation's members, oldest first.
  public func list(in organization: OrganizationID) async throws -> [Membership] {
    try await database.read {
      try $0.query("SELECT \(Membership.columns) FROM memberships WHERE org_id = \(organization) ORDER BY created_at, user_id")
        .map(Membership.init)
    }
  }

  /// Makes an existing user a member, or gives a member another role.
  /// - Throws: ``Domain/AppError`` 409 `owner_exists` when a second owner would come to be.
  public func put(_ membership: Membership) async throws {
    do {
      try await database.write { try Self.put(membership, into: $0) }
    } catch ConfigStoreError.uniqueViolation {
      throw AppError.conflict("owner_exists", "An organization has exactly one owner.")
    } catch ConfigStoreError.foreignKeyViolation {
      throw AppError.notFound("There is no such user or organization.")
    }
  }

  /// Ends a membership and with it the member's console sessions there. The owner stays.
  /// - Returns: Whether there was such a membership.
  @discardableResult
  public func remove(_ organization: OrganizationID, _ user: UserID) async throws -> Bool {
    try await database.write {
      try $0.execute("DELETE FROM memberships WHERE org_id = \(organization) AND user_id = \(user) AND role <> 'owner'") > 0
    }
  }

  static func put(_ membership: Membership, into connection: any ConfigConnection) throws {
    try connection.execute(
      """
      INSERT INTO memberships (\(Membership.columns)) VALUES (\(membership.organizationID), \(membership.userID), \
      \(membership.role.rawValue), \(membership.createdAt)) \
      ON CONFLICT (org_id, user_id) DO UPDATE SET role = excluded.role
      """)
  }
}
