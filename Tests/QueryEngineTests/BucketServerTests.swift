import ClickHouse
import Domain
import QueryEngine
import TestSupport
import Testing

/// The buckets computed here must be those that the server groups by.
@Suite struct BucketServerTests {
  @Test(arguments: zones, Granularity.allCases)
  func bucketsEqualTheServers(zone: String, granularity: Granularity) async throws {
    let client = try await TestClickHouse.shared().client
    let zone = try Zone(zone)
    let buckets = TimeBuckets(granularity, in: zone)
    var random = Randomness(UInt64(granularity.rawValue.utf8.count))
    // Around both changes of the clock in several years, and at random.
    var starts = ["2026-03-07T17:00:00Z", "2026-10-31T18:30:00Z", "2026-04-03T20:00:00Z", "2026-10-02T21:45:00Z", "2018-11-03T12:00:00Z"]
      .map(moment)
    for _ in 0..<5 {
      starts.append(moment("2015-01-01T00:00:00Z").adding(seconds: Double.random(in: 0..<500_000_000, using: &random).rounded()))
    }
    for start in starts {
      let days =
        switch granularity {
        case .minute: 0.3
        case .hour: 4.0
        case .day: 60.0
        case .week: 200.0
        case .month: 700.0
        }
      let span = TimeRange(from: start, to: start.adding(seconds: days * 86_400))
      let step = granularity == .minute ? 20_000 : 600_000
      let count = Int(span.milliseconds) / step
      let rows = try await client.query(
        """
        SELECT \(buckets.key) AS bucket, toUnixTimestamp64Milli(min(timestamp)) FROM \
        (SELECT fromUnixTimestamp64Milli(\(bind: Int(start.milliseconds)) + number * \(bind: step), 'UTC') AS timestamp FROM numbers(\(bind: count))) \
        GROUP BY bucket ORDER BY bucket
        """, as: .admin
      ).rows
      let last = start.adding(milliseconds: Int64((count - 1) * step) + 1)
      let ours = try #require(buckets.buckets(of: TimeRange(from: start, to: last)))
      #expect(rows.map { $0[0] } == ours.map { JSONValue.int($0.key) }, "\(zone) \(granularity) from \(start.iso8601)")
      // The first moment of a bucket is where we say it is: the first sample in it comes within a step.
      for (row, bucket) in zip(rows, ours).dropFirst() {
        let first = Int64(row[1].numberValue ?? 0)
        #expect(
          bucket.start.milliseconds <= first && first < bucket.start.milliseconds + Int64(step),
          "\(zone) \(granularity) \(bucket.start.iso8601)")
      }
      for moment in stride(from: start.milliseconds, to: last.milliseconds, by: Int(span.milliseconds) / 97) {
        let instant = Instant(milliseconds: moment)
        #expect(buckets.bucket(of: instant) == ours.last { $0.start <= instant } ?? ours[0])
      }
    }
  }

  @Test func theZonesOfTheServerAreAccepted() async throws {
    let client = try await TestClickHouse.shared().client
    let names = try await client.query("SELECT time_zone FROM system.time_zones", as: .admin).rows.compactMap { $0[0].stringValue }
    for name in names where name.contains("/") && !name.hasPrefix("Etc/GMT") {
      #expect(throws: Never.self, "\(name)") { try Zone(name) }
    }
  }
}
