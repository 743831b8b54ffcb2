import Access
import ConfigStore
import Domain
import Foundation
import Synchronization

/// A clock that a test sets.
final class TestClock: Sendable {
  private let instant = Mutex(Instant(milliseconds: 1_760_000_000_123))

  var now: Instant { instant.withLock { $0 } }
  var read: @Sendable () -> Instant { { self.now } }

  func advance(seconds: Double) { instant.withLock { $0 = $0.adding(seconds: seconds) } }
}

/// A folder of the test's own, removed with the last reference to it.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "emban-access-" + IDGenerator.make("test")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Whether any file of the folder holds the bytes.
  func holds(_ text: String) throws -> Bool {
    try FileManager.default.contentsOfDirectory(atPath: path).contains { name in
      try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)).range(of: Data(text.utf8)) != nil
    }
  }
}

/// A store with two registered organisations and everything that opens doors to it.
struct House {
  static let password = "correct horse battery"

  let folder: TemporaryFolder
  let database: SQLiteDatabase
  let clock: TestClock
  let secretKey: SecretKey
  let accounts: Accounts
  let keys: APIKeys
  let sessions: ConsoleSessions
  let tokens: EmbedTokens
  let authenticator: Authenticator
  let ada: SignedIn
  let adaKey: MintedAPIKey
  let grace: SignedIn
  let dashboard: StoredDashboard

  /// Hashing that is cheap enough for tests; the standard parameters have a test of their own.
  static let quick = PasswordHasher.Parameters(rounds: 16, blockSize: 8, parallelism: 1)

  init(publicURL: String? = "https://emban.example.com") async throws {
    folder = try TemporaryFolder()
    database = try SQLiteDatabase(path: folder.path + "/config.sqlite")
    clock = TestClock()
    try await ConfigMigrator.migrate(database, at: clock.now)
    secretKey = try SecretKey.load(value: nil, dataDirectory: folder.path)
    accounts = Accounts(
      database, hasher: PasswordHasher(parameters: Self.quick), limiter: LoginLimiter(clock: clock.read), defaultPlan: "scale",
      clock: clock.read)
    keys = APIKeys(database, clock: clock.read)
    sessions = ConsoleSessions(database, clock: clock.read)
    tokens = EmbedTokens(database, secretKey: secretKey, clock: clock.read)
    authenticator = Authenticator(
      keys: keys, sessions: sessions, tokens: tokens, originGuard: OriginGuard(publicURL: publicURL))
    (ada, adaKey) = try await accounts.register(email: "ada@example.com", password: Self.password, organization: "Acme")
    grace = try await accounts.register(email: "grace@example.com", password: Self.password).signedIn
    dashboard = try await DashboardRepository(database).create(
      ada.organization.id, slug: "usage", name: "Usage", config: [:], by: ada.user.id.rawValue, at: clock.now)
  }

  func embedSession(tenant: String = "acme", expiresIn: Int = 3_600, permissions: EmbedPermissions = EmbedPermissions()) -> NewEmbedSession
  {
    NewEmbedSession(
      organizationID: ada.organization.id, environment: .production, tenantID: TenantID(tenant), dashboardID: dashboard.id,
      permissions: permissions, expiresIn: expiresIn, createdBy: adaKey.key.id.rawValue)
  }

  func cookie(_ signedIn: SignedIn) -> String { "theme=dark; \(ConsoleSessions.cookieName)=\(signedIn.token)" }

  /// A member of Ada's organisation with this role, and the cookie.
  func member(_ role: Role) async throws -> String {
    let user = try await accounts.register(email: "\(role.rawValue)@example.com", password: Self.password).signedIn.user
    let membership = Membership(organizationID: ada.organization.id, userID: user.id, role: role, createdAt: clock.now)
    try await MembershipRepository(database).put(membership)
    return "\(ConsoleSessions.cookieName)=\(try await sessions.create(membership).token)"
  }
}

/// The error that `body` throws, for tests that look at its fields.
func appError(_ body: () async throws -> Void) async throws -> AppError? {
  do {
    try await body()
    return nil
  } catch let error as AppError {
    return error
  }
}
