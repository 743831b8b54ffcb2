import Delivery
import Foundation
import Testing

@Suite struct SMTPConversationTests {
  private func conversation(_ address: String) throws -> SMTPConversation {
    try SMTPConversation(
      try MailServer(parsing: address), from: "emban@example.com", to: "ada@example.com", content: "Subject: x\r\n\r\nSGVsbG8=\r\n",
      name: "emban.example.com")
  }

  private func reply(_ code: Int, _ lines: String...) -> SMTPReply { SMTPReply(code: code, lines: lines) }

  @Test func handsAMessageOver() throws {
    var talk = try conversation("smtp+plain://localhost")
    #expect(try talk.received(reply(220, "hello")) == .send("EHLO emban.example.com\r\n"))
    #expect(try talk.received(reply(250, "mail.example.com", "SIZE 1000")) == .send("MAIL FROM:<emban@example.com>\r\n"))
    #expect(try talk.received(reply(250, "ok")) == .send("RCPT TO:<ada@example.com>\r\n"))
    #expect(try talk.received(reply(250, "ok")) == .send("DATA\r\n"))
    #expect(try talk.received(reply(354, "go on")) == .send("Subject: x\r\n\r\nSGVsbG8=\r\n.\r\n"))
    #expect(try talk.received(reply(250, "queued")) == .finish("QUIT\r\n"))
  }

  @Test func encryptsBeforeItSaysASecret() throws {
    var talk = try conversation("smtp://ada:secret@mail.example.com")
    _ = try talk.received(reply(220, "hello"))
    #expect(try talk.received(reply(250, "mail.example.com", "AUTH PLAIN", "STARTTLS")) == .send("STARTTLS\r\n"))
    #expect(try talk.received(reply(220, "go ahead")) == .startTLS)
    #expect(talk.didStartTLS() == .send("EHLO emban.example.com\r\n"))
    let secret = Data("\0ada\0secret".utf8).base64EncodedString()
    #expect(try talk.received(reply(250, "mail.example.com", "AUTH LOGIN PLAIN")) == .send("AUTH PLAIN \(secret)\r\n"))
    #expect(try talk.received(reply(235, "welcome")) == .send("MAIL FROM:<emban@example.com>\r\n"))
  }

  @Test func saysNothingWithoutEncryption() throws {
    var talk = try conversation("smtp://ada:secret@mail.example.com")
    _ = try talk.received(reply(220, "hello"))
    #expect(throws: MailError.self) { try talk.received(reply(250, "mail.example.com", "AUTH PLAIN")) }
  }

  @Test func signsInByLoginWhereThereIsNothingElse() throws {
    var talk = try conversation("smtps://ada:secret@mail.example.com")
    _ = try talk.received(reply(220, "hello"))
    #expect(try talk.received(reply(250, "mail.example.com", "AUTH LOGIN")) == .send("AUTH LOGIN\r\n"))
    #expect(try talk.received(reply(334, "VXNlcm5hbWU6")) == .send("YWRh\r\n"))
    #expect(try talk.received(reply(334, "UGFzc3dvcmQ6")) == .send("c2VjcmV0\r\n"))
    #expect(try talk.received(reply(235, "welcome")) == .send("MAIL FROM:<emban@example.com>\r\n"))
  }

  @Test func tellsWhatTheServerRefused() throws {
    var talk = try conversation("smtps://ada:secret@mail.example.com")
    _ = try talk.received(reply(220, "hello"))
    _ = try talk.received(reply(250, "mail.example.com", "AUTH PLAIN"))
    let error = #expect(throws: MailError.self) { try talk.received(reply(535, "who are you")) }
    #expect(error?.description == "mail.example.com:465 answered 535 (authentication): who are you")
    #expect(error?.description.contains("secret") == false)
  }

  @Test(arguments: ["ada@example.com>\r\nRCPT TO:<eve@example.com", "ada@exämple.com", "a da@example.com", "<ada@example.com>"])
  func putsNoCommandIntoAnAddress(address: String) throws {
    let server = try MailServer(parsing: "smtp+plain://localhost")
    #expect(throws: MailError.self) { try SMTPConversation(server, from: "emban@example.com", to: address, content: "", name: "x.example") }
  }

  /// At each stage one code means that all is well. Whoever takes another for it takes the answer to something else.
  @Test func takesNoOtherCodeForAnother() throws {
    let right = [220, 250, 250, 251, 354, 250]
    for stage in right.indices {
      for code in [211, 220, 221, 235, 250, 251, 252, 334, 354] where code != right[stage] && !(code == 250 && right[stage] == 251) {
        var talk = try conversation("smtp+plain://localhost")
        for earlier in right[..<stage] { _ = try talk.received(reply(earlier, "ok")) }
        #expect(throws: MailError.self, "\(code) at stage \(stage)") { try talk.received(reply(code, "ok")) }
      }
    }
    var talk = try conversation("smtps://ada:secret@mail.example.com")
    _ = try talk.received(reply(220, "hello"))
    _ = try talk.received(reply(250, "mail.example.com", "AUTH PLAIN"))
    #expect(throws: MailError.self) { try talk.received(reply(250, "ok")) }
  }
}

@Suite struct SMTPReplyParserTests {
  @Test func readsRepliesInPartsOfAnySize() throws {
    let text = "250-mail.example.com\r\n250-SIZE 1000\r\n250 AUTH PLAIN\r\n354 go\r\n250\r\n"
    for size in 1...text.utf8.count {
      var parser = SMTPReplyParser()
      var replies: [SMTPReply] = []
      let bytes = Array(text.utf8)
      for start in stride(from: 0, to: bytes.count, by: size) {
        parser.append(bytes[start..<min(start + size, bytes.count)])
        while let reply = try parser.next() { replies.append(reply) }
      }
      #expect(
        replies == [
          SMTPReply(code: 250, lines: ["mail.example.com", "SIZE 1000", "AUTH PLAIN"]), SMTPReply(code: 354, lines: ["go"]),
          SMTPReply(code: 250, lines: [""]),
        ], "in parts of \(size)")
      #expect(!parser.hasRemainder)
    }
  }

  @Test(arguments: ["HTTP/1.1 400 Bad Request\r\n", "99 no\r\n", "250x\r\n", "\r\n", "600 no\r\n"])
  func refusesWhatIsNoReply(text: String) throws {
    var parser = SMTPReplyParser()
    parser.append(text.utf8)
    #expect(throws: SMTPReplyParser.Malformed.self) { try parser.next() }
  }

  @Test func doesNotReadWithoutEnd() throws {
    var parser = SMTPReplyParser()
    parser.append(Array(repeating: UInt8(ascii: "a"), count: SMTPReplyParser.maximumBytes + 1))
    #expect(throws: SMTPReplyParser.Malformed.self) { try parser.next() }
    var talker = SMTPReplyParser()
    talker.append(Array(String(repeating: "250-and more\r\n", count: 10_000).utf8))
    #expect(throws: SMTPReplyParser.Malformed.self) { try talker.next() }
  }
}
