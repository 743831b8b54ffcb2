public import Access
import Domain
import HTTPTypes
public import Hummingbird

/// One route: where it is, who may call it, how large its body may be, and what it does. There is no way to add a route without
/// saying who may call it.
public struct Endpoint: Sendable {
  public typealias Handler = @Sendable (APIRequest) async throws -> Response

  public let method: HTTPRequest.Method
  /// A path whose parameters are written `:name`.
  public let path: String
  public let access: AccessRule
  /// The largest body in bytes.
  public let bodyLimit: Int
  /// Whether its work is for the answer alone, and stops when the client goes away.
  let endsWithClient: Bool
  let handler: Handler

  init(
    _ method: HTTPRequest.Method, _ path: String, _ access: AccessRule, bodyLimit: Int = Limits.bodyBytes, endsWithClient: Bool = false,
    _ handler: @escaping Handler
  ) {
    self.method = method
    self.path = path
    self.access = access
    self.bodyLimit = bodyLimit
    self.endsWithClient = endsWithClient
    self.handler = handler
  }
}

/// A set of routes of one resource.
public protocol Controller: Sendable {
  var endpoints: [Endpoint] { get }
}
