import Domain
import HTTPAPI
import Testing

/// Who hears of which change, when, and how many may listen. The time is the test's.
@Suite struct LiveStreamsTests {
  private typealias Subject = LiveStreams.Subject
  private typealias Message = LiveStreams.Message

  private static let start = Instant(milliseconds: 1_776_160_800_000)
  private static let acme = Subject(OrganizationID("org_1"), .production, TenantID("acme"))

  /// The machine with a clock that goes on by hand, and what each stream was sent.
  private struct World {
    var streams: LiveStreams
    var sent: [LiveStreams.ID: [Message]] = [:]
    var finished: Set<LiveStreams.ID> = []
    private let begin = ContinuousClock.now
    private var seconds = 0.0

    init(_ bounds: LiveStreams.Bounds = LiveStreams.Bounds()) { streams = LiveStreams(bounds: bounds, start: LiveStreamsTests.start) }

    var now: LiveStreams.Time { begin + .seconds(seconds) }
    var time: Instant { LiveStreamsTests.start.adding(seconds: seconds) }

    mutating func perform(_ actions: [LiveStreams.Action]) {
      for action in actions {
        switch action {
        case .send(let id, let message): sent[id, default: []].append(message)
        case .finish(let id): finished.insert(id)
        }
      }
    }

    mutating func open(_ subject: Subject, session: String = "ses_1", lives: Double = 3_600) throws -> LiveStreams.ID {
      let (id, actions) = try streams.open(
        subject, session: SessionID(session), expires: time.adding(seconds: lives), now: now)
      perform(actions)
      return id
    }

    mutating func change(_ subject: Subject) { perform(streams.changed(subject, at: time, now: now)) }

    mutating func see(_ version: String, of subject: Subject, age: Double = 0) {
      perform(streams.seen(version, of: subject, changedAt: time.adding(seconds: -age), at: time, now: now))
    }

    /// Goes on in steps of a quarter of a second, as the program does.
    mutating func wait(_ duration: Double) {
      for _ in 0..<Int((duration * 4).rounded()) {
        seconds += 0.25
        perform(streams.tick(at: time, now: now))
      }
    }

    /// What a stream was sent since the last look, beats left out.
    mutating func news(of id: LiveStreams.ID) -> [Message] {
      defer { sent[id] = [] }
      return sent[id, default: []].filter { $0 != .beat }
    }

    var changes: Int {
      sent.values.reduce(0) { $0 + $1.count { if case .changed = $0 { true } else { false } } }
    }
  }

  @Test func aChangeReachesItsOwnCustomerOnly() throws {
    var world = World()
    // Each differs from the first in one thing; the last two are two spellings of one word.
    let others = [
      Subject(OrganizationID("org_1"), .production, TenantID("globex")), Subject(OrganizationID("org_1"), .development, TenantID("acme")),
      Subject(OrganizationID("org_2"), .production, TenantID("acme")), Subject(OrganizationID("org_1"), .production, TenantID("caf\u{e9}")),
      Subject(OrganizationID("org_1"), .production, TenantID("cafe\u{301}")),
    ]
    let own = try world.open(Self.acme)
    let strangers = try others.enumerated().map { try world.open($1, session: "ses_other_\($0)") }
    for id in [own] + strangers { _ = world.news(of: id) }
    world.change(Self.acme)
    #expect(world.news(of: own) == [.changed(at: world.time)])
    for id in strangers { #expect(world.news(of: id).isEmpty) }
    world.change(others[3])
    #expect(world.news(of: strangers[3]) == [.changed(at: world.time)])
    for id in [own, strangers[0], strangers[1], strangers[2], strangers[4]] { #expect(world.news(of: id).isEmpty) }
  }

  @Test func manyChangesAreOneMessageASecond() throws {
    var world = World()
    let id = try world.open(Self.acme)
    _ = world.news(of: id)
    for _ in 0..<40 {
      world.change(Self.acme)
      world.wait(0.25)
    }
    #expect(9...11 ~= world.changes)
    // The last of them is told, too.
    _ = world.news(of: id)
    world.change(Self.acme)
    let last = world.time
    world.wait(1.5)
    #expect(world.news(of: id).last == .changed(at: last))
    world.wait(10)
    #expect(world.news(of: id).isEmpty)
  }

  @Test func aStreamBeginsWithTheLastChange() throws {
    var world = World()
    let first = try world.open(Self.acme)
    #expect(world.news(of: first) == [.open(changedAt: Self.start)])
    world.wait(20)
    world.change(Self.acme)
    let change = world.time
    world.streams.close(first)
    world.wait(100)
    // Nobody listened, and still it is known.
    let second = try world.open(Self.acme)
    #expect(world.news(of: second) == [.open(changedAt: change)])
    let other = try world.open(Subject(OrganizationID("org_1"), .production, TenantID("globex")), session: "ses_2")
    #expect(world.news(of: other) == [.open(changedAt: Self.start)])
  }

  @Test func aRefreshOfAnOrganisationReachesItsCustomersNowAndLater() throws {
    var world = World()
    let globex = Subject(OrganizationID("org_1"), .development, TenantID("globex"))
    let stranger = Subject(OrganizationID("org_2"), .production, TenantID("acme"))
    let ids = [try world.open(Self.acme, session: "a"), try world.open(globex, session: "b"), try world.open(stranger, session: "c")]
    for id in ids { _ = world.news(of: id) }
    world.wait(5)
    world.perform(world.streams.changed(OrganizationID("org_1"), nil, nil, at: world.time, now: world.now))
    #expect(world.news(of: ids[0]) == [.changed(at: world.time)])
    #expect(world.news(of: ids[1]) == [.changed(at: world.time)])
    #expect(world.news(of: ids[2]).isEmpty)
    let refresh = world.time
    world.wait(5)
    let late = try world.open(Subject(OrganizationID("org_1"), .production, TenantID("initech")), session: "d")
    #expect(world.news(of: late) == [.open(changedAt: refresh)])
    world.perform(world.streams.changed(OrganizationID("org_1"), nil, TenantID("globex"), at: world.time, now: world.now))
    #expect(world.news(of: ids[1]) == [.changed(at: world.time)])
    #expect(world.news(of: ids[0]).isEmpty)
  }

  /// Among several processes the store tells: the first version is where a stream begins, another one is a change, told at once and again when
  /// it has settled.
  @Test func anotherVersionIsAChange() throws {
    var world = World()
    world.wait(60)
    world.see("7 events", of: Self.acme, age: 12)
    let id = try world.open(Self.acme)
    #expect(world.news(of: id) == [.open(changedAt: world.time.adding(seconds: -12))])
    world.see("7 events", of: Self.acme)
    world.wait(5)
    #expect(world.news(of: id).isEmpty)
    world.see("8 events", of: Self.acme)
    #expect(world.news(of: id) == [.changed(at: world.time)])
    world.wait(1.75)
    #expect(world.news(of: id).isEmpty)
    world.wait(0.5)
    #expect(world.news(of: id).count == 1)
    world.wait(10)
    #expect(world.news(of: id).isEmpty)
  }

  @Test func whoHearsNothingHearsABeat() throws {
    var world = World()
    let id = try world.open(Self.acme)
    world.wait(61)
    #expect(world.sent[id]?.count { $0 == .beat } == 4)
  }

  @Test func aStreamEndsWithItsSession() throws {
    var world = World()
    let short = try world.open(Self.acme, session: "short", lives: 10)
    let long = try world.open(Self.acme, session: "long")
    world.wait(9.75)
    #expect(world.finished.isEmpty)
    world.wait(0.25)
    #expect(world.news(of: short).last == .end(.tokenExpired))
    #expect(world.finished == [short])
    world.perform(world.streams.end(SessionID("long"), .sessionRevoked))
    #expect(world.news(of: long).last == .end(.sessionRevoked))
    #expect(world.finished == [short, long])
    world.change(Self.acme)
    #expect(world.news(of: long).isEmpty)
    #expect(world.streams.count == 0 && world.streams.subjects.isEmpty && world.streams.sessions.isEmpty)
  }

  @Test func whatIsStoppingOpensNoStream() throws {
    var world = World()
    let id = try world.open(Self.acme)
    world.perform(world.streams.closeAll())
    #expect(world.news(of: id).last == .end(.shuttingDown))
    #expect(throws: AppError.self) { _ = try world.open(Self.acme) }
  }

  @Test func streamsAreBounded() throws {
    var world = World(LiveStreams.Bounds(streams: 6, perTenant: 4, perSession: 2))
    func code(_ open: () throws -> LiveStreams.ID) -> String {
      do {
        _ = try open()
        return "opened"
      } catch {
        return (error as? AppError).map { "\($0.status) \($0.code) \($0.retryAfter ?? 0)" } ?? "\(error)"
      }
    }
    let globex = Subject(OrganizationID("org_1"), .production, TenantID("globex"))
    let first = try world.open(Self.acme, session: "a")
    _ = try world.open(Self.acme, session: "a")
    #expect(code { try world.open(Self.acme, session: "a") } == "429 too_many_live_streams 15")
    _ = try world.open(Self.acme, session: "b")
    _ = try world.open(Self.acme, session: "b")
    #expect(code { try world.open(Self.acme, session: "c") } == "429 too_many_live_streams 15")
    _ = try world.open(globex, session: "d")
    _ = try world.open(globex, session: "e")
    #expect(code { try world.open(globex, session: "f") } == "503 live_streams_full 30")
    // Who goes leaves room.
    world.streams.close(first)
    world.streams.close(first)
    #expect(code { try world.open(Self.acme, session: "a") } == "opened")
    #expect(world.streams.count == 6)
  }

  @Test func memoryOfCustomersIsBounded() throws {
    var world = World()
    let id = try world.open(Self.acme)
    world.wait(5)
    let flood = world.time
    for number in 0..<(LiveStreams.subjectsRemembered * 2) {
      world.change(Subject(OrganizationID("org_1"), .production, TenantID("t\(number)")))
    }
    world.wait(3)
    let before = world.time
    world.change(Self.acme)
    #expect(world.news(of: id).last == .changed(at: before))
    // Who was forgotten counts as changed when that happened: never earlier than the truth.
    let early = try world.open(Subject(OrganizationID("org_1"), .production, TenantID("t0")), session: "b")
    guard case .open(let changedAt)? = world.news(of: early).first else {
      Issue.record("a stream begins with the last change")
      return
    }
    #expect(changedAt >= flood)
  }
}
