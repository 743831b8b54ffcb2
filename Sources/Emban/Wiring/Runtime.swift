import Access
import AsyncHTTPClient
import ClickHouse
import ConfigStore
import Crypto
import Delivery
import Domain
import Foundation
import HTTPAPI
import Hummingbird
import Ingest
import Logging
import NIOCore
import QueryEngine
import Rollups
import ServiceLifecycle
import UnixSignals

/// The parts of the program, each built here and nowhere else. Holding a runtime means holding the data directory's lock.
final class Runtime: Sendable {
  let settings: Settings
  let database: SQLiteDatabase
  let clickHouse: any ClickHouseServer
  /// SQL that people write.
  let sql: AdHocSQL
  /// Answers `unavailable` until the schema is in place.
  let client: ClickHouseClient
  let buffer: EventBufferService
  let pipeline: IngestPipeline
  let spool: Spool
  let metrics = IngestMetrics()
  let keys: APIKeys
  let tokens: EmbedTokens
  let accounts: Accounts
  let invites: Invites
  let resets: PasswordResets
  let logger: Logger
  let clock: TimeSource

  /// Nil when answers are not to be kept.
  private let cache: ResultCache?
  private let tenants: TenantDataMemory
  private let live: LiveFeed
  private let gate = ReaderGate(.init(cores: ProcessInfo.processInfo.activeProcessorCount))
  private let directory: DataDirectory
  private let httpClient: HTTPClient
  private let startup: StartupService
  private let replayer: SpoolReplayer
  private let remover: EventRemover
  private let duplicates: DuplicateRepair

  /// - Throws: ``DataDirectory/InUse`` when another emban holds the directory, and what else keeps the program from starting, each
  ///   with a sentence for the operator.
  init(settings: Settings, logger: Logger) throws {
    self.settings = settings
    self.logger = logger
    clock = { Instant(milliseconds: Int64((Date().timeIntervalSince1970 * 1000).rounded(.down))) }
    OpenFiles.raiseLimit()
    directory = try DataDirectory(url: settings.dataDirectory)
    let path = settings.dataDirectory.path(percentEncoded: false)
    let secretKey = try SecretKey.load(value: settings.secretKey, dataDirectory: path)
    database = try SQLiteDatabase(path: settings.configurationStorePath)
    let spool = try Spool(
      .init(
        path: settings.dataDirectory.appending(path: "spool").path(percentEncoded: false), limit: settings.spoolMegabytes << 20),
      clock: clock, logger: logger)
    self.spool = spool
    cache = settings.cacheMegabytes > 0 ? ResultCache(capacity: settings.cacheMegabytes << 20) : nil
    let external = try settings.clickHouseURL.map { try ClickHouseEndpoint(parsing: $0) }
    var mail: MailSender?
    if let server = settings.mailServer {
      let client = try SMTPClient(server, sender: settings.mailFrom, name: settings.publicURL.host(), clock: clock)
      mail = { try await client.send($0) }
    }
    // Nothing below may throw: the client must be shut down, and only a whole runtime does that.
    httpClient = ClickHouseClient.makeHTTPClient()
    if let external {
      clickHouse = ExternalClickHouse(endpoint: external, httpClient: httpClient, logger: logger)
    } else {
      clickHouse = ClickHouseSupervisor(
        configuration: .init(dataDirectory: path, binary: settings.clickHouseBinary), httpClient: httpClient, logger: logger)
    }
    let passwords = Self.readerPasswords(secretKey)
    let startup = StartupService(
      database: database, clickHouse: clickHouse, httpClient: httpClient, passwords: passwords,
      adoptsEvents: settings.adoptsEvents, sharesEvents: external != nil,
      // The lock of the data directory keeps other programs from what lies in it.
      sharedKey: settings.databaseURL == nil ? nil : SharedSecretKey(database, key: secretKey, clock: clock, logger: logger),
      logger: logger, clock: clock)
    self.startup = startup
    client = ClickHouseClient(httpClient: httpClient, passwords: passwords, logger: logger) { [clickHouse] in
      guard startup.isDone else { throw ClickHouseError.unavailable("the schema is not in place yet") }
      return try clickHouse.endpoint()
    }
    sql = AdHocSQL(
      client: client, key: secretKey.derivePassword(info: "clickhouse:emban_sql"), isOwnServer: external == nil,
      seconds: settings.sqlSeconds,
      queries: QueryService(runner: ClickHouseRunner(client: client, gate: gate, timeout: .seconds(settings.querySeconds)), clock: clock),
      clock: clock)
    // The lock of the data directory keeps other programs from a store of our own.
    var policy = RollupPolicy()
    if settings.rollups.minimumEvents == 0 { policy.minimumEvents = .max }
    let versions: Executor? =
      external == nil ? nil : Executor { [client] sql, role in try await client.query(sql, as: role, timeout: .seconds(5)) }
    let live = LiveFeed(
      database: database, executor: versions, limit: min(Limits.liveStreams, OpenFiles.limit / 2),
      sessionLimit: min(Limits.sessionStreams, OpenFiles.limit / 4), clock: clock, logger: logger)
    self.live = live
    let tenants = TenantDataMemory(isOnlyWriter: external == nil, policy: policy) { live.changed($0, $1, $2) }
    self.tenants = tenants
    let generations = CacheGenerationRepository(database)
    let viewers = ViewerRepository(database)
    remover = EventRemover(
      client: client, journal: StoredRemovalJournal(database), clock: clock, logger: logger,
      removed: { organization, _, gone in
        // One by one only while that is little work.
        let scopes: [TenantID?] = gone.count > 20 ? [nil] : Array(gone)
        for tenant in scopes {
          try await generations.advance(organization, tenant: tenant, dashboard: nil)
          tenants.forget(organization, tenant: tenant)
        }
      },
      // What its users have arranged and added is about them as its events are.
      erased: { organization, environment, tenant in try await viewers.erase(tenant, of: organization, environment) })
    duplicates = DuplicateRepair(remover: remover, logger: logger)
    buffer = EventBufferService(
      client: client, spool: spool, metrics: metrics, duplicates: external == nil ? nil : duplicates, logger: logger)
    let stored: @Sendable (IngestScope, [StoredEvents]) -> Void = { scope, stored in
      tenants.eventsStored(
        scope.organization, scope.environment, stored.map { .init($0.tenant, events: $0.count, earliest: $0.earliest) })
    }
    pipeline = IngestPipeline(buffer: buffer, metrics: metrics, now: clock, stored: stored)
    replayer = SpoolReplayer(
      spool, client: client, metrics: metrics, duplicates: external == nil ? nil : duplicates, logger: logger, stored: stored)
    keys = APIKeys(database, clock: clock)
    tokens = EmbedTokens(database, secretKey: secretKey, clock: clock)
    accounts = Accounts(
      database, hasher: PasswordHasher(), limiter: LoginLimiter(clock: clock), defaultPlan: settings.defaultPlan, clock: clock)
    let complain: @Sendable (any Error) -> Void = { logger.warning("a mail could not be sent", metadata: ["cause": "\($0)"]) }
    invites = Invites(database, publicURL: settings.publicAddress, mail: mail, clock: clock, failed: complain)
    resets = PasswordResets(
      database, limiter: Self.resetLimiter(clock), publicURL: settings.publicAddress, mail: mail, clock: clock, failed: complain)
  }

  /// How often somebody may ask for a link to set a password: less often than sign in, because each sends a mail. Beyond what an e-mail address may get,
  /// from one place or from anywhere, no mail is sent.
  static func resetLimiter(_ clock: @escaping TimeSource) -> LoginLimiter {
    LoginLimiter(
      perEmail: .init(attempts: 3, secondsPerAttempt: 600), perEmailAnywhere: .init(attempts: 10, secondsPerAttempt: 600),
      perAddress: .init(attempts: 20, secondsPerAttempt: 60), clock: clock)
  }

  deinit {
    // After `run` it is shut down already; a program that ends before that must not leave it open.
    try? httpClient.syncShutdown()
  }

  /// The passwords of the read-only database users: the same on every replica that has the secret key.
  static func readerPasswords(_ secretKey: SecretKey) -> ReaderPasswords {
    ReaderPasswords(
      viewer: viewerPassword(secretKey),
      analyst: secretKey.derivePassword(info: "clickhouse:emban_analyst"),
      exporter: secretKey.derivePassword(info: "clickhouse:emban_exporter"))
  }

  static func viewerPassword(_ secretKey: SecretKey) -> String { secretKey.derivePassword(info: "clickhouse:emban_viewer") }

  /// The services of the stores, in the order in which they are started; they stop in the opposite order.
  var storeServices: [any Service] { [clickHouse, startup, replayer, buffer] }

  /// Rolls up what is over, for programs that go on. Of several on the same stores one does it at a time.
  var rollups: RollupBuilder {
    let leases = LeaseRepository(database)
    let holder = UUID().uuidString
    let corrector = CountCorrector(remover: remover)
    return RollupBuilder(
      client: client, settings: settings.rollups, name: holder, logger: logger, clock: clock,
      recount: { tenant, day, moment in
        try await corrector.correct(
          day, of: tenant.id, in: IngestScope(organization: tenant.organization, environment: tenant.environment), settledSince: moment)
      },
      release: { try await leases.giveBack("rollups", holder: holder) }
    ) { [clock] in
      let now = clock()
      // Longer than any step, so that nobody begins before this program has ended one.
      return try await leases.take("rollups", holder: holder, until: now.adding(seconds: 1800), at: now)
    }
  }

  /// Looks after the stored events, for programs that go on. Of several on the same stores one does it at a time.
  var housekeeping: EventHousekeeping {
    let leases = LeaseRepository(database)
    let organizations = OrganizationRepository(database)
    let holder = UUID().uuidString
    let deletions = OrganizationEraser(
      remover: remover, open: { try await organizations.deleted(notErased: true).map { .init(id: $0.id, at: $0.deletedAt) } },
      all: { try await organizations.deleted().map(\.id) }, erased: { [clock] in try await organizations.noteErased($0, at: clock()) },
      logger: logger)
    return EventHousekeeping(
      client: client, remover: remover, duplicates: duplicates, deletions: deletions,
      rules: {
        try await organizations.all().flatMap { organization in
          [EnvironmentName.production, .development].compactMap { environment in
            organization.retentionDays.map {
              RetentionRule(scope: IngestScope(organization: organization.id, environment: environment), days: $0)
            }
          }
        }
      }, logger: logger, clock: clock, release: { try await leases.giveBack("housekeeping", holder: holder) }
    ) { [clock] in
      let now = clock()
      // Four times as long as it takes to be asked for again.
      return try await leases.take("housekeeping", holder: holder, until: now.adding(seconds: 40), at: now)
    }
  }

  /// The builder, unless rollups are turned off.
  var rollupServices: [any Service] { settings.rollups.minimumEvents == 0 ? [] : [rollups] }

  /// Sends the mails with links to set a password.
  var resetMails: any Service { ResetMailService(resets: resets) }

  /// Takes away what organisations leave behind that are no more, in the users of the event store.
  var sqlReaders: any Service {
    let organizations = OrganizationRepository(database)
    return SQLReaderCleaning(
      sql: sql, waitUntilReady: { [self] in try await waitUntilReady() },
      organizations: { try await organizations.all().map(\.id) }, logger: logger)
  }

  /// Ends the streams of open dashboards: to be started after the HTTP application, and so stopped before it.
  var liveStreams: any Service { LiveStreamsService(feed: live) }

  /// Returns when the stores can serve.
  func waitUntilReady() async throws { try await startup.waitUntilDone() }

  var queries: QueryService {
    QueryService(
      runner: ClickHouseRunner(client: client, gate: gate, timeout: .seconds(settings.querySeconds)), clock: clock, cache: cache,
      tenants: tenants,
      generations: CacheGenerationRepository(database))
  }

  var exporter: EventExporter { EventExporter(client: client) }

  /// What the API is made of.
  func dependencies() throws -> APIDependencies {
    APIDependencies(
      database: database,
      authenticator: Authenticator(
        keys: keys, sessions: ConsoleSessions(database, clock: clock), tokens: tokens,
        originGuard: OriginGuard(publicURL: settings.publicAddress)),
      accounts: accounts, invites: invites, resets: resets, keys: keys, tokens: tokens, pipeline: pipeline,
      canaries: CanaryTable(client: client), queries: queries,
      eraser: TenantEraser(remover: remover) { [buffer] in (try? await buffer.settle(within: $0)) ?? false },
      exporter: exporter, sql: sql,
      live: live, assets: try Assets(directory: try AssetsDirectory.locate(settings.assetsDirectory).appending(path: "web")),
      readiness: { [self] in await readiness() }, metrics: { [self] in measurements() }, clock: clock, publicURL: settings.publicAddress,
      allowedOrigins: settings.allowedOrigins, sessionRate: settings.sessionRate, proxies: settings.trustedProxies)
  }

  /// The HTTP application.
  func application(demo: DemoSetup? = nil, onServerRunning: @escaping @Sendable () async -> Void = {}) throws -> some ApplicationProtocol {
    return Application(
      router: APIRouter.build(try dependencies(), demo: demo),
      // Who neither sends nor is being answered must not hold a connection, or the part of a body that has come, for ever.
      server: .http1(configuration: .init(additionalChannelHandlers: [ConnectionWatch()], idleTimeout: .seconds(75))),
      configuration: ApplicationConfiguration(address: .hostname(settings.host, port: settings.port)),
      onServerRunning: { _ in await onServerRunning() }, logger: logger)
  }

  private func readiness() async -> ReadinessReport {
    let events =
      switch clickHouse.status {
      case .starting: "starting"
      case .ready: startup.isDone ? "ready" : "migrating"
      case .down: "down"
      case .refused: "refused"
      case .stopped: "stopped"
      }
    let isConfigReachable: Bool
    do {
      _ = try await SigningKeyRepository(database).find(kid: "")
      isConfigReachable = true
    } catch {
      isConfigReachable = false
    }
    return ReadinessReport(
      stores: [
        Readiness(name: "events", isReady: events == "ready", state: events),
        Readiness(
          name: "configuration", isReady: isConfigReachable && startup.isDone,
          state: isConfigReachable ? (startup.isDone ? "ready" : "migrating") : "down"),
      ], spool: spool.status)
  }

  private func measurements() -> Measurements {
    let isUp = if case .ready = clickHouse.status { true } else { false }
    return Measurements(
      ingest: metrics.snapshot, heldBytes: buffer.heldBytes, spool: spool.status, isEventStoreUp: isUp, liveStreams: live.openStreams,
      residentBytes: ProcessMemory.residentBytes)
  }

  /// Runs services (the stores' first) until a signal asks for the end or one of them fails.
  /// - Parameter services: started after the stores, stopped before them.
  func run(_ services: [any Service], onSignals signals: [UnixSignal] = [.sigterm, .sigint]) async throws {
    let all = storeServices + services
    var configuration = ServiceGroupConfiguration(
      // Also after a failure in order: what is held of events is spooled, and connections that are being accepted are let in or turned away; the
      // server does not survive being cancelled just then.
      services: all.map {
        .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup, failureTerminationBehavior: .gracefullyShutdownGroup)
      },
      gracefulShutdownSignals: signals, logger: logger)
    configuration.maximumGracefulShutdownDuration = .seconds(60)
    do {
      try await ServiceGroup(configuration: configuration).run()
    } catch {
      try? await close()
      throw explained(error)
    }
    try await close()
  }

  /// Errors of the system in words of ours.
  private func explained(_ error: any Error) -> any Error {
    guard let error = error as? IOError else { return error }
    switch error.errnoCode {
    case EADDRINUSE:
      return SettingsError(key: "EMBAN_PORT", expected: "the port \(settings.port) on \(settings.host) is in use by another program")
    case EACCES: return SettingsError(key: "EMBAN_PORT", expected: "this user may not listen on port \(settings.port)")
    case EADDRNOTAVAIL: return SettingsError(key: "EMBAN_HOST", expected: "must be an address of this machine, not \(settings.host)")
    default: return error
    }
  }

  /// Runs a piece of work over the started stores, then stops them: for commands that are not servers. A signal cancels the work.
  func withStores<T: Sendable>(_ work: @escaping @Sendable (Runtime) async throws -> T) async throws -> T {
    let service = WorkService { [self] in
      try await waitUntilReady()
      return try await work(self)
    }
    try await run([service])
    return try service.result()
  }

  private func close() async throws {
    try await database.close()
    try await httpClient.shutdown()
  }
}

/// Sends the statements of plans to ClickHouse.
private struct ClickHouseRunner: QueryRunning {
  let client: ClickHouseClient
  let gate: ReaderGate
  let timeout: Duration

  func rows(_ sql: SQL, as role: DatabaseRole) async throws -> QueryRows {
    switch role {
    case .admin, .exporter, .sql: try await client.query(sql, as: role, timeout: timeout)
    case .viewer(let scope), .analyst(let scope):
      try await gate.run(for: scope) { try await client.query(sql, as: role, timeout: timeout) }
    }
  }
}
