import Access
import Domain
import HTTPTypes
import Hummingbird
import NIOCore

/// `GET /v1/embed/live`: tells an open dashboard that its customer's data changed, as server-sent events. What changed is not told: the
/// dashboard asks for what it shows as ever.
struct LiveController: Controller {
  let access: EmbedAccess
  let feed: LiveFeed
  /// Our own origin, from which the embed page calls.
  let publicOrigin: String

  var endpoints: [Endpoint] {
    [Endpoint(.get, "/v1/embed/live", .embed, live)]
  }

  private func live(_ request: APIRequest) async throws -> Response {
    _ = try request.readQuery { _ in }
    let view = try await access.view(of: request, publicOrigin: publicOrigin)
    await request.endWhenUnheard()
    let messages = try await feed.open(view.session, await request.connectionWatch())
    return Response(
      status: .ok,
      // Proxies that gather answers before they pass them on would keep the messages to themselves.
      headers: [.contentType: "text/event-stream", .accelBuffering: "no"],
      body: ResponseBody { writer in
        for await message in messages { try await writer.write(ByteBuffer(string: message.text)) }
        try await writer.finish(nil)
      })
  }
}

extension LiveStreams.Message {
  /// As https://html.spec.whatwg.org/multipage/server-sent-events.html has it.
  var text: String {
    switch self {
    case .open(let time): "retry: 3000\n\n" + Self.event("open", ["data_as_of": time.json])
    case .changed(let time): Self.event("changed", ["data_as_of": time.json])
    case .beat: ": still there\n\n"
    case .end(let ending): Self.event("end", ["code": .string(ending.rawValue)])
    }
  }

  private static func event(_ name: String, _ data: JSONValue) -> String { "event: \(name)\ndata: \(data.serialized())\n\n" }
}

extension HTTPField.Name {
  fileprivate static let accelBuffering = HTTPField.Name("X-Accel-Buffering")!
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
