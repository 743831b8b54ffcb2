import Access
import ConfigStore
import Domain
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import QueryEngine

/// `/v1/embed`: what the holder of an embed token sees. Every route begins with the session's view of the published dashboard and its
/// scope; there is no other way to a plan here.
struct ViewerController: Controller {
  let access: EmbedAccess
  let layouts: ViewerLayouts
  let queries: QueryService
  let clock: TimeSource
  /// Our own origin, from which the embed page calls.
  let publicOrigin: String

  var endpoints: [Endpoint] {
    [
      Endpoint(.get, "/v1/embed/dashboard", .embed, dashboard),
      Endpoint(.get, "/v1/embed/view", .embed, endsWithClient: true, opening),
      Endpoint(.post, "/v1/embed/query", .embed, endsWithClient: true, query),
      Endpoint(.get, "/v1/embed/filter-values", .embed, endsWithClient: true, filterValues),
      Endpoint(.post, "/v1/embed/drill", .embed, endsWithClient: true, drill),
      Endpoint(.get, "/v1/embed/export", .embed, endsWithClient: true, export),
    ]
  }

  /// - Parameter dashboard: the one that the request chooses, not yet checked to be a text of the right length.
  private func view(_ request: APIRequest, dashboard: String?) async throws -> (view: EmbedAccess.View, scope: Scope) {
    let view = try await access.view(of: request, publicOrigin: publicOrigin, dashboard: dashboard)
    return (view, try queries.scope(view.session, dashboard: view.config))
  }

  /// What is known before the statements of a view run.
  private func context(_ view: EmbedAccess.View, _ scope: Scope) async throws -> QueryContext {
    try await queries.context(scope, dashboard: view.version.dashboardID, version: view.version.version)
  }

  // MARK: - Configuration

  private func dashboard(_ request: APIRequest) async throws -> Response {
    let (view, scope) = try await view(request, dashboard: try request.query()["dashboard"])
    try request.readQuery { $0.dashboardChoice() }
    return .json(try await configuration(view, scope))
  }

  private func configuration(_ view: EmbedAccess.View, _ scope: Scope) async throws -> JSONValue {
    let permissions = view.session.permissions
    let now = clock()
    let (widgets, isCustomized) = try await layouts.widgets(of: view)
    var config = view.config
    // What the context decides is no control, and its values are nobody's to see.
    config.filters.removeAll { $0.fixed != nil }
    guard case .object(var members) = config.json else { throw AppError.internal(cause: "a configuration is an object") }
    members.removeValue(forKey: "timezone")
    let own = Set(view.ownWidgets.map(\.widget.id))
    members["widgets"] = .array(widgets.map { own.contains($0.id) ? OwnWidget.json(of: $0) : $0.json })
    members["customized"] = .bool(isCustomized)
    members["dashboards"] = .array(view.choices.map(\.json))
    members["expires_at"] = view.session.expiresAt.json
    members["server_time"] = now.json
    members["id"] = .string(view.version.dashboardID.rawValue)
    members["version"] = .int(view.version.version)
    members["published_at"] = view.version.publishedAt.json
    members["permissions"] = [
      "allowed_periods": permissions.allowedPeriods.map { .strings($0.map(\.rawValue)) } ?? .null,
      "allowed_dimensions": permissions.allowedDimensions.map { JSONValue.strings($0) } ?? .null,
      "allow_drill_down": .bool(permissions.allowDrillDown), "allow_export": .bool(permissions.allowExport),
      "max_date_range_days": .int(permissions.maxDateRangeDays),
      "locked_dimensions": .strings(
        Set(permissions.lockedFilters.keys.map { ExactText($0) } + view.config.fixedFilters.map { ExactText($0.dimension.name) }).sorted()
          .map(\.text)),
      "allow_underlying_data": .bool(permissions.allowUnderlyingData),
      "allow_customize_layout": .bool(permissions.allowCustomizeLayout), "allow_manage_widgets": .bool(permissions.allowManageWidgets),
    ]
    let mayDrill = permissions.allowDrillDown
    members["drill"] = [
      "dimensions": .strings(mayDrill ? Planner(scope: scope, dashboard: view.config).drillDimensions.map(\.name) : []),
      "rows": .bool(mayDrill && permissions.allowUnderlyingData),
    ]
    members["session"] = [
      "tenant_id": .string(view.session.tenantID.rawValue), "expires_at": view.session.expiresAt.json, "server_time": now.json,
      "timezone": .string(scope.zone.name), "locale": .string(view.session.locale ?? "en"),
    ]
    return .object(members)
  }

  // MARK: - Data

  /// A dashboard as it opens: a line with its configuration and the state of its filters, then the widgets' answers in that state. What is in the
  /// way of the answers, as when the event store is away, leaves them out: whoever misses them asks for them, and is told.
  private func opening(_ request: APIRequest) async throws -> Response {
    let (view, scope) = try await view(request, dashboard: try request.query()["dashboard"])
    try request.readQuery { $0.dashboardChoice() }
    let state = view.config.openingState
    let head: JSONValue = [
      "dashboard": try await configuration(view, scope), "state": .compact(["period": state.period.map { .string($0.rawValue) }]),
    ]
    let watch = await request.connectionWatch()
    return Self.lines { writer in
      // At once: the page builds itself up while the answers are made.
      try await writer.write(ByteBuffer(bytes: head.serializedBytes() + [UInt8(ascii: "\n")]))
      let work = try? await request.whileConnected { try await dashboardQuery(view, scope, view.widgets, state, request) }
      guard let work else { return }
      try await Self.write(work.answers(watch), to: &writer)
    }
  }

  private func query(_ request: APIRequest) async throws -> Response {
    let asked = try await request.json()
    let (view, scope) = try await view(request, dashboard: asked["dashboard"]?.stringValue)
    let (state, ids) = try APIRequest.read(asked) { reader in
      reader.dashboardChoice()
      return (
        reader.nested("state", ViewState.read) ?? ViewState(),
        reader.strings("widgets", count: 0...Limits.widgetsPerDashboard + Limits.ownWidgets, length: 1...100)
      )
    }
    let wanted = try ids.map { try $0.map { try view.widget($0) } } ?? view.widgets
    let work = try await dashboardQuery(view, scope, wanted, state, request)
    if request.request.headers[values: .accept].joined(separator: ",").contains("application/x-ndjson") {
      let answers = work.answers(await request.connectionWatch())
      return Self.lines { try await Self.write(answers, to: &$0) }
    }
    var body = ByteBuffer(string: #"{"results":{"#)
    var isFirst = true
    for await answer in work.answers() {
      if !isFirst { body.writeString(",") }
      isFirst = false
      body.writeBytes(JSONValue.string(answer.widget).serializedBytes())
      body.writeString(":")
      body.writeBytes(answer.json)
    }
    body.writeString("}}")
    return Response(status: .ok, headers: [.contentType: "application/json"], body: .init(byteBuffer: body))
  }

  /// - Throws: ``AppError`` for what the session forbids, and for a state that makes no sense.
  private func dashboardQuery(
    _ view: EmbedAccess.View, _ scope: Scope, _ wanted: [Widget], _ state: ViewState, _ request: APIRequest
  ) async throws -> DashboardQuery {
    let context = try await context(view, scope)
    let planner = Planner(scope: scope, dashboard: view.config, tenantData: context.known?.data)
    var plans: [(id: String, plan: Result<Plan, AppError>)] = []
    for widget in wanted where !plans.contains(where: { $0.id == widget.id }) {
      guard let query = widget.query else { continue }
      do {
        plans.append((widget.id, .success(try planner.plan(query, kind: widget.kind, state: state))))
      } catch {
        // What the session forbids, and a state that makes no sense, is wrong with the request as a whole: it is refused before any
        // widget is answered.
        if error.concernsView { throw error }
        plans.append((widget.id, .failure(error)))
      }
    }
    return DashboardQuery(queries: queries, context: context, plans: plans, logger: request.context.logger)
  }

  private static func lines(_ write: @escaping @Sendable (inout any ResponseBodyWriter) async throws -> Void) -> Response {
    Response(
      status: .ok, headers: [.contentType: "application/x-ndjson", .accelBuffering: "no"],
      body: ResponseBody { writer in
        try await write(&writer)
        try await writer.finish(nil)
      })
  }

  /// One line for each answer, as it comes.
  private static func write(_ answers: AsyncStream<DashboardQuery.Answer>, to writer: inout any ResponseBodyWriter) async throws {
    for await answer in answers {
      var line = ByteBuffer(string: #"{"widget":"#)
      line.writeBytes(JSONValue.string(answer.widget).serializedBytes())
      line.writeString(#","result":"#)
      line.writeBytes(answer.json)
      line.writeString("}\n")
      try await writer.write(line)
    }
  }

  private func filterValues(_ request: APIRequest) async throws -> Response {
    let (view, scope) = try await view(request, dashboard: try request.query()["dashboard"])
    let (dimension, search, limit, period) = try request.readQuery { reader in
      reader.dashboardChoice()
      return (
        Dimension.read("dimension", &reader), reader.string("q", length: 0...Limits.nameLength),
        reader.textInt("limit", in: 1...Limits.maximumFilterValueRows), reader.enumeration("period", Period.self)
      )
    }
    guard let dimension else { throw AppError.invalid("dimension", "missing", "is required") }
    let plan = try Planner(scope: scope, dashboard: view.config).filterValues(
      of: dimension, search: search, limit: limit, state: ViewState(period: period))
    return .json(try await queries.executor.run(plan).json)
  }

  private func drill(_ request: APIRequest) async throws -> Response {
    let permissions = try request.viewer().permissions
    guard permissions.allowDrillDown else {
      throw AppError.forbidden("drill_not_allowed", "This session does not open details.")
    }
    let body = try await request.json()
    let (view, scope) = try await view(request, dashboard: body["dashboard"]?.stringValue)
    let (id, drill, state) = try APIRequest.read(body) { reader in
      reader.dashboardChoice()
      return (
        reader.requiredString("widget", length: 1...100), DrillDown.read(from: &reader),
        reader.nested("state", ViewState.read) ?? ViewState()
      )
    }
    guard permissions.allowUnderlyingData || drill.next != nil else {
      throw AppError.forbidden("underlying_data_not_allowed", "This session does not open single events.")
    }
    let widget = try view.widget(id ?? "")
    guard let query = widget.query else { throw AppError.invalid("widget", "not_applicable", "must be a widget with a query") }
    let context = try await context(view, scope)
    let plan = try Planner(scope: scope, dashboard: view.config, tenantData: context.known?.data).drill(into: query, drill, state: state)
    return .json(bytes: try await queries.answer(plan, context))
  }

  private func export(_ request: APIRequest) async throws -> Response {
    guard try request.viewer().permissions.allowExport else {
      throw AppError.forbidden("export_not_allowed", "This session does not export.")
    }
    let (view, scope) = try await view(request, dashboard: try request.query()["dashboard"])
    let (format, id, stateText) = try request.readQuery { reader in
      reader.dashboardChoice()
      return (
        reader.requiredString("format", length: 1...10), reader.requiredString("widget", length: 1...100),
        reader.string("state", length: 0...20_000)
      )
    }
    guard format == "csv" else { throw AppError.invalid("format", "unknown_value", "must be csv") }
    var state = ViewState()
    if let stateText {
      do {
        let value = try JSONParser.parse(stateText)
        let problems = Problems()
        state = ViewState.read(value, path: "state", problems: problems) ?? state
        try problems.throwIfAny()
      } catch let error as JSONSyntaxError {
        throw AppError.invalid("state", "malformed_json", "must be valid JSON: \(error.reason) (byte \(error.offset))")
      }
    }
    let widget = try view.widget(id ?? "")
    guard let query = widget.query else { throw AppError.invalid("widget", "not_applicable", "must be a widget with a query") }
    let known = try await context(view, scope).known
    let plan = try Planner(scope: scope, dashboard: view.config, tenantData: known?.data).plan(query, kind: widget.kind, state: state)
    let result = try await queries.executor.run(plan)
    return Response(
      status: .ok,
      headers: [
        .contentType: "text/csv; charset=utf-8", .contentDisposition: "attachment; filename=\"\(Slug.make(from: widget.title)).csv\"",
      ], body: .init(byteBuffer: ByteBuffer(string: CSVWriter.text(of: result))))
  }
}
