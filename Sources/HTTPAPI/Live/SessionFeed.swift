import Access
import ConfigStore
import Domain
import Logging
import Synchronization

/// Tells open pages that their session has ended, and that they are to look again: performs the actions of ``SessionStreams``, and asks the
/// configuration store how all sessions stand that somebody listens for and whether their answers were refreshed, so that what other processes
/// do is heard of as well.
final class SessionFeed: Sendable {
  private struct State {
    var streams: SessionStreams
    var sinks: [SessionStreams.ID: AsyncStream<SessionStreams.Message>.Continuation] = [:]
  }

  /// How often the store is asked: a page must know within a second.
  private static let interval: Duration = .milliseconds(400)

  private let state: Mutex<State>
  private let sessions: EmbedSessionRepository
  private let generations: CacheGenerationRepository
  private let clock: TimeSource
  private let logger: Logger

  init(
    sessions: EmbedSessionRepository, generations: CacheGenerationRepository, limit: Int, clock: @escaping TimeSource, logger: Logger
  ) {
    state = Mutex(State(streams: SessionStreams(bounds: .init(streams: limit))))
    self.sessions = sessions
    self.generations = generations
    self.clock = clock
    self.logger = logger
  }

  /// Opens a stream of a session. It ends when the session does, when the server stops, and when whoever listens goes away.
  /// - Throws: what ``SessionStreams`` throws.
  func open(_ session: EmbedSession, _ watch: ConnectionWatch?) async throws -> AsyncStream<SessionStreams.Message> {
    let subject = LiveStreams.Subject(session.organizationID, session.environment, session.tenantID)
    let refreshes = try await generations.refreshes(of: [subject.organization]).number(subject.organization, tenant: subject.tenant)
    let (messages, sink) = AsyncStream.makeStream(of: SessionStreams.Message.self, bufferingPolicy: .bufferingNewest(8))
    let (id, actions) = try state.withLock { state in
      let opened = try state.streams.open(subject, session: session.id, expires: session.expiresAt, refreshes: refreshes, now: .now)
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

  private func close(_ id: SessionStreams.ID) {
    state.withLock { state in
      state.sinks[id] = nil
      state.streams.close(id)
    }
  }

  /// Ends the streams of a session.
  func end(_ session: SessionID, _ ending: LiveStreams.Ending) { step { $0.end(session, ending) } }

  /// Ends all streams, and opens no more.
  func close() { step { $0.closeAll() } }

  func tick() {
    let time = clock()
    step { $0.tick(at: time, now: .now) }
  }

  private func step(_ transition: (inout SessionStreams) -> [SessionStreams.Action]) {
    perform(state.withLock { transition(&$0.streams) })
  }

  /// Outside of the lock: a sink that is finished calls ``close(_:)``.
  private func perform(_ actions: [SessionStreams.Action]) {
    for action in actions {
      switch action {
      case .send(let id, let message): _ = state.withLock { $0.sinks[id] }?.yield(message)
      case .finish(let id): state.withLock { $0.sinks.removeValue(forKey: id) }?.finish()
      }
    }
  }

  /// Looks at all sessions at once, over and over, until cancelled.
  /// - Parameters:
  ///   - others: sessions that somebody else keeps streams of.
  ///   - ended: hears of each that has ended, whosever stream it is.
  func watch(_ others: () -> [SessionID], _ ended: (SessionID, LiveStreams.Ending) -> Void) async {
    var isSilent = false
    while !Task.isCancelled {
      try? await Task.sleep(for: Self.interval)
      let open = Array(Set(others()).union(state.withLock { $0.streams.sessions }))
      guard !open.isEmpty else { continue }
      do {
        let standing = try await sessions.standing(of: open)
        for session in open {
          switch standing[session] {
          case .live: break
          case .offline: ended(session, .dashboardNotPublished)
          case nil: ended(session, .sessionRevoked)
          }
        }
        try await lookForRefreshes()
        isSilent = false
      } catch {
        if !isSilent, !Task.isCancelled { logger.warning("open sessions could not be looked at", metadata: ["cause": "\(error)"]) }
        isSilent = true
      }
    }
  }

  private func lookForRefreshes() async throws {
    let subjects = state.withLock { $0.streams.subjects }
    guard !subjects.isEmpty else { return }
    let refreshes = try await generations.refreshes(of: Set(subjects.map(\.organization)))
    let time = clock()
    for subject in subjects {
      step { $0.seen(refreshes.number(subject.organization, tenant: subject.tenant), of: subject, at: time, now: .now) }
    }
  }
}
