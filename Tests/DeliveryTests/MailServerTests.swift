import Delivery
import Testing

@Suite struct MailServerTests {
  @Test func readsAddresses() throws {
    let usual = try MailServer(parsing: "smtp://ada%40example.com:p%40ss%3Aword@mail.example.com")
    #expect(usual.host == "mail.example.com" && usual.port == 587 && usual.security == .startTLS)
    #expect(usual.credentials?.user == "ada@example.com" && usual.credentials?.password == "p@ss:word")
    #expect(try MailServer(parsing: "smtps://mail.example.com").port == 465)
    #expect(try MailServer(parsing: "smtp+plain://ada:secret@localhost").credentials?.user == "ada")
    #expect(try MailServer(parsing: "smtp+plain://ada:secret@127.0.0.1").credentials?.user == "ada")
    let relay = try MailServer(parsing: "smtp+plain://localhost:2525/")
    #expect(relay.port == 2525 && relay.security == .plain && relay.credentials == nil)
    #expect(try MailServer(parsing: "smtps://[::1]:465?ca=/etc/ca.pem").host == "::1")
    #expect(try MailServer(parsing: "smtps://mail.example.com?ca=/etc/ca.pem").certificates == "/etc/ca.pem")
  }

  @Test(arguments: [
    "", "mail.example.com", "http://mail.example.com", "smtp://", "smtp://user@mail.example.com", "smtp://:secret@mail.example.com",
    "smtp://mail.example.com:99999", "smtp://mail.example.com/path", "smtp://mail.example.com?tls=off", "smtp+plain://localhost?ca=/x",
    "smtp+plain://ada:secret@mail.example.com", "smtp+plain://ada:secret@127.example.com", "smtp+plain://ada:secret@localhost.example.com",
  ])
  func refusesWhatIsNone(address: String) {
    #expect(throws: MailServer.Invalid.self) { try MailServer(parsing: address) }
  }

  @Test func showsNoSecret() throws {
    let server = try MailServer(parsing: "smtp://ada:secret@mail.example.com")
    #expect("\(server)" == "mail.example.com:587")
  }
}
