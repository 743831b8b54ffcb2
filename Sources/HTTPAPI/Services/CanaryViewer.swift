import Access
import ConfigStore
import Domain
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// Asks the viewer's routes within the process, as a browser with an embed token would over the wire: the same handlers read the same request.
struct CanaryViewer: Sendable {
  let endpoints: [Endpoint]
  let session: EmbedSession
  let logger: Logger

  /// The answer of a route: JSON or text, or why it was refused.
  struct Answer: Sendable {
    let status: Int
    let text: String
    let json: JSONValue
    /// The code of a refusal.
    var code: String? { json["code"]?.stringValue }
  }

  func get(_ path: String, _ query: [String: String] = [:]) async throws -> Answer {
    let pairs = query.sorted { $0.key < $1.key }.map { "\($0.key)=\(Self.encoded($0.value))" }
    return try await ask(.get, path, pairs.isEmpty ? path : "\(path)?\(pairs.joined(separator: "&"))", body: nil)
  }

  func post(_ path: String, _ body: JSONValue) async throws -> Answer { try await ask(.post, path, path, body: body) }

  /// - Throws: ``AppError`` 503 when the event store cannot answer: then nothing is known.
  private func ask(_ method: HTTPRequest.Method, _ path: String, _ target: String, body: JSONValue?) async throws -> Answer {
    guard let endpoint = endpoints.first(where: { $0.method == method && $0.path == path }) else {
      throw AppError.internal(cause: "there is no route \(method) \(path)")
    }
    var fields: HTTPFields = [.accept: "application/json"]
    let bytes = body.map { ByteBuffer(bytes: $0.serializedBytes()) } ?? ByteBuffer()
    if body != nil {
      fields[.contentType] = "application/json"
      fields[.contentLength] = String(bytes.readableBytes)
    }
    let head = HTTPRequest(method: method, scheme: "http", authority: nil, path: target, headerFields: fields)
    let request = APIRequest(
      request: Request(head: head, body: RequestBody(buffer: bytes)), context: APIContext(inProcess: logger),
      principal: .embed(EmbedPrincipal(session: session)), bodyLimit: endpoint.bodyLimit)
    do {
      let response = try await endpoint.handler(request)
      let collected = CollectedBody()
      try await response.body.write(collected)
      let text = String(buffer: collected.buffer)
      return Answer(status: response.status.code, text: text, json: (try? JSONParser.parse(text)) ?? .null)
    } catch {
      let error = ErrorMiddleware.appError(error)
      if error.status >= 500 { throw error }
      return Answer(status: error.status, text: error.message, json: error.body(requestID: ""))
    }
  }

  private static func encoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF")
    var encoded = ""
    for byte in text.utf8 {
      let character = Character(Unicode.Scalar(byte))
      if byte < 0x80, character.isLetter || character.isNumber || "-._~".contains(character) {
        encoded.append(character)
      } else {
        encoded += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
      }
    }
    return encoded
  }
}

/// Keeps a response's body.
private final class CollectedBody: ResponseBodyWriter {
  private(set) var buffer = ByteBuffer()

  func write(_ buffer: ByteBuffer) async throws {
    var buffer = buffer
    self.buffer.writeBuffer(&buffer)
  }

  func finish(_ trailingHeaders: HTTPFields?) async throws {}
}

extension APIContext {
  /// The context of a request that came over no connection.
  init(inProcess logger: Logger) {
    requestID = IDGenerator.make("req")
    channel = nil
    remoteAddress = "in-process"
    coreContext = CoreRequestContextStorage(source: InProcessSource(logger: logger))
  }

  private struct InProcessSource: RequestContextSource {
    let logger: Logger
  }
}
