public import ConfigStore
public import Domain

extension Accounts {
  /// Makes a further organisation of the person who is signed in, who owns it and goes on in it, in a session of its own.
  /// - Throws: ``Domain/AppError`` 422 that names `name`; 409 `too_many_organizations`.
  public func createOrganization(
    named name: String, by principal: UserPrincipal, visitor: Visitor = Visitor()
  ) async throws -> (signedIn: SignedIn, apiKey: MintedAPIKey) {
    let name = try Self.required(name)
    guard let user = try await users.get(principal.userID),
      let made = try await found(name, by: user, visitor: visitor, replacing: principal.sessionID)
    else { throw AppError.unauthorized("unauthorized", "Sign in first.") }
    return made
  }

  /// Deletes the organisation of the person who is signed in, its owner, with everything of it. People keep their accounts.
  /// - Returns: The organisation that was.
  /// - Throws: ``Domain/AppError`` 401 `invalid_credentials` for a wrong password; 403 `insufficient_scope` when it is somebody else's by now; 429; 503.
  public func deleteOrganization(
    of principal: UserPrincipal, password: String, visitor: Visitor = Visitor()
  ) async throws -> OrganizationID {
    try await confirm(principal, password, visitor)
    guard try await organizations.delete(principal.organizationID, ownedBy: principal.userID, at: clock()) else {
      throw AppError.forbidden("insufficient_scope", "Only the owner may delete the organization.")
    }
    return principal.organizationID
  }

  /// A registration with an address that has an account. To whoever is not told who has one, a wrong password and an account that is in use look
  /// alike; and each attempt counts as one to sign in.
  func beginAgain(
    _ mail: EmailAddress, _ password: String, _ organization: String?, _ visitor: Visitor
  ) async throws -> (signedIn: SignedIn, apiKey: MintedAPIKey) {
    let user: User
    do {
      user = try await prove(mail, password, visitor)
    } catch let error as AppError where error.code == "invalid_credentials" {
      throw UserRepository.emailTaken
    }
    guard let made = try await found(organization, by: user, onlyFirst: true, visitor: visitor) else { throw UserRepository.emailTaken }
    return made
  }

  func newOrganization(_ name: String?, of owner: User, at now: Instant) -> Organization {
    Organization(
      id: OrganizationID(IDGenerator.make("org")), name: DisplayName.read(name) ?? "\(owner.name)'s team", plan: defaultPlan,
      allowedOrigins: [], createdAt: now)
  }

  /// - Parameters:
  ///   - onlyFirst: for somebody who must not belong to any organisation.
  ///   - replaced: the session of somebody who is signed in, which ends; nil for somebody who has proven the password.
  /// - Returns: Nil when the person does.
  private func found(
    _ name: String?, by user: User, onlyFirst: Bool = false, visitor: Visitor, replacing replaced: SessionID? = nil
  ) async throws -> (signedIn: SignedIn, apiKey: MintedAPIKey)? {
    let now = clock()
    let organization = newOrganization(name, of: user, at: now)
    let key = APIKeys.mint(organization.id, environment: .production, name: "Default", scope: .admin, by: user.id.rawValue, at: now)
    let membership = try await organizations.found(
      organization, by: user.id, key: key.key, keyHash: key.secret.sha256, most: Limits.ownedOrganizations, onlyFirst: onlyFirst)
    guard let membership else { return nil }
    let proven = replaced == nil ? user.passwordHash : nil
    let token = try await sessions.create(membership, visitor: visitor, provenBy: proven, replacing: replaced).token
    try await audit.append(
      AuditEntry(
        organizationID: organization.id, at: now, actor: user.id.rawValue, action: "organization.create", entity: "organization",
        entityID: organization.id.rawValue, address: visitor.address ?? "", after: ["name": .string(organization.name)]))
    return (SignedIn(user: user, organization: organization, role: .owner, token: token), key)
  }
}
