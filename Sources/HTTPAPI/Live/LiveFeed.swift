package import Access
public import ConfigStore
public import Domain
public import Logging
public import QueryEngine
import Synchronization

/// Tells open dashboards that their customer's data changed: performs the actions of ``LiveStreams``, hears of what this process stores, asks the
/// event store for what others do, and ends the streams of sessions that have ended.
///
/// It has to run (``run()``), and to be closed before the HTTP server waits for its last answers, of which streams are never done.
public final class LiveFeed: Sendable {
  private struct State {
    var streams: LiveStreams
    var sinks: [LiveStreams.ID: AsyncStream<LiveStreams.Message>.Continuation] = [:]
    /// This process has stored something that somebody watches: the versions are worth a look.
    var shouldAsk = false
  }

  /// How often what is due is looked at.
  private static let beat: Duration = .milliseconds(250)
  /// How often versions are asked for, among several processes.
  private static let interval: Duration = .seconds(1)

  private let state: Mutex<State>
  /// Streams of pages that do not refresh by themselves, and the end of sessions.
  let sessions: SessionFeed
  private let generations: CacheGenerationRepository
  /// Nil when all events come through this process.
  private let executor: Executor?
  private let clock: TimeSource
  private let logger: Logger

  /// - Parameters:
  ///   - executor: asks the event store, when other processes may store events, too; nil when all come through this one.
  ///   - limit: how many streams may be open in all.
  ///   - sessionLimit: how many more that only tell of the end of their session.
  public init(
    database: any ConfigDatabase, executor: Executor?, limit: Int = Limits.liveStreams, sessionLimit: Int = Limits.sessionStreams,
    clock: @escaping TimeSource, logger: Logger
  ) {
    state = Mutex(State(streams: LiveStreams(bounds: .init(streams: limit), start: clock())))
    generations = CacheGenerationRepository(database)
    sessions = SessionFeed(
      sessions: EmbedSessionRepository(database), generations: generations, limit: sessionLimit, clock: clock, logger: logger)
    self.executor = executor
    self.clock = clock
    self.logger = logger
  }

  /// How many streams are open.
  public var openStreams: Int { state.withLock { $0.streams.count } }

  // MARK: - What happens

  /// To be called when this process has stored events of a tenant, or knows of another reason why what was answered is not the present state:
  /// for all tenants of an organisation, and in all environments, where these are not given.
  public func changed(_ organization: OrganizationID, _ environment: EnvironmentName?, _ tenant: TenantID?) {
    if executor != nil {
      // The store tells which version came of it; told twice of one change, dashboards would ask twice.
      state.withLock { $0.shouldAsk = true }
    } else {
      let time = clock()
      step { $0.changed(organization, environment, tenant, at: time, now: .now) }
    }
  }

  /// Opens a stream of a session. It ends when the session does, when the server stops, and when whoever listens goes away.
  /// - Throws: what ``LiveStreams`` throws.
  package func open(_ session: EmbedSession, _ watch: ConnectionWatch?) async throws -> AsyncStream<LiveStreams.Message> {
    let subject = LiveStreams.Subject(session.organizationID, session.environment, session.tenantID)
    if executor != nil, !state.withLock({ $0.streams.knowsVersion(of: subject) }) { await ask([subject]) }
    let (messages, sink) = AsyncStream.makeStream(of: LiveStreams.Message.self, bufferingPolicy: .bufferingNewest(16))
    let (id, actions) = try state.withLock { state in
      let opened = try state.streams.open(subject, session: session.id, expires: session.expiresAt, now: .now)
      state.sinks[opened.0] = sink
      return opened
    }
    let closing = watch?.onClose { sink.finish() }
    sink.onTermination = { [weak self] _ in
      if let closing { watch?.forget(closing) }
      self?.close(id)
    }
    perform(actions)
    return messages
  }

  private func close(_ id: LiveStreams.ID) {
    state.withLock { state in
      state.sinks[id] = nil
      state.streams.close(id)
    }
  }

  /// Ends the streams of sessions that were revoked by this process. Those of others are found out.
  func revoked(_ ended: Set<SessionID>) {
    for session in ended { end(session, .sessionRevoked) }
  }

  private func end(_ session: SessionID, _ ending: LiveStreams.Ending) {
    step { $0.end(session, ending) }
    sessions.end(session, ending)
  }

  /// Ends all streams, and opens no more.
  public func close() {
    step { $0.closeAll() }
    sessions.close()
  }

  private func step(_ transition: (inout LiveStreams) -> [LiveStreams.Action]) {
    perform(state.withLock { transition(&$0.streams) })
  }

  /// Outside of the lock: a sink that is finished calls ``close(_:)``.
  private func perform(_ actions: [LiveStreams.Action]) {
    for action in actions {
      switch action {
      case .send(let id, let message): _ = state.withLock { $0.sinks[id] }?.yield(message)
      case .finish(let id): state.withLock { $0.sinks.removeValue(forKey: id) }?.finish()
      }
    }
  }

  // MARK: - What is looked at

  /// Looks at what is due, until cancelled.
  public func run() async {
    await withDiscardingTaskGroup { group in
      group.addTask { await self.every(Self.beat) { self.tick() } }
      group.addTask { await self.sessions.watch({ self.state.withLock { $0.streams.sessions } }) { self.end($0, $1) } }
      if executor != nil { group.addTask { await self.watchVersions() } }
    }
  }

  private func every(_ interval: Duration, _ work: () async -> Void) async {
    while !Task.isCancelled {
      try? await Task.sleep(for: interval)
      await work()
    }
  }

  private func tick() {
    let time = clock()
    step { $0.tick(at: time, now: .now) }
    sessions.tick()
  }

  private func watchVersions() async {
    var asked = ContinuousClock.now
    await every(Self.beat) {
      let (subjects, isWished) = state.withLock { state in
        defer { state.shouldAsk = false }
        return (state.streams.subjects, state.shouldAsk)
      }
      guard !subjects.isEmpty, isWished || .now - asked >= Self.interval else { return }
      asked = .now
      await ask(subjects)
    }
  }

  /// Asks the event store for the versions of customers' data, and the configuration for refreshes of the cache.
  private func ask(_ subjects: [LiveStreams.Subject]) async {
    guard let executor else { return }
    do {
      let time = clock()
      let refreshes = try await generations.refreshes(of: Set(subjects.map(\.organization)))
      let scopes = try subjects.map {
        try Scope(organization: $0.organization, environment: $0.environment, tenant: .one($0.tenant), now: time, zone: .utc)
      }
      let found = try await executor.run(TenantVersionsPlan(scopes: scopes))
      for (subject, found) in zip(subjects, found) {
        let version = found.version
        let refreshed = refreshes.number(subject.organization, tenant: subject.tenant)
        step {
          $0.seen(
            "\(version.events) \(version.lastIngested?.milliseconds ?? 0) \(refreshed)", of: subject,
            changedAt: time.adding(seconds: -(found.age ?? 0)), at: time, now: .now)
        }
      }
    } catch {
      // The store is away: nothing changes there that could be shown.
      logger.debug("versions could not be asked for", metadata: ["cause": "\(error)"])
    }
  }
}
