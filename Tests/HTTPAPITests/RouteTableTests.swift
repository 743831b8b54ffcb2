import Access
import AsyncHTTPClient
import ClickHouse
import ConfigStore
import Domain
import Foundation
import HTTPAPI
import Ingest
import Logging
import QueryEngine
import Testing

/// Who may call what: the whole API as a table. A new route fails this test until somebody has thought about its line.
@Suite struct RouteTableTests {
  static let expected = """
    DELETE /v1/api-keys/:id admin
    DELETE /v1/auth/sessions session
    DELETE /v1/auth/sessions/:id session
    DELETE /v1/dashboards/:id admin
    DELETE /v1/data-apps/:name admin
    DELETE /v1/embed-sessions admin
    DELETE /v1/embed-sessions/:id admin
    DELETE /v1/embed/layout embed
    DELETE /v1/embed/own-widgets/:id embed
    DELETE /v1/invites/:id team
    DELETE /v1/members/:id team
    DELETE /v1/organization owner
    DELETE /v1/tenants/:tenant_id/data admin
    GET / public
    GET /app public
    GET /app/:page public
    GET /app/:page/:id public
    GET /app/:page/:id/:part public
    GET /docs public
    GET /embed/:id public
    GET /favicon.ico public
    GET /healthz public
    GET /metrics public
    GET /openapi.json public
    GET /readyz public
    GET /sdk/:file public
    GET /v1/api-keys admin
    GET /v1/audit admin
    GET /v1/auth/me session
    GET /v1/auth/sessions session
    GET /v1/dashboards read
    GET /v1/dashboards/:id read
    GET /v1/dashboards/:id/versions read
    GET /v1/dashboards/:id/versions/:version read
    GET /v1/data-apps admin
    GET /v1/data-apps/:name admin
    GET /v1/datasets admin
    GET /v1/datasets/:dataset/ddl admin
    GET /v1/discover read
    GET /v1/embed-sessions admin
    GET /v1/embed/dashboard embed
    GET /v1/embed/export embed
    GET /v1/embed/filter-values embed
    GET /v1/embed/layout embed
    GET /v1/embed/live embed
    GET /v1/embed/own-widgets embed
    GET /v1/embed/view embed
    GET /v1/embed/vocabulary embed
    GET /v1/events/recent admin
    GET /v1/invites team
    GET /v1/members read
    GET /v1/organization admin
    GET /v1/query read
    GET /v1/tenants read
    GET /v1/tenants/:tenant_id/events admin
    GET /v1/usage read
    GET /web-components/:file public
    GET /web/:file public
    PATCH /v1/auth/me session
    PATCH /v1/dashboards/:id edit
    PATCH /v1/data-apps/:name admin
    PATCH /v1/members/:id owner
    PATCH /v1/organization admin
    POST /api/v2/data-app/refresh-cache admin
    POST /api/v2/guest-token/create admin
    POST /v1/api-keys admin
    POST /v1/auth/invite public
    POST /v1/auth/invite/accept public
    POST /v1/auth/login public
    POST /v1/auth/logout session
    POST /v1/auth/password session
    POST /v1/auth/password/forgot public
    POST /v1/auth/password/reset public
    POST /v1/auth/register public
    POST /v1/auth/switch session
    POST /v1/cache/refresh admin
    POST /v1/dashboards edit
    POST /v1/dashboards/:id/duplicate edit
    POST /v1/dashboards/:id/publish admin
    POST /v1/dashboards/:id/restore edit
    POST /v1/dashboards/:id/selftest admin
    POST /v1/dashboards/:id/unpublish admin
    POST /v1/data-apps admin
    POST /v1/discover/auto-create edit
    POST /v1/embed-sessions admin
    POST /v1/embed/drill embed
    POST /v1/embed/own-widgets embed
    POST /v1/embed/query embed
    POST /v1/events ingest
    POST /v1/invites/:id/resend team
    POST /v1/members/invite team
    POST /v1/members/leave session
    POST /v1/organization/transfer owner
    POST /v1/organizations session
    POST /v1/query read
    POST /v1/sql admin
    PUT /v1/dashboards/:id edit
    PUT /v1/embed/layout embed
    """

  @Test func everyRouteHasItsRule() throws {
    let fixture = try Fixture()
    let lines = APIRouter.endpoints(fixture.dependencies).map { "\($0.method) \($0.path) \($0.access.rawValue)" }.sorted()
    #expect(lines == Self.expected.split(separator: "\n").map(String.init))
  }

  @Test func noPathIsServedTwice() throws {
    let fixture = try Fixture()
    let routes = APIRouter.endpoints(fixture.dependencies).map { "\($0.method) \($0.path)" }
    #expect(Set(routes).count == routes.count)
  }

  /// The demo's routes take no credential: they must not exist in a server that is no demo.
  @Test func theDemoIsServedByTheDemoOnly() throws {
    let fixture = try Fixture()
    #expect(!APIRouter.endpoints(fixture.dependencies).contains { $0.path.hasPrefix("/demo") })
    let demo = DemoSetup(organization: { nil }, tenants: [], dashboard: { _ in nil })
    #expect(APIRouter.endpoints(fixture.dependencies, demo: demo).contains { $0.path == "/demo" })
  }
}

/// The API over a real configuration store; the event store is not asked here.
private struct Fixture {
  let dependencies: APIDependencies

  init() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "emban-routes-\(UUID().uuidString)")
    let pages = folder.appending(path: "web/pages")
    try FileManager.default.createDirectory(at: pages, withIntermediateDirectories: true)
    try Data("<!doctype html>".utf8).write(to: pages.appending(path: "embed.html"))
    defer { try? FileManager.default.removeItem(at: folder) }
    let clock: TimeSource = { Instant(milliseconds: 1_776_160_800_000) }
    let database = try SQLiteDatabase(path: folder.appending(path: "emban.sqlite").path)
    let secretKey = try SecretKey("9c1f0b7be24d5a6378e1d0f2ab4c59d7")
    let tokens = EmbedTokens(database, secretKey: secretKey, clock: clock)
    let keys = APIKeys(database, clock: clock)
    let client = ClickHouseClient(
      httpClient: .shared, passwords: ReaderPasswords(viewer: "", analyst: "", exporter: ""), logger: Logger(label: "test"),
      endpoint: { throw ClickHouseError.unavailable("not part of this test") })
    dependencies = APIDependencies(
      database: database,
      authenticator: Authenticator(
        keys: keys, sessions: ConsoleSessions(database, clock: clock), tokens: tokens, originGuard: OriginGuard(publicURL: nil)),
      accounts: Accounts(
        database, hasher: PasswordHasher(), limiter: LoginLimiter(clock: clock), defaultPlan: "scale", clock: clock),
      invites: Invites(database, publicURL: "http://localhost:8080", mail: nil, clock: clock),
      resets: PasswordResets(
        database, limiter: LoginLimiter(clock: clock), publicURL: "http://localhost:8080", mail: nil, clock: clock),
      keys: keys, tokens: tokens,
      pipeline: IngestPipeline(buffer: EventBufferService(client: client, logger: Logger(label: "test")), now: clock),
      canaries: CanaryTable(client: client), queries: QueryService(runner: Unreachable(), clock: clock),
      eraser: TenantEraser(
        remover: EventRemover(client: client, journal: StoredRemovalJournal(database), clock: clock, logger: Logger(label: "test"))),
      exporter: EventExporter(client: client),
      sql: AdHocSQL(
        client: client, key: "not asked", isOwnServer: true, queries: QueryService(runner: Unreachable(), clock: clock), clock: clock),
      live: LiveFeed(database: database, executor: nil, clock: clock, logger: Logger(label: "test")),
      assets: try Assets(directory: folder.appending(path: "web")),
      readiness: { ReadinessReport(stores: [], spool: .off) },
      metrics: { Measurements(ingest: .init(), heldBytes: 0, spool: .off, isEventStoreUp: false, residentBytes: nil) }, clock: clock,
      publicURL: "http://localhost:8080", allowedOrigins: [])
  }
}

private struct Unreachable: QueryRunning {
  func rows(_ sql: SQL, as role: DatabaseRole) async throws -> QueryRows {
    throw ClickHouseError.unavailable("not part of this test")
  }
}
