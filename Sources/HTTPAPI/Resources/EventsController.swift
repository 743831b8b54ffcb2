import Access
import Domain
import HTTPTypes
import Hummingbird
import Ingest
import NIOCore

/// `POST /v1/events`: takes events; 200 means that they are durable.
struct EventsController: Controller {
  let pipeline: IngestPipeline

  var endpoints: [Endpoint] {
    [Endpoint(.post, "/v1/events", .ingest, bodyLimit: Limits.eventsBodyBytes, ingest)]
  }

  private func ingest(_ request: APIRequest) async throws -> Response {
    let account = try request.account()
    let body = try await request.bodyBytes()
    let events: ByteBuffer
    switch request.header(.contentEncoding)?.lowercased() {
    case nil, "identity": events = body
    case "gzip", "x-gzip": events = try GzipInflater.inflate(body, limit: request.bodyLimit)
    case .some(let encoding):
      throw AppError(
        status: 415, code: "unsupported_content_encoding",
        message: "The body must be sent plain or as gzip, not as \(encoding.prefix(50)).")
    }
    let receipt = try await pipeline.ingest(
      events, contentType: request.header(.contentType),
      scope: IngestScope(organization: account.organization, environment: account.environment))
    return .json(receipt.json)
  }
}
