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
    if let encoding = request.header(.contentEncoding), encoding != "identity" {
      throw AppError(
        status: 415, code: "unsupported_content_encoding",
        message: "The body must be sent without compression, not as \(encoding.prefix(50)).")
    }
    let receipt = try await pipeline.ingest(
      try await request.bodyBytes(), contentType: request.header(.contentType),
      scope: IngestScope(organization: account.organization, environment: account.environment))
    return .json(receipt.json)
  }
}
