import ClickHouse
import Domain
import Foundation
import Ingest
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization
import TestSupport

/// A pipeline into the real ClickHouse, under an organisation of its own.
struct PipelineFixture: Sendable {
  let clickhouse: TestClickHouse
  let scope: IngestScope
  let service: EventBufferService
  let pipeline: IngestPipeline
  let switchboard: Switchboard

  /// Turns the store off and on: while off, the client is sent to a port on which nobody listens.
  final class Switchboard: Sendable {
    private let isOff = Mutex(false)
    func turn(off: Bool) { isOff.withLock { $0 = off } }
    var off: Bool { isOff.withLock { $0 } }
  }

  /// What nobody waits for in vain: a machine that does everything at once answers late, and that is no fault of what is tested.
  static let patient = RetryPolicy(deadline: .seconds(240), attempt: .seconds(60))

  init(
    configuration: EventBufferConfiguration = EventBufferConfiguration(), retry: RetryPolicy = patient,
    now: @escaping @Sendable () -> Instant = { noon }
  ) async throws {
    let clickhouse = try await TestClickHouse.shared()
    let switchboard = Switchboard()
    let client = ClickHouseClient(
      httpClient: clickhouse.httpClient, passwords: clickhouse.passwords, logger: TestClickHouse.makeLogger(), queryTimeout: .seconds(60)
    ) {
      switchboard.off
        ? ClickHouseEndpoint(url: "http://127.0.0.1:9", user: "nobody", password: "none") : try clickhouse.server.endpoint()
    }
    var logger = TestClickHouse.makeLogger("ingest")
    logger.logLevel = .critical
    self.clickhouse = clickhouse
    self.switchboard = switchboard
    scope = IngestScope(organization: OrganizationID(TestClickHouse.uniqueOrganization()), environment: .production)
    service = EventBufferService(client: client, configuration: configuration, retry: retry, logger: logger)
    pipeline = IngestPipeline(buffer: service, now: now)
  }

  /// Runs the service while `operation` runs, then stops it gracefully and waits for its end.
  func running<Result: Sendable>(_ operation: @Sendable () async throws -> Result) async throws -> Result {
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(services: [.init(service: service)], logger: TestClickHouse.makeLogger()))
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      let result: Result
      do {
        result = try await operation()
      } catch {
        await group.triggerGracefulShutdown()
        throw error
      }
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
      return result
    }
  }

  func post(_ body: String, contentType: String? = nil) async throws(AppError) -> IngestReceipt {
    try await pipeline.ingest(ByteBuffer(string: body), contentType: contentType, scope: scope)
  }

  /// The rows of this fixture's organisation.
  func rows(_ columns: SQL, order: SQL = "timestamp") async throws -> [[JSONValue]] {
    try await clickhouse.client.query(
      """
      SELECT \(columns) FROM \(identifier: "emban.events") WHERE org_id = \(bind: scope.organization.rawValue) ORDER BY \(order)
      """, as: .admin
    ).rows
  }

  func count() async throws -> Int {
    let rows = try await clickhouse.client.query(
      "SELECT count() FROM \(identifier: "emban.events") WHERE org_id = \(bind: scope.organization.rawValue)", as: .admin)
    return Int(rows.scalar?.numberValue ?? -1)
  }
}

/// `{"events": […]}` of `ids`, one event each.
func body(ids: [String], tenant: String = "acme") -> String {
  let events = ids.map { #"{"tenant_id":"\#(tenant)","event_name":"x","event_id":"\#($0)"}"# }
  return "{\"events\":[\(events.joined(separator: ","))]}"
}
