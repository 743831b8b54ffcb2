import Access
import Domain
import HTTPTypes
import Hummingbird
import NIOCore

/// `GET /v1/embed/live`: tells an open dashboard that its customer's data changed, or only that its session has ended and that it is to be fresh, as server-sent
/// events.
/// What changed is not told: the dashboard asks for what it shows as ever.
struct LiveController: Controller {
  let access: EmbedAccess
  let feed: LiveFeed
  /// Our own origin, from which the embed page calls.
  let publicOrigin: String

  var endpoints: [Endpoint] {
    [Endpoint(.get, "/v1/embed/live", .embed, live)]
  }

  private func live(_ request: APIRequest) async throws -> Response {
    let only = try request.readQuery { reader in
      reader.dashboardChoice()
      return reader.string("only", length: 1...20)
    }
    guard only == nil || only == "session" else { throw AppError.invalid("only", "unknown_value", "must be session, or absent") }
    let view = try await access.view(of: request, publicOrigin: publicOrigin, dashboard: try request.query()["dashboard"])
    await request.endWhenUnheard()
    let watch = await request.connectionWatch()
    if only != nil { return Self.stream(try await feed.sessions.open(view.session, watch), \.text) }
    return Self.stream(try await feed.open(view.session, watch), \.text)
  }

  private static func stream<Message: Sendable>(
    _ messages: AsyncStream<Message>, _ text: @escaping @Sendable (Message) -> String
  ) -> Response {
    Response(
      status: .ok,
      // Proxies that gather answers before they pass them on would keep the messages to themselves.
      headers: [.contentType: "text/event-stream", .accelBuffering: "no"],
      body: ResponseBody { writer in
        for await message in messages { try await writer.write(ByteBuffer(string: text(message))) }
        try await writer.finish(nil)
      })
  }
}

extension LiveStreams.Message {
  /// As https://html.spec.whatwg.org/multipage/server-sent-events.html has it.
  var text: String {
    switch self {
    case .open(let time): ServerSentEvent.first("open", ["data_as_of": time.json])
    case .changed(let time): ServerSentEvent.text("changed", ["data_as_of": time.json])
    case .beat: ServerSentEvent.beat
    case .end(let ending): ending.text
    }
  }
}

extension SessionStreams.Message {
  var text: String {
    switch self {
    case .open(let expires, let refreshes): ServerSentEvent.first("open", ["expires_at": expires.json, "refreshes": .int(refreshes)])
    case .refreshed(let time, let refreshes): ServerSentEvent.text("changed", ["data_as_of": time.json, "refreshes": .int(refreshes)])
    case .beat: ServerSentEvent.beat
    case .end(let ending): ending.text
    }
  }
}

extension LiveStreams.Ending {
  /// A revocation has an event of its own before the last one: it is the one end after which what is shown must go.
  fileprivate var text: String {
    let data: JSONValue = ["code": .string(rawValue)]
    return (self == .sessionRevoked ? ServerSentEvent.text("revoked", data) : "") + ServerSentEvent.text("end", data)
  }
}

private enum ServerSentEvent {
  static let beat = ": still there\n\n"

  static func first(_ name: String, _ data: JSONValue) -> String { "retry: 3000\n\n" + text(name, data) }

  static func text(_ name: String, _ data: JSONValue) -> String { "event: \(name)\ndata: \(data.serialized())\n\n" }
}

extension HTTPField.Name {
  /// Proxies that gather answers before they pass them on would keep lines and messages to themselves.
  static let accelBuffering = HTTPField.Name("X-Accel-Buffering")!
}

extension APIRequest {
  /// Closes the connection when what is sent stays unheard for half a minute, as when a telephone has left its network: by itself the system
  /// goes on trying for a quarter of an hour, and the stream would keep its place as long.
  func endWhenUnheard() async {
    #if os(Linux)
      // TCP_USER_TIMEOUT of tcp(7), in milliseconds.
      let option = ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: 18))
      try? await context.channel?.setOption(option, value: 30_000).get()
    #endif
  }
}
