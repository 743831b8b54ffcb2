package import Access
package import Domain

/// Which streams are open that tell a page of the end of its session and of refreshes of the cache, and what each is to be told when: a state
/// machine without I/O. Pages that do not refresh by themselves listen to these, so that a revocation reaches them, too.
package struct SessionStreams: Sendable {
  package typealias ID = UInt64
  package typealias Time = ContinuousClock.Instant

  package enum Message: Sendable, Hashable {
    /// The first of a stream: when the session ends by itself, and how often its answers were refreshed, so that a page that did not listen
    /// for a while knows whether it has missed one.
    case open(expires: Instant, refreshes: Int)
    /// Whoever runs the dashboards wants them fresh: kept answers were thrown away.
    case refreshed(Instant, refreshes: Int)
    /// Nothing has happened; the connection is alive.
    case beat
    case end(LiveStreams.Ending)
  }

  package enum Action: Sendable, Hashable {
    case send(ID, Message)
    /// Nothing more comes; the stream is gone.
    case finish(ID)
  }

  /// How many may be open.
  package struct Bounds: Sendable {
    package var streams: Int
    package var perTenant: Int
    package var perSession: Int

    package init(
      streams: Int = Limits.sessionStreams, perTenant: Int = Limits.sessionStreamsPerTenant,
      perSession: Int = Limits.sessionStreamsPerSession
    ) {
      self.streams = streams
      self.perTenant = perTenant
      self.perSession = perSession
    }
  }

  private struct Stream {
    let session: SessionID
    let expires: Instant
    let subject: LiveStreams.Subject
    var lastSent: Time
  }

  private let bounds: Bounds
  private var streams: [ID: Stream] = [:]
  private var ofSession: [SessionID: Set<ID>] = [:]
  private var numbers: [LiveStreams.Subject: Int] = [:]
  /// How often the answers of those who are watched had been refreshed when that was last looked at.
  private var refreshes: [LiveStreams.Subject: Int] = [:]
  private var last: ID = 0
  private var isClosed = false

  package init(bounds: Bounds = Bounds()) { self.bounds = bounds }

  package var count: Int { streams.count }
  package var sessions: [SessionID] { Array(ofSession.keys) }
  package var subjects: [LiveStreams.Subject] { Array(numbers.keys) }

  /// - Parameters:
  ///   - expires: when the session ends.
  ///   - refreshes: how often the subject's answers had been refreshed a moment ago; what comes after is told.
  /// - Throws: ``Domain/AppError`` 429 `too_many_live_streams` beyond a session's or a customer's share, 503 `live_streams_full` beyond the whole,
  ///   503 `shutting_down`.
  package mutating func open(
    _ subject: LiveStreams.Subject, session: SessionID, expires: Instant, refreshes number: Int, now: Time
  ) throws(AppError) -> (ID, [Action]) {
    guard !isClosed else { throw .unavailable("shutting_down", "The server is stopping. Ask again in a moment.") }
    guard ofSession[session, default: []].count < bounds.perSession, numbers[subject, default: 0] < bounds.perTenant else {
      throw AppError(
        status: 429, code: "too_many_live_streams", message: "This session or its customer has too many streams open already.",
        retryAfter: 15)
    }
    guard streams.count < bounds.streams else {
      throw .unavailable(
        "live_streams_full", "The server has no stream left. What a session may do is told with every answer.", retryAfter: 30)
    }
    last += 1
    streams[last] = Stream(session: session, expires: expires, subject: subject, lastSent: now)
    ofSession[session, default: []].insert(last)
    numbers[subject, default: 0] += 1
    // What is watched already stays behind until it is looked at, so that the others hear of it.
    refreshes[subject] = refreshes[subject] ?? number
    return (last, [.send(last, .open(expires: expires, refreshes: number))])
  }

  /// The other side is gone.
  package mutating func close(_ id: ID) {
    guard let stream = streams.removeValue(forKey: id) else { return }
    ofSession[stream.session]?.remove(id)
    if ofSession[stream.session]?.isEmpty == true { ofSession[stream.session] = nil }
    numbers[stream.subject, default: 0] -= 1
    if numbers[stream.subject] == 0 {
      numbers[stream.subject] = nil
      refreshes[stream.subject] = nil
    }
  }

  private mutating func end(_ id: ID, _ ending: LiveStreams.Ending) -> [Action] {
    close(id)
    return [.send(id, .end(ending)), .finish(id)]
  }

  /// Ends the streams of a session.
  package mutating func end(_ session: SessionID, _ ending: LiveStreams.Ending) -> [Action] {
    ofSession[session, default: []].sorted().flatMap { end($0, ending) }
  }

  /// How often a subject's answers have been refreshed by now.
  package mutating func seen(_ number: Int, of subject: LiveStreams.Subject, at time: Instant, now: Time) -> [Action] {
    guard let known = refreshes[subject], known < number else { return [] }
    refreshes[subject] = number
    let concerned = streams.filter { $0.value.subject == subject }.keys.sorted()
    for id in concerned { streams[id]?.lastSent = now }
    return concerned.map { .send($0, .refreshed(time, refreshes: number)) }
  }

  /// Ends all streams, and opens no more.
  package mutating func closeAll() -> [Action] {
    isClosed = true
    return streams.keys.sorted().flatMap { end($0, .shuttingDown) }
  }

  /// What is due by now. To be called a few times a second.
  package mutating func tick(at time: Instant, now: Time) -> [Action] {
    var actions: [Action] = []
    for (id, stream) in streams {
      if stream.expires <= time {
        actions += end(id, .tokenExpired)
      } else if now - stream.lastSent >= LiveStreams.silence {
        streams[id]?.lastSent = now
        actions.append(.send(id, .beat))
      }
    }
    return actions
  }
}
