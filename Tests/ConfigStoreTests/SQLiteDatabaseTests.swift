import ConfigStore
import Domain
import Foundation
import Testing

@Suite struct SQLiteDatabaseTests {
  @Test func migratesOnceAndRemembersAfterRestart() async throws {
    let folder = try TemporaryFolder()
    var database = try SQLiteDatabase(path: folder.database)
    #expect(
      try await ConfigMigrator.migrate(database, at: Store.start) == [
        "0001_organizations", "0002_leases", "0003_cache_generations", "0004_removals", "0005_data_apps", "0006_viewers", "0007_store",
        "0008_team", "0009_deleted_organizations", "0010_links",
      ])
    #expect(try await ConfigMigrator.migrate(database, at: Store.start) == [])
    let (organization, user) = try await Store.register("ada@example.com", in: database)
    try await database.close()

    database = try SQLiteDatabase(path: folder.database)
    #expect(try await ConfigMigrator.migrate(database, at: Store.start) == [])
    #expect(try await OrganizationRepository(database).get(organization)?.allowedOrigins == ["https://a.example"])
    #expect(try await UserRepository(database).get(user)?.email.value == "ada@example.com")
  }

  @Test func refusesAChangedMigrationByName() async throws {
    let folder = try TemporaryFolder()
    let database = try SQLiteDatabase(path: folder.database)
    let first = ConfigMigration(name: "0001_things", sql: "CREATE TABLE things (id TEXT);")
    try await ConfigMigrator.migrate(database, [first], at: Store.start)
    let changed = ConfigMigration(name: "0001_things", sql: "CREATE TABLE things (id TEXT, name TEXT);")
    await #expect(throws: ConfigStoreError.changedMigration(name: "0001_things")) {
      try await ConfigMigrator.migrate(database, [changed], at: Store.start)
    }
    #expect("\(ConfigStoreError.changedMigration(name: "0001_things"))".contains("0001_things"))
  }

  @Test func refusesAStoreNewerThanTheProgram() async throws {
    let folder = try TemporaryFolder()
    let database = try SQLiteDatabase(path: folder.database)
    let later = ConfigMigration(name: "9999_later", sql: "CREATE TABLE later (id TEXT);")
    try await ConfigMigrator.migrate(database, ConfigMigration.compiledIn + [later], at: Store.start)
    await #expect(throws: ConfigStoreError.unknownMigration(name: "9999_later")) {
      try await ConfigMigrator.migrate(database, at: Store.start)
    }
  }

  @Test func leavesNothingOfAFailedMigration() async throws {
    let folder = try TemporaryFolder()
    let database = try SQLiteDatabase(path: folder.database)
    let good = ConfigMigration(name: "0001_things", sql: "CREATE TABLE things (id TEXT);")
    let bad = ConfigMigration(name: "0002_broken", sql: "CREATE TABLE more (id TEXT); CREATE TABEL oops;")
    await #expect(throws: AppError.self) { try await ConfigMigrator.migrate(database, [good, bad], at: Store.start) }
    let tables = try await database.read { try $0.query("SELECT name FROM sqlite_master WHERE type = 'table'").count }
    #expect(tables == 0)
  }

  @Test func keepsItsFilesPrivate() async throws {
    let store = try await Store()
    for name in ["config.sqlite", "config.sqlite-wal", "config.sqlite-shm"] {
      #expect(try store.folder.mode(name) == 0o600, "\(name)")
    }
    let deep = try SQLiteDatabase(path: store.folder.path + "/a/b/config.sqlite")
    try await deep.close()
    #expect(try store.folder.mode("a") == 0o700)
  }

  @Test func tightensALooseFile() async throws {
    let folder = try TemporaryFolder()
    try Data().write(to: URL(fileURLWithPath: folder.database))
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: folder.database)
    _ = try SQLiteDatabase(path: folder.database)
    #expect(try folder.mode("config.sqlite") == 0o600)
  }

  @Test func refusesWhatIsNoDatabase() async throws {
    let folder = try TemporaryFolder()
    try Data(String(repeating: "not a database ", count: 100).utf8).write(to: URL(fileURLWithPath: folder.database))
    #expect(throws: ConfigStoreError.self) { try SQLiteDatabase(path: folder.database) }
    #expect(throws: ConfigStoreError.self) { try SQLiteDatabase(path: folder.path) }
  }

  @Test func rollsBackWhenTheBodyThrows() async throws {
    let store = try await Store()
    await #expect(throws: CancellationError.self) {
      try await store.database.write { connection in
        try connection.execute("DELETE FROM organizations")
        throw CancellationError()
      }
    }
    #expect(try await OrganizationRepository(store.database).get(store.organization) != nil)
  }

  @Test func refusesWritesInARead() async throws {
    let store = try await Store()
    await #expect(throws: AppError.self) { _ = try await store.database.read { try $0.execute("DELETE FROM users") } }
    #expect(try await UserRepository(store.database).get(store.user) != nil)
  }

  @Test func neverShowsSQLToTheOutside() async throws {
    let store = try await Store()
    let error = try await appError { _ = try await store.database.read { try $0.query("SELECT id FROM nowhere") } }
    #expect(error?.status == 500)
    #expect(error?.message.contains("nowhere") == false)
    #expect(error?.cause == "SQLite 1: no such table: nowhere")
  }
}
