import ClickHouse
import ConfigStore
import Domain
import Foundation
import Logging
import Rollups
import ServiceLifecycle
import TestSupport
import Testing

/// What becomes of a builder's inserts and of its lease when its program ends.
@Suite struct EndTests {
  /// The lease has run out, and another program has it, while the store is told to end this one's insert: the insert ends, and the lease stays the other's.
  @Test(arguments: [false, true]) func anInsertIsEndedWhoeverHasTheLease(isLost: Bool) async throws {
    let clickhouse = try await TestClickHouse.shared()
    let now: TimeSource = { Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }
    let database = try SQLiteDatabase(path: try TestClickHouse.makeTestFolder() + "/emban.sqlite")
    try await ConfigMigrator.migrate(database, at: now())
    let leases = LeaseRepository(database)
    let name = UUID().uuidString
    @Sendable func take(_ holder: String) async throws -> Bool {
      try await leases.take("rollups", holder: holder, until: now().adding(seconds: 1800), at: now())
    }
    var settings = RollupSettings()
    // There is nothing to build: the statement that runs is the test's own, by the name of the builder's.
    settings.minimumEvents = Int.max
    let builder = RollupBuilder(
      client: clickhouse.client, settings: settings, name: name, logger: clickhouse.logger, clock: now, recount: { _, _, _ in nil },
      release: { try await leases.giveBack("rollups", holder: name) }, lease: { try await take(name) })
    var quiet = Logger(label: "end")
    quiet.logLevel = .critical
    let group = ServiceGroup(configuration: .init(services: [builder], logger: quiet))
    let running: SQL = "SELECT count() FROM system.processes WHERE Settings['log_comment'] = \(bind: "rollups \(name)")"
    func wait(for count: Int) async throws {
      let deadline = ContinuousClock.now + .seconds(120)
      while try await clickhouse.client.query(running, as: .admin).scalar != .int(count) {
        try #require(ContinuousClock.now < deadline)
        try await Task.sleep(for: .milliseconds(20))
      }
    }
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      tasks.addTask {
        await #expect(throws: ClickHouseError.self, "it was ended") {
          try await clickhouse.client.execute(
            "SELECT sleepEachRow(0.5) FROM numbers(1200) FORMAT Null",
            settings: ["log_comment": "rollups \(name)", "max_block_size": "1"], timeout: .seconds(600))
        }
      }
      try await wait(for: 1)
      while try await take("asks") {
        try await leases.giveBack("rollups", holder: "asks")
        try await Task.sleep(for: .milliseconds(20))
      }
      if isLost {
        try await leases.giveBack("rollups", holder: name)
        #expect(try await take("other"))
      }
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
    try await wait(for: 0)
    #expect(try await take("next") == !isLost)
  }
}
