import ClickHouse
import ConfigStore
import Domain
import QueryEngine

/// Everything that is asked as one canary, while the other one is in the store too.
struct CanaryAudit: Sendable {
  typealias Check = IsolationReport.Check

  let own: Canary
  let other: Canary
  /// Resolved by the own context, and by that of the other one.
  let config: DashboardConfig
  let otherConfig: DashboardConfig
  /// The times of the widgets that can be planned.
  let times: [String: ResolvedTime]
  /// The tables that viewers read.
  let tables: [SQL]
  let queries: QueryService
  let session: @Sendable (EmbedPermissions) -> EmbedSession
  let otherSession: EmbedSession
  let viewer: @Sendable (EmbedPermissions) -> CanaryViewer

  /// - Throws: ``AppError`` 503 when the event store does not answer.
  func checks() async throws -> [Check] {
    let steps: [@Sendable () async throws -> [Check]] = [
      view, conditionsAlone, policiesAlone, nothingWithoutScope, tablesAsAWhole, filterValues, drills, lockedFilter, hiddenWidget,
    ]
    return try await withThrowingTaskGroup(of: (Int, [Check]).self) { group in
      for (index, step) in steps.enumerated() { group.addTask { (index, try await step()) } }
      var found: [Int: [Check]] = [:]
      for try await (index, checks) in group { found[index] = checks }
      return steps.indices.flatMap { found[$0] ?? [] }
    }
  }

  private typealias Question = (widget: Widget, query: WidgetQuery, time: ResolvedTime)

  private var questions: [Question] {
    config.widgets.compactMap { widget in
      widget.query.flatMap { query in times[widget.id].map { (widget, query, $0) } }
    }
  }

  private func oracle(passing locked: QueryFilter? = nil) throws -> CanaryOracle {
    CanaryOracle(
      own, zone: try queries.scope(session(EmbedPermissions()), dashboard: config).zone, isCertain: config.hasPlainTexts, passing: locked)
  }

  private func check(_ name: String, _ widget: Widget? = nil, rows: Int = 0, fault: String?, note: String = "") -> Check {
    Check(name: name, widget: widget?.id, tenant: own.tenant.rawValue, rows: rows, ok: fault == nil, detail: fault ?? note)
  }

  /// What of the other one stands in an answer, wherever.
  private func leak(in text: String) -> String? {
    text.contains(other.mark) || text.contains(other.tenant.rawValue) ? "the other customer's name is in the answer" : nil
  }

  // MARK: - The viewer's routes

  /// All widgets in one view, then the export of each.
  private func view() async throws -> [Check] {
    let viewer = viewer(EmbedPermissions())
    let oracle = try oracle()
    let answer = try await viewer.post("/v1/embed/query", [:])
    var checks: [Check] = []
    var seen: [(Question, CanaryAnswer)] = []
    for widget in config.widgets where widget.query != nil {
      let name = "widget \(widget.id)"
      guard let result = answer.json["results"]?[widget.id] else {
        checks.append(check(name, widget, fault: "no answer: \(answer.code ?? String(answer.status))"))
        continue
      }
      if let code = try Self.refusal(result) {
        // A query that makes no sense is refused before anything is read.
        checks.append(check(name, widget, fault: code == "internal_error" ? code : nil, note: code))
        continue
      }
      guard let question = questions.first(where: { $0.widget.id == widget.id }) else {
        checks.append(check(name, widget, fault: "answered although it cannot be planned"))
        continue
      }
      let table = CanaryAnswer(json: result)
      seen.append((question, table))
      checks.append(
        check(name, widget, rows: table.rows.count, fault: oracle.fault(in: table, of: widget.kind, question.query, question.time)))
    }
    if let leak = leak(in: answer.text) { checks.append(check("view", fault: leak)) }
    // The same answers, with which a page opens.
    let opening = try await viewer.get("/v1/embed/view")
    let isWhole = seen.allSatisfy { opening.text.contains("{\"widget\":\(JSONValue.string($0.0.widget.id).serialized())") }
    checks.append(check("opening", fault: refusal(of: opening) ?? leak(in: opening.text) ?? (isWhole ? nil : "not all of its widgets")))
    return checks + (try await concurrently(seen) { try await [export($0.0, like: $0.1, viewer, oracle)] })
  }

  private func export(_ question: Question, like seen: CanaryAnswer, _ viewer: CanaryViewer, _ oracle: CanaryOracle) async throws -> Check {
    let name = "export \(question.widget.id)"
    let answer = try await viewer.get("/v1/embed/export", ["format": "csv", "widget": question.widget.id])
    guard answer.status == 200 else { return check(name, question.widget, fault: "refused: \(answer.code ?? "")") }
    guard let table = CanaryAnswer(csv: answer.text, columns: seen.columns) else {
      return check(name, question.widget, fault: "other columns than the widget has")
    }
    let fault = oracle.fault(in: table, of: question.widget.kind, question.query, question.time) ?? leak(in: answer.text)
    return check(name, question.widget, rows: table.rows.count, fault: fault)
  }

  private func filterValues() async throws -> [Check] {
    let viewer = viewer(EmbedPermissions())
    let scope = try queries.scope(session(EmbedPermissions()), dashboard: config)
    let year = TimeResolver(scope: scope).range(of: .year)
    let asked = config.widgets.compactMap(\.query)
    let names = asked.compactMap(\.eventName)
    let events = own.events.filter { event in
      year.from <= event.timestamp && event.timestamp < year.to && (names.count < asked.count || names.contains(event.eventName))
    }
    return try await concurrently(config.exposedDimensions) { dimension in
      let answer = try await viewer.get("/v1/embed/filter-values", ["dimension": dimension.name, "period": "12mo", "limit": "500"])
      guard let values = answer.json["values"]?.arrayValue else {
        return [check("filter values \(dimension.name)", fault: "refused: \(answer.code ?? "")")]
      }
      let seen = Dictionary(values.map { ($0["value"]?.stringValue ?? "", Int($0["count"]?.numberValue ?? 0)) }, uniquingKeysWith: +)
      var wanted = Dictionary(grouping: events) { $0.text(of: dimension) }.mapValues(\.count)
      wanted[""] = nil
      guard config.hasPlainTexts else {
        return [check("filter values \(dimension.name)", rows: values.count, fault: leak(in: answer.text))]
      }
      let foreign = seen.first { $0.value != wanted[$0.key] }
      let fault = foreign.map { "\($0.key.debugDescription.prefix(100)) \($0.value) times, of its own \(wanted[$0.key] ?? 0)" }
      let missing = seen.count < min(wanted.count, 500) ? "\(seen.count) of its own \(wanted.count) values" : nil
      return [check("filter values \(dimension.name)", rows: values.count, fault: fault ?? missing ?? leak(in: answer.text))]
    }
  }

  /// Behind one of its own values the events and the next level, behind a value of the other one nothing.
  private func drills() async throws -> [Check] {
    let viewer = viewer(EmbedPermissions())
    let oracle = try oracle()
    let open = config.exposedDimensions
    return try await concurrently(questions) { question in
      let (widget, query, time) = question
      guard widget.kind != .text, let dimension = query.groupBy ?? open.first else { return [] }
      let mine = oracle.events(of: query).filter { time.range.from <= $0.timestamp && $0.timestamp < time.range.to }
      guard let value = mine.first?.text(of: dimension) else { return [] }
      let body: [String: JSONValue] = ["widget": .string(widget.id), "dimension": .string(dimension.name), "value": .string(value)]
      var checks: [Check] = []

      let rows = try await viewer.post("/v1/embed/drill", .object(body))
      let events = CanaryAnswer(json: rows.json)
      let count = min(mine.filter { $0.text(of: dimension) == value }.count, Limits.drillRows)
      let wrongCount = events.rows.count == count || !config.hasPlainTexts ? nil : "\(events.rows.count) events instead of its own \(count)"
      checks.append(
        check(
          "drill \(widget.id) to events", widget, rows: events.rows.count,
          fault: refusal(of: rows) ?? oracle.foreignText(in: events) ?? wrongCount ?? leak(in: rows.text)))

      let next = open.first { $0 != dimension } ?? dimension
      var narrowed = WidgetQuery(
        eventName: query.eventName, metric: query.metric, numericProp: query.numericProp, uniqueProp: query.uniqueProp, groupBy: next)
      narrowed.filters = query.filters + [.string(dimension, .equal, values: [value])]
      narrowed.order = query.order
      let level = try await viewer.post("/v1/embed/drill", .object(body.merging(["next_dimension": .string(next.name)]) { $1 }))
      let table = CanaryAnswer(json: level.json)
      var uncompared = time
      uncompared.previous = nil
      checks.append(
        check(
          "drill \(widget.id) to \(next.name)", widget, rows: table.rows.count,
          fault: refusal(of: level) ?? oracle.fault(in: table, of: .table, narrowed, uncompared) ?? leak(in: level.text)))

      let foreign = Canary.text(other.mark, 1)
      let reached = try await viewer.post("/v1/embed/drill", .object(body.merging(["value": .string(foreign)]) { $1 }))
      let found = CanaryAnswer(json: reached.json).rows.count
      checks.append(
        check(
          "drill \(widget.id) to the other customer", widget, rows: found,
          fault: refusal(of: reached) ?? (found == 0 ? nil : "\(found) events of the other customer")))
      return checks
    }
  }

  private func refusal(of answer: CanaryViewer.Answer) -> String? {
    answer.status == 200 ? nil : "refused: \(answer.code ?? String(answer.status))"
  }

  // MARK: - Permissions

  /// A locked value narrows every widget, and nothing that the viewer sets takes it away.
  private func lockedFilter() async throws -> [Check] {
    guard let dimension = config.exposedDimensions.first else { return [] }
    let value = Canary.text(own.mark, 1)
    let viewer = viewer(EmbedPermissions(lockedFilters: [dimension.name: [value]]))
    let oracle = try oracle(passing: .string(dimension, .isIn, values: [value]))
    let answer = try await viewer.post("/v1/embed/query", [:])
    var checks: [Check] = []
    for question in questions {
      guard let result = answer.json["results"]?[question.widget.id], try Self.refusal(result) == nil else { continue }
      let table = CanaryAnswer(json: result)
      checks.append(
        check(
          "widget \(question.widget.id), \(dimension.name) locked", question.widget, rows: table.rows.count,
          fault: oracle.fault(in: table, of: question.widget.kind, question.query, question.time) ?? leak(in: answer.text)))
    }
    let state: JSONValue = ["dimensions": [dimension.name: [.string(Canary.text(own.mark, 2))]]]
    let widened = try await viewer.post("/v1/embed/query", ["state": state])
    checks.append(
      check(
        "\(dimension.name) unlocked", fault: widened.code == "filter_locked" ? nil : "answered \(widened.status)", note: "filter_locked"))
    return checks
  }

  /// A hidden widget is not in the configuration and cannot be asked for.
  private func hiddenWidget() async throws -> [Check] {
    guard let widget = config.widgets.first(where: { $0.query != nil }) else { return [] }
    let viewer = viewer(EmbedPermissions(hiddenWidgets: [widget.id]))
    let shown = try await viewer.get("/v1/embed/dashboard").json["widgets"]?.arrayValue ?? []
    let view = try await viewer.post("/v1/embed/query", [:])
    let answers = [
      "query": try await viewer.post("/v1/embed/query", ["widgets": [.string(widget.id)]]),
      "export": try await viewer.get("/v1/embed/export", ["format": "csv", "widget": widget.id]),
      "drill": try await viewer.post(
        "/v1/embed/drill", ["widget": .string(widget.id), "dimension": "event_name", "value": .string(own.mark)]),
    ]
    let opened = answers.filter { $0.value.code != "widget_hidden" }.keys.sorted()
    let isShown = shown.contains { $0["id"] == .string(widget.id) } || view.json["results"]?[widget.id] != nil
    let fault = isShown ? "it is shown" : opened.isEmpty ? nil : "open to \(opened.joined(separator: ", "))"
    return [check("hidden \(widget.id)", widget, fault: fault, note: "widget_hidden")]
  }

  // MARK: - Each layer alone

  /// The statements' own conditions, by the administrator, for whom no row policy holds.
  private func conditionsAlone() async throws -> [Check] {
    let oracle = try oracle()
    return try await statements("conditions alone", of: session(EmbedPermissions()), config, as: .admin, oracle)
  }

  /// The row policies, by statements that ask for the other customer.
  private func policiesAlone() async throws -> [Check] {
    let scope = try queries.scope(session(EmbedPermissions()), dashboard: config)
    return try await statements("row policies alone", of: otherSession, otherConfig, as: scope.role, CanaryOracle(nothingIn: scope.zone))
  }

  /// The row policies, by a reader who brings no scope.
  private func nothingWithoutScope() async throws -> [Check] {
    let zone = try queries.scope(session(EmbedPermissions()), dashboard: config).zone
    let nobody = ScopeSettings(organization: "", environment: "", tenant: nil)
    return try await statements(
      "without scope", of: session(EmbedPermissions()), config, as: .viewer(nobody), CanaryOracle(nothingIn: zone))
  }

  private func statements(
    _ name: String, of session: EmbedSession, _ config: DashboardConfig, as role: DatabaseRole, _ oracle: CanaryOracle
  ) async throws -> [Check] {
    let planner = Planner(scope: try queries.scope(session, dashboard: config), dashboard: config)
    let runner = queries.runner
    let executor = Executor { sql, _ in try await runner.rows(sql, as: role) }
    return try await concurrently(questions) { widget, query, time in
      do {
        let asked = config.widget(widget.id)?.query ?? query
        let table = CanaryAnswer(json: try await executor.run(try planner.plan(asked, kind: widget.kind)).json)
        let fault = oracle.fault(in: table, of: widget.kind, query, time)
        return [check("widget \(widget.id), \(name)", widget, rows: table.rows.count, fault: fault)]
      } catch {
        let error = ErrorMiddleware.appError(error)
        if error.status == 503 { throw error }
        return [check("widget \(widget.id), \(name)", widget, fault: error.status >= 500 ? error.code : nil, note: error.code)]
      }
    }
  }

  /// Every table that viewers read, without any condition of ours: the policies leave the own rows and no other.
  private func tablesAsAWhole() async throws -> [Check] {
    let scope = try queries.scope(session(EmbedPermissions()), dashboard: config)
    let mine: SQL = """
      org_id = \(bind: scope.organization.rawValue) AND environment = \(bind: scope.environment.rawValue) \
      AND tenant_id = \(bind: own.tenant.rawValue)
      """
    return try await concurrently(tables) { table in
      let answer = try await queries.runner.rows(
        """
        SELECT (SELECT count() FROM (SELECT 1 FROM \(table) WHERE \(mine) LIMIT 1000)), \
        (SELECT count() FROM (SELECT 1 FROM \(table) WHERE NOT (\(mine)) LIMIT 1000))
        """, as: scope.role)
      let (own, foreign) = (Int(answer.rows.first?.first?.numberValue ?? 0), Int(answer.rows.first?.last?.numberValue ?? 0))
      let fault = foreign > 0 ? "\(foreign) or more rows of others" : own == 0 ? "none of its own rows" : nil
      return [check("table \(table.text.filter { $0 != "`" })", rows: own, fault: fault)]
    }
  }

  // MARK: - Shared

  /// The code with which a widget was refused; nil when it was answered.
  /// - Throws: ``AppError`` 503 when the event store could not answer.
  private static func refusal(_ result: JSONValue) throws -> String? {
    guard let error = result["error"] else { return nil }
    let code = error["code"]?.stringValue ?? ""
    guard !["event_store_unavailable", "event_store_busy", "query_timeout", "canceled"].contains(code) else {
      throw AppError.unavailable(code, error["message"]?.stringValue ?? "The event store is not available at the moment.")
    }
    return code
  }

  /// A few at a time: a check looks at everything at once, and the statements of the administrator pass no gate. What is open to customers
  /// goes on beside it.
  private func concurrently<Element: Sendable>(
    _ elements: [Element], _ work: @escaping @Sendable (Element) async throws -> [Check]
  ) async throws -> [Check] {
    try await withThrowingTaskGroup(of: (Int, [Check]).self) { group in
      var found: [Int: [Check]] = [:]
      for (index, element) in elements.enumerated() {
        if index >= Self.widgetsAtOnce, let (index, checks) = try await group.next() { found[index] = checks }
        group.addTask { (index, try await work(element)) }
      }
      for try await (index, checks) in group { found[index] = checks }
      return elements.indices.flatMap { found[$0] ?? [] }
    }
  }

  /// Of each of the steps of ``checks()``, of which about eight run beside each other.
  private static let widgetsAtOnce = 2
}
