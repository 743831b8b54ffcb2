import Access
import ConfigStore
import Domain
import Hummingbird

/// `GET /v1/audit`: who did what to which thing, when and from where. There is no way to change or remove an entry.
struct AuditController: Controller {
  let repository: AuditRepository

  var endpoints: [Endpoint] { [Endpoint(.get, "/v1/audit", .admin, list)] }

  private func list(_ request: APIRequest) async throws -> Response {
    let account = try request.account()
    if let own = account.confinedTo {
      throw AppError.forbidden("wrong_environment", "A key of the environment \(own) cannot read what happened in all environments.")
    }
    let (filter, page) = try request.readQuery { reader in
      (
        AuditFilter(
          actor: reader.string("actor", length: 1...100), action: reader.string("action", length: 1...100),
          entity: reader.string("entity", length: 1...100), entityID: reader.string("entity_id", length: 1...Limits.tenantIDLength),
          from: reader.instant("from"), to: reader.instant("to")), reader.page()
      )
    }
    let entries = try await repository.list(account.organization, filter, try PageRequest(limit: page.limit, cursor: page.cursor))
    let actors = try await repository.actors(Set(entries.items.map(\.actor)), in: account.organization)
    return .page(entries.items.map { $0.json(actors[$0.actor]) }, nextCursor: entries.nextCursor)
  }
}

extension AuditEntry {
  fileprivate func json(_ known: AuditActor?) -> JSONValue {
    [
      "id": .string(id), "at": at.json,
      "actor": [
        "id": .string(actor), "kind": .string(actorKind), "name": .optional(known?.name), "email": .optional(known?.email?.value),
      ],
      "action": .string(action), "entity": .string(entity), "entity_id": .string(entityID), "address": .string(address),
      "before": before ?? .null, "after": after ?? .null,
    ]
  }

  private var actorKind: String {
    switch actor.prefix(4) {
    case "usr_": "user"
    case "key_": "api_key"
    case "ses_": "embed_session"
    default: "system"
    }
  }
}
