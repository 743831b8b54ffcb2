public import Domain
import NIOCore
import NIOPosix
import NIOSSL

/// Hands mails over to a mail server, each over a connection of its own.
///
/// ```swift
/// let client = try SMTPClient(MailServer(parsing: "smtp://user:secret@mail.example.com"), sender: "emban@example.com", clock: clock)
/// try await client.send(MailMessage(to: "ada@example.com", subject: "Hello", text: "…"))
/// ```
public struct SMTPClient: Sendable {
  private let server: MailServer
  private let sender: String
  private let name: String?
  private let timeout: Duration
  private let tls: NIOSSLContext?
  private let clock: TimeSource

  /// - Parameters:
  ///   - sender: The address that mails come from.
  ///   - name: How this machine calls itself, where that is a name that others know; otherwise the address of the connection is said.
  ///   - timeout: For a whole hand-over.
  /// - Throws: ``MailError`` when the certificates to trust cannot be read.
  public init(
    _ server: MailServer, sender: String, name: String? = nil, timeout: Duration = .seconds(20), clock: @escaping TimeSource
  ) throws(MailError) {
    self.server = server
    self.sender = sender
    self.name = name.flatMap(Self.known)
    self.timeout = timeout
    self.clock = clock
    guard server.security != .plain else {
      tls = nil
      return
    }
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.minimumTLSVersion = .tlsv12
    do {
      if let path = server.certificates {
        configuration.additionalTrustRoots = [.certificates(try NIOSSLCertificate.fromPEMFile(path))]
      }
      tls = try NIOSSLContext(configuration: configuration)
    } catch {
      throw MailError(description: "the certificates \(server.certificates ?? "of the system") cannot be used: \(error)")
    }
  }

  /// Returns when the server has taken the message.
  /// - Throws: ``MailError``; `CancellationError`.
  public func send(_ message: MailMessage) async throws {
    let content = MailContent(message, from: sender, at: clock(), id: IDGenerator.make("mail"))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await hold(to: message.to, content.text) }
      group.addTask {
        try await Task.sleep(for: timeout)
        throw MailError(description: "\(server) did not take the mail within \(timeout)")
      }
      defer { group.cancelAll() }
      do {
        try await group.next()
      } catch let error where error is CancellationError || error is MailError {
        throw error
      } catch {
        try Task.checkCancellation()
        throw MailError(description: "\(server) cannot be spoken to: \(error)")
      }
    }
  }

  private func hold(to recipient: String, _ content: String) async throws {
    let host = server.host
    let implicit = server.security == .tls ? tls : nil
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connectTimeout(.seconds(10))
      .connect(host: host, port: server.port) { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(ReadCounter())
          if let implicit { try channel.pipeline.syncOperations.addHandler(try Self.handler(implicit, host), position: .first) }
          return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    let conversation = try SMTPConversation(
      server, from: sender, to: recipient, content: content, name: name ?? Self.literal(channel.channel.localAddress))
    try await channel.executeThenClose { [conversation] inbound, outbound in
      var conversation = conversation
      var parser = SMTPReplyParser()
      var parts = inbound.makeAsyncIterator()
      while true {
        let reply = try await next(&parser, &parts)
        var action = try conversation.received(reply)
        if action == .startTLS {
          // What came before the encryption may be somebody else's, and must not be taken for the server's: neither what the parser holds nor
          // what was read and waits for it.
          let early = MailError(description: "\(server) spoke before TLS had begun")
          guard !parser.hasRemainder, let tls else { throw early }
          let received = parser.received
          try await channel.channel.eventLoop.submit {
            let pipeline = channel.channel.pipeline.syncOperations
            guard try pipeline.handler(type: ReadCounter.self).bytes == received else { throw early }
            try pipeline.addHandler(try Self.handler(tls, host), position: .first)
          }.get()
          action = conversation.didStartTLS()
        }
        switch action {
        case .send(let text): try await outbound.write(ByteBuffer(string: text))
        case .finish(let text):
          // Taken is taken: whether the server hears the farewell changes nothing.
          try? await outbound.write(ByteBuffer(string: text))
          return
        case .startTLS: throw MailError(description: "\(server) asks for TLS twice")
        }
      }
    }
  }

  private func next(
    _ parser: inout SMTPReplyParser, _ parts: inout NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
  ) async throws -> SMTPReply {
    while true {
      do {
        if let reply = try parser.next() { return reply }
      } catch {
        throw MailError(description: "\(server) does not speak as a mail server does")
      }
      guard let part = try await parts.next() else { throw MailError(description: "\(server) ended the connection") }
      parser.append(part.readableBytesView)
    }
  }

  /// A name that a mail server can look up, which some ask for: with a dot in it, and none of a single machine's own.
  private static func known(_ name: String) -> String? {
    let name = name.lowercased()
    let isName = name.utf8.allSatisfy { "abcdefghijklmnopqrstuvwxyz0123456789-.".utf8.contains($0) } && name.contains { $0.isLetter }
    return isName && name.contains(".") && !name.hasSuffix(".localhost") ? name : nil
  }

  /// An address in place of a name (RFC 5321, 4.1.3).
  private static func literal(_ address: SocketAddress?) -> String {
    switch address {
    case .v4: "[\(address?.ipAddress ?? "127.0.0.1")]"
    case .v6: "[IPv6:\(address?.ipAddress ?? "::1")]"
    default: "[127.0.0.1]"
    }
  }

  private static func handler(_ context: NIOSSLContext, _ host: String) throws -> NIOSSLClientHandler {
    // An address of digits cannot be asked for by name; the certificate is then held against the address itself.
    let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
    return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host)
  }
}

/// Counts what arrives, on its way to whoever reads it.
private final class ReadCounter: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private(set) var bytes = 0

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    bytes += unwrapInboundIn(data).readableBytes
    context.fireChannelRead(data)
  }
}
