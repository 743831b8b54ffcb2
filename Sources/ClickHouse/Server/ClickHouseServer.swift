public import ServiceLifecycle
import Synchronization

/// A ClickHouse server that Emban works with: its own child (``ClickHouseSupervisor``) or a foreign one (``ExternalClickHouse``).
///
/// Its `run()` belongs in the service group as one of the first services, so that it is stopped after those that write to it.
public protocol ClickHouseServer: Service {
  var board: ClickHouseStatusBoard { get }
}

extension ClickHouseServer {
  /// What the server is doing now, for `/readyz`.
  public var status: ClickHouseStatus { board.status }

  /// Where the server is.
  ///
  /// - Throws: ``ClickHouseError/unavailable(_:)`` while it is not ready.
  public func endpoint() throws -> ClickHouseEndpoint { try board.endpoint() }

  /// Returns when the server is ready, at once if it is.
  ///
  /// - Throws: ``ClickHouseError/unavailable(_:)`` when it has stopped for good, `CancellationError` when cancelled.
  public func waitUntilReady() async throws { try await board.waitUntilReady() }

  /// The status now and every later one, each once; ends after ``ClickHouseStatus/stopped(reason:)``.
  public func statusChanges() -> AsyncStream<ClickHouseStatus> { board.changes() }
}

/// What a ClickHouse server is doing.
public enum ClickHouseStatus: Sendable, Hashable {
  case starting
  /// It answers and lets us in.
  case ready(version: String)
  /// It is not there; attempts to reach or restart it go on.
  case down(reason: String)
  /// It answers and does not let us in any more, or is not what it was; that is asked again.
  case refused(reason: String)
  /// It was stopped, or given up.
  case stopped(reason: String)

  public var isReady: Bool { if case .ready = self { true } else { false } }
}

/// The status of a server, written by its service and read by everybody.
public final class ClickHouseStatusBoard: Sendable {
  private struct State {
    var status = ClickHouseStatus.starting
    var endpoint: ClickHouseEndpoint?
    var listeners: [Int: AsyncStream<ClickHouseStatus>.Continuation] = [:]
    var nextListener = 0
  }

  private let state = Mutex(State())

  init() {}

  var status: ClickHouseStatus { state.withLock { $0.status } }

  func endpoint() throws -> ClickHouseEndpoint {
    try state.withLock { state in
      if state.status.isReady, let endpoint = state.endpoint { return endpoint }
      let reason =
        switch state.status {
        case .starting, .ready: "it is starting"
        case .down(let reason), .refused(let reason), .stopped(let reason): reason
        }
      throw ClickHouseError.unavailable(reason)
    }
  }

  func set(_ status: ClickHouseStatus, endpoint: ClickHouseEndpoint? = nil) {
    let finished = state.withLock { state -> [AsyncStream<ClickHouseStatus>.Continuation] in
      guard status != state.status || endpoint != state.endpoint else { return [] }
      state.status = status
      state.endpoint = endpoint
      for listener in state.listeners.values { listener.yield(status) }
      guard case .stopped = status else { return [] }
      defer { state.listeners = [:] }
      return Array(state.listeners.values)
    }
    // Outside the lock, because finishing calls the termination handler, which takes it.
    for listener in finished { listener.finish() }
  }

  func changes() -> AsyncStream<ClickHouseStatus> {
    let (stream, continuation) = AsyncStream.makeStream(of: ClickHouseStatus.self)
    let number: Int? = state.withLock { state in
      continuation.yield(state.status)
      if case .stopped = state.status { return nil }
      state.nextListener += 1
      state.listeners[state.nextListener] = continuation
      return state.nextListener
    }
    guard let number else {
      continuation.finish()
      return stream
    }
    continuation.onTermination = { [weak self] _ in
      self?.state.withLock { _ = $0.listeners.removeValue(forKey: number) }
    }
    return stream
  }

  func waitUntilReady() async throws {
    for await status in changes() {
      switch status {
      case .ready: return
      case .stopped(let reason): throw ClickHouseError.unavailable(reason)
      case .starting, .down, .refused: continue
      }
    }
    throw CancellationError()
  }
}
