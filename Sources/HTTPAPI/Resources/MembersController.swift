import Access
import ConfigStore
import Domain
import Hummingbird

/// `/v1/members`: who belongs to the organisation, and as what; `POST /v1/organization/transfer`: whose it is.
struct MembersController: Controller {
  let memberships: MembershipRepository
  let accounts: Accounts
  let audit: AuditLog
  let cookie: SessionCookie

  var endpoints: [Endpoint] {
    [
      Endpoint(.get, "/v1/members", .read, list),
      Endpoint(.patch, "/v1/members/:id", .owner, changeRole),
      Endpoint(.delete, "/v1/members/:id", .team, remove),
      Endpoint(.post, "/v1/members/leave", .session, leave),
      Endpoint(.post, "/v1/organization/transfer", .owner, bodyLimit: Limits.publicBodyBytes, transfer),
    ]
  }

  /// Which members somebody of a role may remove.
  private static func removable(by role: Role) -> Set<Role> { role == .owner ? [.admin, .editor, .member] : [.editor, .member] }

  private func list(_ request: APIRequest) async throws -> Response {
    let page = try request.page()
    let members = try await memberships.members(
      try request.account().organization, try PageRequest(limit: page.limit, cursor: page.cursor))
    return .page(members.items.map(\.json), nextCursor: members.nextCursor)
  }

  private func changeRole(_ request: APIRequest) async throws -> Response {
    let account = try request.account()
    let role = try await request.readBody { $0.memberRole("role") }
    let user = UserID(try request.parameter("id"))
    let changed = try await memberships.setRole(role ?? .member, of: user, in: account.organization) {
      audit.entry(
        "member.role", "member", user.rawValue, by: account, from: request, before: ["role": .string($0.before.rawValue)],
        after: ["role": .string($0.member.role.rawValue)])
    }
    return .json(changed.member.json)
  }

  private func remove(_ request: APIRequest) async throws -> Response {
    let person = try request.person()
    let user = UserID(try request.parameter("id"))
    guard user != person.userID else {
      if person.role == .owner { throw AppError.conflict("owner_stays", "Hand the ownership over to another member first.") }
      throw AppError.conflict("leave_instead", "To leave the organization yourself, use POST /v1/members/leave.")
    }
    let account = try request.account()
    _ = try await memberships.remove(user, from: person.organizationID, ofRoles: Self.removable(by: person.role)) {
      audit.entry("member.remove", "member", user.rawValue, by: account, from: request, before: $0.summary)
    }
    return .noContent()
  }

  private func leave(_ request: APIRequest) async throws -> Response {
    let person = try request.person()
    let account = try request.account()
    _ = try await memberships.remove(person.userID, from: person.organizationID, ofRoles: [.admin, .editor, .member]) {
      audit.entry("member.leave", "member", person.userID.rawValue, by: account, from: request, before: $0.summary)
    }
    return Response(status: .noContent, headers: cookie.cleared)
  }

  private func transfer(_ request: APIRequest) async throws -> Response {
    let person = try request.person()
    let (target, password) = try await request.readBody {
      ($0.requiredString("member_id", length: 1...100), $0.requiredString("password"))
    }
    try await accounts.confirm(person, password ?? "", request.visitor)
    let account = try request.account()
    let owner = try await memberships.transfer(person.organizationID, from: person.userID, to: UserID(target ?? "")) {
      audit.entry(
        "organization.transfer", "organization", person.organizationID.rawValue, by: account, from: request,
        before: ["owner": .string(person.userID.rawValue)], after: ["owner": .string($0.userID.rawValue)])
    }
    return .json(owner.json)
  }
}

extension ObjectReader {
  /// The role that a member can be given, which is required; `viewer` is another name for `member`.
  mutating func memberRole(_ key: String) -> Role? {
    guard let name = requiredString(key) else { return nil }
    guard let role = Role(name: name), role != .owner else {
      problem(key, "unknown_value", "must be one of admin, editor, member, viewer")
      return nil
    }
    return role
  }
}

extension Member {
  /// As the audit log keeps it.
  fileprivate var summary: JSONValue { ["email": .string(email.value), "role": .string(role.rawValue)] }

  fileprivate var json: JSONValue {
    [
      "id": .string(userID.rawValue), "email": .string(email.value), "name": .string(name), "role": .string(role.rawValue),
      "created_at": joinedAt.json, "last_seen_at": lastSeenAt?.json ?? .null,
    ]
  }
}
