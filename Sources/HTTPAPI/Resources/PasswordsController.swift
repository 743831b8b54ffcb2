import Access
import Domain
import Hummingbird

/// `/v1/auth/password`: another password, and what to do without the present one.
struct PasswordsController: Controller {
  let accounts: Accounts
  let resets: PasswordResets
  let cookie: SessionCookie

  var endpoints: [Endpoint] {
    [
      Endpoint(.post, "/v1/auth/password", .session, bodyLimit: Limits.publicBodyBytes, change),
      Endpoint(.post, "/v1/auth/password/forgot", .public, bodyLimit: Limits.publicBodyBytes, forgot),
      Endpoint(.post, "/v1/auth/password/reset", .public, bodyLimit: Limits.publicBodyBytes, reset),
    ]
  }

  private func change(_ request: APIRequest) async throws -> Response {
    let (current, password) = try await request.readBody { ($0.requiredString("current_password"), $0.requiredString("password")) }
    let token = try await accounts.changePassword(
      of: try request.person(), from: current ?? "", to: password ?? "", visitor: request.visitor)
    return Response(status: .noContent, headers: token.map(cookie.set) ?? cookie.cleared)
  }

  /// The same answer whether or not there is such an account.
  private func forgot(_ request: APIRequest) async throws -> Response {
    let email = try await request.readBody { $0.requiredString("email") }
    let delivery = try resets.request(email ?? "", visitor: request.visitor)
    return .json(["delivery": .string(delivery.rawValue)], status: .accepted)
  }

  private func reset(_ request: APIRequest) async throws -> Response {
    let (token, password) = try await request.readBody { ($0.requiredString("token", length: 1...100), $0.requiredString("password")) }
    try await accounts.resetPassword(token: token ?? "", to: password ?? "", visitor: request.visitor)
    return .noContent()
  }
}
