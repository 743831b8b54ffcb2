import Domain
import Foundation
import Ingest
import Testing

@Suite struct ImportTimestampTests {
  @Test(arguments: [
    ("2023-11-16 18:17:03.9799600", "2023-11-16T18:17:03.979Z"),
    ("2023-11-16T18:17:03", "2023-11-16T18:17:03Z"),
    ("2023-11-16 18:17", "2023-11-16T18:17:00Z"),
    ("2023-11-16", "2023-11-16T00:00:00Z"),
    (" 2023-11-16T18:17:03Z ", "2023-11-16T18:17:03Z"),
    ("2023-11-16T18:17:03+05:30", "2023-11-16T12:47:03Z"),
    ("2023-11-16 18:17:03 UTC", "2023-11-16T18:17:03Z"),
    ("1700158623", "2023-11-16T18:17:03Z"),
    ("1700158623.5", "2023-11-16T18:17:03.500Z"),
    ("1700158623979", "2023-11-16T18:17:03.979Z"),
    ("1700158623979960", "2023-11-16T18:17:03.979Z"),
    ("1700158623979960000", "2023-11-16T18:17:03.979Z"),
    ("0", "1970-01-01T00:00:00Z"),
  ])
  func reads(_ text: String, _ expected: String) {
    #expect(ImportTimestamp().read(text)?.iso8601 == expected)
  }

  @Test(arguments: ["", "x", "2023-13-01", "2023-02-29 10:00", "16.11.2023", "nan", "inf", "1e300", "2023-11-16 25:00:00"])
  func refuses(_ text: String) {
    #expect(ImportTimestamp().read(text) == nil)
  }

  @Test func readsLocalTimesInTheGivenZone() throws {
    let berlin = ImportTimestamp(timeZone: try #require(TimeZone(identifier: "Europe/Berlin")))
    #expect(berlin.read("2023-01-10 12:00:00")?.iso8601 == "2023-01-10T11:00:00Z")
    #expect(berlin.read("2023-07-10 12:00:00")?.iso8601 == "2023-07-10T10:00:00Z")
    // The hour before and after the clocks go forward on 2023-03-26 at 02:00.
    #expect(berlin.read("2023-03-26 01:59:59")?.iso8601 == "2023-03-26T00:59:59Z")
    #expect(berlin.read("2023-03-26 03:00:00")?.iso8601 == "2023-03-26T01:00:00Z")
    // A zone in the text wins.
    #expect(berlin.read("2023-01-10 12:00:00Z")?.iso8601 == "2023-01-10T12:00:00Z")
  }
}
