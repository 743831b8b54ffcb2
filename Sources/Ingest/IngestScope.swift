public import Domain

/// Whose events these are: taken from the credential, never from the request.
public struct IngestScope: Sendable, Hashable {
  public let organization: OrganizationID
  public let environment: EnvironmentName

  public init(organization: OrganizationID, environment: EnvironmentName) {
    self.organization = organization
    self.environment = environment
  }
}
