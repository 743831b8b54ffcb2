public import Domain
import Foundation

/// A message as it goes over the wire (RFC 5322): its text in base64, so that no line of it is too long or begins with a dot.
package struct MailContent {
  package let text: String

  /// - Parameter id: The part of `Message-ID` before the `@`.
  package init(_ message: MailMessage, from sender: String, at now: Instant, id: String) {
    let body = Data(message.text.replacing("\r\n", with: "\n").replacing("\n", with: "\r\n").utf8)
      .base64EncodedString(options: [.lineLength76Characters, .endLineWithCarriageReturn, .endLineWithLineFeed])
    let domain = sender.split(separator: "@").last.map(String.init) ?? "localhost"
    let lines = [
      "From: Emban <\(sender)>", "To: <\(message.to)>", "Subject: \(Self.encoded(message.subject))", "Date: \(Self.date(now))",
      "Message-ID: <\(id)@\(domain)>", "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64",
      // No holiday notices, please (RFC 3834).
      "Auto-Submitted: auto-generated", "", body,
    ]
    text = lines.joined(separator: "\r\n") + "\r\n"
  }

  /// A header's text in encoded words where it is not plain ASCII, which also keeps line ends out of headers (RFC 2047).
  package static func encoded(_ text: String) -> String {
    if text.utf8.allSatisfy({ 0x20...0x7E ~= $0 }), text.utf8.count <= 60, !text.contains("=?") { return text }
    var words: [String] = []
    var part: [UInt8] = []
    func close() {
      if !part.isEmpty { words.append("=?utf-8?B?\(Data(part).base64EncodedString())?=") }
      part = []
    }
    for scalar in text.unicodeScalars {
      let bytes = Array(String(scalar).utf8)
      if part.count + bytes.count > 42 { close() }
      part += bytes
    }
    close()
    return words.joined(separator: "\r\n ")
  }

  /// `Sat, 21 Nov 2026 19:38:40 +0000`.
  package static func date(_ instant: Instant) -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(secondsFromGMT: 0)
    formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss +0000"
    return formatter.string(from: Date(timeIntervalSince1970: Double(instant.milliseconds) / 1000))
  }
}
