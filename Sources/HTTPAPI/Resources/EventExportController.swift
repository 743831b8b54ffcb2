import Access
import Domain
import HTTPTypes
import Hummingbird
import Logging
import QueryEngine

/// `GET /v1/tenants/{tenant_id}/events`: a customer's events as a file, sent as it is made.
struct EventExportController: Controller {
  let exporter: EventExporter
  let audit: AuditLog
  let clock: TimeSource

  var endpoints: [Endpoint] {
    [Endpoint(.get, "/v1/tenants/:tenant_id/events", .admin, endsWithClient: true, export)]
  }

  private static let eventCount = HTTPField.Name("X-Emban-Events")

  private func export(_ request: APIRequest) async throws -> Response {
    let tenant = TenantID(try request.parameter("tenant_id"))
    let (format, name, from, to, environment) = try request.readQuery {
      (
        $0.enumeration("format", EventExport.Format.self), $0.string("event_name", length: 1...Limits.eventNameLength),
        $0.instant("from"), $0.instant("to"), $0.string("environment", length: 1...50)
      )
    }
    let account = try request.account(environment: environment.map { EnvironmentName($0) })
    let export = try EventExport(
      organization: account.organization, environment: account.environment, tenant: tenant, format: format ?? .ndjson, eventName: name,
      from: from, to: to, now: clock())
    let (events, file) = try await exporter.run(export)
    try await audit.record(
      "events.export", "tenant", tenant.rawValue, by: account, from: request,
      after: ["events": .int(events), "format": .string(export.format.rawValue)])
    var headers: HTTPFields = [
      .contentType: export.format.contentType, .contentDisposition: "attachment; filename=\"events.\(export.format.rawValue)\"",
    ]
    if let name = Self.eventCount { headers[name] = String(events) }
    let logger = request.context.logger
    return Response(
      status: .ok, headers: headers,
      body: ResponseBody { writer in
        do {
          for try await part in file { try await writer.write(part) }
        } catch {
          // The connection breaks off, so that nobody takes a part for the whole.
          logger.error("an export ended early", metadata: ["cause": "\(error)"])
          throw error
        }
        try await writer.finish(nil)
      })
  }
}
