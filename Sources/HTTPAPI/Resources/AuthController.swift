import Access
import ConfigStore
import Domain
import HTTPTypes
import Hummingbird

/// `/v1/auth`: registration, login, and the person who is signed in.
struct AuthController: Controller {
  let accounts: Accounts
  let cookie: SessionCookie

  var endpoints: [Endpoint] {
    [
      Endpoint(.post, "/v1/auth/register", .public, bodyLimit: Limits.publicBodyBytes, register),
      Endpoint(.post, "/v1/auth/login", .public, bodyLimit: Limits.publicBodyBytes, login),
      Endpoint(.post, "/v1/auth/logout", .session, logout),
      Endpoint(.get, "/v1/auth/me", .session, me),
      Endpoint(.patch, "/v1/auth/me", .session, change),
      Endpoint(.post, "/v1/auth/switch", .session, changeOrganization),
    ]
  }

  private func register(_ request: APIRequest) async throws -> Response {
    let (email, password, name, organization) = try await request.readBody { reader in
      (
        reader.requiredString("email"), reader.requiredString("password"), reader.string("name", length: 0...Limits.nameLength),
        reader.string("organization", length: 0...Limits.nameLength)
      )
    }
    let (person, key) = try await accounts.register(
      email: email ?? "", password: password ?? "", name: name, organization: organization, visitor: request.visitor)
    return .registered(person, key, cookie)
  }

  private func login(_ request: APIRequest) async throws -> Response {
    let (email, password) = try await request.readBody { ($0.requiredString("email"), $0.requiredString("password")) }
    let person = try await accounts.login(email: email ?? "", password: password ?? "", visitor: request.visitor, cookie: request.cookie)
    return .json(person.json, headers: cookie.set(person.token))
  }

  private func logout(_ request: APIRequest) async throws -> Response {
    try await accounts.logout(cookie: request.cookie, visitor: request.visitor)
    return Response(status: .noContent, headers: cookie.cleared)
  }

  private func me(_ request: APIRequest) async throws -> Response { try await profile(of: request) }

  private func change(_ request: APIRequest) async throws -> Response {
    let name = try await request.readBody { $0.requiredString("name", length: 1...Limits.nameLength) }
    try await accounts.rename(try request.person(), to: name ?? "", visitor: request.visitor)
    return try await profile(of: request)
  }

  private func changeOrganization(_ request: APIRequest) async throws -> Response {
    let target = try await request.readBody { $0.requiredString("organization_id", length: 1...100) }
    let person = try await accounts.change(try request.person(), to: OrganizationID(target ?? ""), visitor: request.visitor)
    return .json(person.json, headers: cookie.set(person.token))
  }

  /// Who is signed in; sends the cookie anew, because the session's end moves with every visit.
  private func profile(of request: APIRequest) async throws -> Response {
    guard case .user(let person) = request.principal, let profile = try await accounts.profile(person),
      let token = ConsoleSessions.token(inCookieHeader: request.cookie)
    else { throw AppError.unauthorized("unauthorized", "Sign in first.") }
    let organizations = try await accounts.organizations(of: person.userID).map { organization, role -> JSONValue in
      ["id": .string(organization.id.rawValue), "name": .string(organization.name), "role": .string(role.rawValue)]
    }
    return .json(
      [
        "user": profile.user.json(role: person.role), "organization": profile.organization.json, "organizations": .array(organizations),
        "may": .strings(AccessRule.allCases.filter { $0.permits(person.role) }.map(\.rawValue)),
      ], headers: cookie.set(token))
  }
}

extension SignedIn {
  var json: JSONValue { ["user": user.json(role: role), "organization": organization.json] }
}

extension User {
  func json(role: Role) -> JSONValue {
    [
      "id": .string(id.rawValue), "email": .string(email.value), "name": .string(name), "role": .string(role.rawValue),
      "created_at": createdAt.json,
    ]
  }
}

extension Organization {
  var json: JSONValue {
    [
      "id": .string(id.rawValue), "name": .string(name), "plan": .string(plan), "allowed_origins": .strings(allowedOrigins),
      "time_zone": .optional(timeZone), "branding": branding ?? .null, "created_at": createdAt.json,
    ]
  }
}
