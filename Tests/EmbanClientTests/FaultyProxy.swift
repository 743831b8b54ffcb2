import AsyncHTTPClient
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1
import Synchronization

/// Stands between client and server and does to the next requests what networks and proxies do.
final class FaultyProxy: Sendable {
  enum Fault: Sendable {
    /// 503 with so many seconds of `Retry-After`, without asking the server.
    case busy(Int)
    /// The server performs the request, but its answer is lost on the way.
    case lostAnswer
    /// 200 with a page of somebody else's.
    case foreignPage
    /// Another status, with a page of somebody else's or with nothing.
    case page(Int, String)
    /// 403 as the server says it.
    case forbidden
  }

  private struct Broken: Error {}

  private let server: String
  private let faults: Mutex<[Fault]>
  private let seen = Mutex(0)

  init(_ server: String, _ faults: [Fault]) {
    self.server = server
    self.faults = Mutex(faults)
  }

  /// How many requests came.
  var requests: Int { seen.withLock { $0 } }

  /// Serves while `work` runs, which gets the proxy's address.
  @discardableResult
  static func run<T: Sendable>(
    _ server: String, _ faults: [Fault], _ work: @escaping @Sendable (FaultyProxy, String) async throws -> T
  ) async throws -> T {
    let proxy = FaultyProxy(server, faults)
    let (ports, port) = AsyncStream.makeStream(of: Int.self)
    let application = Application(
      responder: CallbackResponder<BasicRequestContext> { request, _ in try await proxy.respond(to: request) },
      configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
      onServerRunning: { channel in port.yield(channel.localAddress?.port ?? 0) }, logger: quiet)
    return try await withThrowingTaskGroup(of: T?.self) { group in
      group.addTask {
        try await application.run()
        return nil
      }
      group.addTask {
        var iterator = ports.makeAsyncIterator()
        return try await work(proxy, "http://127.0.0.1:\(await iterator.next() ?? 0)")
      }
      defer { group.cancelAll() }
      while let finished = try await group.next() {
        if let finished { return finished }
      }
      throw Broken()
    }
  }

  private static var quiet: Logger {
    var logger = Logger(label: "proxy")
    logger.logLevel = .critical
    return logger
  }

  private func respond(to request: Request) async throws -> Response {
    seen.withLock { $0 += 1 }
    switch faults.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
    case nil: return try await forward(request)
    case .busy(let seconds):
      let body = #"{"error": "later", "message": "later", "code": "ingest_overloaded", "request_id": "req_test", "details": []}"#
      return Response(
        status: .serviceUnavailable, headers: [.retryAfter: String(seconds), .contentType: "application/json"],
        body: .init(byteBuffer: ByteBuffer(string: body)))
    case .lostAnswer:
      _ = try await forward(request)
      return Response(status: .ok, headers: [.contentType: "application/json"], body: ResponseBody { _ in throw Broken() })
    case .page(let status, let text):
      return Response(status: .init(code: status), headers: [.contentType: "text/html"], body: .init(byteBuffer: ByteBuffer(string: text)))
    case .forbidden:
      let body = #"{"error": "no", "message": "no", "code": "scope_not_allowed", "request_id": "req_test", "details": []}"#
      return Response(status: .forbidden, headers: [.contentType: "application/json"], body: .init(byteBuffer: ByteBuffer(string: body)))
    case .foreignPage:
      return Response(status: .ok, headers: [.contentType: "text/html"], body: .init(byteBuffer: ByteBuffer(string: "<h1>Welcome</h1>")))
    }
  }

  private func forward(_ request: Request) async throws -> Response {
    var sent = HTTPClientRequest(url: server + request.uri.string)
    sent.method = .init(rawValue: request.method.rawValue)
    for field in request.headers where field.name != .contentLength { sent.headers.add(name: field.name.rawName, value: field.value) }
    let body = try await request.body.collect(upTo: 1 << 24)
    if body.readableBytes > 0 { sent.body = .bytes(body) }
    let answer = try await HTTPClient.shared.execute(sent, timeout: .seconds(60))
    let bytes = try await answer.body.collect(upTo: 1 << 24)
    var headers: HTTPFields = [:]
    for (name, value) in answer.headers where !["content-length", "transfer-encoding"].contains(name.lowercased()) {
      if let name = HTTPField.Name(name) { headers[name] = value }
    }
    return Response(status: .init(code: Int(answer.status.code)), headers: headers, body: .init(byteBuffer: bytes))
  }
}
