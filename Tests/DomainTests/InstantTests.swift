import Domain
import Foundation
import Testing

@Suite struct InstantTests {
  @Test(arguments: [
    ("1970-01-01T00:00:00Z", 0), ("2026-04-14T10:00:00Z", 1_776_160_800_000), ("2026-04-14T10:00:00.123456Z", 1_776_160_800_123),
    ("2026-04-14T15:30:00+05:30", 1_776_160_800_000), ("2026-04-14T15:30:00+0530", 1_776_160_800_000),
    ("2026-04-14t05:00:00.5-05", 1_776_160_800_500), ("2026-04-14 10:00Z", 1_776_160_800_000), ("1969-12-31T23:59:59.999Z", -1),
    ("2024-02-29T00:00:00Z", 1_709_164_800_000),
  ])
  func reads(text: String, milliseconds: Int64) {
    #expect(Instant(iso8601: text)?.milliseconds == milliseconds)
  }

  @Test(arguments: [
    "", "2026-04-14", "2026-04-14T10:00:00", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-04-31T00:00:00Z",
    "2026-04-14T24:00:00Z", "2026-04-14T10:60:00Z", "2026-04-14T10:00:61Z", "2026-04-14T10:00:00.Z", "2026-04-14T10:00:00ZZ",
    "2026-04-14T10:00:00+25:00", "+026-04-14T10:00:00Z", "２026-04-14T10:00:00Z", "2026-04-14T10:00:00 Z", "now", "1776160800",
  ])
  func refuses(text: String) {
    #expect(Instant(iso8601: text) == nil)
  }

  @Test func writesWhatFoundationReads() throws {
    var generator = SeededGenerator(state: 3)
    let formatter = ISO8601DateFormatter()
    formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
    for _ in 0..<2_000 {
      // The last digit keeps a fraction in the text, which Foundation's reader insists on.
      let instant = Instant(milliseconds: Int64.random(in: -2_000_000_000...4_000_000_000, using: &generator) * 1000 + 7)
      let date = try #require(formatter.date(from: instant.iso8601))
      #expect(Int64((date.timeIntervalSince1970 * 1000).rounded()) == instant.milliseconds)
      #expect(Instant(iso8601: instant.iso8601) == instant)
    }
  }
}
