import Access
import ConfigStore
import Domain
import HTTPTypes
import Hummingbird

/// What an embed session opens: the published configuration of its dashboard, narrowed by its permissions, on the pages of allowed
/// origins.
struct EmbedAccess: Sendable {
  let dashboards: DashboardRepository
  let published: any DashboardSource
  let organizations: OrganizationRepository
  let sessions: EmbedSessionRepository
  let tokens: EmbedTokens
  let dataApps: DataAppRepository
  let viewers: ViewerRepository
  /// Origins allowed for every organisation that names none.
  let defaultOrigins: [String]

  /// A published dashboard as one session sees it.
  struct View: Sendable {
    let session: EmbedSession
    let version: DashboardVersion
    /// Without what the session hides, and with what its context says.
    let config: DashboardConfig
    /// The published dashboards that the session may choose among.
    let choices: [Choice]
    /// What the viewer has added, as far as the dashboard still shows what it asks for.
    let ownWidgets: [OwnWidget]

    /// All that is shown.
    var widgets: [Widget] { config.widgets + ownWidgets.map(\.widget) }

    /// Whose layout and widgets belong to it.
    var viewer: Viewer {
      Viewer(
        organization: session.organizationID, environment: session.environment, tenant: session.tenantID, user: session.viewerID,
        dashboard: version.dashboardID)
    }

    /// The widget of an id.
    /// - Throws: ``AppError`` 403 for a hidden widget, 404 for one that the dashboard does not have.
    func widget(_ id: String) throws(AppError) -> Widget {
      if session.permissions.hiddenWidgets.contains(id) {
        throw .forbidden("widget_hidden", "This widget is not part of this session.")
      }
      guard let widget = config.widget(id) ?? ownWidgets.first(where: { $0.widget.id == id })?.widget else {
        throw .notFound("The dashboard has no such widget.", code: "widget_not_found")
      }
      return widget
    }
  }

  /// One of the dashboards that a session may show.
  struct Choice: Sendable {
    let id: DashboardID
    let slug: String
    let name: String

    var json: JSONValue { ["id": .string(id.rawValue), "slug": .string(slug), "name": .string(name)] }
  }

  /// The view of whoever makes a request.
  /// - Parameters:
  ///   - publicOrigin: our own origin, from which the embed page calls.
  ///   - dashboard: the id or slug that the request chooses; nil for the first.
  /// - Throws: ``AppError`` as ``view(_:origin:dashboard:)`` does.
  func view(of request: APIRequest, publicOrigin: String, dashboard: String?) async throws -> View {
    let origin = request.header(.origin)
    let host = request.request.head.authority ?? ""
    let isOwn = [publicOrigin, "http://\(host)", "https://\(host)"].contains(origin ?? publicOrigin)
    return try await view(try request.viewer(), origin: isOwn ? nil : origin, dashboard: dashboard)
  }

  /// - Parameters:
  ///   - origin: the `Origin` header of a page that is not our own; nil otherwise.
  ///   - dashboard: an id or slug; nil for the first that the session may show.
  /// - Throws: ``AppError`` 404 when the dashboard is offline or none of the session's, 403 when the origin is not allowed.
  func view(_ session: EmbedSession, origin: String?, dashboard: String? = nil) async throws -> View {
    if let origin, !Origin.isAllowed(origin, by: try await origins(of: session)) {
      throw AppError.forbidden("origin_not_allowed", "This session may not be used on pages of \(origin.prefix(300)).")
    }
    var choices: [Choice]?
    var id = session.dashboardID
    if let app = session.dataAppID {
      let found = try await dataApps.published(session.organizationID, app).map { Choice(id: $0.id, slug: $0.slug, name: $0.name) }
      guard let first = found.first else { throw Self.offline }
      guard let chosen = dashboard.map({ wanted in found.first { $0.isNamed(wanted) } }) ?? first else { throw Self.unknown }
      choices = found
      id = chosen.id
    }
    guard let published = try await published.current(session.organizationID, id) else { throw Self.offline }
    let own = Choice(id: id, slug: published.version.slug, name: published.version.name)
    if choices == nil, let dashboard, !own.isNamed(dashboard) { throw Self.unknown }
    let config = Self.narrowed(published.config, by: session.permissions).resolved(by: session.context)
    let view = View(session: session, version: published.version, config: config, choices: choices ?? [own], ownWidgets: [])
    guard session.permissions.allowManageWidgets else { return view }
    let kept = try await OwnWidget.all(of: view, in: viewers)
    return View(
      session: session, version: published.version, config: config, choices: view.choices, ownWidgets: kept.filter(\.isAvailable))
  }

  private static let offline = AppError.notFound("This dashboard is not published.", code: "dashboard_not_published")
  /// Whether there is such a dashboard elsewhere is not told.
  private static let unknown = AppError.notFound("This session shows no such dashboard.", code: "dashboard_not_found")

  /// The configuration without hidden widgets, without filters that the session fixes or forbids, and with allowed periods only. Conditions of
  /// the dashboard as a whole stay, whatever the session says.
  static func narrowed(_ config: DashboardConfig, by permissions: EmbedPermissions) -> DashboardConfig {
    var config = config
    config.widgets.removeAll { permissions.hiddenWidgets.contains($0.id) }
    config.filters = config.filters.compactMap { filter in
      if filter.fixed != nil { return filter }
      var filter = filter
      switch filter.control {
      case .select(let dimension, _):
        let isLocked = permissions.lockedFilters.keys.containsExactly(dimension.name)
        return isLocked || !permissions.allows(dimension) ? nil : filter
      case .numericRange(let property):
        return permissions.allows(property) ? filter : nil
      case .period(let initial, let options):
        guard let allowed = permissions.allowedPeriods else { return filter }
        let remaining = options.filter(allowed.contains)
        guard let first = remaining.first else { return nil }
        filter.control = .period(default: remaining.contains(initial) ? initial : first, options: remaining)
        return filter
      case .dateRange: return filter
      }
    }
    return config
  }

  /// Origins on whose pages the session may stand; empty for all.
  private func origins(of session: EmbedSession) async throws -> [String] {
    if let origins = session.allowedOrigins, !origins.isEmpty { return origins }
    return try await origins(ofOrganization: session.organizationID)
  }

  private func origins(ofOrganization id: OrganizationID) async throws -> [String] {
    let own = try await organizations.get(id)?.allowedOrigins ?? []
    return own.isEmpty ? defaultOrigins : own
  }

  /// The origins that may frame the embed page; empty for all. The session tells, known by its token or, when the token travels in the
  /// fragment and does not reach us, by the id beside it; otherwise the dashboard's organisation does.
  func frameOrigins(dashboard: DashboardID, token: String?, session: SessionID?) async -> [String] {
    do {
      if let token { return try await origins(of: try await tokens.verify(token)) }
      if let session, let found = try await sessions.find(session) { return try await origins(of: found) }
      guard let owner = try await dashboards.owner(of: dashboard) else { return defaultOrigins }
      return try await origins(ofOrganization: owner)
    } catch {
      // The page shows why the token is no good, wherever it stands; there is nothing else on it.
      return defaultOrigins
    }
  }
}

extension EmbedAccess.Choice {
  func isNamed(_ reference: String) -> Bool { reference.isExactly(id.rawValue) || reference.isExactly(slug) }
}

extension ObjectReader {
  /// `dashboard`: which of the session's dashboards is meant. The view has been made of it by then.
  mutating func dashboardChoice() { _ = string("dashboard", length: 1...Limits.slugLength) }
}
