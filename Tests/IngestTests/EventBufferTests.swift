import Domain
import Ingest
import Testing

/// The group commit as a pure state machine: no store, no clock, no tasks.
@Suite struct EventBufferTests {
  static let scope = IngestScope(organization: OrganizationID("org_1"), environment: .production)
  let start = ContinuousClock.now

  func events(_ count: Int = 1, id: String? = nil, tenant: String = "acme") -> EncodedEvents {
    let event = Event(tenantID: TenantID(tenant), eventName: "x", timestamp: noon, eventID: id)
    return EncodedEvents(Array(repeating: event, count: count), scope: Self.scope)
  }

  /// The actions in a form that can be compared.
  func shape(_ actions: [EventBuffer.Action]) -> [String] {
    actions.map { action in
      switch action {
      case .insert(let block): "insert \(block.id): \(block.submissions.map { String($0.ticket) }.joined(separator: " "))"
      case .wake(let time): "wake \(time - start)"
      case .answer(let ticket, let outcome): "answer \(ticket) \(outcome)"
      case .finish: "finish"
      }
    }
  }

  let stored = StoreOutcome.stored(refusedRows: [])

  @Test func insertsALoneRequestAtOnce() {
    var buffer = EventBuffer()
    let (ticket, actions) = buffer.submit(events(), now: start)
    #expect(ticket == 0)
    #expect(shape(actions) == ["insert 0: 0"])
    #expect(shape(buffer.completed(0, [stored], now: start)) == ["answer 0 \(stored)"])
    #expect(buffer.heldBytes == 0)
  }

  @Test func gathersWhileAnInsertIsOnItsWay() {
    var buffer = EventBuffer()
    _ = buffer.submit(events(), now: start)
    #expect(shape(buffer.submit(events(), now: start).1) == ["wake \(Duration.milliseconds(5))"])
    #expect(shape(buffer.submit(events(), now: start).1).isEmpty)
    #expect(shape(buffer.submit(events(), now: start + .milliseconds(2)).1).isEmpty)
    #expect(
      shape(buffer.completed(0, [stored], now: start + .milliseconds(3))) == ["answer 0 \(stored)", "insert 1: 1 2 3"])
  }

  @Test func startsASecondInsertAfterTheLinger() {
    var buffer = EventBuffer()
    _ = buffer.submit(events(), now: start)
    _ = buffer.submit(events(), now: start)
    #expect(shape(buffer.timerFired(now: start + .milliseconds(5))) == ["insert 1: 1"])
    // Both places are taken: nothing starts, however long it waits.
    _ = buffer.submit(events(), now: start + .milliseconds(6))
    #expect(shape(buffer.timerFired(now: start + .seconds(5))).isEmpty)
    #expect(shape(buffer.completed(1, [stored], now: start + .seconds(6))) == ["answer 1 \(stored)", "insert 2: 2"])
  }

  @Test func startsASecondInsertWhenABlockIsFull() {
    var buffer = EventBuffer(EventBufferConfiguration(blockRows: 10))
    _ = buffer.submit(events(), now: start)
    _ = buffer.submit(events(4), now: start)
    #expect(shape(buffer.submit(events(6), now: start).1) == ["insert 1: 1 2"])
    var bytes = EventBuffer(EventBufferConfiguration(blockBytes: events(10).byteCount))
    _ = bytes.submit(events(), now: start)
    #expect(shape(bytes.submit(events(11), now: start).1) == ["insert 1: 1"])
  }

  @Test func neverMakesABlockLargerThanItsLimits() {
    var buffer = EventBuffer(EventBufferConfiguration(blockRows: 10, maximumInFlight: 1))
    _ = buffer.submit(events(), now: start)
    for _ in 0..<5 { _ = buffer.submit(events(4), now: start) }
    #expect(shape(buffer.completed(0, [stored], now: start)).last == "insert 1: 1 2")
    #expect(shape(buffer.completed(1, [stored, stored], now: start)).last == "insert 2: 3 4")
    #expect(shape(buffer.completed(2, [stored, stored], now: start)).last == "insert 3: 5")
    // A single request that is larger than a block is a block of its own.
    _ = buffer.submit(events(50), now: start)
    #expect(shape(buffer.completed(3, [stored], now: start)).last == "insert 4: 6")
  }

  @Test func refusesWhatDoesNotFit() {
    let size = events(10).byteCount
    var buffer = EventBuffer(EventBufferConfiguration(maximumHeldBytes: size * 2))
    _ = buffer.submit(events(10), now: start)
    _ = buffer.submit(events(10), now: start)
    #expect(buffer.heldBytes == size * 2)
    #expect(shape(buffer.submit(events(), now: start).1) == ["answer 2 overloaded"])
    _ = buffer.completed(0, [stored], now: start)
    #expect(buffer.heldBytes == size)
    #expect(!shape(buffer.submit(events(10), now: start).1).contains { $0.hasPrefix("answer") })
    // Alone, even the largest request passes: it would never fit otherwise.
    var small = EventBuffer(EventBufferConfiguration(maximumHeldBytes: 10))
    #expect(shape(small.submit(events(100), now: start).1) == ["insert 0: 0"])
  }

  @Test func holdsBackARequestWhoseEventIDIsOnItsWay() {
    var buffer = EventBuffer()
    _ = buffer.submit(events(id: "e1"), now: start)
    let later = start + .milliseconds(10)
    #expect(shape(buffer.submit(events(id: "e1"), now: start).1) == ["wake \(Duration.milliseconds(5))"])
    // Due, but it has to wait; another id and the same id of another tenant pass it.
    #expect(shape(buffer.timerFired(now: later)).isEmpty)
    #expect(shape(buffer.submit(events(id: "e2"), now: later).1) == ["insert 1: 2"])
    #expect(shape(buffer.completed(1, [stored], now: later)) == ["answer 2 \(stored)"])
    #expect(shape(buffer.submit(events(id: "e1", tenant: "globex"), now: later).1) == ["insert 2: 3"])
    #expect(shape(buffer.completed(0, [stored], now: later)) == ["answer 0 \(stored)", "insert 3: 1"])
  }

  @Test func putsEqualEventIDsThatWaitIntoOneBlock() {
    var buffer = EventBuffer()
    _ = buffer.submit(events(), now: start)
    _ = buffer.submit(events(id: "e1"), now: start)
    _ = buffer.submit(events(id: "e1"), now: start)
    #expect(shape(buffer.completed(0, [stored], now: start)).last == "insert 1: 1 2")
    #expect(shape(buffer.completed(1, [stored, stored], now: start)).count == 2)
    #expect(shape(buffer.submit(events(id: "e1"), now: start).1) == ["insert 2: 3"])
  }

  @Test func passesEachOutcomeToItsRequest() {
    var buffer = EventBuffer(EventBufferConfiguration(maximumInFlight: 1))
    _ = buffer.submit(events(), now: start)
    _ = buffer.submit(events(), now: start)
    _ = buffer.submit(events(2), now: start)
    _ = buffer.completed(0, [stored], now: start)
    let away = StoreOutcome.unavailable(cause: "away")
    let partly = StoreOutcome.stored(refusedRows: [1])
    #expect(shape(buffer.completed(1, [away, partly], now: start)) == ["answer 1 \(away)", "answer 2 \(partly)"])
    // An answer that comes twice changes nothing.
    #expect(shape(buffer.completed(1, [stored, stored], now: start)).isEmpty)
  }

  @Test func answersAnEmptyRequestAtOnce() {
    var buffer = EventBuffer()
    #expect(shape(buffer.submit(events(0), now: start).1) == ["answer 0 \(stored)"])
  }

  @Test func closingStoresWhatIsHeldAndTakesNothingMore() {
    var buffer = EventBuffer()
    _ = buffer.submit(events(), now: start)
    _ = buffer.submit(events(), now: start)
    #expect(shape(buffer.close(now: start)) == ["insert 1: 1"])
    #expect(shape(buffer.submit(events(), now: start).1) == ["answer 2 closed"])
    #expect(shape(buffer.completed(0, [stored], now: start)) == ["answer 0 \(stored)"])
    #expect(shape(buffer.completed(1, [stored], now: start)) == ["answer 1 \(stored)", "finish"])
    var idle = EventBuffer()
    #expect(shape(idle.close(now: start)) == ["finish"])
  }

  @Test func abandoningAnswersEverybody() {
    var buffer = EventBuffer(EventBufferConfiguration(maximumInFlight: 1))
    _ = buffer.submit(events(), now: start)
    _ = buffer.submit(events(), now: start)
    #expect(shape(buffer.abandon(inFlight: false)) == ["answer 1 closed"])
    #expect(shape(buffer.abandon(inFlight: true)) == ["answer 0 closed"])
    #expect(buffer.heldBytes == 0)
  }

  /// Random traffic: every request is answered exactly once, ids never overlap in flight, limits hold at every step.
  @Test(arguments: 0..<20) func keepsItsPromisesUnderRandomTraffic(_ seed: UInt64) {
    var random = Seeded(state: seed)
    let configuration = EventBufferConfiguration(blockRows: 8, maximumHeldBytes: 4_000)
    var buffer = EventBuffer(configuration)
    var now = start
    var open: [UInt64: EventBuffer.Block] = [:]
    var ids: [EventBuffer.Ticket: String] = [:]
    var submitted: Set<EventBuffer.Ticket> = []
    var answered: [EventBuffer.Ticket] = []
    var finished = false

    func perform(_ actions: [EventBuffer.Action]) {
      for action in actions {
        switch action {
        case .insert(let block):
          let busy = open.values.flatMap { $0.submissions.compactMap { ids[$0.ticket] } }
          #expect(Set(busy).isDisjoint(with: block.submissions.compactMap { ids[$0.ticket] }))
          #expect(block.submissions.count == 1 || block.submissions.reduce(0) { $0 + $1.events.count } <= configuration.blockRows)
          open[block.id] = block
          #expect(open.count <= configuration.maximumInFlight)
        case .wake: break
        case .answer(let ticket, _): answered.append(ticket)
        case .finish:
          #expect(!finished)
          finished = true
        }
      }
    }

    for _ in 0..<500 {
      now += .milliseconds(Int(random.next(upperBound: 4 as UInt64)))
      switch random.next(upperBound: 5 as UInt64) {
      case 0, 1:
        let id = random.next(upperBound: 3 as UInt64) == 0 ? nil : "e\(random.next(upperBound: 4 as UInt64))"
        let (ticket, actions) = buffer.submit(events(1 + Int(random.next(upperBound: 5 as UInt64)), id: id), now: now)
        if let id { ids[ticket] = id }
        submitted.insert(ticket)
        perform(actions)
      case 2: perform(buffer.timerFired(now: now))
      default:
        guard let id = open.keys.randomElement(using: &random), let block = open.removeValue(forKey: id) else { continue }
        perform(buffer.completed(id, block.submissions.map { _ in stored }, now: now))
      }
      #expect(buffer.heldBytes <= configuration.maximumHeldBytes)
    }
    perform(buffer.close(now: now))
    while let (id, block) = open.first {
      open[id] = nil
      perform(buffer.completed(id, block.submissions.map { _ in stored }, now: now))
    }
    #expect(finished)
    #expect(answered.count == submitted.count)
    #expect(Set(answered) == submitted)
    #expect(buffer.heldBytes == 0)
  }
}

/// SplitMix64: the same numbers on every run.
struct Seeded: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
