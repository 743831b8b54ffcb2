import HTTPTypes
import Hummingbird

/// Cross-origin access for the viewer API, which the web component calls from the host product's own pages. The credential is a
/// bearer token and never a cookie, so any origin may ask; whether the session's origins allow it is checked with the token, by the
/// handler. All other routes answer no cross-origin request.
struct EmbedCORSMiddleware: RouterMiddleware {
  typealias Context = APIContext

  static let prefix = "/v1/embed/"

  func handle(
    _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
  ) async throws -> Response {
    guard request.uri.path.hasPrefix(Self.prefix), let origin = request.headers[.origin] else {
      return try await next(request, context)
    }
    var response: Response
    if request.method == .options, request.headers[.accessControlRequestMethod] != nil {
      response = Response(
        status: .noContent,
        headers: [
          .accessControlAllowMethods: "GET, POST, PUT, DELETE", .accessControlAllowHeaders: "Authorization, Content-Type, Accept",
          .accessControlMaxAge: "7200",
        ])
    } else {
      response = try await next(request, context)
    }
    response.headers[.accessControlAllowOrigin] = origin
    response.headers[.vary] = "Origin"
    response.headers[.accessControlExposeHeaders] = "X-Request-Id, Retry-After, Date"
    return response
  }
}
