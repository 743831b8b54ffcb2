import Hummingbird
public import NIOCore
import Synchronization

/// Notices when the other side of a connection goes away while it waits for its answer, which the server otherwise sees only when it
/// writes. Add one to the pipeline of each connection.
public final class ConnectionWatch: ChannelInboundHandler, RemovableChannelHandler, Sendable {
  public typealias InboundIn = NIOAny

  private struct State {
    var isClosed = false
    var actions: [Int: @Sendable () -> Void] = [:]
    var last = 0
  }

  private let state = Mutex(State())

  public init() {}

  public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .inputClosed? = event as? ChannelEvent { close() }
    context.fireUserInboundEventTriggered(event)
  }

  public func channelInactive(context: ChannelHandlerContext) {
    close()
    context.fireChannelInactive()
  }

  public func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if error is IOError { close() }
    context.fireErrorCaught(error)
  }

  private func close() {
    let actions = state.withLock { state in
      state.isClosed = true
      defer { state.actions = [:] }
      return state.actions.values
    }
    for action in actions { action() }
  }

  /// Does something when the other side goes away; at once when it is gone.
  /// - Returns: what ``forget(_:)`` takes.
  func onClose(_ action: @escaping @Sendable () -> Void) -> Int {
    let (id, isClosed) = state.withLock { state in
      state.last += 1
      if !state.isClosed { state.actions[state.last] = action }
      return (state.last, state.isClosed)
    }
    if isClosed { action() }
    return id
  }

  func forget(_ id: Int) { state.withLock { $0.actions[id] = nil } }
}

extension APIRequest {
  /// The watch of the request's connection; nil where there is none, as in tests without a socket.
  func connectionWatch() async -> ConnectionWatch? {
    try? await context.channel?.pipeline.handler(type: ConnectionWatch.self).get()
  }

  /// Does work that is cancelled when the client goes away: nobody would read its answer.
  func whileConnected<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) async throws -> Value {
    guard let watch = await connectionWatch() else { return try await work() }
    let task = Task { try await work() }
    let id = watch.onClose { task.cancel() }
    defer { watch.forget(id) }
    return try await withTaskCancellationHandler {
      try await task.value
    } onCancel: {
      task.cancel()
    }
  }
}
