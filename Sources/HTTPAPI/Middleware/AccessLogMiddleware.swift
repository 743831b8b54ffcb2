import HTTPTypes
import Hummingbird
import Logging

/// One line per request: method, path, status, duration. The query string, headers and bodies never reach the log, because
/// tokens travel in them.
struct AccessLogMiddleware: RouterMiddleware {
  typealias Context = APIContext

  func handle(
    _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
  ) async throws -> Response {
    let start = ContinuousClock.now
    var response = try await next(request, context)
    response.headers[.requestID] = context.requestID
    let elapsed = ContinuousClock.now - start
    let level: Logger.Level = response.status.code >= 500 ? .warning : .info
    context.logger.log(
      level: level, "request",
      metadata: [
        "method": .string(request.method.rawValue), "path": .string(String(request.uri.path.prefix(300))),
        "status": .stringConvertible(response.status.code), "ms": .string(elapsed.milliseconds),
        "peer": .string(context.remoteAddress),
      ])
    return response
  }
}

extension HTTPField.Name {
  static let requestID = HTTPField.Name("X-Request-Id")!
  static let frameOptions = HTTPField.Name("X-Frame-Options")!
  static let contentTypeOptions = HTTPField.Name("X-Content-Type-Options")!
  static let referrerPolicy = HTTPField.Name("Referrer-Policy")!
  static let crossOriginResourcePolicy = HTTPField.Name("Cross-Origin-Resource-Policy")!
  static let permissionsPolicy = HTTPField.Name("Permissions-Policy")!
}

extension Duration {
  /// Milliseconds with one decimal, for logs.
  var milliseconds: String {
    let tenths = components.seconds * 10_000 + components.attoseconds / 100_000_000_000_000
    return "\(tenths / 10).\(tenths % 10)"
  }
}
