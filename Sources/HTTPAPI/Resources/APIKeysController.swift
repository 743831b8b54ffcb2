import Access
import ConfigStore
import Domain
import Hummingbird

/// `/v1/api-keys`: the organisation's keys. A secret is shown once, in the answer that makes it.
struct APIKeysController: Controller {
  let keys: APIKeys
  let repository: APIKeyRepository
  let audit: AuditLog

  var endpoints: [Endpoint] {
    [
      Endpoint(.get, "/v1/api-keys", .admin, list),
      Endpoint(.post, "/v1/api-keys", .admin, create),
      Endpoint(.delete, "/v1/api-keys/:id", .admin, revoke),
    ]
  }

  private func list(_ request: APIRequest) async throws -> Response {
    let page = try request.page()
    let account = try request.account()
    let keys = try await repository.list(
      account.organization, environment: account.confinedTo, try PageRequest(limit: page.limit, cursor: page.cursor))
    return .page(keys.items.map(\.json), nextCursor: keys.nextCursor)
  }

  private func create(_ request: APIRequest) async throws -> Response {
    let account = try request.account()
    let (name, scope, environment) = try await request.readBody { reader in
      let name = reader.requiredString("name", length: 1...Limits.nameLength)
      DisplayName.check(name, field: "name", problems: reader.problems)
      if !reader.has("scope") { reader.problem("scope", "missing", "is required and must be admin or ingest") }
      return (name, reader.enumeration("scope", KeyScope.self), reader.string("environment", length: 1...50))
    }
    let wanted = environment.map { EnvironmentName($0) } ?? account.environment
    if let own = account.confinedTo, wanted != own {
      throw AppError.forbidden("wrong_environment", "A key of the environment \(own) makes keys of this environment only.")
    }
    let minted = try await keys.issue(
      account.organization, environment: wanted, name: name ?? "",
      scope: scope ?? .ingest, by: account.actor
    ) { audit.entry("api_key.create", "api_key", $0.id.rawValue, by: account, from: request, after: $0.json) }
    guard case .object(var members) = minted.key.json else { throw AppError.internal(cause: "a key is an object") }
    members["key"] = .string(minted.secret)
    return .json(.object(members), status: .created)
  }

  private func revoke(_ request: APIRequest) async throws -> Response {
    let account = try request.account()
    let id = KeyID(try request.parameter("id"))
    let revoked = try await keys.revoke(account.organization, id, environment: account.confinedTo) {
      audit.entry("api_key.revoke", "api_key", id.rawValue, by: account, from: request, before: $0.json)
    }
    guard revoked != nil else { throw AppError.notFound("There is no such key.", code: "api_key_not_found") }
    return .noContent()
  }
}

extension APIKey {
  /// The key without its secret.
  var json: JSONValue {
    .compact([
      "id": .string(id.rawValue), "name": .string(name), "scope": .string(scope.rawValue),
      "environment": .string(environment.rawValue), "prefix": .string(prefix), "created_at": createdAt.json,
      "created_by": .string(createdBy), "last_used_at": lastUsedAt?.json ?? .null,
    ])
  }
}
