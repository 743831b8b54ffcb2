import ClickHouse
import Domain
import NIOCore
import QueryEngine
import TestSupport
import Testing

/// Random questions over the whole grammar, with names and values that try to break out, put to the real server beside the events of a
/// foreign tenant: the server understands every one, and nothing of the foreign tenant is ever in an answer.
@Suite struct ServerPropertyTests {
  private static let properties = ["model", "zq`", "zq\\`", "zq``.`x", "zq.zq", "zq é ü 漢字 🙂", "zq'; DROP"]
  private static let numbers = ["tokens", "zq`n", "zq\\"]
  private static let foreign = "FOREIGN-MARK"

  private struct World {
    let organization: String
    let executor: Executor
  }

  /// 400 events of a tenant with an awkward name, and 400 of another, each of whose texts bears the mark and each of whose numbers is huge.
  private static func make() async throws -> World {
    let client = try await TestClickHouse.shared().client
    let organization = TestClickHouse.uniqueOrganization() + "' OR 1=1"
    var random = Randomness(7)
    var lines: [String] = []
    for (tenant, isForeign) in [(hostileTexts[0], false), ("other", true)] {
      for _ in 0..<400 {
        let instant = now.adding(milliseconds: -Int64.random(in: 0...(80 * 86_400_000), using: &random))
        var strings: [String: JSONValue] = [:]
        for property in properties where random.chance(0.8) {
          strings[property] = .string(isForeign ? foreign : random.pick(hostileTexts))
        }
        var measures: [String: JSONValue] = [:]
        for property in numbers where random.chance(0.8) {
          measures[property] = .number(isForeign ? 1e15 : Double.random(in: 0...9, using: &random))
        }
        let row: JSONValue = [
          "org_id": .string(organization), "environment": "production", "tenant_id": .string(tenant),
          "event_name": .string(isForeign ? foreign : random.pick(hostileTexts)), "timestamp": instant.json, "event_id": "",
          "user_id": .string(isForeign ? foreign : random.pick(["", "u1", hostileTexts[3]])), "string_props": .object(strings),
          "numeric_props": .object(measures),
        ]
        lines.append(row.serialized())
      }
    }
    try await client.insert(
      into: "emban.events",
      columns: ["org_id", "environment", "tenant_id", "event_name", "timestamp", "event_id", "user_id", "string_props", "numeric_props"],
      body: ByteBuffer(string: lines.joined(separator: "\n")))
    return World(organization: organization, executor: Executor { sql, role in try await client.query(sql, as: role) })
  }

  private static let world = Task { try await make() }

  @Test(arguments: 0..<240) func everyQuestionIsUnderstoodAndStaysAtHome(seed: Int) async throws {
    let world = try await Self.world.value
    var random = Randomness(UInt64(seed) &+ 9_000)
    let zone = try Zone(random.pick(zones))
    let locked = random.chance(0.3) ? [random.pick(Self.properties): [random.pick(hostileTexts), random.pick(hostileTexts)]] : [:]
    let scope = try scope(
      organization: world.organization, tenant: .one(TenantID(hostileTexts[0])), permissions: EmbedPermissions(lockedFilters: locked),
      zone: zone)
    let planner = Planner(scope: scope)
    let question = RandomQuestion(&random, properties: Self.properties, texts: hostileTexts + [Self.foreign], numbers: Self.numbers)
    var plans = [try planner.plan(question.query, kind: question.kind)]
    let levels = (0..<Int.random(in: 0...2, using: &random)).map { _ in
      DrillDown.Level(.property(random.pick(Self.properties)), random.pick(hostileTexts + [Self.foreign]))
    }
    let next: Dimension? = random.chance(0.5) ? .property(random.pick(Self.properties)) : nil
    plans.append(try planner.drill(into: question.query, DrillDown(levels, next: next)))
    for plan in plans {
      let result = try await world.executor.run(plan)
      #expect(!result.json.serialized().contains(Self.foreign), "\(question)")
      for cell in result.rows.joined() { #expect(abs(cell.numberValue ?? 0) < 1e12, "\(question)") }
      // The form from bounded memory is understood, too.
      for fallback in plan.statements.compactMap(\.fallback) {
        let client = try await TestClickHouse.shared().client
        _ = try await client.query(fallback, as: scope.role)
      }
    }
  }

  /// The checks above can fail: the foreign tenant's own answers hold the mark and huge numbers.
  @Test func theForeignTenantSeesItself() async throws {
    let world = try await Self.world.value
    let planner = Planner(scope: try scope(organization: world.organization, tenant: .one(TenantID("other"))))
    let query = WidgetQuery(metric: .max, numericProp: "tokens", groupBy: .property("model"), time: .period(.quarter))
    let result = try await world.executor.run(planner.plan(query, kind: .table))
    #expect(result.json.serialized().contains(Self.foreign))
    #expect(result.rows.contains { ($0[1].numberValue ?? 0) > 1e12 })
  }
}
