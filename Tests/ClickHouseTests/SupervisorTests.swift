import ClickHouse
import Domain
import Foundation
import Logging
import NIOCore
import TestSupport
import Testing

/// The supervisor with real servers of its own, and with programs that only pretend to be one.
@Suite(.serialized) struct SupervisorTests {
  /// A data directory, and what runs on it.
  private final class Ground: Sendable {
    let folder: String
    let test: TestClickHouse

    init() async throws {
      test = try await TestClickHouse.shared()
      folder = try TestClickHouse.makeTestFolder()
    }

    deinit { TestClickHouse.removeTestFolder(folder) }

    var config: String { folder + "/clickhouse/config.xml" }

    func supervisor(binary: String? = nil) -> ClickHouseSupervisor {
      ClickHouseSupervisor(
        configuration: .init(dataDirectory: folder, binary: binary), httpClient: test.httpClient, logger: quiet)
    }

    var quiet: Logger {
      var logger = TestClickHouse.makeLogger()
      logger.logLevel = .critical
      return logger
    }

    func client(of server: ClickHouseSupervisor) -> ClickHouseClient {
      ClickHouseClient(httpClient: test.httpClient, passwords: test.passwords, logger: quiet, queryTimeout: .seconds(60)) {
        try server.endpoint()
      }
    }

    /// The program that the shared server runs.
    func realBinary() async throws -> String {
      let pid = try #require(test.server.processIdentifier)
      return try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe")
    }

    func script(_ name: String, _ text: String) throws -> String {
      let path = "\(folder)/\(name)"
      try ("#!/bin/sh\n" + text).write(toFile: path, atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
      return path
    }
  }

  /// Runs a supervisor while `body` runs, and returns after both.
  private func running<T: Sendable>(
    _ server: ClickHouseSupervisor, _ body: @Sendable @escaping () async throws -> T
  ) async throws -> T {
    try await withThrowingTaskGroup(of: T?.self) { group in
      group.addTask {
        try await server.run()
        return nil
      }
      group.addTask {
        try await server.waitUntilReady()
        return try await body()
      }
      var result: T?
      while let next = try await group.next() {
        if let next {
          result = next
          group.cancelAll()
        }
      }
      return try #require(result)
    }
  }

  private static func lives(_ pid: Int32) -> Bool {
    guard kill(pid, 0) == 0 else { return false }
    let stat = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
    return !stat.contains(") Z ")
  }

  private static func waitUntil(_ what: Comment, within: Duration = .seconds(120), _ holds: () async -> Bool) async throws {
    let deadline = ContinuousClock.now + within
    while await !holds() {
      try #require(ContinuousClock.now < deadline, what)
      try await Task.sleep(for: .milliseconds(20))
    }
  }

  /// Until another process than `pid` is ready. No process at all is not another one.
  private static func waitUntilBack(_ server: ClickHouseSupervisor, after pid: Int32) async throws {
    try await waitUntil("the server comes back") {
      server.status.isReady && server.processIdentifier.map { $0 != pid } ?? false
    }
  }

  @Test func itRunsStopsAndKeepsItsData() async throws {
    let ground = try await Ground()
    let first = ground.supervisor()
    let pid = try await running(first) {
      let client = ground.client(of: first)
      try await client.execute("CREATE TABLE kept (a UInt8) ENGINE = MergeTree ORDER BY a")
      try await client.execute("INSERT INTO kept VALUES (7)")
      let pid = try #require(first.processIdentifier)
      // A session of its own: signals of our terminal do not reach it.
      #expect(getsid(pid) == pid)
      return pid
    }
    #expect(!Self.lives(pid))
    #expect(!FileManager.default.fileExists(atPath: ground.folder + "/clickhouse/server.pid"))
    guard case .stopped = first.status else {
      Issue.record("status \(first.status)")
      return
    }
    #expect(throws: ClickHouseError.self) { _ = try first.endpoint() }

    let second = ground.supervisor()
    let kept = try await running(second) {
      try await ground.client(of: second).query("SELECT a FROM kept", as: .admin).scalar
    }
    #expect(kept == 7)
  }

  @Test func secretsAreForTheOwnerOnly() async throws {
    let ground = try await Ground()
    let server = ground.supervisor()
    try await running(server) {
      let manager = FileManager.default
      func mode(_ path: String) throws -> Int? { try manager.attributesOfItem(atPath: path)[.posixPermissions] as? Int }
      #expect(try mode(ground.config) == 0o600)
      #expect(try mode(ground.folder + "/clickhouse") == 0o700)
      let text = try String(contentsOfFile: ground.config, encoding: .utf8)
      #expect(text.contains("<password_sha256_hex>"))
      #expect(text.contains("<listen_host>127.0.0.1</listen_host>"))
    }
  }

  @Test func aServerThatDiesIsStartedAgainWithItsData() async throws {
    let ground = try await Ground()
    let server = ground.supervisor()
    try await running(server) {
      let client = ground.client(of: server)
      try await client.execute("CREATE TABLE kept (a UInt8) ENGINE = MergeTree ORDER BY a")
      try await client.execute("INSERT INTO kept VALUES (7)")
      for _ in 0..<2 {
        let pid = try #require(server.processIdentifier)
        kill(pid, SIGKILL)
        try await Self.waitUntilBack(server, after: pid)
        #expect(try await client.query("SELECT a FROM kept", as: .admin).scalar == 7)
      }
    }
  }

  /// 200 for events means durable: what an insert has answered for is there after the server was killed in the same moment, and
  /// what is sent again with its token is recognised, also by the table of event ids.
  @Test func whatWasAnsweredSurvivesAKill() async throws {
    let ground = try await Ground()
    let server = ground.supervisor()
    try await running(server) {
      let client = ground.client(of: server)
      let logger = TestClickHouse.makeLogger()
      try await ClickHouseMigrator.migrate(client: client, passwords: ground.test.passwords, logger: logger)
      var sent: [(EventRows, String)] = []
      for round in 0..<3 {
        for batch in 0..<5 {
          var rows = EventRows(organization: "org")
          for number in 0..<100 { rows.add(id: "e-\(round)-\(batch)-\(number)") }
          try await rows.insert(with: client, token: "t-\(round)-\(batch)")
          sent.append((rows, "t-\(round)-\(batch)"))
        }
        let pid = try #require(server.processIdentifier)
        kill(pid, SIGKILL)
        try await Self.waitUntilBack(server, after: pid)
        #expect(try await client.query("SELECT count() FROM emban.events", as: .admin).scalar == .int(sent.count * 100))
      }
      for (rows, token) in sent { try await rows.insert(with: client, token: token) }
      let counts = try await client.query(
        "SELECT count(), uniqExact(event_id), (SELECT count() FROM emban.event_ids) FROM emban.events", as: .admin)
      #expect(counts.rows == [[1_500, 1_500, 1_500]])
    }
  }

  /// ClickHouse notes an insert a moment before its part is in place. Killed in between it must not take the repetition for one.
  @Test func anInsertThatWasNotedAndNotStoredIsStoredByItsRepetition() async throws {
    let ground = try await Ground()
    let tokens = ["a", "b", "c"]
    /// Inserts all again; gives the values that are stored then, and where the table lies.
    @Sendable func insertAll(_ server: ClickHouseSupervisor, merging: Bool) async throws -> (values: JSONValue?, folder: String) {
      let client = ground.client(of: server)
      try await client.execute(
        "CREATE TABLE IF NOT EXISTS kept (a UInt8) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100")
      try await client.execute("SYSTEM STOP MERGES kept")
      for (number, token) in tokens.enumerated() {
        try await client.insert(into: "kept", body: ByteBuffer(string: "{\"a\": \(number + 1)}"), deduplicationToken: token)
      }
      if merging {
        try await client.execute("SYSTEM START MERGES kept")
        try await client.execute("OPTIMIZE TABLE kept FINAL")
      }
      let folder = try await client.query("SELECT data_paths[1] FROM system.tables WHERE name = 'kept'", as: .admin).scalar?.stringValue
      return (try await client.query("SELECT groupArray(a) FROM (SELECT a FROM kept ORDER BY a)", as: .admin).scalar, try #require(folder))
    }
    let first = ground.supervisor()
    let stored = try await running(first) { try await insertAll(first, merging: false) }
    #expect(stored.values == [1, 2, 3])
    let parts = try FileManager.default.contentsOfDirectory(atPath: stored.folder).filter { $0.hasPrefix("all_") }.sorted()
    #expect(parts == ["all_1_1_0", "all_2_2_0", "all_3_3_0"])

    // As a kill leaves it: the note of the third insert, and not its part.
    try FileManager.default.removeItem(atPath: stored.folder + "/all_3_3_0")
    let second = ground.supervisor()
    let repeated = try await running(second) {
      // Merged, parts are there by other names.
      try await insertAll(second, merging: true)
    }
    #expect(repeated.values == [1, 2, 3])
    let third = ground.supervisor()
    #expect(try await running(third) { try await insertAll(third, merging: false) }.values == [1, 2, 3])
  }

  /// Killed within a note, ClickHouse leaves a part of a line.
  @Test func aTornNoteIsCutOff() async throws {
    let ground = try await Ground()
    // By table; of the others the last part is missing, whatever becomes of these.
    let torn: [(table: SQLIdentifier, note: String)] = [
      ("torn_part", "1\tall_4_4"), ("torn_token", "1\tall_4_4_0\tabc"), ("torn_kind", "1"), ("torn_zeros", "\0\0\0\0"),
    ]
    let others: [SQLIdentifier] = ["other_1", "other_2", "other_3", "other_4"]
    let tables = zip(torn, others).flatMap { [$0.table, $1] }
    @Sendable func folder(_ client: ClickHouseClient, _ table: SQLIdentifier) async throws -> String {
      let found = try await client.query("SELECT data_paths[1] FROM system.tables WHERE name = \(bind: table.name)", as: .admin)
      return try #require(found.scalar?.stringValue)
    }
    @Sendable func insert(_ client: ClickHouseClient, _ table: SQLIdentifier, _ token: String) async throws {
      try await client.insert(into: table, body: ByteBuffer(string: "{\"a\": 1}"), deduplicationToken: token)
    }
    let first = ground.supervisor()
    let folders = try await running(first) {
      let client = ground.client(of: first)
      var folders: [String: String] = [:]
      for table in tables {
        try await client.execute(
          "CREATE TABLE \(identifier: table) (a UInt8) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100")
        try await client.execute("SYSTEM STOP MERGES \(identifier: table)")
        for token in ["a", "b"] { try await insert(client, table, token) }
        folders[table.name] = try await folder(client, table)
      }
      return folders
    }
    func log(_ folder: String) throws -> String {
      let logs = try FileManager.default.contentsOfDirectory(atPath: folder + "/deduplication_logs").sorted()
      return folder + "/deduplication_logs/" + (try #require(logs.first))
    }
    for (table, note) in torn {
      let folder = try #require(folders[table.name])
      let file = try #require(FileHandle(forWritingAtPath: log(folder)))
      try file.seekToEnd()
      try file.write(contentsOf: Data(note.utf8))
      try file.close()
    }
    for table in others {
      let folder = try #require(folders[table.name])
      try FileManager.default.removeItem(atPath: folder + "/all_2_2_0")
    }
    // The next note would be written behind the torn one, in its line, and none behind that be known after the start after.
    for _ in 0..<2 {
      let next = ground.supervisor()
      try await running(next) {
        let client = ground.client(of: next)
        for table in tables {
          for token in ["a", "b", "c", "d"] { try await insert(client, table, token) }
          let count = try await client.query("SELECT count() FROM \(identifier: table)", as: .admin)
          #expect(count.scalar == 4, "\(table.name)")
        }
      }
    }
  }

  @Test func aSecondEmbanOnTheSameDataIsRefused() async throws {
    let ground = try await Ground()
    let first = ground.supervisor()
    let second = ground.supervisor()
    try await running(first) {
      let pid = first.processIdentifier
      await #expect(
        performing: {
          try await second.run()
        },
        throws: { error in
          "\(error)".contains("Another emban is running on the data directory")
        })
      #expect(first.processIdentifier == pid)
      #expect(first.status.isReady)
    }
  }

  /// As after `kill -9` of an emban whose `clickhouse` came from PATH: nobody told the server to end.
  @Test func aServerThatWasLeftBehindIsStopped() async throws {
    let ground = try await Ground()
    let server = ground.supervisor()
    try await running(server) {}
    let orphan = try await leftBehind(ground)
    let next = ground.supervisor()
    try await running(next) {
      #expect(!Self.lives(orphan.processIdentifier))
    }
  }

  /// A server that was stopped (SIGSTOP, a debugger, a container that was paused) hears of no signal until it goes on.
  @Test func aServerThatWasFrozenEndsAtOnce() async throws {
    let ground = try await Ground()
    var configuration = ClickHouseSupervisor.Configuration(dataDirectory: ground.folder)
    // Waited for in vain, this would show.
    configuration.shutdownPatience = .seconds(600)
    let server = ClickHouseSupervisor(configuration: configuration, httpClient: ground.test.httpClient, logger: ground.quiet)
    let pid = try await running(server) {
      let pid = try #require(server.processIdentifier)
      kill(pid, SIGSTOP)
      return pid
    }
    #expect(!Self.lives(pid))
    // And one that an earlier start left behind.
    let orphan = try await leftBehind(ground)
    kill(orphan.processIdentifier, SIGSTOP)
    let next = ClickHouseSupervisor(configuration: configuration, httpClient: ground.test.httpClient, logger: ground.quiet)
    try await running(next) {
      #expect(!Self.lives(orphan.processIdentifier))
    }
  }

  /// A server on this ground of which no supervisor knows.
  private func leftBehind(_ ground: Ground) async throws -> Process {
    let orphan = Process()
    orphan.executableURL = URL(fileURLWithPath: try await ground.realBinary())
    orphan.arguments = ["server", "--config-file=\(try configPath(ground))"]
    orphan.standardOutput = FileHandle.nullDevice
    orphan.standardError = FileHandle.nullDevice
    try orphan.run()
    // ClickHouse itself notes its pid; the note of the supervisor is missing, as if it had been killed right after the launch.
    let note = ground.folder + "/clickhouse/data/status"
    try await Self.waitUntil("the old server runs") {
      (try? String(contentsOfFile: note, encoding: .utf8))?.contains("PID: \(orphan.processIdentifier)\n") ?? false
    }
    return orphan
  }

  private func configPath(_ ground: Ground) throws -> String {
    URL(fileURLWithPath: ground.folder).resolvingSymlinksInPath().path + "/clickhouse/config.xml"
  }

  /// A pid that was given to another process meanwhile is left alone, even when the note fits it in time.
  @Test func anotherProcessWithTheNotedPidIsLeftAlone() async throws {
    let ground = try await Ground()
    let server = ground.supervisor()
    try await running(server) {}
    let bystander = Process()
    bystander.executableURL = URL(fileURLWithPath: "/bin/sleep")
    bystander.arguments = ["600"]
    // Who runs the tests waits for whoever holds their output, and children of some runtimes hear of no signal that can be blocked.
    bystander.standardOutput = FileHandle.nullDevice
    bystander.standardError = FileHandle.nullDevice
    try bystander.run()
    defer { kill(bystander.processIdentifier, SIGKILL) }
    let pid = bystander.processIdentifier
    let stat = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
    let start = stat.split(separator: " ")[21]
    try "\(pid)\n\(start)\n".write(toFile: ground.folder + "/clickhouse/server.pid", atomically: true, encoding: .utf8)
    try "PID: \(pid)\n".write(toFile: ground.folder + "/clickhouse/data/status", atomically: true, encoding: .utf8)
    let next = ground.supervisor()
    try await running(next) {
      #expect(bystander.isRunning)
    }
  }

  /// The launcher that the set-up compiles ends the server when its parent is killed.
  @Test func theLauncherEndsAServerWhoseParentWasKilled() async throws {
    let ground = try await Ground()
    let binary = try await ground.realBinary()
    guard binary.hasSuffix("share/emban/clickhouse/clickhouse") else { return }
    let server = ground.supervisor()
    try await running(server) {}
    let note = ground.folder + "/clickhouse/data/status"
    try? FileManager.default.removeItem(atPath: note)
    let parent = Process()
    parent.executableURL = URL(fileURLWithPath: "/bin/sh")
    parent.arguments = [
      "-c", "EMBAN_PARENT_PID=$$ \"$0\" server \"--config-file=$1\" >/dev/null 2>&1 & wait", binary, try configPath(ground),
    ]
    try parent.run()
    func childPid() -> Int32? {
      (try? String(contentsOfFile: note, encoding: .utf8))?.split(separator: "\n").first { $0.hasPrefix("PID: ") }
        .flatMap { Int32($0.dropFirst(5)) }
    }
    try await Self.waitUntil("the server runs") { childPid() != nil }
    let child = try #require(childPid())
    #expect(Self.lives(child))
    kill(parent.processIdentifier, SIGKILL)
    try await Self.waitUntil("the server ends with its parent") { !Self.lives(child) }
  }

  // MARK: - Programs that cannot work

  private func sentence(_ server: ClickHouseSupervisor) async -> String {
    do {
      try await server.run()
      return "no error"
    } catch {
      return "\(error)"
    }
  }

  @Test func aMissingOrForeignProgramIsToldByName() async throws {
    let ground = try await Ground()
    let missing = await sentence(ground.supervisor(binary: ground.folder + "/nothing"))
    #expect(missing == "EMBAN_CLICKHOUSE_BIN: \(ground.folder)/nothing is not an executable file.")
    let foreign = try ground.script("foreign", "echo hello\n")
    let wrong = await sentence(ground.supervisor(binary: foreign))
    #expect(wrong == "EMBAN_CLICKHOUSE_BIN: \(foreign) --version does not answer as ClickHouse does.")
    let old = try ground.script("old", "echo 'ClickHouse server version 24.3.1.1 (official build).'\n")
    let tooOld = await sentence(ground.supervisor(binary: old))
    #expect(tooOld == "EMBAN_CLICKHOUSE_BIN: \(old) is ClickHouse 24.3; Emban needs 25.8 or newer.")
  }

  private static let version = "[ \"$1\" = --version ] && { echo 'ClickHouse local version 25.8.2.1.'; exit; }\n"

  @Test func aProgramThatFailsIsGivenUpWithItsReason() async throws {
    let ground = try await Ground()
    let broken = try ground.script("broken", Self.version + "echo 'Code: 1000. DB::Exception: no room' >&2\nexit 4\n")
    let server = ground.supervisor(binary: broken)
    let text = await sentence(server)
    #expect(text.hasPrefix("The ClickHouse server does not start: it exited with code 4: Code: 1000. DB::Exception: no room"))
    #expect(text.contains(broken))
    await #expect(throws: ClickHouseError.self) { try await server.waitUntilReady() }
  }

  /// Somebody took the port between our choice and the server's start: the next attempt chooses another.
  @Test func aLostPortIsNoFailure() async throws {
    let ground = try await Ground()
    let real = try await ground.realBinary()
    let unlucky = try ground.script(
      "unlucky",
      Self.version + """
        echo x >> "$(dirname "$0")/attempts"
        [ "$(wc -l < "$(dirname "$0")/attempts")" -gt 5 ] && exec "\(real)" "$@"
        echo 'Listen [127.0.0.1]:1 failed: Poco::Exception. Code: 1000, e.code() = 98, Net Exception: Address already in use' >&2
        exit 210

        """)
    let server = ground.supervisor(binary: unlucky)
    let one = try await running(server) { try await ground.client(of: server).query("SELECT 1", as: .admin).scalar }
    #expect(one == 1)
  }

  @Test func aSlowStartIsWaitedFor() async throws {
    let ground = try await Ground()
    let real = try await ground.realBinary()
    let slow = try ground.script("slow", Self.version + "sleep 2\nexec \"\(real)\" \"$@\"\n")
    let server = ground.supervisor(binary: slow)
    #expect(server.status == .starting)
    let one = try await running(server) { try await ground.client(of: server).query("SELECT 1", as: .admin).scalar }
    #expect(one == 1)
  }

  /// The status as `/readyz` sees it.
  @Test func theStatusFollowsTheServer() async throws {
    let ground = try await Ground()
    let server = ground.supervisor()
    let changes = server.statusChanges()
    let seen = Task { await changes.reduce(into: [ClickHouseStatus]()) { $0.append($1) } }
    try await running(server) {
      let pid = try #require(server.processIdentifier)
      kill(pid, SIGKILL)
      try await Self.waitUntilBack(server, after: pid)
    }
    let kinds = await seen.value.map { status in
      switch status {
      case .starting: "starting"
      case .ready: "ready"
      case .down: "down"
      case .refused: "refused"
      case .stopped: "stopped"
      }
    }
    #expect(kinds == ["starting", "ready", "down", "starting", "ready", "stopped"])
  }
}
