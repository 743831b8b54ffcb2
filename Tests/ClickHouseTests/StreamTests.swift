import ClickHouse
import Domain
import Foundation
import NIOCore
import TestSupport
import Testing

/// Answers of any length: they come piece by piece, end with an error when they are not whole, and hold one tenant's events.
@Suite(.timeLimit(.minutes(10))) struct StreamTests {
  func scope(_ organization: String, _ tenant: String) -> ScopeSettings {
    ScopeSettings(organization: organization, environment: "production", tenant: tenant)
  }

  @Test func givesAnAnswerLargerThanAnyBuffer() async throws {
    let clickhouse = try await TestClickHouse.shared()
    var bytes = 0
    var parts = 0
    for try await part in try await clickhouse.client.stream(
      "SELECT number, repeat('x', 100) FROM numbers(300000)", as: .exporter(scope("o", "t")), format: "TSV")
    {
      bytes += part.readableBytes
      parts += 1
    }
    let expected = 300_000 * 102 + (0..<300_000).map { String($0).utf8.count }.reduce(0, +)
    #expect(bytes == expected)
    #expect(parts > 10)
  }

  @Test func whatBreaksOffIsNoAnswer() async throws {
    let clickhouse = try await TestClickHouse.shared()
    var bytes = 0
    await #expect(throws: ClickHouseError.self) {
      for try await part in try await clickhouse.client.stream(
        "SELECT number, repeat('x', 100), throwIf(number = 2000000) FROM numbers(3000000)", as: .exporter(scope("o", "t")), format: "TSV")
      {
        bytes += part.readableBytes
      }
    }
    #expect(bytes > 1_000_000)
    await #expect(throws: ClickHouseError.self) {
      _ = try await clickhouse.client.stream("SELECT nothing", as: .exporter(scope("o", "t")), format: "TSV")
    }
  }

  @Test func anExporterSeesOneTenantAndNoOtherTable() async throws {
    let clickhouse = try await TestClickHouse.shared()
    let organization = TestClickHouse.uniqueOrganization()
    let rows = ["acme", "acme", "globex"].map {
      #"{"org_id":"\#(organization)","environment":"production","tenant_id":"\#($0)","event_name":"x","timestamp":"2026-01-01T00:00:00Z"}"#
    }
    try await clickhouse.client.insert(into: "emban.events", body: ByteBuffer(string: rows.joined(separator: "\n")))
    let all: SQL = "SELECT tenant_id FROM \(identifier: "emban.events")"
    for (tenant, expected) in [("acme", "acme\nacme\n"), ("globex", "globex\n"), ("nobody", "")] {
      var text = ""
      for try await part in try await clickhouse.client.stream(all, as: .exporter(scope(organization, tenant)), format: "TSV") {
        text += String(buffer: part)
      }
      #expect(text == expected)
    }
    let nobody = ScopeSettings(organization: organization, environment: "production", tenant: nil)
    #expect(try await clickhouse.client.query(all, as: .exporter(nobody)).rows.isEmpty)
    let tables: [SQLIdentifier] = ["emban.event_ids", "emban.tenant_days", "emban.rollups"]
    for table in tables {
      await #expect(throws: ClickHouseError.self) {
        try await clickhouse.client.query("SELECT count() FROM \(identifier: table)", as: .exporter(scope(organization, "acme")))
      }
    }
  }
}
