import Access
import ConfigStore
import Domain
import Hummingbird

/// `/v1/members/invite`, `/v1/invites`: asking people in; `/v1/auth/invite`: what they do with it.
struct InvitesController: Controller {
  let invites: Invites
  let accounts: Accounts
  let audit: AuditLog
  let cookie: SessionCookie

  var endpoints: [Endpoint] {
    [
      Endpoint(.post, "/v1/members/invite", .team, invite),
      Endpoint(.get, "/v1/invites", .team, list),
      Endpoint(.delete, "/v1/invites/:id", .team, withdraw),
      Endpoint(.post, "/v1/invites/:id/resend", .team, resend),
      Endpoint(.post, "/v1/auth/invite", .public, bodyLimit: Limits.publicBodyBytes, look),
      Endpoint(.post, "/v1/auth/invite/accept", .public, bodyLimit: Limits.publicBodyBytes, accept),
    ]
  }

  // MARK: - Of the team

  private func invite(_ request: APIRequest) async throws -> Response {
    let (email, role) = try await request.readBody { ($0.requiredString("email"), $0.memberRole("role")) }
    let account = try request.account()
    let sent = try await invites.invite(email ?? "", as: role ?? .member, by: try request.person()) {
      audit.entry("member.invite", "invite", $0.id.rawValue, by: account, from: request, after: $0.summary)
    }
    return .json(sent.json, status: .created)
  }

  private func list(_ request: APIRequest) async throws -> Response {
    let page = try request.page()
    let open = try await invites.list(try request.person().organizationID, try PageRequest(limit: page.limit, cursor: page.cursor))
    return .page(open.items.map(\.json), nextCursor: open.nextCursor)
  }

  private func withdraw(_ request: APIRequest) async throws -> Response {
    let account = try request.account()
    try await invites.withdraw(InviteID(try request.parameter("id")), from: try request.person().organizationID) {
      audit.entry("invite.withdraw", "invite", $0.id.rawValue, by: account, from: request, before: $0.summary)
    }
    return .noContent()
  }

  private func resend(_ request: APIRequest) async throws -> Response {
    let account = try request.account()
    let sent = try await invites.resend(InviteID(try request.parameter("id")), by: try request.person()) {
      audit.entry("invite.resend", "invite", $0.id.rawValue, by: account, from: request, after: $0.summary)
    }
    return .json(sent.json)
  }

  // MARK: - Of whoever was invited

  /// The token comes in the body, because addresses end up in logs.
  private func look(_ request: APIRequest) async throws -> Response {
    let token = try await request.readBody { $0.requiredString("token", length: 1...100) }
    let offered = try await accounts.invite(token: token ?? "", visitor: request.visitor)
    return .json([
      "organization": ["name": .string(offered.organization.name)], "email": .string(offered.invite.email.value),
      "role": .string(offered.invite.role.rawValue), "expires_at": offered.invite.expiresAt.json, "has_account": .bool(offered.hasAccount),
    ])
  }

  private func accept(_ request: APIRequest) async throws -> Response {
    let (token, password, name) = try await request.readBody {
      ($0.requiredString("token", length: 1...100), $0.requiredString("password"), $0.string("name", length: 0...Limits.nameLength))
    }
    let person = try await accounts.acceptInvite(
      token: token ?? "", password: password ?? "", name: name, visitor: request.visitor)
    return .json(person.json, headers: cookie.set(person.token))
  }
}

extension Invite {
  fileprivate var members: [String: JSONValue] {
    [
      "id": .string(id.rawValue), "email": .string(email.value), "role": .string(role.rawValue), "created_at": createdAt.json,
      "created_by": .string(createdBy), "expires_at": expiresAt.json,
    ]
  }

  fileprivate var json: JSONValue { .object(members) }

  /// As the audit log keeps it.
  fileprivate var summary: JSONValue { ["email": .string(email.value), "role": .string(role.rawValue)] }
}

extension SentInvite {
  private var delivery: JSONValue { link == nil ? "mail" : "link" }

  fileprivate var json: JSONValue {
    .object(invite.members.merging(["delivery": delivery, "link": .optional(link)]) { $1 })
  }
}
