import Access
import ConfigStore
import Domain
import HTTPTypes
public import Hummingbird

/// Builds the router out of endpoints. The order of what a request passes is this function, read downwards.
public enum APIRouter {
  /// - Parameters:
  ///   - endpoints: what is served; every other path is 404, every other method of a served path 405.
  ///   - authenticator: decides each endpoint's access rule.
  ///   - limiter: how often one embed session may ask; nil for no limit.
  ///   - isSecure: whether the public URL is https.
  ///   - proxies: whose word is taken for who asks.
  static func build(
    endpoints: [Endpoint], authenticator: Authenticator, limiter: SessionLimiter? = nil, isSecure: Bool,
    proxies: TrustedProxies = TrustedProxies()
  ) -> Router<APIContext> {
    let router = Router(context: APIContext.self)
    router.add(middleware: AccessLogMiddleware())
    router.add(middleware: SecurityHeadersMiddleware(isSecure: isSecure))
    router.add(middleware: EmbedCORSMiddleware())
    router.add(middleware: ErrorMiddleware())

    let byPath = Dictionary(grouping: endpoints, by: \.path)
    for (path, endpoints) in byPath {
      let routerPath = RouterPath(path)
      for endpoint in endpoints {
        router.on(routerPath, method: endpoint.method) { request, context in
          try await respond(
            to: request, context: context, endpoint: endpoint, authenticator: authenticator, limiter: limiter, proxies: proxies)
        }
        if endpoint.method == .get {
          router.on(routerPath, method: .head) { request, context in
            let response = try await respond(
              to: request, context: context, endpoint: endpoint, authenticator: authenticator, limiter: limiter, proxies: proxies)
            return response.createHeadResponse()
          }
        }
      }
      refuseOtherMethods(than: Set(endpoints.map(\.method)), at: routerPath, router)
    }
    return router
  }

  private static func respond(
    to request: Request, context: APIContext, endpoint: Endpoint, authenticator: Authenticator, limiter: SessionLimiter?,
    proxies: TrustedProxies
  ) async throws -> Response {
    let credentials = RequestCredentials(
      authorization: request.headers[.authorization], cookie: request.headers[values: .cookie].joined(separator: "; "),
      origin: request.headers[.origin], referer: request.headers[.referer], host: request.head.authority,
      isWrite: ![.get, .head, .options].contains(request.method))
    let principal = try await authenticator.authenticate(credentials, for: endpoint.access)
    if case .embed(let viewer) = principal { try limiter?.spend(viewer.session.id) }
    let request = APIRequest(
      request: request, context: context, principal: principal, bodyLimit: endpoint.bodyLimit,
      forwardedAddress: proxies.visitor(peer: context.remoteAddress, forwarded: request.headers[values: .forwardedFor])
    ) {
      try await authenticator.authenticateAgain(credentials, for: endpoint.access, as: principal)
    }
    guard endpoint.endsWithClient else { return try await endpoint.handler(request) }
    return try await request.whileConnected { try await endpoint.handler(request) }
  }

  private static func refuseOtherMethods(
    than allowed: Set<HTTPRequest.Method>, at path: RouterPath, _ router: Router<APIContext>
  ) {
    let allowHeader = (allowed.map(\.rawValue) + (allowed.contains(.get) ? ["HEAD"] : [])).sorted().joined(separator: ", ")
    for method: HTTPRequest.Method in [.get, .head, .post, .put, .patch, .delete, .options, .trace, .connect]
    where !allowed.contains(method) && !(method == .head && allowed.contains(.get)) {
      router.on(path, method: method) { request, context in
        var response = AppError(
          status: 405, code: "method_not_allowed", message: "This address takes \(allowHeader), not \(request.method.rawValue)."
        ).response(requestID: context.requestID)
        response.headers[.allow] = allowHeader
        return response
      }
    }
  }
}
