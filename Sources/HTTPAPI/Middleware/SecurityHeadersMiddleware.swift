import HTTPTypes
import Hummingbird

/// Headers that every answer carries unless its route has set its own: nothing is cached, sniffed, framed or leaked by default.
struct SecurityHeadersMiddleware: RouterMiddleware {
  typealias Context = APIContext

  /// Whether the public URL is https, which makes `Strict-Transport-Security` meaningful.
  let isSecure: Bool

  func handle(
    _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
  ) async throws -> Response {
    var response = try await next(request, context)
    func setDefault(_ name: HTTPField.Name, _ value: String) {
      if response.headers[name] == nil { response.headers[name] = value }
    }
    setDefault(.contentTypeOptions, "nosniff")
    setDefault(.referrerPolicy, "no-referrer")
    setDefault(.cacheControl, "no-store")
    if response.headers[.contentSecurityPolicy] == nil {
      response.headers[.contentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'"
      setDefault(.frameOptions, "DENY")
    }
    if isSecure { setDefault(.strictTransportSecurity, "max-age=31536000") }
    return response
  }
}
