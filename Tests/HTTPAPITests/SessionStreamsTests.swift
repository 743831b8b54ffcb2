import Domain
import HTTPAPI
import Testing

/// Who hears of the end of which session, and how many may listen. The time is the test's.
@Suite struct SessionStreamsTests {
  private static let start = Instant(milliseconds: 1_776_160_800_000)
  private static let begin = ContinuousClock.now
  private static let acme = LiveStreams.Subject(OrganizationID("org_1"), .production, TenantID("acme"))

  private func messages(_ actions: [SessionStreams.Action]) -> [SessionStreams.ID: [SessionStreams.Message]] {
    var sent: [SessionStreams.ID: [SessionStreams.Message]] = [:]
    for case .send(let id, let message) in actions { sent[id, default: []].append(message) }
    return sent
  }

  private func open(
    _ streams: inout SessionStreams, _ session: String, _ subject: LiveStreams.Subject = acme, lives seconds: Double = 3_600
  ) throws -> SessionStreams.ID {
    try streams.open(subject, session: SessionID(session), expires: Self.start.adding(seconds: seconds), refreshes: 7, now: Self.begin).0
  }

  @Test func aSessionThatEndsTakesItsOwnStreamsAlong() throws {
    var streams = SessionStreams()
    let (first, second, other) = (try open(&streams, "a"), try open(&streams, "a"), try open(&streams, "b"))
    let actions = streams.end(SessionID("a"), .sessionRevoked)
    #expect(messages(actions) == [first: [.end(.sessionRevoked)], second: [.end(.sessionRevoked)]])
    #expect(actions.contains(.finish(first)) && actions.contains(.finish(second)) && !actions.contains(.finish(other)))
    #expect(streams.sessions == [SessionID("b")] && streams.count == 1)
    #expect(streams.end(SessionID("a"), .sessionRevoked).isEmpty)
  }

  @Test func timeEndsSessionsAndKeepsOthersAlive() throws {
    var streams = SessionStreams()
    let (short, long) = (try open(&streams, "a", lives: 5), try open(&streams, "b"))
    #expect(streams.tick(at: Self.start.adding(seconds: 4), now: Self.begin + .seconds(4)).isEmpty)
    #expect(messages(streams.tick(at: Self.start.adding(seconds: 5), now: Self.begin + .seconds(5))) == [short: [.end(.tokenExpired)]])
    #expect(messages(streams.tick(at: Self.start.adding(seconds: 15), now: Self.begin + .seconds(15))) == [long: [.beat]])
    #expect(streams.tick(at: Self.start.adding(seconds: 16), now: Self.begin + .seconds(16)).isEmpty)
  }

  @Test func aRefreshIsToldOnceToThoseItConcerns() throws {
    var streams = SessionStreams()
    let globex = LiveStreams.Subject(OrganizationID("org_1"), .production, TenantID("globex"))
    let (first, other) = (try open(&streams, "a"), try open(&streams, "b", globex))
    #expect(streams.seen(7, of: Self.acme, at: Self.start, now: Self.begin).isEmpty)
    // Opened after the refresh, but before anybody had looked: told once too often rather than never.
    let late = try streams.open(Self.acme, session: SessionID("c"), expires: Self.start.adding(seconds: 60), refreshes: 8, now: Self.begin)
      .0
    let told = messages(streams.seen(8, of: Self.acme, at: Self.start, now: Self.begin))
    let refreshed = SessionStreams.Message.refreshed(Self.start, refreshes: 8)
    #expect(told == [first: [refreshed], late: [refreshed]] && told[other] == nil)
    #expect(streams.seen(8, of: Self.acme, at: Self.start, now: Self.begin).isEmpty)
    streams.close(first)
    streams.close(late)
    #expect(streams.seen(9, of: Self.acme, at: Self.start, now: Self.begin).isEmpty)
    let again = try open(&streams, "a")
    #expect(messages(streams.seen(8, of: Self.acme, at: Self.start, now: Self.begin)) == [again: [refreshed]])
  }

  @Test func nobodyTakesAllPlaces() throws {
    var streams = SessionStreams(bounds: .init(streams: 4, perTenant: 3, perSession: 2))
    let globex = LiveStreams.Subject(OrganizationID("org_1"), .production, TenantID("globex"))
    let first = try open(&streams, "a")
    _ = try open(&streams, "a")
    #expect(throws: AppError.self) { try open(&streams, "a") }
    _ = try open(&streams, "b")
    #expect(throws: AppError.self) { try open(&streams, "c") }
    _ = try open(&streams, "d", globex)
    let full = #expect(throws: AppError.self) { try open(&streams, "e", globex) }
    #expect(full?.code == "live_streams_full" && full?.status == 503)
    streams.close(first)
    _ = try open(&streams, "c")
    _ = streams.closeAll()
    #expect(throws: AppError.self) { try open(&streams, "z") }
  }
}
