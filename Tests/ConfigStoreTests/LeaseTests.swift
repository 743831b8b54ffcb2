import ConfigStore
import Domain
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
}
