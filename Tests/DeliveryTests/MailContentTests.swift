import Delivery
import Domain
import Foundation
import Testing

@Suite struct MailContentTests {
  private func content(subject: String = "Hello", text: String = "Hello\n") -> String {
    MailContent(
      MailMessage(to: "ada@example.com", subject: subject, text: text), from: "emban@example.com",
      at: Instant(milliseconds: 1_760_000_000_000), id: "mail_x"
    ).text
  }

  @Test func writesAMessage() {
    #expect(
      content() == """
        From: Emban <emban@example.com>\r
        To: <ada@example.com>\r
        Subject: Hello\r
        Date: Thu, 09 Oct 2025 08:53:20 +0000\r
        Message-ID: <mail_x@example.com>\r
        MIME-Version: 1.0\r
        Content-Type: text/plain; charset=utf-8\r
        Content-Transfer-Encoding: base64\r
        Auto-Submitted: auto-generated\r
        \r
        SGVsbG8NCg==\r

        """)
  }

  @Test func hasNoLongLineAndNoneThatBeginsWithADot() {
    let lines = content(
      subject: String(repeating: "ä.\r\nBcc: eve@example.com ", count: 30), text: ".\n" + String(repeating: ".x", count: 2_000)
    )
    .components(separatedBy: "\r\n")
    #expect(lines.allSatisfy { $0.utf8.count <= 78 && !$0.hasPrefix(".") && !$0.contains("\n") && !$0.contains("\r") })
    #expect(!lines.contains { $0.hasPrefix("Bcc") })
  }

  @Test(arguments: ["Grüße an alle", "日本語の件名", "a\r\nBcc: eve@example.com", "=?utf-8?B?eA==?=", String(repeating: "👩‍👩‍👧‍👦", count: 20)])
  func keepsSubjects(subject: String) {
    var bytes = Data()
    for word in MailContent.encoded(subject).components(separatedBy: "\r\n ") {
      bytes += Data(base64Encoded: String(word.dropFirst("=?utf-8?B?".count).dropLast(2))) ?? Data()
    }
    #expect(String(decoding: bytes, as: UTF8.self) == subject)
  }
}
