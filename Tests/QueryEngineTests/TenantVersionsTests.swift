import ClickHouse
import Domain
import NIOCore
import QueryEngine
import TestSupport
import Testing

/// The versions of many customers by one statement: each of its own events, whoever else is asked for.
@Suite struct TenantVersionsTests {
  private struct Place: Sendable {
    var organization: String
    var environment: String
    var tenant: String
    /// How many events are stored.
    var events: Int

    func scope() throws -> Scope {
      try Scope(
        organization: OrganizationID(organization), environment: EnvironmentName(environment), tenant: .one(TenantID(tenant)), now: now,
        zone: .utc)
    }
  }

  private static func insert(_ count: Int, into place: Place, with client: ClickHouseClient) async throws {
    let row: JSONValue = [
      "org_id": .string(place.organization), "environment": .string(place.environment), "tenant_id": .string(place.tenant),
      "event_name": "api.call", "timestamp": now.json, "event_id": "", "user_id": "", "string_props": [:], "numeric_props": [:],
    ]
    try await client.insert(
      into: "emban.events",
      columns: ["org_id", "environment", "tenant_id", "event_name", "timestamp", "event_id", "user_id", "string_props", "numeric_props"],
      body: ByteBuffer(string: Array(repeating: row.serialized(), count: count).joined(separator: "\n")))
  }

  @Test func eachCustomerHasItsOwnVersion() async throws {
    let client = try await TestClickHouse.shared().client
    let executor = Executor { sql, role in try await client.query(sql, as: role) }
    let (first, second) = (TestClickHouse.uniqueOrganization(), TestClickHouse.uniqueOrganization() + "' OR 1=1")
    // The same names in two organisations and two environments, two spellings of one word, and names that try to break out.
    var places: [Place] = []
    for organization in [first, second] {
      for environment in ["production", "development"] {
        for tenant in ["acme", "caf\u{e9}", "cafe\u{301}", "x'), ('acme", "\\'] OR 1=1 --", "tab\tand\nline"] {
          places.append(Place(organization: organization, environment: environment, tenant: tenant, events: places.count + 1))
        }
      }
    }
    for place in places { try await Self.insert(place.events, into: place, with: client) }
    let nobody = Place(organization: first, environment: "production", tenant: "nobody", events: 0)
    var asked = places
    asked.insert(nobody, at: 5)
    let found = try await executor.run(TenantVersionsPlan(scopes: try asked.map { try $0.scope() }))
    #expect(found.count == asked.count)
    for (place, answer) in zip(asked, found) {
      #expect(answer.version.events == place.events, "\(place)")
      #expect((answer.version.lastIngested == nil) == (place.events == 0))
      #expect(answer.age.map { 0..<120 ~= $0 } ?? (place.events == 0))
    }
    // One more event is another version of one customer.
    try await Self.insert(1, into: places[3], with: client)
    let later = try await executor.run(TenantVersionsPlan(scopes: try asked.map { try $0.scope() }))
    let changed = zip(asked, zip(found, later)).filter { $0.1.0.version != $0.1.1.version }.map(\.0.events)
    #expect(changed == [places[3].events])
  }

  @Test func nobodyIsNoQuestion() async throws {
    let executor = Executor { _, _ in throw ClickHouseError.unavailable("nothing is asked") }
    #expect(try await executor.run(TenantVersionsPlan(scopes: [])).isEmpty)
    let all = try Scope(organization: OrganizationID("org_1"), environment: .production, tenant: .all, now: now, zone: .utc)
    #expect(try await executor.run(TenantVersionsPlan(scopes: [all])).isEmpty)
  }
}
