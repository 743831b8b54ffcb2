import Access
import ConfigStore
import Domain

/// On whose behalf a request of a machine or a person of the console acts.
struct Account: Sendable {
  let organization: OrganizationID
  let environment: EnvironmentName
  /// The id of the key or user, for the audit log.
  let actor: String
  /// The environment beyond which the credential may neither see nor change keys and sessions: that of a key which is not of production.
  let confinedTo: EnvironmentName?

  init(organization: OrganizationID, environment: EnvironmentName, actor: String, confinedTo: EnvironmentName? = nil) {
    self.organization = organization
    self.environment = environment
    self.actor = actor
    self.confinedTo = confinedTo
  }
}

extension APIRequest {
  /// The account behind an API key or a console session. People choose the environment with `?environment=` where a route reads
  /// events; keys belong to one.
  /// - Throws: ``AppError`` 403 for a viewer's token, which has no account; 422 for an environment that there is not.
  func account(environment: EnvironmentName? = nil) throws -> Account {
    if let environment, environment != .production, environment != .development {
      throw AppError.invalid("environment", "unknown_environment", "must be production or development")
    }
    switch principal {
    case .apiKey(let key):
      if let environment, environment != key.environment {
        throw AppError.forbidden("wrong_environment", "This key belongs to the environment \(key.environment).")
      }
      return Account(
        organization: key.organizationID, environment: key.environment, actor: key.keyID.rawValue,
        confinedTo: key.environment == .production ? nil : key.environment)
    case .user(let user):
      return Account(organization: user.organizationID, environment: environment ?? .production, actor: user.userID.rawValue)
    case .embed, nil:
      throw AppError.forbidden("insufficient_scope", "This credential does not open this route.")
    }
  }

  /// The viewer behind an embed token.
  func viewer() throws -> EmbedSession {
    guard case .embed(let viewer) = principal else {
      throw AppError.forbidden("insufficient_scope", "This route takes embed tokens only.")
    }
    return viewer.session
  }
}

/// Writes the audit log: of people, invites and keys in the transaction of what it records (``entry(_:_:_:by:from:before:after:)`` goes along with the
/// change), otherwise after it. A failure to write it fails the request, so that somebody notices.
struct AuditLog: Sendable {
  let repository: AuditRepository
  let clock: TimeSource

  func record(
    _ action: String, _ entity: String, _ id: String, by account: Account, from request: APIRequest, before: JSONValue? = nil,
    after: JSONValue? = nil
  ) async throws {
    try await repository.append(entry(action, entity, id, by: account, from: request, before: before, after: after))
  }

  func entry(
    _ action: String, _ entity: String, _ id: String, by account: Account, from request: APIRequest, before: JSONValue? = nil,
    after: JSONValue? = nil
  ) -> AuditEntry {
    AuditEntry(
      organizationID: account.organization, at: clock(), actor: account.actor, action: action, entity: entity, entityID: id,
      address: request.address, before: before, after: after)
  }
}
