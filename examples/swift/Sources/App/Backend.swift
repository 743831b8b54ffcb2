import EmbanClient
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// The routes: sign in, the page with the dashboard, a fresh token for it, sign out.
struct Backend: Sendable {
  let emban: EmbanClient
  let dashboard: String
  let events: EventBatcher
  let customers: SignedIn

  func router() -> Router<BasicRequestContext> {
    let router = Router()
    router.get("/") { request, _ in try await home(request) }
    router.post("/sign-in") { request, context in try await signIn(request, context) }
    router.post("/sign-out") { request, _ in signOut(request) }
    router.post("/analytics/token") { request, _ in try await token(request) }
    router.get("/app.js") { _, _ in Self.answer(Page.script, type: "text/javascript; charset=utf-8") }
    return router
  }

  private func home(_ request: Request) async throws -> Response {
    guard let user = customers.user(of: Self.session(request)) else { return page(Page.signIn(failed: false)) }
    // Your product's own events go the same way, for the same customer.
    try? await events.add(
      EmbanEvent(tenantID: user.company, eventName: "page.viewed", userID: user.email, stringProps: ["page": "analytics"]))
    return page(Page.analytics(user, token: try await session(of: user).token, server: emban.baseURL))
  }

  private struct SignIn: Decodable {
    let email: String
    let password: String
  }

  private func signIn(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    let form = try await URLEncodedFormDecoder().decode(SignIn.self, from: request, context: context)
    guard let session = customers.signIn(email: form.email, password: form.password) else {
      return page(Page.signIn(failed: true), status: .unauthorized)
    }
    return Response(
      status: .seeOther,
      headers: [.location: "/", .cacheControl: "no-store", .setCookie: "session=\(session); Path=/; HttpOnly; SameSite=Lax"])
  }

  private func signOut(_ request: Request) -> Response {
    if let session = Self.session(request) { customers.signOut(session) }
    return Response(
      status: .seeOther,
      headers: [.location: "/", .cacheControl: "no-store", .setCookie: "session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"])
  }

  /// The page asks for a new token before the old one ends.
  private func token(_ request: Request) async throws -> Response {
    guard let user = customers.user(of: Self.session(request)) else { return Response(status: .unauthorized) }
    return Self.answer(try await session(of: user).token, type: "text/plain; charset=utf-8")
  }

  /// Whose numbers are shown is decided here, by who is signed in, and never by anything that the browser sends.
  private func session(of user: User) async throws -> EmbanEmbedSession {
    try await emban.createEmbedSession(
      tenantID: user.company, dashboardID: dashboard, expiresIn: 900, context: ["userId": .string(user.email)])
  }

  private static func session(_ request: Request) -> String? {
    (request.headers[.cookie] ?? "").split(separator: ";").map { $0.trimmingPrefix(while: \.isWhitespace) }
      .first { $0.hasPrefix("session=") }.map { String($0.dropFirst("session=".count)) }
  }

  private func page(_ html: String, status: HTTPResponse.Status = .ok) -> Response {
    var response = Self.answer(html, type: "text/html; charset=utf-8")
    response.status = status
    // What the web component needs: its script, its requests, a logo that the theme may name.
    response.headers[.contentSecurityPolicy] =
      "default-src 'none'; script-src 'self' \(emban.baseURL); connect-src 'self' \(emban.baseURL); img-src data: https:; "
      + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    return response
  }

  private static func answer(_ text: String, type: String) -> Response {
    Response(
      status: .ok, headers: [.contentType: type, .cacheControl: "no-store"], body: .init(byteBuffer: ByteBuffer(string: text)))
  }
}
