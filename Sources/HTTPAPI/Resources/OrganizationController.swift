import Access
import ConfigStore
import Domain
import Hummingbird

/// `/v1/organization`: the organisation of the credential, and how long its events are kept.
struct OrganizationController: Controller {
  let organizations: OrganizationRepository
  let audit: AuditLog

  var endpoints: [Endpoint] {
    [
      Endpoint(.get, "/v1/organization", .admin, show),
      Endpoint(.patch, "/v1/organization", .admin, change),
    ]
  }

  private func show(_ request: APIRequest) async throws -> Response {
    guard let organization = try await organizations.get(try request.account().organization) else {
      throw AppError.notFound("There is no such organization.")
    }
    return .json(organization.settingsJSON)
  }

  private func change(_ request: APIRequest) async throws -> Response {
    let account = try request.account()
    if let own = account.confinedTo {
      throw AppError.forbidden("wrong_environment", "A key of the environment \(own) cannot change what holds for all environments.")
    }
    let (isGiven, days) = try await request.readBody { reader in
      // An explicit null is a value here: keep for ever.
      let isGiven = reader.peek("retention_days") != nil
      if !isGiven {
        reader.problem("retention_days", "missing", "is required and must be a number of days, or null to keep events for ever")
      }
      return (isGiven, reader.int("retention_days", in: Limits.retentionDays))
    }
    guard isGiven, let before = try await organizations.get(account.organization) else {
      throw AppError.notFound("There is no such organization.")
    }
    let after = try await organizations.setRetention(account.organization, days: days)
    try await audit.record(
      "organization.update", "organization", account.organization.rawValue, by: account, from: request, before: before.retentionJSON,
      after: after.retentionJSON)
    return .json(after.settingsJSON)
  }
}

extension Organization {
  fileprivate var settingsJSON: JSONValue {
    .object((json.objectValue ?? [:]).merging(retentionJSON.objectValue ?? [:]) { $1 })
  }

  fileprivate var retentionJSON: JSONValue { ["retention_days": retentionDays.map { .int($0) } ?? .null] }
}
