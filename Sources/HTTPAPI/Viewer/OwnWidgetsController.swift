import Access
import ConfigStore
import Domain
import Hummingbird
import QueryEngine

/// `/v1/embed/own-widgets`: widgets that a viewer adds to a dashboard, made of what the dashboard shows anyhow. They are kept for the user of the
/// customer whom the session names.
struct OwnWidgetsController: Controller {
  let access: EmbedAccess
  let layouts: ViewerLayouts
  let clock: TimeSource
  /// Our own origin, from which the embed page calls.
  let publicOrigin: String

  var endpoints: [Endpoint] {
    [
      Endpoint(.get, "/v1/embed/vocabulary", .embed, vocabulary),
      Endpoint(.get, "/v1/embed/own-widgets", .embed, list),
      Endpoint(.post, "/v1/embed/own-widgets", .embed, bodyLimit: 2 * Limits.ownWidgetBytes, add),
      Endpoint(.delete, "/v1/embed/own-widgets/:id", .embed, remove),
    ]
  }

  private func view(_ request: APIRequest, dashboard: String?) async throws -> EmbedAccess.View {
    let view = try await access.view(of: request, publicOrigin: publicOrigin, dashboard: dashboard)
    guard view.session.permissions.allowManageWidgets else {
      throw AppError.forbidden("own_widgets_not_allowed", "This session has no widgets of its own.")
    }
    return view
  }

  private func vocabulary(_ request: APIRequest) async throws -> Response {
    let view = try await view(request, dashboard: try request.query()["dashboard"])
    try request.readQuery { $0.dashboardChoice() }
    return .json(view.vocabulary.json)
  }

  private func list(_ request: APIRequest) async throws -> Response {
    let view = try await view(request, dashboard: try request.query()["dashboard"])
    try request.readQuery { $0.dashboardChoice() }
    let widgets = try await OwnWidget.all(of: view, in: access.viewers)
    return .json(["data": .array(widgets.map { OwnWidget.json(of: $0.shown, ["available": .bool($0.isAvailable)]) })])
  }

  private func add(_ request: APIRequest) async throws -> Response {
    let body = try await request.json()
    let view = try await view(request, dashboard: body["dashboard"]?.stringValue)
    guard case .object(var members) = body else { throw AppError.invalid("", "wrong_type", "must be a widget") }
    if let id = members["id"], !id.isNull { throw AppError.invalid("id", "not_applicable", "must be absent: the server names widgets") }
    let problems = Problems()
    var reader = ObjectReader(.object(members.filter { $0.key == "dashboard" }), problems: problems)
    reader.dashboardChoice()
    members["dashboard"] = nil
    let hasPosition = !(members["position"] ?? .null).isNull
    let id = IDGenerator.make("w_own")
    members["id"] = .string(id)
    let widget = Widget.read(.object(members), path: "", problems: problems)
    if widget?.kind == .text { problems.add("kind", "not_applicable", "must be a kind that asks a question") }
    for problem in widget?.query.map(view.vocabulary.problems) ?? [] {
      problems.add("query.\(problem.field)", problem.code, problem.expected)
    }
    try problems.throwIfAny()
    guard var widget else { throw AppError.invalid("", "wrong_type", "must be a widget") }
    if !hasPosition {
      let bottom = try await layouts.widgets(of: view).shown.map { $0.position.y + $0.position.h }.max() ?? 0
      widget.position = GridPosition(x: 0, y: min(bottom, Limits.gridRows), w: widget.position.w, h: widget.position.h)
    }
    guard widget.json.serializedBytes().count <= Limits.ownWidgetBytes else {
      throw AppError.invalid("", "length", "must be at most \(Limits.ownWidgetBytes) bytes as JSON")
    }
    try await access.viewers.add(id, widget.json, of: view.viewer, at: clock())
    return .json(OwnWidget.json(of: widget), status: .created)
  }

  private func remove(_ request: APIRequest) async throws -> Response {
    let view = try await view(request, dashboard: try request.query()["dashboard"])
    try request.readQuery { $0.dashboardChoice() }
    guard try await access.viewers.removeWidget(try request.parameter("id"), of: view.viewer) else {
      throw AppError.notFound("You have no such widget on this dashboard.", code: "widget_not_found")
    }
    return .noContent()
  }
}
