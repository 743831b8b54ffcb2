import Access
import ConfigStore
import Domain
import Hummingbird

/// The layouts that viewers keep, laid over what is published.
struct ViewerLayouts: Sendable {
  let viewers: ViewerRepository

  /// The widgets of a view where this viewer wants them, and whether that is a layout of their own.
  func widgets(of view: EmbedAccess.View) async throws -> (shown: [Widget], isCustomized: Bool) {
    let shown = view.config.widgets + view.ownWidgets.map(\.shown)
    guard view.session.permissions.allowCustomizeLayout, let layout = try await layout(of: view.viewer) else { return (shown, false) }
    return (layout.placed(shown), true)
  }

  func layout(of viewer: Viewer) async throws -> ViewerLayout? {
    try await viewers.layout(of: viewer).map { ViewerLayout(stored: $0) }
  }
}

/// `/v1/embed/layout`: a viewer's own arrangement of a dashboard, kept for the user of the customer whom the session names.
struct LayoutController: Controller {
  let access: EmbedAccess
  let layouts: ViewerLayouts
  let clock: TimeSource
  /// Our own origin, from which the embed page calls.
  let publicOrigin: String

  var endpoints: [Endpoint] {
    [
      Endpoint(.get, "/v1/embed/layout", .embed, get),
      Endpoint(.put, "/v1/embed/layout", .embed, bodyLimit: Limits.layoutBytes, put),
      Endpoint(.delete, "/v1/embed/layout", .embed, reset),
    ]
  }

  private func view(_ request: APIRequest, dashboard: String?) async throws -> EmbedAccess.View {
    let view = try await access.view(of: request, publicOrigin: publicOrigin, dashboard: dashboard)
    guard view.session.permissions.allowCustomizeLayout else {
      throw AppError.forbidden("layout_not_allowed", "This session does not arrange its dashboard.")
    }
    return view
  }

  private func response(_ view: EmbedAccess.View) async throws -> Response {
    let (widgets, isCustomized) = try await layouts.widgets(of: view)
    let positions = ViewerLayout(positions: Dictionary(widgets.map { ($0.id, $0.position) }, uniquingKeysWith: { $1 }))
    return .json(["positions": positions.json, "customized": .bool(isCustomized)])
  }

  private func get(_ request: APIRequest) async throws -> Response {
    let view = try await view(request, dashboard: try request.query()["dashboard"])
    try request.readQuery { $0.dashboardChoice() }
    return try await response(view)
  }

  private func put(_ request: APIRequest) async throws -> Response {
    let body = try await request.json()
    let view = try await view(request, dashboard: body["dashboard"]?.stringValue)
    let wanted: ViewerLayout? = try APIRequest.read(body) { reader in
      reader.dashboardChoice()
      if !reader.has("positions") { reader.problem("positions", "missing", "is required and must be an object") }
      return reader.nested("positions", ViewerLayout.read)
    }
    let shown = Set(view.widgets.map(\.id))
    // A page that was open while another version was published may name widgets that are gone.
    let layout = ViewerLayout(positions: (wanted?.positions ?? [:]).filter { shown.contains($0.key) })
    let older = try await layouts.layout(of: view.viewer) ?? ViewerLayout()
    try await access.viewers.store(layout: layout.keeping(older, except: shown).json, of: view.viewer, at: clock())
    return try await response(view)
  }

  private func reset(_ request: APIRequest) async throws -> Response {
    let view = try await view(request, dashboard: try request.query()["dashboard"])
    try request.readQuery { $0.dashboardChoice() }
    try await access.viewers.removeLayout(of: view.viewer)
    return .noContent()
  }
}
