public import AsyncHTTPClient
public import ClickHouse
import Foundation
public import Logging
import Synchronization

/// A real ClickHouse for tests: one server per test process, started by the first test that asks, migrated, and shared by all
/// suites. Tests keep out of each other's way by organisation: ``uniqueOrganization()``.
///
///     let clickhouse = try await TestClickHouse.shared()
///     let organization = TestClickHouse.uniqueOrganization()
///     try await clickhouse.client.insert(into: "emban.events", body: …)
///
/// The server ends with the process. If the process is killed, the launcher of the server notices; if there is no such launcher
/// (a `clickhouse` from PATH), the next test process finds the server and its folder, and removes both.
public struct TestClickHouse: Sendable {
  public let client: ClickHouseClient
  public let server: ClickHouseSupervisor
  public let httpClient: HTTPClient
  public let passwords: ReaderPasswords
  public let logger: Logger
  /// `EMBAN_DATA_DIR` of the server.
  public let dataDirectory: String

  /// The server of this process.
  public static func shared() async throws -> TestClickHouse {
    try await start.value
  }

  /// An organisation id that no other test uses.
  public static func uniqueOrganization() -> String {
    "org_test_" + UUID().uuidString.lowercased()
  }

  /// A folder of its own for a test, removed by ``removeTestFolder(_:)`` or, at the latest, by the next test process.
  public static func makeTestFolder() throws -> String {
    let path = "\(root)/\(prefix)\(ProcessInfo.processInfo.processIdentifier)-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  public static func removeTestFolder(_ path: String) {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// A logger that shows warnings, so that a failing test has something to look at.
  public static func makeLogger(_ label: String = "test") -> Logger {
    var logger = Logger(label: label)
    logger.logLevel = .warning
    return logger
  }

  // MARK: - The one server

  // The task is deliberately owned by nobody but the process: it lives as long as the process does.
  private static let start = Task<TestClickHouse, any Error> {
    await removeLeftovers()
    let folder = try makeTestFolder()
    let logger = makeLogger("clickhouse")
    let httpClient = ClickHouseClient.makeHTTPClient()
    let server = ClickHouseSupervisor(
      configuration: .init(dataDirectory: folder, binary: ProcessInfo.processInfo.environment["EMBAN_CLICKHOUSE_BIN"]),
      httpClient: httpClient, logger: logger)
    let run = Task {
      do { try await server.run() } catch { logger.error("the test server failed", metadata: ["error": "\(error)"]) }
    }
    running.withLock { $0 = Running(server: server, run: run, folder: folder) }
    try await server.waitUntilReady()
    atexit { TestClickHouse.stopAtExit() }
    let passwords = ReaderPasswords(viewer: UUID().uuidString, analyst: UUID().uuidString, exporter: UUID().uuidString)
    // A query may take as long as any may: a machine that does everything at once is no fault of what is tested.
    let client = ClickHouseClient(httpClient: httpClient, passwords: passwords, logger: logger, queryTimeout: .seconds(60)) {
      try server.endpoint()
    }
    try await ClickHouseMigrator.migrate(client: client, passwords: passwords, logger: logger)
    return TestClickHouse(
      client: client, server: server, httpClient: httpClient, passwords: passwords, logger: logger, dataDirectory: folder)
  }

  private struct Running {
    let server: ClickHouseSupervisor
    let run: Task<Void, Never>
    let folder: String
  }

  private static let running = Mutex<Running?>(nil)

  private static func stopAtExit() {
    guard let running = running.withLock({ $0 }) else { return }
    // Cancelled first, so that the supervisor does not start another server.
    running.run.cancel()
    if let pid = running.server.processIdentifier { kill(pid, SIGKILL) }
    removeTestFolder(running.folder)
  }

  private static let root = FileManager.default.temporaryDirectory.path
  private static let prefix = "emban-swift-test-"

  /// Stops the servers of test processes that were killed, and removes their folders.
  private static func removeLeftovers() async {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? [] where name.hasPrefix(prefix) {
      let parts = name.dropFirst(prefix.count).split(separator: "-")
      guard let owner = parts.first.flatMap({ Int32($0) }), kill(owner, 0) != 0 else { continue }
      try? await ClickHouseSupervisor.stopOrphan(dataDirectory: "\(root)/\(name)")
      removeTestFolder("\(root)/\(name)")
    }
  }
}
