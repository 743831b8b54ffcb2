import Domain
import Foundation
import Ingest
import NIOCore
import NIOHTTP1

extension EmbedDoctor {
  /// The page's script, plain and compressed: both must be the same.
  func checkScript(of page: Probe.Answer, _ report: inout DoctorReport) async {
    guard let path = Self.script(of: page.text) else { return }
    let url = address.origin + path
    guard case .success(let plain) = await probe.send(.GET, url, [("Accept-Encoding", "identity")]),
      case .success(let packed) = await probe.send(.GET, url, [("Accept-Encoding", "gzip")])
    else {
      report.problem(
        .script, "The page's script \(path) cannot be fetched.", why: "The frame stays empty.",
        remedy: "Let the proxy pass /web/ on to Emban.")
      return
    }
    for answer in [plain, packed] {
      guard answer.status == 200, answer.header("Content-Type")?.lowercased().contains("javascript") == true else {
        report.problem(
          .script, "The page's script answers \(answer.status) as \(answer.header("Content-Type") ?? "nothing").",
          why: "Browsers run nothing but scripts with 200 and a type of JavaScript.",
          remedy: "Let the proxy pass /web/ on to Emban, path and headers as they are.")
        return
      }
    }
    report.fine(.script, "answers 200")
    do {
      let unpacked = [try Self.unpacked(plain), try Self.unpacked(packed)]
      guard unpacked[0] == unpacked[1] else { throw Garbled.different }
      report.fine(.compression, packed.header("Content-Encoding") ?? "none")
    } catch {
      report.problem(
        .compression, "The script arrives garbled: \(error).", why: "Browsers cannot unpack it, and the frame stays empty.",
        remedy: "Let the proxy either pass Accept-Encoding and Content-Encoding on as they are, or do without compression for Emban.")
    }
  }

  private enum Garbled: Error, CustomStringConvertible {
    case different, notGzip, twice, unknown(String)

    var description: String {
      switch self {
      case .different: "compressed and plain are not the same file"
      case .notGzip: "it is said to be gzip, and is none"
      case .twice: "it is compressed without saying so, or twice"
      case .unknown(let encoding): "it comes as \(encoding), which was not asked for"
      }
    }
  }

  /// The file as a browser gets it.
  private static func unpacked(_ answer: Probe.Answer) throws -> [UInt8] {
    var bytes = answer.body
    switch answer.header("Content-Encoding")?.lowercased() {
    case nil, "", "identity": break
    case "gzip", "x-gzip":
      guard let inflated = try? GzipInflater.inflate(ByteBuffer(bytes: bytes), limit: 32 << 20) else { throw Garbled.notGzip }
      bytes = Array(inflated.readableBytesView)
    case .some(let other): throw Garbled.unknown(other)
    }
    // No script begins with the mark of gzip.
    if bytes.starts(with: [0x1F, 0x8B]) { throw Garbled.twice }
    return bytes
  }

  /// Whether the server believes to be where it was found: its description names its own address.
  func checkPublicURL(_ report: inout DoctorReport) async {
    guard case .success(let answer) = await probe.send(.GET, address.origin + "/openapi.json", [("Accept-Encoding", "identity")]),
      answer.status == 200, let description = try? JSONParser.parse(answer.body),
      let own = description["servers"]?[0]?["url"]?.stringValue.flatMap(EmbedAddress.init)
    else { return }
    if own.origin != address.origin {
      report.problem(
        .publicURL, "The server takes \(own.origin) for its own address, and was found at \(address.origin).",
        why: "Every embed_url names \(own.origin): it leads elsewhere or nowhere, and checks of origins compare with it.",
        remedy: "Set EMBAN_PUBLIC_URL to \(address.origin), or use the embed_url as it was answered.")
    } else if !report.has(.publicURL) {
      report.fine(.publicURL, own.origin)
    }
  }

  func checkClock(_ page: Probe.Answer, _ serverTime: Date?, _ report: inout DoctorReport) {
    let header = page.header("Date").flatMap(Self.date)
    let skews = [("its answer", serverTime, Date()), ("the Date header", header, page.received)].compactMap { name, time, ours in
      time.map { (name: name, seconds: $0.timeIntervalSince(ours)) }
    }
    guard let worst = skews.max(by: { abs($0.seconds) < abs($1.seconds) }) else { return }
    guard abs(worst.seconds) > Self.clockTolerance else { return report.fine(.clock, "within a minute of this machine's") }
    let minutes = Int((abs(worst.seconds) / 60).rounded())
    report.problem(
      .clock, "By \(worst.name) the server's clock is \(minutes) min \(worst.seconds > 0 ? "ahead of" : "behind") this machine's.",
      why: "Sessions end when the server's clock says so: whoever compares expires_at with another clock renews too late or all the time.",
      remedy: "Let all machines follow the same time (NTP), also the proxy's.")
  }

  /// The form of RFC 9110: `Sun, 06 Nov 1994 08:49:37 GMT`.
  private static func date(_ text: String) -> Date? {
    guard let found = text.firstMatch(of: /(\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT/) else { return nil }
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    guard let month = months.firstIndex(of: String(found.2)) else { return nil }
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .gmt
    return calendar.date(
      from: DateComponents(
        year: Int(found.3), month: month + 1, day: Int(found.1), hour: Int(found.4), minute: Int(found.5), second: Int(found.6)))
  }
}
