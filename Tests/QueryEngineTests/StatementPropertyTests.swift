import ClickHouse
import Domain
import QueryEngine
import Testing

/// Random questions full of hostile values: whatever is asked, no value becomes text, and no reference of the events lacks its scope.
@Suite struct StatementPropertyTests {
  @Test(arguments: 0..<400) func valuesAreBoundAndEveryReferenceIsScoped(seed: Int) throws {
    var random = Randomness(UInt64(seed))
    let tenant = random.pick(hostileTexts)
    let locked = random.chance(0.5) ? [random.pick(hostileTexts): [random.pick(hostileTexts)], "plan": ["zq1", "zq2"]] : [:]
    let zone = try Zone(random.pick(["UTC", "America/New_York", "Asia/Kolkata"]))
    let scope = try scope(
      organization: random.pick(hostileTexts), tenant: .one(TenantID(tenant)), permissions: EmbedPermissions(lockedFilters: locked),
      zone: zone)
    for statement in try statements(scope, &random) {
      for sql in [statement.sql, statement.fallback].compactMap(\.self) {
        #expect(faults(sql, tenant: tenant, locked: locked.count) == [])
      }
    }
  }

  private func statements(_ scope: Scope, _ random: inout Randomness) throws -> [Statement] {
    func text() -> String { random.pick(hostileTexts) }
    func property() -> String {
      random.chance(0.3) ? "model" : PropertyName.isValid(text()) ? text().filter { !$0.isNewline && $0 != "\t" } : "zq"
    }
    func dimension() -> Dimension { random.pick([.eventName, .userID, .property(property()), .property(property())]) }
    let question = RandomQuestion(
      &random, properties: [property(), property(), "a", "b"], texts: hostileTexts, numbers: [property(), property()])
    let query = question.query
    let filter = property()
    let dashboard = DashboardConfig(
      name: "x",
      filters: [
        DashboardFilter(id: "a", control: .select(.property(filter), multiple: true)),
        DashboardFilter(id: "b", control: .numericRange(property: filter)),
      ],
      widgets: [
        Widget(id: "w", title: "", kind: .kpi, position: GridPosition(x: 0, y: 0, w: 1, h: 1), query: query)
      ])
    let isLocked = scope.lockedFilters.contains { $0.dimension == .property(filter) }
    let state = ViewState(
      dimensions: isLocked ? [:] : [filter: [text(), text()]], numericRanges: [filter: NumericRange(min: -0.5, max: nil)])
    let planner = Planner(scope: scope, dashboard: dashboard)
    let drill = DrillDown(
      (0..<Int.random(in: 0...3, using: &random)).map { _ in .init(dimension(), text()) },
      range: random.chance(0.5) ? DateRange(from: .day(day("2026-11-01")), to: .day(day("2026-11-05"))) : nil,
      next: random.chance(0.5) ? dimension() : nil)
    let drilled = try Planner(scope: scope).drill(into: query, drill)
    return try planner.plan(query, kind: question.kind, state: state).statements + drilled.statements
      + planner.filterValues(of: .property(filter), search: text()).statements
      + planner.tenants(after: TenantID(text())).statements
      + [Discovery(scope: scope).overview] + Discovery(scope: scope).details([[.string(text()), 1, 0, 0, 1, 0]])
  }

  /// What is wrong with a statement that should only see one tenant.
  private func faults(_ sql: SQL, tenant: String, locked: Int) -> [String] {
    var faults: [String] = []
    func require(_ holds: Bool, _ fault: String) { if !holds { faults.append("\(fault): \(sql.text)") } }
    let bare = Self.withoutQuotedNames(sql.text)
    require(!bare.contains("zq"), "a value is part of the text")
    let tables = bare.ranges(of: "events`").count
    require(tables >= 1, "there are no events")
    let scoped =
      #/FROM `emban`\.`events` WHERE org_id = \{p\d+:String\} AND environment = \{p\d+:String\} AND tenant_id = \{p(?<tenant>\d+):String\}/#
    let references = bare.matches(of: scoped)
    require(references.count == tables, "a reference lacks its scope")
    for reference in references {
      guard let number = Int(reference.output.tenant) else { continue }
      require(sql.parameters[number].value == SQLValue(tenant).literal, "a reference has another tenant")
    }
    for forbidden in [";", "--", "/*", "SETTINGS"] { require(!bare.contains(forbidden), "there is \(forbidden)") }
    require(bare.ranges(of: "`string_props`.``").count >= tables * locked, "a reference lacks locked filters")
    return faults
  }

  /// The checks above can fail: a statement over all tenants, one with a value in its text, one with the tenant of another scope.
  @Test func faultsAreFound() throws {
    var random = Randomness(1)
    let wide = try statements(scope(tenant: .all), &random)
    #expect(wide.allSatisfy { !faults($0.sql, tenant: "acme", locked: 0).isEmpty })
    let narrow = try statements(scope(tenant: .one(TenantID("acme"))), &random)
    #expect(narrow.allSatisfy { faults($0.sql, tenant: "acme", locked: 0).isEmpty })
    #expect(narrow.allSatisfy { !faults($0.sql, tenant: "globex", locked: 0).isEmpty })
    #expect(narrow.allSatisfy { !faults($0.sql, tenant: "acme", locked: 30).isEmpty })
    #expect(narrow.allSatisfy { !faults($0.sql + SQL(trusted: " AND x = 'zq'"), tenant: "acme", locked: 0).isEmpty })
  }

  /// The text with the names of properties, which are quoted by `PropertyPath` and tested there against the server, cut out.
  private static func withoutQuotedNames(_ text: String) -> String {
    var bare = ""
    var rest = text[...]
    while let start = rest.firstRange(of: "_props`.`") {
      bare += rest[..<start.upperBound]
      rest = rest[start.upperBound...]
      var escaped = false
      while let character = rest.unicodeScalars.first {
        if !escaped, character == "`" { break }
        escaped = !escaped && character == "\\"
        rest = Substring(rest.unicodeScalars.dropFirst())
      }
    }
    return bare + rest
  }
}
