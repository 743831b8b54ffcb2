import ConfigStore
import Domain
import Foundation

/// A folder of the test's own, removed with the last reference to it.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "emban-config-" + IDGenerator.make("test")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  var database: String { path + "/config.sqlite" }

  func mode(_ name: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path + "/" + name)[.posixPermissions] as? Int
  }

  /// Whether any file of the folder holds the bytes.
  func holds(_ text: String) throws -> Bool {
    try FileManager.default.contentsOfDirectory(atPath: path).contains { name in
      try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)).range(of: Data(text.utf8)) != nil
    }
  }
}

/// A migrated store in a file of its own, with one organisation in it.
struct Store {
  let folder: TemporaryFolder
  let database: SQLiteDatabase
  let organization: OrganizationID
  let user: UserID

  static let start = Instant(milliseconds: 1_760_000_000_000)

  init() async throws {
    folder = try TemporaryFolder()
    database = try SQLiteDatabase(path: folder.database)
    try await ConfigMigrator.migrate(database, at: Self.start)
    (organization, user) = try await Self.register("ada@example.com", in: database)
  }

  static func register(_ email: String, in database: SQLiteDatabase, keyHash: String? = nil) async throws -> (OrganizationID, UserID) {
    let organization = OrganizationID(IDGenerator.make("org"))
    let user = UserID(IDGenerator.make("usr"))
    guard let address = EmailAddress(email) else { throw AppError.invalid("email", "email", "must be an address") }
    try await RegistrationRepository(database).register(
      Registration(
        user: User(id: user, email: address, name: "Ada", passwordHash: "none", createdAt: start),
        organization: Organization(id: organization, name: "Acme", plan: "scale", allowedOrigins: ["https://a.example"], createdAt: start),
        apiKey: APIKey(
          id: KeyID(IDGenerator.make("key")), organizationID: organization, environment: .production, name: "Default", scope: .admin,
          prefix: "eb_adm_x", createdBy: user.rawValue, createdAt: start),
        apiKeyHash: keyHash ?? IDGenerator.make("hash")))
    return (organization, user)
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
