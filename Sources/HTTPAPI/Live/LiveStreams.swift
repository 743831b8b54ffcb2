package import Access
package import Domain

/// Which streams of changes are open, whose data each is of, and what it is to be told when: a state machine without I/O.
///
/// A stream hears of the data of its own session's customer and of nobody else's: a change is looked up by organisation, environment and tenant,
/// each compared byte for byte. What is kept is bounded, by numbers of streams that are refused beyond them, and of customers remembered.
package struct LiveStreams: Sendable {
  package typealias ID = UInt64
  package typealias Time = ContinuousClock.Instant

  /// Whose data a stream is of.
  package struct Subject: Sendable, Hashable {
    package let organization: OrganizationID
    package let environment: EnvironmentName
    package let tenant: TenantID

    package init(_ organization: OrganizationID, _ environment: EnvironmentName, _ tenant: TenantID) {
      self.organization = organization
      self.environment = environment
      self.tenant = tenant
    }
  }

  /// Why the server ends a stream, in the words of the API's error codes.
  package enum Ending: String, Sendable, Hashable {
    case tokenExpired = "token_expired"
    case sessionRevoked = "session_revoked"
    case dashboardNotPublished = "dashboard_not_published"
    case shuttingDown = "shutting_down"
  }

  package enum Message: Sendable, Hashable {
    /// The first of a stream. The data has last changed at this time, or before it.
    case open(changedAt: Instant)
    /// The data has changed since whatever was asked before this time.
    case changed(at: Instant)
    /// Nothing has happened; the connection is alive.
    case beat
    case end(Ending)
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
      streams: Int = Limits.liveStreams, perTenant: Int = Limits.liveStreamsPerTenant, perSession: Int = Limits.liveStreamsPerSession
    ) {
      self.streams = streams
      self.perTenant = perTenant
      self.perSession = perSession
    }
  }

  /// The least time between two messages of changes.
  package static let pace: Duration = .seconds(1)
  /// A stream on which nothing was sent for this long gets a beat, so that both sides and the proxies between them know that it lives.
  package static let silence: Duration = .seconds(15)
  /// The rows of an insert and their count become visible at slightly different moments. Whoever knows of the count only tells of the change a
  /// second time after this long, when both are.
  package static let settling: Duration = .seconds(2)
  /// How many customers' last changes are remembered.
  package static let subjectsRemembered = 10_000

  private struct Stream {
    let session: SessionID
    let expires: Instant
    let subject: Subject
    var lastSent: Time
  }

  private struct Known {
    var changedAt: Instant
    /// As the event store last told it; nil where changes are heard of as they are made.
    var version: String?
    var toldAt: Time?
    /// There was a change that has not been told.
    var isPending = false
    /// When the change that was told last has settled.
    var settles: Time?
  }

  private let bounds: Bounds
  private var streams: [ID: Stream] = [:]
  private var ofSubject: [Subject: Set<ID>] = [:]
  private var ofSession: [SessionID: Set<ID>] = [:]
  private var known: [Subject: Known] = [:]
  /// When all customers of an organisation were last said to have changed.
  private var refreshed: [OrganizationID: Instant] = [:]
  /// Who is in neither has not changed since.
  private var floor: Instant
  private var last: ID = 0
  private var isClosed = false

  /// - Parameter start: when the program began to hear of changes.
  package init(bounds: Bounds = Bounds(), start: Instant) {
    self.bounds = bounds
    floor = start
  }

  package var count: Int { streams.count }
  /// The customers whose data somebody watches.
  package var subjects: [Subject] { Array(ofSubject.keys) }
  package var sessions: [SessionID] { Array(ofSession.keys) }

  /// Whether the event store has told this customer's version before.
  package func knowsVersion(of subject: Subject) -> Bool { known[subject]?.version != nil }

  // MARK: - Opening and closing

  /// - Parameter expires: when the session ends.
  /// - Throws: ``Domain/AppError`` 429 `too_many_live_streams` beyond a session's or a customer's share, 503 `live_streams_full` beyond the whole,
  ///   503 `shutting_down`.
  package mutating func open(
    _ subject: Subject, session: SessionID, expires: Instant, now: Time
  ) throws(AppError) -> (ID, [Action]) {
    guard !isClosed else { throw .unavailable("shutting_down", "The server is stopping. Ask again in a moment.") }
    guard ofSession[session, default: []].count < bounds.perSession, ofSubject[subject, default: []].count < bounds.perTenant else {
      throw AppError(
        status: 429, code: "too_many_live_streams", message: "This session or its customer has too many live streams open already.",
        retryAfter: 15)
    }
    guard streams.count < bounds.streams else {
      throw .unavailable("live_streams_full", "The server has no live stream left. Ask for the data now and then instead.", retryAfter: 30)
    }
    last += 1
    streams[last] = Stream(session: session, expires: expires, subject: subject, lastSent: now)
    ofSubject[subject, default: []].insert(last)
    ofSession[session, default: []].insert(last)
    let changedAt = max(known[subject]?.changedAt ?? floor, refreshed[subject.organization] ?? floor)
    return (last, [.send(last, .open(changedAt: changedAt))])
  }

  /// The other side is gone.
  package mutating func close(_ id: ID) {
    guard let stream = streams.removeValue(forKey: id) else { return }
    ofSubject[stream.subject]?.remove(id)
    if ofSubject[stream.subject]?.isEmpty == true { ofSubject[stream.subject] = nil }
    ofSession[stream.session]?.remove(id)
    if ofSession[stream.session]?.isEmpty == true { ofSession[stream.session] = nil }
  }

  private mutating func end(_ id: ID, _ ending: Ending) -> [Action] {
    close(id)
    return [.send(id, .end(ending)), .finish(id)]
  }

  /// Ends the streams of a session.
  package mutating func end(_ session: SessionID, _ ending: Ending) -> [Action] {
    ofSession[session, default: []].sorted().flatMap { end($0, ending) }
  }

  /// Ends all streams, and opens no more.
  package mutating func closeAll() -> [Action] {
    isClosed = true
    return streams.keys.sorted().flatMap { end($0, .shuttingDown) }
  }

  // MARK: - Changes

  /// A customer's data has changed.
  package mutating func changed(_ subject: Subject, at time: Instant, now: Time) -> [Action] {
    remember(subject, at: time) { $0.changedAt = time }
    return tell(subject, now)
  }

  /// The data of customers of an organisation has changed, or what was answered of it is not to be relied on: of one or of all of them, in one
  /// environment or in both.
  package mutating func changed(
    _ organization: OrganizationID, _ environment: EnvironmentName?, _ tenant: TenantID?, at time: Instant, now: Time
  ) -> [Action] {
    if let tenant {
      let environments = environment.map { [$0] } ?? [.production, .development]
      return environments.flatMap { changed(Subject(organization, $0, tenant), at: time, now: now) }
    }
    if refreshed.count >= Self.subjectsRemembered { forget(at: time) }
    refreshed[organization] = time
    let watched = ofSubject.keys.filter { $0.organization == organization && $0.environment == environment ?? $0.environment }
    return watched.flatMap { changed($0, at: time, now: now) }
  }

  /// The event store has told a customer's version; another one than before is a change.
  /// - Parameters:
  ///   - changedAt: when that version came to be, by this machine's clock; taken for the first version that is told.
  ///   - time: this machine's clock.
  package mutating func seen(
    _ version: String, of subject: Subject, changedAt: Instant, at time: Instant, now: Time
  ) -> [Action] {
    guard let before = known[subject]?.version else {
      remember(subject, at: time) {
        $0.version = version
        $0.changedAt = min(changedAt, time)
      }
      return []
    }
    guard before != version else { return [] }
    remember(subject, at: time) {
      $0.version = version
      $0.changedAt = time
      $0.settles = now + Self.settling
    }
    return tell(subject, now)
  }

  private mutating func remember(_ subject: Subject, at time: Instant, _ change: (inout Known) -> Void) {
    if known[subject] == nil, known.count >= Self.subjectsRemembered { forget(at: time) }
    change(&known[subject, default: Known(changedAt: floor)])
  }

  /// What is forgotten counts as changed right now: whoever comes back asks once more than needed.
  private mutating func forget(at time: Instant) {
    known = known.filter { ofSubject[$0.key] != nil }
    refreshed = [:]
    floor = time
  }

  private mutating func tell(_ subject: Subject, _ now: Time) -> [Action] {
    guard let watching = ofSubject[subject], var entry = known[subject] else { return [] }
    if let told = entry.toldAt, now - told < Self.pace {
      known[subject]?.isPending = true
      return []
    }
    entry.toldAt = now
    entry.isPending = false
    known[subject] = entry
    return watching.sorted().map { id in
      streams[id]?.lastSent = now
      return .send(id, .changed(at: entry.changedAt))
    }
  }

  /// What is due by now. To be called a few times a second.
  package mutating func tick(at time: Instant, now: Time) -> [Action] {
    var actions: [Action] = []
    for subject in ofSubject.keys {
      guard let entry = known[subject] else { continue }
      if let settles = entry.settles, settles <= now {
        known[subject]?.settles = nil
        known[subject]?.changedAt = time
        actions += tell(subject, now)
      } else if entry.isPending {
        actions += tell(subject, now)
      }
    }
    for (id, stream) in streams {
      if stream.expires <= time {
        actions += end(id, .tokenExpired)
      } else if now - stream.lastSent >= Self.silence {
        streams[id]?.lastSent = now
        actions.append(.send(id, .beat))
      }
    }
    return actions
  }
}
