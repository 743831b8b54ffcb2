public import Domain
import Foundation

/// Why a mail was not handed over. The description names the server's code and words, and no secret of ours.
public struct MailError: Error, Sendable, Hashable, CustomStringConvertible {
  public let description: String
}

/// What a client says to a mail server to hand over one message, as a value: replies go in, what to do comes out (RFC 5321; AUTH of RFC
/// 4954, STARTTLS of RFC 3207).
package struct SMTPConversation {
  package enum Action: Hashable {
    /// Bytes to send, line ends included.
    case send(String)
    /// To begin TLS and then go on with ``didStartTLS()``.
    case startTLS
    /// The message was taken; this is the farewell.
    case finish(String)
  }

  private enum Stage: String {
    case greeting, hello, startTLS, authentication, user, password, sender, recipient, data, message

    /// The codes that mean "done as asked". Any other would be the answer to something else, or one that we do not understand.
    var accepted: Set<Int> {
      switch self {
      case .greeting, .startTLS: [220]
      case .hello, .sender, .message: [250]
      case .authentication: [235]
      case .user, .password: [334]
      case .recipient: [250, 251]
      case .data: [354]
      }
    }
  }

  private let server: MailServer
  private let sender: String
  private let recipient: String
  private let content: String
  /// How this machine calls itself.
  private let name: String
  private var stage = Stage.greeting
  private var isEncrypted: Bool

  /// - Parameters:
  ///   - sender: The address that answers and failures go to.
  ///   - content: The message as it is sent: lines that end with CR LF, none of which begins with a dot.
  ///   - name: How this machine calls itself: a name with a dot, or an address in brackets (RFC 5321, 4.1.3).
  /// - Throws: ``MailError`` for an address that cannot be told to a server.
  package init(_ server: MailServer, from sender: String, to recipient: String, content: String, name: String) throws(MailError) {
    for address in [sender, recipient]
    where !address.utf8.allSatisfy({ 0x21...0x7E ~= $0 && $0 != UInt8(ascii: "<") && $0 != UInt8(ascii: ">") }) {
      throw MailError(description: "the address holds characters that mail servers do not take")
    }
    self.server = server
    self.sender = sender
    self.recipient = recipient
    self.content = content
    self.name = name
    isEncrypted = server.security == .tls
  }

  /// What to do about a reply.
  package mutating func received(_ reply: SMTPReply) throws(MailError) -> Action {
    guard stage.accepted.contains(reply.code) else { throw refusal(reply) }
    switch stage {
    case .greeting: return say("EHLO \(name)", .hello)
    case .hello: return try greeted(reply)
    case .startTLS: return .startTLS
    case .user:
      return say(Data((server.credentials?.user ?? "").utf8).base64EncodedString(), .password)
    case .password:
      return say(Data((server.credentials?.password ?? "").utf8).base64EncodedString(), .authentication)
    case .authentication: return say("MAIL FROM:<\(sender)>", .sender)
    case .sender: return say("RCPT TO:<\(recipient)>", .recipient)
    case .recipient: return say("DATA", .data)
    case .data:
      stage = .message
      return .send(content + ".\r\n")
    case .message: return .finish("QUIT\r\n")
    }
  }

  /// What to say once the connection is encrypted: what the server offered before does not count.
  package mutating func didStartTLS() -> Action {
    isEncrypted = true
    return say("EHLO \(name)", .hello)
  }

  private mutating func greeted(_ reply: SMTPReply) throws(MailError) -> Action {
    let offers = reply.lines.map { $0.uppercased().split(separator: " ").map(String.init) }
    if server.security == .startTLS, !isEncrypted {
      // A server, or somebody between us, that offers no encryption gets neither password nor message.
      guard offers.contains(where: { $0.first == "STARTTLS" }) else {
        throw MailError(description: "\(server) offers no STARTTLS; use smtps://, or smtp+plain:// for a relay on the same machine")
      }
      return say("STARTTLS", .startTLS)
    }
    guard let credentials = server.credentials else { return say("MAIL FROM:<\(sender)>", .sender) }
    let methods = offers.first { $0.first == "AUTH" } ?? []
    if methods.contains("PLAIN") {
      let secret = Data("\0\(credentials.user)\0\(credentials.password)".utf8).base64EncodedString()
      return say("AUTH PLAIN \(secret)", .authentication)
    }
    guard methods.contains("LOGIN") else {
      throw MailError(description: "\(server) offers neither AUTH PLAIN nor AUTH LOGIN")
    }
    return say("AUTH LOGIN", .user)
  }

  private mutating func say(_ line: String, _ next: Stage) -> Action {
    stage = next
    return .send(line + "\r\n")
  }

  private func refusal(_ reply: SMTPReply) -> MailError {
    MailError(description: "\(server) answered \(reply.code) (\(stage.rawValue)): \(reply.lines.joined(separator: " ").prefix(300))")
  }
}
