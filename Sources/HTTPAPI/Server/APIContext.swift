import Domain
public import Hummingbird
import Logging
import NIOCore

/// What travels with one request besides the request itself.
public struct APIContext: RequestContext {
  public var coreContext: CoreRequestContextStorage
  /// `req_…`; in every log line and error body of the request, and in the `X-Request-Id` header of its answer.
  public let requestID: String
  /// The peer's address without its port, as the socket knows it.
  public let remoteAddress: String
  /// The connection; nil in tests without one.
  let channel: (any Channel)?

  public init(source: ApplicationRequestContextSource) {
    requestID = IDGenerator.make("req")
    var logger = source.logger
    logger[metadataKey: "hb.request.id"] = nil
    logger[metadataKey: "request_id"] = .string(requestID)
    coreContext = .init(source: ApplicationRequestContextSource(channel: source.channel, logger: logger))
    channel = source.channel
    remoteAddress = source.channel.remoteAddress?.ipAddress ?? "unknown"
  }
}
