import Access
import ConfigStore
import Domain
import Hummingbird
import Logging
import QueryEngine

/// `/v1/organization`: the organisation of the credential: its name, how long its events are kept, on whose pages its dashboards may stand, and
/// what new dashboards begin with; its end, and `POST /v1/organizations`: the beginning of a further one.
struct OrganizationController: Controller {
  let organizations: OrganizationRepository
  let accounts: Accounts
  let audit: AuditLog
  let cookie: SessionCookie
  /// Drops what this program remembers of an organisation that is no more.
  let forget: @Sendable (OrganizationID) -> Void

  var endpoints: [Endpoint] {
    [
      Endpoint(.get, "/v1/organization", .admin, show),
      Endpoint(.patch, "/v1/organization", .admin, change),
      Endpoint(.delete, "/v1/organization", .owner, bodyLimit: Limits.publicBodyBytes, delete),
      Endpoint(.post, "/v1/organizations", .session, bodyLimit: Limits.publicBodyBytes, create),
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
    let change = try await request.readBody(OrganizationChange.init)
    if let zone = change.timeZone ?? nil { _ = try Zone(zone, field: "time_zone") }
    guard let before = try await organizations.get(account.organization) else {
      throw AppError.notFound("There is no such organization.")
    }
    let after = try await organizations.update(
      account.organization, name: change.name, allowedOrigins: change.allowedOrigins, retentionDays: change.retentionDays,
      timeZone: change.timeZone, branding: change.branding)
    try await audit.record(
      "organization.update", "organization", account.organization.rawValue, by: account, from: request, before: before.changeableJSON,
      after: after.changeableJSON)
    return .json(after.settingsJSON)
  }

  /// Its audit log goes with it, so the server's own log says who did it.
  private func delete(_ request: APIRequest) async throws -> Response {
    let person = try request.person()
    let password = try await request.readBody { $0.requiredString("password") }
    let organization = try await accounts.deleteOrganization(of: person, password: password ?? "", visitor: request.visitor)
    forget(organization)
    request.context.logger.notice(
      "an organization was deleted", metadata: ["organization": "\(organization)", "by": "\(person.userID)"])
    return Response(status: .noContent, headers: cookie.cleared)
  }

  private func create(_ request: APIRequest) async throws -> Response {
    let name = try await request.readBody { $0.requiredString("name", length: 1...Limits.nameLength) }
    let (person, key) = try await accounts.createOrganization(named: name ?? "", by: try request.person(), visitor: request.visitor)
    return .registered(person, key, cookie)
  }
}

extension Response {
  /// Somebody who owns an organisation from now on, with its first key, which is shown this once.
  static func registered(_ person: SignedIn, _ key: MintedAPIKey, _ cookie: SessionCookie) -> Response {
    .json(
      [
        "user": person.user.json(role: person.role), "organization": person.organization.json,
        "api_key": .string(key.secret),
      ], status: .created, headers: cookie.set(person.token))
  }
}

/// The body of `PATCH /v1/organization`. An explicit null is a value here: for ever, no time zone, no branding.
private struct OrganizationChange {
  let name: String?
  let allowedOrigins: [String]?
  let retentionDays: Int??
  let timeZone: String??
  let branding: JSONValue??

  init(_ reader: inout ObjectReader) {
    let known = ["name", "allowed_origins", "retention_days", "time_zone", "branding"]
    if !known.contains(where: { reader.peek($0) != nil }) {
      reader.problem("", "missing", "must hold at least one of \(known.joined(separator: ", "))")
    }
    let isGiven = Set(known.filter { reader.peek($0) != nil })
    let given = reader.string("name", length: 1...Limits.nameLength)
    DisplayName.check(given, field: "name", problems: reader.problems)
    name = DisplayName.read(given)
    if given != nil, name == nil { reader.problem("name", "length", "must hold more than white space") }
    allowedOrigins = reader.origins("allowed_origins")
    let days = reader.int("retention_days", in: Limits.retentionDays)
    retentionDays = isGiven.contains("retention_days") ? .some(days) : nil
    let zone = reader.string("time_zone", length: 1...100)
    timeZone = isGiven.contains("time_zone") ? .some(zone) : nil
    let theme = reader.nested("branding", Theme.read)
    branding = isGiven.contains("branding") ? .some(theme?.json) : nil
  }
}

extension Organization {
  /// A new dashboard with what the organisation has for those that do not say it themselves.
  func begin(_ config: DashboardConfig, saying given: JSONValue = [:]) -> DashboardConfig {
    var config = config
    if given["timezone"] ?? .null == .null, config.timezone == nil { config.timezone = timeZone }
    if given["theme"] ?? .null == .null, let branding, let theme = Theme.read(branding, path: "branding", problems: Problems()) {
      config.theme = theme
    }
    return config
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
    [
      "name": .string(name), "allowed_origins": .strings(allowedOrigins), "retention_days": retentionDays.map { .int($0) } ?? .null,
      "time_zone": .optional(timeZone), "branding": branding ?? .null,
    ]
  }
}
