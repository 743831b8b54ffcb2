import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Synchronization

/// One request and all that came back for it, complete or not.
///
/// ClickHouse tells of an exception that comes after the status line by writing it behind the rows and breaking the connection
/// off. What arrived before the break is therefore needed most when the exchange fails. AsyncHTTPClient's sequence of body parts
/// throws its buffered parts away at that moment (seen under load: the exception was lost in one of a hundred runs); its delegate
/// sees every part first.
final class Exchange: HTTPClientResponseDelegate {
  struct Received: Sendable {
    var head: HTTPResponseHead?
    var body = ByteBuffer()
    /// What ended the exchange before its proper end.
    var failure: (any Error)?
  }

  private let received = Mutex(Received())
  private let sent: SendMark?

  private init(sent: SendMark?) { self.sent = sent }

  /// - Parameter sent: is set once the request leaves.
  static func perform(
    _ request: HTTPClient.Request, with client: HTTPClient, deadline: NIODeadline, sent: SendMark? = nil
  ) async -> Received {
    let exchange = Exchange(sent: sent)
    let task = client.execute(request: request, delegate: exchange, deadline: deadline)
    do {
      try await withTaskCancellationHandler {
        try await task.futureResult.get()
      } onCancel: {
        task.cancel()
      }
      return exchange.received.withLock { $0 }
    } catch {
      var received = exchange.received.withLock { $0 }
      received.failure = error
      return received
    }
  }

  func didSendRequestHead(task: HTTPClient.Task<Void>, _ head: HTTPRequestHead) { sent?.set() }

  func didReceiveHead(task: HTTPClient.Task<Void>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
    received.withLock { $0.head = head }
    return task.eventLoop.makeSucceededVoidFuture()
  }

  func didReceiveBodyPart(task: HTTPClient.Task<Void>, _ part: ByteBuffer) -> EventLoopFuture<Void> {
    received.withLock { received in
      if received.body.readableBytes == 0 { received.body = part } else { received.body.writeImmutableBuffer(part) }
    }
    return task.eventLoop.makeSucceededVoidFuture()
  }

  func didFinishRequest(task: HTTPClient.Task<Void>) throws {}
}

/// Whether any attempt of a request has left for the server: if none has, the server cannot have done anything.
public final class SendMark: Sendable {
  private let mark = Atomic(false)

  public init() {}

  public var isSet: Bool { mark.load(ordering: .acquiring) }
  func set() { mark.store(true, ordering: .releasing) }
}
