public import Access
public import ConfigStore
public import Domain
public import Hummingbird
public import Ingest
import QueryEngine

/// Everything that the API needs, built by the program and by nobody else.
public struct APIDependencies: Sendable {
  public var database: any ConfigDatabase
  public var authenticator: Authenticator
  public var accounts: Accounts
  public var invites: Invites
  public var resets: PasswordResets
  public var keys: APIKeys
  public var tokens: EmbedTokens
  public var pipeline: IngestPipeline
  public var canaries: CanaryTable
  public var queries: QueryService
  public var eraser: TenantEraser
  public var exporter: EventExporter
  public var sql: AdHocSQL
  public var live: LiveFeed
  public var assets: Assets
  public var readiness: @Sendable () async -> ReadinessReport
  public var metrics: @Sendable () -> Measurements
  public var clock: TimeSource
  /// Where people reach this server, without a slash at the end.
  public var publicURL: String
  public var allowedOrigins: [String]
  /// How many requests a second one embed session may make in the long run; 0 for any number.
  public var sessionRate: Int
  /// Whose word is taken for who asks.
  public var proxies: TrustedProxies

  var isSecure: Bool { publicURL.hasPrefix("https://") }

  public init(
    database: any ConfigDatabase, authenticator: Authenticator, accounts: Accounts, invites: Invites, resets: PasswordResets,
    keys: APIKeys, tokens: EmbedTokens,
    pipeline: IngestPipeline, canaries: CanaryTable, queries: QueryService, eraser: TenantEraser, exporter: EventExporter, sql: AdHocSQL,
    live: LiveFeed, assets: Assets,
    readiness: @escaping @Sendable () async -> ReadinessReport, metrics: @escaping @Sendable () -> Measurements,
    clock: @escaping TimeSource, publicURL: String, allowedOrigins: [String],
    sessionRate: Int = Limits.sessionRequestsPerSecond, proxies: TrustedProxies = TrustedProxies()
  ) {
    self.database = database
    self.authenticator = authenticator
    self.accounts = accounts
    self.invites = invites
    self.resets = resets
    self.keys = keys
    self.tokens = tokens
    self.pipeline = pipeline
    self.canaries = canaries
    self.queries = queries
    self.eraser = eraser
    self.exporter = exporter
    self.sql = sql
    self.live = live
    self.assets = assets
    self.readiness = readiness
    self.metrics = metrics
    self.clock = clock
    self.publicURL = publicURL
    self.allowedOrigins = allowedOrigins
    self.sessionRate = sessionRate
    self.proxies = proxies
  }
}

/// The demo's part of the API.
public struct DemoSetup: Sendable {
  /// Nil while the demo is being prepared.
  public var organization: @Sendable () -> OrganizationID?
  public var tenants: [DemoTenant]
  public var dashboard: @Sendable (OrganizationID) async throws -> StoredDashboard?

  public init(
    organization: @escaping @Sendable () -> OrganizationID?, tenants: [DemoTenant],
    dashboard: @escaping @Sendable (OrganizationID) async throws -> StoredDashboard?
  ) {
    self.organization = organization
    self.tenants = tenants
    self.dashboard = dashboard
  }
}

extension APIDependencies {
  /// Drops what this program remembers of an organisation that is no more. Open streams of its sessions end by themselves.
  func forget(_ organization: OrganizationID) {
    keys.forget(organization)
    tokens.forget(organization)
    queries.tenants?.forget(organization, tenant: nil)
    queries.cache?.removeAll()
  }
}

extension APIRouter {
  /// The router of the whole API.
  public static func build(_ dependencies: APIDependencies, demo: DemoSetup? = nil) -> Router<APIContext> {
    build(
      endpoints: endpoints(dependencies, demo: demo), authenticator: dependencies.authenticator,
      limiter: dependencies.sessionRate > 0 ? SessionLimiter(perSecond: dependencies.sessionRate, clock: dependencies.clock) : nil,
      isSecure: dependencies.isSecure, proxies: dependencies.proxies)
  }

  /// The whole API: the endpoints of every controller there is.
  public static func endpoints(_ dependencies: APIDependencies, demo: DemoSetup? = nil) -> [Endpoint] {
    let dashboards = DashboardRepository(dependencies.database)
    let audit = AuditLog(repository: AuditRepository(dependencies.database), clock: dependencies.clock)
    let organizations = OrganizationRepository(dependencies.database)
    let cookie = SessionCookie(isSecure: dependencies.isSecure)
    let embeds = EmbedAccess(dependencies)
    let dataApps = DataAppRepository(dependencies.database)
    let viewers = ViewerRepository(dependencies.database)
    let layouts = ViewerLayouts(viewers: viewers)
    let sessions = EmbedSessionsController(
      tokens: dependencies.tokens, dashboards: dashboards, audit: audit, live: dependencies.live, publicURL: dependencies.publicURL)
    var controllers: [any Controller] = [
      HealthController(readiness: dependencies.readiness),
      MetricsController(measurements: dependencies.metrics),
      AuthController(accounts: dependencies.accounts, cookie: cookie),
      PasswordsController(accounts: dependencies.accounts, resets: dependencies.resets, cookie: cookie),
      ConsoleSessionsController(
        sessions: ConsoleSessions(dependencies.database, clock: dependencies.clock), audit: audit, cookie: cookie),
      MembersController(
        memberships: MembershipRepository(dependencies.database), accounts: dependencies.accounts, audit: audit, cookie: cookie),
      InvitesController(invites: dependencies.invites, accounts: dependencies.accounts, audit: audit, cookie: cookie),
      AuditController(repository: audit.repository),
      OrganizationController(
        organizations: organizations, accounts: dependencies.accounts, audit: audit, cookie: cookie, forget: dependencies.forget),
      UsageController(queries: dependencies.queries, organizations: organizations, clock: dependencies.clock),
      APIKeysController(keys: dependencies.keys, repository: APIKeyRepository(dependencies.database), audit: audit),
      EventsController(pipeline: dependencies.pipeline),
      DiscoverController(
        queries: dependencies.queries, dashboards: dashboards, organizations: organizations, audit: audit, clock: dependencies.clock),
      EventExportController(exporter: dependencies.exporter, audit: audit, clock: dependencies.clock),
      TenantsController(eraser: dependencies.eraser, cache: dependencies.queries.cache, audit: audit),
      DashboardsController(
        repository: dashboards, organizations: organizations, audit: audit, isolation: IsolationCheck(dependencies),
        clock: dependencies.clock),
      QueryController(queries: dependencies.queries),
      SQLController(sql: dependencies.sql, audit: audit),
      CacheController(
        generations: CacheGenerationRepository(dependencies.database), dashboards: dashboards, dataApps: dataApps, audit: audit,
        tenants: dependencies.queries.tenants),
      sessions,
      DataAppsController(repository: dataApps, audit: audit, clock: dependencies.clock),
      GuestTokensController(tokens: dependencies.tokens, dataApps: dataApps, dashboards: dashboards, audit: audit),
      ViewerController(
        access: embeds, layouts: layouts, queries: dependencies.queries, clock: dependencies.clock, publicOrigin: dependencies.publicURL),
      LayoutController(access: embeds, layouts: layouts, clock: dependencies.clock, publicOrigin: dependencies.publicURL),
      OwnWidgetsController(access: embeds, layouts: layouts, clock: dependencies.clock, publicOrigin: dependencies.publicURL),
      LiveController(access: embeds, feed: dependencies.live, publicOrigin: dependencies.publicURL),
      PagesController(assets: dependencies.assets, embeds: embeds),
      ConsolePagesController(assets: dependencies.assets, home: demo == nil ? "/app" : "/demo"),
    ]
    if let demo {
      controllers.append(
        DemoController(assets: dependencies.assets, sessions: sessions, setup: demo))
    }
    let endpoints = controllers.flatMap(\.endpoints)
    return endpoints
      + DescriptionController(assets: dependencies.assets, others: endpoints, publicURL: dependencies.publicURL).endpoints
  }
}
