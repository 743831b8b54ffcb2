import Domain

/// Everything that a registration brings into being.
public struct Registration: Sendable {
  public let user: User
  public let organization: Organization
  /// The key shown once after registration.
  public let apiKey: APIKey
  /// SHA-256 of the key's secret.
  public let apiKeyHash: String

  public init(user: User, organization: Organization, apiKey: APIKey, apiKeyHash: String) {
    self.user = user
    self.organization = organization
    self.apiKey = apiKey
    self.apiKeyHash = apiKeyHash
  }
}

public struct RegistrationRepository: Sendable {
  private let database: any ConfigDatabase

  public init(_ database: any ConfigDatabase) { self.database = database }

  /// Stores user, organisation, both environments, the owner's membership and the first key, or nothing of it.
  /// - Throws: ``Domain/AppError`` 409 `email_taken`.
  public func register(_ registration: Registration) async throws {
    try await database.write { connection in
      try UserRepository.insert(registration.user, into: connection)
      let owner = Membership(
        organizationID: registration.organization.id, userID: registration.user.id, role: .owner,
        createdAt: registration.organization.createdAt)
      try OrganizationRepository.insert(
        registration.organization, owner: owner, key: registration.apiKey, keyHash: registration.apiKeyHash, into: connection)
    }
  }
}
