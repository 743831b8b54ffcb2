import ConfigStore
import Domain
import Foundation
import Synchronization
import Testing

@Suite struct LeaseTests {
  @Test func oneHolderAtATime() async throws {
    let store = try await Store()
    let leases = LeaseRepository(store.database)
    let start = Store.start
    func take(_ holder: String, after seconds: Double, name: String = "rollups") async throws -> Bool {
      let now = start.adding(seconds: seconds)
      return try await leases.take(name, holder: holder, until: now.adding(seconds: 60), at: now)
    }
    #expect(try await take("first", after: 0))
    #expect(try await !take("second", after: 30))
    #expect(try await take("second", after: 30, name: "reports"))
    // Asked again it lasts from then on.
    #expect(try await take("first", after: 50))
    #expect(try await !take("second", after: 109))
    // It expires at its end, and what was another's is not given back by the first.
    #expect(try await take("second", after: 110))
    try await leases.giveBack("rollups", holder: "first")
    #expect(try await !take("first", after: 111))
    try await leases.giveBack("rollups", holder: "second")
    #expect(try await take("first", after: 112))
  }

  @Test func aLeaseFromBeforeTheClockWasSetBackIsVoid() async throws {
    let store = try await Store()
    let leases = LeaseRepository(store.database)
    func take(_ holder: String, after seconds: Double) async throws -> Bool {
      let now = Store.start.adding(seconds: seconds)
      return try await leases.take("rollups", holder: holder, until: now.adding(seconds: 60), at: now)
    }
    #expect(try await take("first", after: 86_400))
    #expect(try await take("second", after: 0))
    #expect(try await !take("first", after: 30))
    // Clocks that are a little apart are not set back.
    #expect(try await take("second", after: 50))
    #expect(try await !take("first", after: 10))
  }

  @Test func ofManyThatAskAtOnceOneHasIt() async throws {
    let store = try await Store()
    let leases = LeaseRepository(store.database)
    let taken = try await withThrowingTaskGroup(of: Bool.self) { group in
      for number in 0..<20 {
        group.addTask {
          try await leases.take("rollups", holder: "h\(number)", until: Store.start.adding(seconds: 60), at: Store.start)
        }
      }
      return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(taken == 1)
  }

  // MARK: Held leases

  /// Work that takes longer than the lease is done by one at a time, in turn.
  @Test func aHeldLeaseLastsAsLongAsTheWork() async throws {
    let store = try await Store()
    let leases = LeaseRepository(store.database)
    let atWork = Counter()
    let done = try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<3 {
        group.addTask {
          try await HeldLease(leases, name: "schema", holder: "h\(number)", seconds: 16, clock: Self.now).run { mayGoOn in
            #expect(atWork.add(1) == 1)
            try await Task.sleep(for: .seconds(number == 0 ? 20 : 1))
            try await mayGoOn()
            #expect(atWork.add(-1) == 0)
          }
        }
      }
      return try await group.reduce(0) { count, _ in count + 1 }
    }
    #expect(done == 3)
    #expect(try await leases.take("schema", holder: "next", until: Self.now().adding(seconds: 4), at: Self.now()))
  }

  /// Who was not heard of for too long finds out before its next step, and is stopped.
  @Test func whoLosesTheLeaseStops() async throws {
    let store = try await Store()
    let leases = LeaseRepository(store.database)
    await #expect(throws: HeldLease.Lost.self) {
      try await HeldLease(leases, name: "schema", holder: "slow", seconds: 3600, clock: Self.now).run { mayGoOn in
        try await mayGoOn()
        try await leases.giveBack("schema", holder: "slow")
        let now = Self.now()
        #expect(try await leases.take("schema", holder: "other", until: now.adding(seconds: 3600), at: now))
        try await mayGoOn()
        Issue.record("it went on")
      }
    }
    #expect(try await !leases.take("schema", holder: "slow", until: Self.now().adding(seconds: 3600), at: Self.now()), "it is the other's")
  }

  /// A dead holder's lease ends by itself.
  @Test func aDeadHolderIsWaitedForAndNoLonger() async throws {
    let store = try await Store()
    let leases = LeaseRepository(store.database)
    let start = Self.now()
    #expect(try await leases.take("schema", holder: "dead", until: start.adding(seconds: 12), at: start))
    let waited = Counter()
    try await HeldLease(leases, name: "schema", holder: "next", seconds: 12, clock: Self.now).run {
      _ = waited.add(1)
    } _: { _ in
    }
    #expect(waited.add(0) == 1)
    #expect(Self.now() >= start.adding(seconds: 12))
  }

  private final class Counter: Sendable {
    private let value = Mutex(0)

    /// - Returns: the new value.
    func add(_ more: Int) -> Int {
      value.withLock {
        $0 += more
        return $0
      }
    }
  }

  private static let now: TimeSource = { Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }
}
