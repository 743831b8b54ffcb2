import Access
import ConfigStore
import Domain
import HTTPTypes
import Hummingbird

/// `/v1/auth`: registration and console sessions of people.
struct AuthController: Controller {
  let accounts: Accounts
  /// Whether the session cookie is marked `Secure`.
  let isSecure: Bool

  var endpoints: [Endpoint] {
    [
      Endpoint(.post, "/v1/auth/register", .public, bodyLimit: Limits.publicBodyBytes, register),
      Endpoint(.post, "/v1/auth/login", .public, bodyLimit: Limits.publicBodyBytes, login),
      Endpoint(.post, "/v1/auth/logout", .session, logout),
      Endpoint(.get, "/v1/auth/me", .session, me),
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
      email: email ?? "", password: password ?? "", name: name, organization: organization,
      address: request.context.remoteAddress)
    return .json(
      [
        "user": person.user.json(role: person.role), "organization": person.organization.json,
        "api_key": .string(key.secret),
      ], status: .created, headers: [.setCookie: ConsoleSessions.cookie(person.token, secure: isSecure)])
  }

  private func login(_ request: APIRequest) async throws -> Response {
    let (email, password) = try await request.readBody { ($0.requiredString("email"), $0.requiredString("password")) }
    let person = try await accounts.login(
      email: email ?? "", password: password ?? "", address: request.context.remoteAddress)
    return .json(
      ["user": person.user.json(role: person.role), "organization": person.organization.json],
      headers: [.setCookie: ConsoleSessions.cookie(person.token, secure: isSecure)])
  }

  private func logout(_ request: APIRequest) async throws -> Response {
    try await accounts.logout(cookie: request.cookie, address: request.context.remoteAddress)
    return Response(status: .noContent, headers: [.setCookie: ConsoleSessions.clearingCookie(secure: isSecure)])
  }

  /// Who is signed in; sends the cookie anew, because the session's end moves with every visit.
  private func me(_ request: APIRequest) async throws -> Response {
    guard case .user(let person) = request.principal, let profile = try await accounts.profile(person),
      let token = ConsoleSessions.token(inCookieHeader: request.cookie)
    else { throw AppError.unauthorized("unauthorized", "Sign in first.") }
    return .json(
      ["user": profile.user.json(role: person.role), "organization": profile.organization.json],
      headers: [.setCookie: ConsoleSessions.cookie(token, secure: isSecure)])
  }
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
      "created_at": createdAt.json,
    ]
  }
}
