import Access
import ConfigStore
import Domain
import Hummingbird

/// `/v1/organization`: the organisation of the credential, how long its events are kept, and on whose pages its dashboards may stand.
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
    let (origins, days): ([String]?, Int??) = try await request.readBody { reader in
      let hasOrigins = reader.has("allowed_origins")
      let origins = reader.origins("allowed_origins")
      // An explicit null is a value here: keep for ever.
      let isGiven = reader.peek("retention_days") != nil
      let days = reader.int("retention_days", in: Limits.retentionDays)
      if !isGiven, !hasOrigins {
        reader.problem("", "missing", "must hold retention_days, allowed_origins or both")
      }
      return (origins, isGiven ? .some(days) : nil)
    }
    guard let before = try await organizations.get(account.organization) else {
      throw AppError.notFound("There is no such organization.")
    }
    let after = try await organizations.update(account.organization, allowedOrigins: origins, retentionDays: days)
    try await audit.record(
      "organization.update", "organization", account.organization.rawValue, by: account, from: request, before: before.changeableJSON,
      after: after.changeableJSON)
    return .json(after.settingsJSON)
  }
}

extension ObjectReader {
  /// Origins whose pages may embed.
  mutating func origins(_ key: String) -> [String]? {
    let origins = strings(key, count: 0...Limits.allowedOrigins, length: 1...300)
    for (index, origin) in (origins ?? []).enumerated() where !Origin.isValid(origin) {
      problem("\(key)[\(index)]", "origin", "must be an origin such as https://app.example.com")
    }
    return origins
  }
}

extension Organization {
  fileprivate var settingsJSON: JSONValue {
    .object((json.objectValue ?? [:]).merging(changeableJSON.objectValue ?? [:]) { $1 })
  }

  fileprivate var changeableJSON: JSONValue {
    ["allowed_origins": .strings(allowedOrigins), "retention_days": retentionDays.map { .int($0) } ?? .null]
  }
}
