import ClickHouse
import Domain
import NIOCore
import TestSupport

/// Writes events straight into the table, for the tests of this module.
struct EventRows {
  var organization: String
  var environment = "production"
  var tenant = "acme"
  var rows: [JSONValue] = []

  init(organization: String, environment: String = "production", tenant: String = "acme") {
    self.organization = organization
    self.environment = environment
    self.tenant = tenant
  }

  mutating func add(
    name: String = "api.call", at time: String = "2026-01-15T12:00:00Z", id: String = "", strings: [String: String] = [:],
    numbers: [String: Double] = [:]
  ) {
    rows.append([
      "org_id": .string(organization), "environment": .string(environment), "tenant_id": .string(tenant),
      "event_name": .string(name), "timestamp": .string(time), "event_id": .string(id), "user_id": "",
      "string_props": .object(strings.mapValues(JSONValue.string)), "numeric_props": .object(numbers.mapValues(JSONValue.number)),
    ])
  }

  var body: ByteBuffer {
    ByteBuffer(string: rows.map { $0.serialized() }.joined(separator: "\n"))
  }

  static let columns: [SQLIdentifier] = [
    "org_id", "environment", "tenant_id", "event_name", "timestamp", "event_id", "user_id", "string_props", "numeric_props",
  ]

  func insert(with client: ClickHouseClient, token: String? = nil) async throws {
    try await client.insert(into: "emban.events", columns: Self.columns, body: body, deduplicationToken: token)
  }
}
