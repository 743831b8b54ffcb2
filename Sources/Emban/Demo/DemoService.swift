import Access
import ConfigStore
import Domain
import HTTPAPI
import Ingest
import Logging
import ServiceLifecycle
import Synchronization

/// Prepares the demo once the stores are ready: organisation, published dashboard, events; then goes on making events. Everything is
/// kept, so that a second start finds it and only adds the events since.
final class DemoService: Service {
  private static let organizationName = "Emban demo"
  private static let email = "demo@emban.example"

  private let runtime: Runtime
  private let organization = Mutex<OrganizationID?>(nil)

  init(runtime: Runtime) { self.runtime = runtime }

  var setup: DemoSetup {
    DemoSetup(
      organization: { [self] in organization.withLock(\.self) },
      tenants: DemoCustomer.all.map { DemoTenant(id: $0.id, name: $0.name, plan: $0.plan) },
      dashboard: { [runtime] id in try await DashboardRepository(runtime.database).get(id, DemoDashboard.slug) })
  }

  func run() async throws {
    let feed: DemoFeed
    do {
      feed = try await cancelWhenGracefulShutdown { [self] in try await prepare() }
    } catch is CancellationError {
      return
    }
    try await feed.run()
  }

  private func prepare() async throws -> DemoFeed {
    try await runtime.waitUntilReady()
    let start = ContinuousClock.now
    let (id, made) = try await findOrRegister()
    try await publishDashboard(id)
    let scope = IngestScope(organization: id, environment: .production)
    let now = runtime.clock()
    let seeder = DemoSeeder(
      sink: PipelineSink(runtime.pipeline, scope: scope), history: try await DemoHistory.load(runtime.client, scope: scope), now: now)
    let events = try await seeder.fill(until: now)
    organization.withLock { $0 = id }
    let tenths = Int(((ContinuousClock.now - start) / .milliseconds(100)).rounded())
    Console.say("\(events) events made and stored in \(tenths / 10).\(tenths % 10) s")
    if let made {
      Console.say("Shown this once: the demo's admin key \(made.key), and its console's login \(made.email), password \(made.password)")
    }
    Console.say("Open \(runtime.settings.publicAddress)/demo, and the console at \(runtime.settings.publicAddress)/app")
    return seeder.feed(from: now, clock: runtime.clock, logger: runtime.logger)
  }

  private func findOrRegister() async throws -> (OrganizationID, made: Login?) {
    // By whose it is: its name may be changed in the console.
    let accounts = runtime.accounts
    if let address = EmailAddress(Self.email), let user = try await UserRepository(runtime.database).find(email: address),
      let own = try await accounts.organizations(of: user.id).first(where: { $0.role == .owner })
    {
      return (own.organization.id, nil)
    }
    if let found = try await OrganizationRepository(runtime.database).all().first(where: { $0.name == Self.organizationName }) {
      return (found.id, nil)
    }
    do {
      return try await register(Self.email)
    } catch let error as AppError where error.code == "email_taken" {
      // Its organisation was deleted, and the password was shown once.
      return try await register("\(IDGenerator.make("demo"))@emban.example")
    }
  }

  private struct Login {
    let email: String
    let password: String
    let key: String
  }

  private func register(_ email: String) async throws -> (OrganizationID, made: Login?) {
    let password = IDGenerator.make("demo")
    let registered = try await runtime.accounts.register(
      email: email, password: password, name: "Demo", organization: Self.organizationName)
    return (registered.signedIn.organization.id, Login(email: email, password: password, key: registered.apiKey.secret))
  }

  private func publishDashboard(_ id: OrganizationID) async throws {
    let dashboards = DashboardRepository(runtime.database)
    guard try await dashboards.get(id, DemoDashboard.slug) == nil else { return }
    let config = try DemoDashboard.config()
    let dashboard = try await dashboards.create(
      id, slug: DemoDashboard.slug, name: config.name, config: config.json, by: "demo", at: runtime.clock())
    _ = try await dashboards.publish(id, dashboard.id.rawValue, by: "demo", at: runtime.clock())
  }
}
