import ClickHouse
import Domain
import Foundation
import Ingest
import NIOCore
import ServiceLifecycle
import TestSupport
import Testing

/// Inserts that break off between the events and what the store makes of them (their ids, the counts by day), with the spool turned off:
/// against a ClickHouse of the tests' own, in which the counts cannot be written for a while.
@Suite(.serialized) struct BrokenInsertTests {
  private let scope = IngestScope(organization: OrganizationID("org_1"), environment: .production)

  /// A server, a client of it, and a spool's folder.
  private struct Ground: Sendable {
    let server: ClickHouseSupervisor
    let client: ClickHouseClient
    let folder = SpoolFolder()

    /// Of emban.events, emban.event_ids, and counted in emban.tenant_days.
    func counts() async throws -> [Int] {
      let found = try await client.query(
        """
        SELECT (SELECT count() FROM \(identifier: "emban.events")), (SELECT count() FROM \(identifier: "emban.event_ids")), \
        (SELECT sum(n) FROM \(identifier: "emban.tenant_days"))
        """, as: .admin)
      return found.rows[0].map { Int($0.numberValue ?? -1) }
    }

    /// Whether the counts by day can be written.
    func counts(areWritten: Bool) async throws {
      try await client.execute(
        areWritten
          ? "ALTER TABLE emban.tenant_days DROP CONSTRAINT broken"
          : "ALTER TABLE emban.tenant_days ADD CONSTRAINT broken CHECK throwIf(n > 0, 'broken off') = 0")
    }

    var underWay: [String] { (try? FileManager.default.contentsOfDirectory(atPath: folder.path + "/under-way")) ?? [] }

    func pipeline(_ spool: Spool, client: ClickHouseClient? = nil) -> (EventBufferService, IngestPipeline) {
      let service = EventBufferService(
        client: client ?? self.client, spool: spool, retry: RetryPolicy(deadline: .milliseconds(300)), logger: quiet)
      return (service, IngestPipeline(buffer: service, now: { noon }))
    }

    func replayer(_ spool: Spool) -> SpoolReplayer { SpoolReplayer(spool, client: client, logger: quiet) }
  }

  private func withGround(_ body: @Sendable (Ground) async throws -> Void) async throws {
    let test = try await TestClickHouse.shared()
    let folder = try TestClickHouse.makeTestFolder()
    defer { TestClickHouse.removeTestFolder(folder) }
    let server = ClickHouseSupervisor(configuration: .init(dataDirectory: folder), httpClient: test.httpClient, logger: quiet)
    try await running([server]) {
      try await server.waitUntilReady()
      let client = ClickHouseClient(httpClient: test.httpClient, passwords: test.passwords, logger: quiet, queryTimeout: .seconds(60)) {
        try server.endpoint()
      }
      try await ClickHouseMigrator.migrate(client: client, passwords: test.passwords, logger: quiet)
      let ground = Ground(server: server, client: client)
      defer { ground.folder.remove() }
      try await body(ground)
    }
  }

  /// Five events with ids and three without.
  private func send(_ pipeline: IngestPipeline) async throws(AppError) -> IngestReceipt {
    let ids = (1...5).map { #"{"tenant_id":"acme","event_name":"x","event_id":"e\#($0)"}"# }
    let events = ids + Array(repeating: #"{"tenant_id":"acme","event_name":"x"}"#, count: 3)
    return try await pipeline.ingest(
      ByteBuffer(string: "{\"events\":[\(events.joined(separator: ","))]}"), contentType: nil, scope: scope)
  }

  private func waitUntil(_ what: Comment, _ holds: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while try await !holds() {
      try #require(ContinuousClock.now < deadline, what)
      try await Task.sleep(for: .milliseconds(20))
    }
  }

  /// The program is killed before the insert can be repeated; the next one completes it before it inserts anything else.
  @Test func theNextStartCompletesWhatWasCutOff() async throws {
    try await withGround { ground in
      try await ground.counts(areWritten: false)
      let killed = try ground.folder.open(limit: 0)
      let (service, pipeline) = ground.pipeline(killed)
      try await running([service]) {
        await #expect(throws: AppError.self) { try await send(pipeline) }
      }
      let before = try await ground.counts()
      #expect(before[0] == 8 && before[2] == 0, "this is to break off behind the events, and left \(before)")
      #expect(ground.underWay.count == 1)
      try await ground.counts(areWritten: true)

      let spool = try ground.folder.open(limit: 0)
      let (next, again) = ground.pipeline(spool)
      try await running([ground.replayer(spool), next]) {
        try await waitUntil("the cut insert is completed") { try await ground.counts() == [8, 5, 8] }
        try await waitUntil("nothing is left of it") { spool.status.state == .off && ground.underWay.isEmpty }
        // Those with an id are known, the others are events of their own.
        #expect(try await send(again).accepted == 8)
        #expect(try await ground.counts() == [11, 5, 11])
        #expect(ground.underWay.isEmpty)
      }
    }
  }

  /// Its note cannot be read for a while, as when no more files may be open: it is kept, told of, and tried again without another event.
  @Test func aNoteThatCannotBeReadIsKeptAndTriedAgain() async throws {
    try await withGround { ground in
      try await ground.counts(areWritten: false)
      let killed = try ground.folder.open(limit: 0)
      let (service, pipeline) = ground.pipeline(killed)
      try await running([service]) {
        await #expect(throws: AppError.self) { try await send(pipeline) }
      }
      try await ground.counts(areWritten: true)
      let name = try #require(ground.underWay.first)
      let note = ground.folder.path + "/under-way/" + name
      let away = ground.folder.path + "/" + name
      try FileManager.default.moveItem(atPath: note, toPath: away)
      // Which nobody can open, whoever it is.
      try FileManager.default.createSymbolicLink(atPath: note, withDestinationPath: note)

      let spool = try ground.folder.open(limit: 0)
      let (next, again) = ground.pipeline(spool)
      try await running([ground.replayer(spool), next]) {
        // Nothing is inserted before it.
        await #expect(throws: AppError.self) { try await send(again) }
        #expect(spool.status.state == .pending && spool.status.brokenInserts == 1 && ground.underWay == [name])
        #expect(spool.status.unreadable.map { $0.hasSuffix("/under-way/" + name) } == [true], "an operator is told which")
        #expect(rename(away, note) == 0)
        try await waitUntil("the cut insert is completed") { try await ground.counts() == [8, 5, 8] }
        try await waitUntil("nothing is left of it") { spool.status.state == .off && ground.underWay.isEmpty }
        #expect(spool.status.brokenInserts == 0 && spool.status.unreadable == [])
      }
    }
  }

  /// The store comes back while the program runs.
  @Test func whatBrokeOffIsCompletedWithoutAStart() async throws {
    try await withGround { ground in
      try await ground.counts(areWritten: false)
      let spool = try ground.folder.open(limit: 0)
      let (service, pipeline) = ground.pipeline(spool)
      try await running([ground.replayer(spool), service]) {
        await #expect(throws: AppError.self) { try await send(pipeline) }
        // What comes meanwhile waits behind it, and without a spool that means: is refused.
        await #expect(throws: AppError.self) { try await send(pipeline) }
        #expect(spool.status.state == .pending && spool.status.pendingEvents == 8)
        try await ground.counts(areWritten: true)
        try await waitUntil("the insert is completed") { try await ground.counts() == [8, 5, 8] && spool.isEmpty }
        #expect(ground.underWay.isEmpty && spool.status.state == .off)
      }
    }
  }

  /// Nobody listens: the store cannot have heard of it, the sender is told so, and nothing is stored behind its back.
  @Test func whatNeverLeftIsForgotten() async throws {
    try await withGround { ground in
      let test = try await TestClickHouse.shared()
      let nobody = ClickHouseClient(httpClient: test.httpClient, passwords: test.passwords, logger: quiet) {
        ClickHouseEndpoint(url: "http://127.0.0.1:9", user: "nobody", password: "none")
      }
      let spool = try ground.folder.open(limit: 0)
      let (service, pipeline) = ground.pipeline(spool, client: nobody)
      try await running([ground.replayer(spool), service]) {
        let body = ByteBuffer(string: #"{"events":[{"tenant_id":"acme","event_name":"x"}]}"#)
        await #expect(throws: AppError.self) { try await pipeline.ingest(body, contentType: nil, scope: scope) }
        #expect(ground.underWay.isEmpty && spool.isEmpty)
      }
    }
  }
}

/// Runs services while `operation` runs, then stops them gracefully, the last first, and waits for their end.
func running(_ services: [any Service], _ operation: @Sendable () async throws -> Void) async throws {
  let group = ServiceGroup(
    configuration: ServiceGroupConfiguration(services: services.map { .init(service: $0) }, logger: TestClickHouse.makeLogger()))
  try await withThrowingTaskGroup(of: Void.self) { tasks in
    tasks.addTask { try await group.run() }
    do {
      try await operation()
    } catch {
      await group.triggerGracefulShutdown()
      throw error
    }
    await group.triggerGracefulShutdown()
    try await tasks.waitForAll()
  }
}
