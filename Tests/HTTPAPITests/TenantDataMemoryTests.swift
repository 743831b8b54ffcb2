import ClickHouse
import Domain
import Foundation
import HTTPAPI
import NIOCore
import QueryEngine
import Synchronization
import TestSupport
import Testing

/// What is remembered of a tenant's events, with a store that answers when the test says so.
@Suite struct TenantDataMemoryTests {
  private static let clock: TimeSource = { Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }

  /// Events of an organisation of its own, stored as another program does: past the memory.
  private struct Store {
    let client: ClickHouseClient
    let organization = OrganizationID(TestClickHouse.uniqueOrganization())

    init() async throws { client = try await TestClickHouse.shared().client }

    func addEvent() async throws {
      let line: JSONValue = [
        "org_id": .string(organization.rawValue), "environment": "production", "tenant_id": "acme", "event_name": "api.call",
        "timestamp": TenantDataMemoryTests.clock().json,
      ]
      try await client.insert(
        into: "emban.events", columns: ["org_id", "environment", "tenant_id", "event_name", "timestamp"],
        body: ByteBuffer(string: line.serialized()))
    }

    func scope() throws -> Scope {
      try Scope(
        organization: organization, environment: .production, tenant: .one(TenantID("acme")), lockedFilters: [:],
        now: TenantDataMemoryTests.clock(), zone: try Zone("UTC"))
    }
  }

  private static func waitUntil(_ what: Comment, _ holds: () -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(120)
    while !holds() {
      try #require(ContinuousClock.now < deadline, what)
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  /// The store looks, and its answer is late; meanwhile another program stores an event and has answered for it. Who looks then must see it.
  @Test func aViewWaitsForNoAnswerToAnOldQuestion() async throws {
    let store = try await Store()
    try await store.addEvent()
    let memory = TenantDataMemory(isOnlyWriter: false)
    let counts = Mutex((asked: 0, answered: 0))
    let (hold, release) = AsyncStream.makeStream(of: Void.self)
    defer { release.finish() }
    let executor = Executor { [client = store.client] sql, role in
      let number = counts.withLock { counts in
        counts.asked += 1
        return counts.asked
      }
      let rows = try await client.query(sql, as: role)
      counts.withLock { $0.answered += 1 }
      if number == 1 { for await _ in hold {} }
      return rows
    }
    @Sendable func look() async throws -> Int {
      try await memory.data(of: store.scope(), with: executor, clock: Self.clock).data.version.events
    }
    let first = Task { try await look() }
    try await Self.waitUntil("the first question") { counts.withLock { $0.answered } == 1 }
    try await store.addEvent()
    try await Task.sleep(for: TenantDataMemory.rememberedAmongMany)
    let second = Task { try await look() }
    try await Self.waitUntil("a question of its own") { counts.withLock { $0.asked } == 2 }
    #expect(try await second.value == 2)
    release.finish()
    #expect(try await first.value == 1)
    // What came late has put nothing back.
    #expect(try await look() == 2)
  }
}
