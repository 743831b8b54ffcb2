import Ingest
import Testing

/// What is fixed on disk before an insert, and how it changes.
@Suite struct ReplayPlanTests {
  private func tokens() -> () -> String {
    var count = 0
    return {
      count += 1
      return "token-\(count)"
    }
  }

  @Test func onePlanIsOneInsertOfTheRowsThatAreNew() {
    var plan = ReplayPlan(first: 3, last: 8, rowCount: 5, included: [0, 2, 4], token: "t")
    #expect(plan.next?.token == "t" && plan.next?.rows == 0..<3)
    plan.done()
    #expect(plan.next == nil)
    #expect(ReplayPlan(first: 1, last: 1, rowCount: 5, included: [], token: "t").next == nil)
  }

  /// One row of many is refused: it is found by halving, and every other row is inserted once.
  @Test(arguments: [1, 2, 3, 7, 64, 1000]) func refusedRowsAreFoundByHalving(count: Int) {
    let makeToken = tokens()
    for poisoned in Set([0, count / 2, count - 1]) {
      let included = (0..<count).map { $0 * 2 + 1 }
      var plan = ReplayPlan(first: 1, last: 1, rowCount: count * 2, included: included, token: "first")
      var stored: [Int] = []
      var aside: [Int] = []
      var used: Set<String> = []
      while let group = plan.next {
        let rows = plan.included[group.rows]
        #expect(used.insert(group.token).inserted)
        if rows.contains(poisoned * 2 + 1) {
          if case .row(let row) = plan.refused(makeToken: makeToken) {
            aside.append(row)
            plan.done()
          }
        } else {
          stored += rows
          plan.done()
        }
      }
      #expect(aside == [poisoned * 2 + 1])
      #expect(stored == included.filter { $0 != poisoned * 2 + 1 })
    }
  }

  @Test func stateComesBackFromItsBytes() throws {
    let makeToken = tokens()
    var plan = ReplayPlan(first: 11, last: 40, rowCount: 20_000, included: Array(stride(from: 1, to: 20_000, by: 3)), token: "abc")
    _ = plan.refused(makeToken: makeToken)
    _ = plan.refused(makeToken: makeToken)
    for state in [
      ReplayState(), ReplayState(version: 7, replayed: 10), ReplayState(version: 8, replayed: 10, plan: plan),
      ReplayState(version: 9, replayed: 1, plan: ReplayPlan(first: 2, last: 2, rowCount: 0, included: [], token: "x")),
    ] {
      let bytes = try #require(state.bytes)
      #expect(ReplayState(bytes) == state)
      // The rest of its place may hold what was there before.
      #expect(ReplayState(bytes + [1, 2, 3]) == state)
    }
  }

  /// The version before stands in the other place: a state that was cut off or tipped over must not be taken for one.
  @Test func aStateThatIsNotWholeIsNone() throws {
    let plan = ReplayPlan(first: 11, last: 12, rowCount: 9, included: [0, 1, 5], token: "abc")
    let bytes = try #require(ReplayState(version: 8, replayed: 10, plan: plan).bytes)
    for length in 0..<bytes.count { #expect(ReplayState(bytes.prefix(length)) == nil) }
    for position in bytes.indices {
      var broken = bytes
      broken[position] ^= 0x10
      #expect(ReplayState(broken) == nil, "byte \(position)")
    }
    #expect(ReplayState([UInt8](repeating: 0, count: 1_000)) == nil)
    #expect(ReplayState(version: 3).slot != ReplayState(version: 4).slot)
  }

  @Test func theLargestBlockFitsItsPlace() throws {
    let plan = ReplayPlan(first: 1, last: 20_000, rowCount: 20_000, included: Array(0..<20_000), token: String(repeating: "t", count: 26))
    #expect(try #require(ReplayState(version: 1, plan: plan).bytes).count < ReplayState.slotLength)
  }
}
