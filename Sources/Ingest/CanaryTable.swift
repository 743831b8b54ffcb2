public import ClickHouse
public import Domain
import NIOCore

/// The rows of made-up customers, by which isolation is checked. They are written as events are, but past the pipeline and so past every
/// meter, in the environment ``Domain/EnvironmentName/selftest`` that no credential opens.
public struct CanaryTable: Sendable {
  /// A table in which viewers may read rows of customers.
  public struct Table: Sendable, Hashable {
    public let name: String

    /// Nil for a name that our schema cannot have.
    init?(_ name: String) {
      guard !name.isEmpty, name.utf8.allSatisfy({ UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || $0 == UInt8(ascii: "_") }) else {
        return nil
      }
      self.name = name
    }

    /// `` `emban`.`events` ``
    public var sql: SQL { SQL(trusted: "`emban`.`\(name)`") }
  }

  private static let prefix = "selftest"
  /// How long after its birth a canary counts as left over by a program that was killed.
  private static let leftoverMilliseconds: Int64 = 3_600_000

  /// How long a look may take, as long as the questions of the check: the longest that readers may ask.
  private static let longest: Duration = .seconds(60)

  private let client: ClickHouseClient

  public init(client: ClickHouseClient) { self.client = client }

  /// An id that no customer has and that tells when it was made, so that what a killed program left can be found.
  public static func makeTenant(at now: Instant) -> TenantID { TenantID(IDGenerator.make("\(prefix)-\(birth(now))")) }

  private static func birth(_ instant: Instant) -> String {
    let digits = String(max(0, instant.milliseconds), radix: 36)
    return String(repeating: "0", count: max(0, 9 - digits.count)) + digits
  }

  /// All tables of which the viewers' database user may read rows of customers: each of them has to keep customers apart.
  /// - Throws: ``ClickHouse/ClickHouseError``.
  public func tables() async throws -> [Table] {
    let nobody = ScopeSettings(organization: "", environment: "", tenant: nil)
    let rows = try await client.query(
      "SELECT table FROM system.columns WHERE database = 'emban' AND name = 'tenant_id' ORDER BY table", as: .viewer(nobody),
      timeout: Self.longest)
    return rows.rows.compactMap { $0.first?.stringValue }.compactMap(Table.init)
  }

  /// Stores the events of canaries, and a row for each of them in the other tables, which may know nothing of such young customers.
  /// - Throws: ``ClickHouse/ClickHouseError``.
  public func plant(_ events: [Event], of organization: OrganizationID, tenants: [TenantID], in tables: [Table]) async throws {
    let encoded = EncodedEvents(events, scope: IngestScope(organization: organization, environment: .selftest))
    let names = tenants.map(\.rawValue)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        do throws(StoreFailure) {
          try await EventTable(client: client).insert(ByteBuffer(bytes: encoded.bytes), token: EventTable.makeToken())
        } catch {
          throw ClickHouseError.unavailable(error.cause)
        }
      }
      for table in tables where table.name != "events" {
        group.addTask {
          try await client.execute(
            """
            INSERT INTO \(table.sql) (org_id, environment, tenant_id) \
            SELECT \(bind: organization.rawValue), \(bind: EnvironmentName.selftest.rawValue), arrayJoin(\(bind: names))
            """)
        }
      }
      try await group.waitForAll()
    }
  }

  /// Has the rows of canaries removed, and what an earlier check left. The store has written the removal down when this returns and does it
  /// within moments, also when this program is gone.
  /// - Throws: ``ClickHouse/ClickHouseError``.
  public func remove(_ tenants: [TenantID], of organization: OrganizationID, from tables: [Table], at now: Instant) async throws {
    let old = "\(Self.prefix)-\(Self.birth(now.adding(milliseconds: -Self.leftoverMilliseconds)))"
    let canaries: SQL = """
      org_id = \(bind: organization.rawValue) AND environment = \(bind: EnvironmentName.selftest.rawValue) \
      AND (tenant_id IN \(bind: tenants.map(\.rawValue)) OR tenant_id < \(bind: old))
      """
    try await withThrowingTaskGroup(of: Void.self) { group in
      for table in tables {
        group.addTask {
          // Only the partitions that hold some: a removal looks at every part of those that it is told of.
          let partitions = try await client.query(
            "SELECT DISTINCT _partition_id FROM \(table.sql) WHERE \(canaries)", as: .admin, timeout: Self.longest)
          for partition in partitions.rows.compactMap({ $0.first?.stringValue }) {
            try await client.execute(
              "DELETE FROM \(table.sql) IN PARTITION ID \(Self.literal(partition)) WHERE \(canaries)",
              settings: ["lightweight_deletes_sync": "0"])
          }
        }
      }
      try await group.waitForAll()
    }
  }

  /// A partition's id, which the grammar wants as a literal.
  private static func literal(_ partition: String) -> SQL {
    SQL(trusted: "'" + partition.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") } + "'")
  }
}
