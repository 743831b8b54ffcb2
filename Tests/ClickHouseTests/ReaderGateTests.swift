import ClickHouse
import Domain
import Synchronization
import Testing

@Suite struct ReaderGateTests {
  /// Counts how many run at once, and remembers in which order they began.
  private final class Meter: Sendable {
    private let state = Mutex<(now: [String: Int], most: [String: Int], order: [String])>(([:], [:], []))

    func work(_ name: String, _ organization: String) async throws {
      state.withLock { state in
        state.order.append(name)
        for key in [name, organization, "all"] {
          state.now[key, default: 0] += 1
          state.most[key] = max(state.most[key] ?? 0, state.now[key] ?? 0)
        }
      }
      try await Task.sleep(for: .milliseconds(2))
      state.withLock { state in for key in [name, organization, "all"] { state.now[key, default: 0] -= 1 } }
    }

    func most(_ key: String) -> Int { state.withLock { $0.most[key] ?? 0 } }
    var order: [String] { state.withLock { $0.order } }
  }

  private func scope(_ organization: String, _ tenant: String?) -> ScopeSettings {
    ScopeSettings(organization: organization, environment: "production", tenant: tenant)
  }

  @Test func holdsEveryLimitAndRunsEverything() async throws {
    let gate = ReaderGate(.init(perTenant: 3, perOrganization: 5, atOnce: 8))
    let meter = Meter()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for organization in ["a", "b", "c"] {
        for tenant in ["x", "y", nil] {
          for _ in 0..<30 {
            group.addTask {
              try await gate.run(for: scope(organization, tenant)) {
                try await meter.work("\(organization)/\(tenant ?? "-")", organization)
              }
            }
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(meter.order.count == 270)
    #expect(meter.most("a/x") == 3 && meter.most("a") == 5 && meter.most("all") == 8)
  }

  /// Somebody who comes behind a crowd of another tenant is not last: each of those who were there before has one turn before.
  @Test func tenantsTakeTurns() async throws {
    let gate = ReaderGate(.init(perTenant: 1, perOrganization: 1, atOnce: 1))
    let meter = Meter()
    let (hold, release) = AsyncStream.makeStream(of: Void.self)
    try await withThrowingTaskGroup(of: Void.self) { group in
      defer { group.cancelAll() }
      let (begun, begin) = AsyncStream.makeStream(of: Void.self)
      group.addTask {
        try await gate.run(for: scope("a", "crowd")) {
          begin.finish()
          for await _ in hold {}
        }
      }
      for await _ in begun {}
      // Nobody's turn comes before all of them wait, the crowd first.
      for (count, organization, name) in [(60, "a", "crowd"), (3, "b", "few"), (1, "c", "one")] {
        let before = gate.waiting
        for _ in 0..<count {
          group.addTask { try await gate.run(for: scope(organization, name)) { try await meter.work(name, organization) } }
        }
        while gate.waiting < before + count { try await Task.sleep(for: .milliseconds(1)) }
      }
      release.finish()
      try await group.waitForAll()
    }
    #expect(Array(meter.order.prefix(8)) == ["crowd", "few", "one", "crowd", "few", "crowd", "few", "crowd"])
    #expect(meter.order.count == 64)
  }

  @Test func refusesWhatIsTooMuchAndForgetsWhoGivesUp() async throws {
    let gate = ReaderGate(.init(perTenant: 1, perOrganization: 9, atOnce: 9, waitingPerTenant: 1))
    let (hold, release) = AsyncStream.makeStream(of: Void.self)
    let (begun, begin) = AsyncStream.makeStream(of: Void.self)
    let first = Task {
      try await gate.run(for: scope("a", "x")) {
        begin.finish()
        for await _ in hold {}
      }
    }
    for await _ in begun {}
    // One waits; which of two it is does not matter, the other is refused.
    let waiting = Task { try await gate.run(for: scope("a", "x")) {} }
    var refused: ClickHouseError?
    while refused == nil {
      let probe = Task { try await gate.run(for: scope("a", "x")) {} }
      let watchdog = Task {
        try await Task.sleep(for: .milliseconds(50))
        probe.cancel()
      }
      do { try await probe.value } catch let error as ClickHouseError { refused = error } catch is CancellationError {}
      watchdog.cancel()
    }
    #expect(refused?.appError.status == 503 && refused?.appError.code == "event_store_busy")
    #expect(try await gate.run(for: scope("a", "y")) { 7 } == 7)
    waiting.cancel()
    await #expect(throws: CancellationError.self) { try await waiting.value }
    release.finish()
    try await first.value
    #expect(try await gate.run(for: scope("a", "x")) { 8 } == 8)
  }
}
