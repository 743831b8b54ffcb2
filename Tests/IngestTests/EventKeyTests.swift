import Domain
import Ingest
import NIOCore
import Testing

/// What is the same event, and what is not: decided by bytes, whatever the hashes are.
@Suite struct EventKeyTests {
  static let scope = IngestScope(organization: OrganizationID("org_1"), environment: .production)
  /// The worst of all hashes.
  static let colliding: EventKey.Hashing = { _, _ in 7 }
  let start = ContinuousClock.now

  func key(_ id: String, tenant: String = "acme", scope: IngestScope = Self.scope) -> EventKey {
    EventKey(scope: scope, tenant: TenantID(tenant), id: id)
  }

  func event(_ id: String?, tenant: String = "acme") -> Event {
    Event(tenantID: TenantID(tenant), eventName: "x", timestamp: noon, eventID: id)
  }

  func events(_ ids: [String?], tenant: String = "acme", hashing: @escaping EventKey.Hashing = Self.colliding) -> EncodedEvents {
    EncodedEvents(ids.map { event($0, tenant: tenant) }, scope: Self.scope, hashing: hashing)
  }

  // MARK: Equality

  @Test func equalIDsOfDifferentCustomersDiffer() {
    let development = IngestScope(organization: Self.scope.organization, environment: .development)
    let others = IngestScope(organization: OrganizationID("org_2"), environment: .production)
    #expect(key("1") == key("1"))
    #expect(Set([key("1"), key("1", tenant: "globex"), key("1", scope: development), key("1", scope: others)]).count == 4)
  }

  @Test func theBorderBetweenCustomerAndIDCounts() {
    #expect(key("bc", tenant: "a") != key("c", tenant: "ab"))
    #expect(key("org_1", tenant: "production") != key("production", tenant: "org_1"))
  }

  @Test func formsOfUnicodeAreComparedByteByByte() {
    let composed = "caf\u{E9}", decomposed = "cafe\u{301}"
    #expect(composed == decomposed)
    #expect(Set([key(composed), key(decomposed), key("1", tenant: composed), key("1", tenant: decomposed)]).count == 4)
    let rows = events([composed, decomposed], hashing: EventKey.seeded)
    #expect(Array(rows.keys) == [key(composed), key(decomposed)])
  }

  @Test func theKeyOfARowIsTheKeyOfItsTexts() {
    let rows = EncodedEvents(
      [event("a"), event(nil), event(""), event("a", tenant: "globex"), event(String(repeating: "ü", count: 128), tenant: "ø")],
      scope: Self.scope)
    #expect(Array(rows.keys) == [key("a"), key("a", tenant: "globex"), key(String(repeating: "ü", count: 128), tenant: "ø")])
    #expect(Set(rows.keys) == Set([key("a"), key("a", tenant: "globex"), key(String(repeating: "ü", count: 128), tenant: "ø")]))
  }

  @Test func keysWhoseHashesMeetStayApart() {
    let ids = (0..<300).map { "id-\($0)" }
    #expect(Set(events(ids).keys).count == 300)
    #expect(Set(events(ids).keys).union(events(ids, tenant: "globex").keys).count == 600)
    #expect(Set(events(ids + ids).keys).count == 300)
  }

  // MARK: Group commit

  @Test func aBlockWaitsForItsIDsAndNotForTheirHashes() {
    var buffer = EventBuffer(EventBufferConfiguration(blockRows: 1))
    #expect(buffer.submit(events(["a"]), now: start).1.count == 1)
    // The same hash, another id; another customer's id: they go.
    #expect(isInsert(buffer.submit(events(["a"], tenant: "globex"), now: start).1))
    var other = EventBuffer(EventBufferConfiguration(blockRows: 1))
    _ = other.submit(events(["a"]), now: start)
    #expect(isInsert(other.submit(events(["b"]), now: start).1))
    var same = EventBuffer(EventBufferConfiguration(blockRows: 1))
    _ = same.submit(events(["a"]), now: start)
    #expect(!isInsert(same.submit(events(["b", "a"]), now: start).1))
    #expect(isInsert(same.completed(0, [.stored(refusedRows: [])], now: start)))
  }

  private func isInsert(_ actions: [EventBuffer.Action]) -> Bool {
    actions.contains { if case .insert = $0 { true } else { false } }
  }

  // MARK: Rows of a block

  @Test func rowsOfKnownKeysAndRepeatedOnesAreLeftOut() {
    let submissions = [events(["a", nil, "b", "a"]), events(["b", "c"], tenant: "globex"), events(["c", "b", nil, "d", "d"])]
    let known = Set(events(["c"], tenant: "globex").keys).union(events(["d", "x"]).keys)
    let rows = BlockRows(of: submissions, without: known)
    #expect(rows.runs.map { "\($0.submission): \($0.rows)" } == ["0: 0..<3", "1: 0..<1", "2: 0..<1", "2: 2..<3"])
    #expect(rows.count == 6)
    #expect(rows.keys(of: submissions).count == 4)
    let expected = EncodedEvents(
      [event("a"), event(nil), event("b"), event("b", tenant: "globex"), event("c"), event(nil)], scope: Self.scope)
    #expect(Array(rows.body(of: submissions).readableBytesView) == expected.bytes)
  }

  @Test func allRowsAreOneRunOfEachSubmission() {
    let submissions = [events(["a", "b"]), events([]), events([nil])]
    let rows = BlockRows(allOf: submissions)
    #expect(rows.runs.map { "\($0.submission): \($0.rows)" } == ["0: 0..<2", "2: 0..<1"])
    #expect(rows == BlockRows(of: submissions, without: []))
    #expect(Array(rows.body(of: submissions).readableBytesView) == submissions.flatMap(\.bytes))
  }

  /// Halved again and again, every row stands alone in the end, each once and in order; submissions are cut only when they stand alone.
  @Test func halvesEndInSingleRows() throws {
    let submissions = [events(["a", "b", "b", "c"]), events(["d"]), events(["e", "e", "f", "g", "f", "h", "i"])]
    let all = BlockRows(of: submissions, without: [])
    var single: [String] = []
    var open = [all]
    while let rows = open.popLast() {
      guard let (first, second) = rows.halves else {
        single.append("\(try #require(rows.runs.first).submission): \(try #require(rows.runs.first).rows)")
        continue
      }
      #expect(!first.isEmpty && !second.isEmpty && first.count + second.count == rows.count)
      if Set(rows.runs.map(\.submission)).count > 1 {
        #expect(Set(first.runs.map(\.submission)).isDisjoint(with: second.runs.map(\.submission)))
      }
      open += [second, first]
    }
    #expect(single == all.runs.flatMap { run in run.rows.map { "\(run.submission): \($0..<($0 + 1))" } })
  }

  // MARK: Into the store

  /// Many ids of one customer, few of many others, some of them hard to write into a statement: each counts once, however they meet.
  @Test(.timeLimit(.minutes(2))) func nothingIsLostWhenAllHashesMeet() async throws {
    let fixture = try await PipelineFixture()
    let hard = ["it's", "back\\slash", "tab?", "q\"uote", "caf\u{E9}", "cafe\u{301}", "[x,'y']", "{p0:String}"]
    let many = (0..<600).map { event("id-\($0)") } + hard.map { event($0) }
    let few = (0..<40).flatMap { tenant in ["id-1", "it's"].map { event($0, tenant: "t\(tenant)'\\") } }
    let colliding = EncodedEvents(many + few + many, scope: fixture.scope, hashing: Self.colliding)
    let rows = EncodedEvents(many + few, scope: fixture.scope)
    let reversed = EncodedEvents((many + few).reversed() + [event("new"), event(nil)], scope: fixture.scope)
    try await fixture.running {
      let first = await fixture.service.store(colliding)
      #expect(first == .stored(refusedRows: []))
      async let again = fixture.service.store(rows)
      async let more = fixture.service.store(reversed)
      let outcomes = await [again, more]
      #expect(outcomes == [.stored(refusedRows: []), .stored(refusedRows: [])])
      let count = try await fixture.count()
      #expect(count == many.count + few.count + 2)
    }
  }
}
