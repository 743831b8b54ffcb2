public import ConfigStore
public import Domain

/// A machine with an API key.
public struct APIKeyPrincipal: Sendable, Hashable {
  public let organizationID: OrganizationID
  public let environment: EnvironmentName
  public let keyID: KeyID
  public let scope: KeyScope

  public init(organizationID: OrganizationID, environment: EnvironmentName, keyID: KeyID, scope: KeyScope) {
    self.organizationID = organizationID
    self.environment = environment
    self.keyID = keyID
    self.scope = scope
  }
}

/// A person in the console.
public struct UserPrincipal: Sendable, Hashable {
  public let organizationID: OrganizationID
  public let userID: UserID
  public let role: Role
  public let sessionID: SessionID

  public init(organizationID: OrganizationID, userID: UserID, role: Role, sessionID: SessionID) {
    self.organizationID = organizationID
    self.userID = userID
    self.role = role
    self.sessionID = sessionID
  }
}

/// A viewer with an embed token: the customer of our customer.
public struct EmbedPrincipal: Sendable, Hashable {
  /// What the token was issued for, as the store holds it.
  public let session: EmbedSession

  public init(session: EmbedSession) { self.session = session }

  public var organizationID: OrganizationID { session.organizationID }
  public var environment: EnvironmentName { session.environment }
  public var tenantID: TenantID { session.tenantID }
  public var dashboardID: DashboardID { session.dashboardID }
  public var permissions: EmbedPermissions { session.permissions }
}

/// Who makes a request, after the credential was checked.
public enum Principal: Sendable, Hashable {
  case apiKey(APIKeyPrincipal)
  case user(UserPrincipal)
  case embed(EmbedPrincipal)

  public var organizationID: OrganizationID {
    switch self {
    case .apiKey(let key): key.organizationID
    case .user(let user): user.organizationID
    case .embed(let embed): embed.organizationID
    }
  }

  /// Whether it is the same as before, with the same rights.
  func isStill(_ earlier: Principal) -> Bool {
    switch (self, earlier) {
    case (.embed(let now), .embed(let before)): now.session.id == before.session.id
    default: self == earlier
    }
  }

  /// The id that goes into the audit log and `created_by`.
  public var actor: String {
    switch self {
    case .apiKey(let key): key.keyID.rawValue
    case .user(let user): user.userID.rawValue
    case .embed(let embed): embed.session.id.rawValue
    }
  }
}
