import ClickHouse
public import ConfigStore
public import Domain
import Ingest
public import Logging
import QueryEngine

/// Tries whether the customers of a dashboard see anything of each other: plants two made-up customers with unmistakable events, asks
/// everything that a viewer can ask as each of them, through the viewer's own routes, and compares the answers with what the events make.
///
/// Each of the two layers is also tried alone: the conditions of the statements by the store's administrator, for whom no row policy
/// holds, and the row policies by statements that ask for the other customer.
public struct IsolationCheck: Sendable {
  private let canaries: CanaryTable
  private let queries: QueryService
  private let access: EmbedAccess
  private let clock: TimeSource
  private let publicOrigin: String

  public init(_ dependencies: APIDependencies) {
    canaries = dependencies.canaries
    queries = dependencies.queries
    access = EmbedAccess(dependencies)
    clock = dependencies.clock
    publicOrigin = dependencies.publicURL
  }

  /// - Parameter snapshot: what is published, or a draft as it would be published.
  /// - Throws: ``Domain/AppError`` 503 when the event store cannot answer, so that nothing is known; 422 for a snapshot that cannot be read.
  public func run(_ snapshot: DashboardVersion, of organization: OrganizationID, logger: Logger) async throws -> IsolationReport {
    let stopwatch = ContinuousClock()
    let start = stopwatch.now
    let config = try DashboardConfig.read(snapshot.config)
    var checks: [IsolationReport.Check] = []
    do {
      if config.widgets.contains(where: { $0.query != nil }) { checks = try await self.checks(snapshot, config, organization, logger) }
    } catch let error as ClickHouseError {
      throw ErrorMiddleware.appError(error)
    }
    return IsolationReport(
      dashboardID: snapshot.dashboardID, dashboardName: snapshot.name, checks: checks,
      elapsedMilliseconds: (stopwatch.now - start) / .milliseconds(1))
  }

  private func checks(
    _ snapshot: DashboardVersion, _ config: DashboardConfig, _ organization: OrganizationID, _ logger: Logger
  ) async throws -> [IsolationReport.Check] {
    let now = clock()
    let queries = queries.frozen(at: now)
    let controller = ViewerController(
      access: access.showing(PublishedDashboard(version: snapshot, config: config)), layouts: ViewerLayouts(viewers: access.viewers),
      queries: queries, clock: { now }, publicOrigin: publicOrigin)
    let endpoints = controller.endpoints
    let tenants = [CanaryTable.makeTenant(at: now), CanaryTable.makeTenant(at: now)]
    let marks = tenants.map { _ in IDGenerator.make("canary") }
    // What a dashboard asks of the session's context is another thing for each of the two.
    let contexts = marks.map { mark in
      JSONValue.object(Dictionary(config.contextReferences.map { ($0, .string("\(mark)-context")) }, uniquingKeysWith: { $1 }))
    }
    let configs = contexts.map { config.resolved(by: $0) }
    @Sendable func session(_ index: Int, _ permissions: EmbedPermissions) -> EmbedSession {
      EmbedSession(
        id: SessionID(IDGenerator.make("ses")), organizationID: organization, environment: .selftest, tenantID: tenants[index],
        dashboardID: snapshot.dashboardID, permissions: permissions, context: contexts[index], createdAt: now, createdBy: "selftest",
        expiresAt: now.adding(seconds: 3_600))
    }

    let times = try Self.subjects(configs[0], queries.scope(session(0, EmbedPermissions()), dashboard: configs[0]))
    let pair = [(number: 1_024.0, copies: 2), (number: 1_048_576.0, copies: 3)].enumerated().map { index, sign in
      let subjects = configs[index].widgets.compactMap { widget in
        widget.query.flatMap { query in times[widget.id].map { Canary.Subject(query: query, time: $0) } }
      }
      return Canary(
        configs[index], subjects: subjects, tenant: tenants[index], mark: marks[index], number: sign.number, copies: sign.copies, now: now)
    }
    let tables = try await canaries.tables()
    return try await planted(pair, organization, tables, now, logger) {
      try await withThrowingTaskGroup(of: (Int, [IsolationReport.Check]).self) { group in
        for (index, own) in pair.enumerated() {
          let audit = CanaryAudit(
            own: own, other: pair[1 - index], config: configs[index], otherConfig: configs[1 - index], times: times,
            tables: tables.map(\.sql), queries: queries, session: { session(index, $0) },
            otherSession: session(1 - index, EmbedPermissions()),
            viewer: { CanaryViewer(endpoints: endpoints, session: session(index, $0), logger: logger) })
          group.addTask { (index, try await audit.checks()) }
        }
        var found: [Int: [IsolationReport.Check]] = [:]
        for try await (index, checks) in group { found[index] = checks }
        return pair.indices.flatMap { found[$0] ?? [] }
      }
    }
  }

  /// The time of each widget that can be planned. What cannot be planned is refused to everybody.
  private static func subjects(_ config: DashboardConfig, _ scope: Scope) -> [String: ResolvedTime] {
    let planner = Planner(scope: scope, dashboard: config)
    var times: [String: ResolvedTime] = [:]
    for widget in config.widgets {
      guard let query = widget.query, let plan = try? planner.plan(query, kind: widget.kind) else { continue }
      times[widget.id] = plan.time
    }
    return times
  }

  /// Does the work while the canaries are in the store. They are removed whatever becomes of it: both ends run in tasks of their own, which
  /// are waited for and which a cancellation of the work does not reach.
  private func planted<Value>(
    _ pair: [Canary], _ organization: OrganizationID, _ tables: [CanaryTable.Table], _ now: Instant, _ logger: Logger,
    _ work: () async throws -> Value
  ) async throws -> Value {
    let canaries = canaries
    let events = pair.flatMap(\.events)
    let tenants = pair.map(\.tenant)
    let result: Result<Value, any Error>
    do {
      try await Task { try await canaries.plant(events, of: organization, tenants: tenants, in: tables) }.value
      result = .success(try await work())
    } catch {
      result = .failure(error)
    }
    do {
      try await Task { try await canaries.remove(tenants, of: organization, from: tables, at: now) }.value
    } catch {
      logger.warning("canaries could not be removed; the next check does it", metadata: ["cause": "\(error)"])
    }
    return try result.get()
  }
}

extension QueryService {
  /// The same, with the same memory of answers, and a clock that stands still: all questions of a check are about the same spans.
  fileprivate func frozen(at now: Instant) -> QueryService {
    QueryService(runner: runner, clock: { now }, cache: cache, tenants: tenants, generations: generations)
  }
}

extension EmbedAccess {
  init(_ dependencies: APIDependencies) {
    let dashboards = DashboardRepository(dependencies.database)
    self.init(
      dashboards: dashboards, published: PublishedDashboards(dashboards), organizations: OrganizationRepository(dependencies.database),
      sessions: EmbedSessionRepository(dependencies.database), tokens: dependencies.tokens,
      dataApps: DataAppRepository(dependencies.database), viewers: ViewerRepository(dependencies.database),
      defaultOrigins: dependencies.allowedOrigins)
  }

  /// The same for sessions that see one snapshot, whatever is published.
  fileprivate func showing(_ dashboard: PublishedDashboard) -> EmbedAccess {
    struct OneSnapshot: DashboardSource {
      let dashboard: PublishedDashboard
      func current(_ organization: OrganizationID, _ id: DashboardID) async throws -> PublishedDashboard? { dashboard }
    }
    return EmbedAccess(
      dashboards: dashboards, published: OneSnapshot(dashboard: dashboard), organizations: organizations, sessions: sessions,
      tokens: tokens, dataApps: dataApps, viewers: viewers, defaultOrigins: defaultOrigins)
  }
}
