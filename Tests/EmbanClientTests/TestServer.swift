import AsyncHTTPClient
import EmbanClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// The program itself, started as users start it: one server and one organisation for all tests of this process, which keep out of each
/// other's way by tenant.
struct TestServer: Sendable {
  let url: String
  let key: String

  static func shared() async throws -> TestServer { try await start.value }

  func client(retry: EmbanRetryPolicy = .quick, at url: String? = nil) throws -> EmbanClient {
    try EmbanClient(baseURL: url ?? self.url, apiKey: key, retry: retry, timeout: .seconds(120))
  }

  /// A tenant that no other test uses.
  static func tenant() -> String { "tenant-\(UUID().uuidString.lowercased())" }

  struct Failure: Error, CustomStringConvertible { let description: String }

  // The task is owned by nobody but the process: it lives as long as the process does.
  private static let start = Task<TestServer, any Error> {
    for attempt in 1... {
      let port = try await freePort()
      let folder = FileManager.default.temporaryDirectory.appending(path: "emban-client-test-\(UUID().uuidString)").path
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let shell = try launch(port: port, folder: folder)
      let url = "http://127.0.0.1:\(port)"
      do {
        try await waitUntilReady(url, shell, log: folder + "/emban.log")
      } catch  where attempt < 3 {
        // Somebody else may have taken the port meanwhile.
        continue
      }
      return TestServer(url: url, key: try await register(url))
    }
    throw Failure(description: "not reached")
  }

  private static func freePort() async throws -> Int {
    let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup).bind(host: "127.0.0.1", port: 0).get()
    let port = channel.localAddress?.port ?? 0
    try await channel.close()
    return port
  }

  private static func binary() throws -> String {
    if let given = ProcessInfo.processInfo.environment["EMBAN_BINARY"] { return given }
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let candidates = ["debug", "release"].map { root.appending(path: ".build/\($0)/emban").path }
    guard let found = candidates.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else {
      throw Failure(description: "there is no emban at \(candidates.joined(separator: " or "))")
    }
    return found
  }

  /// A shell becomes the server. Beside it another one waits: when this process ends, in whatever way, its input ends, and it stops the
  /// server and removes the folder. It is the server's child as long as that lives, so that it never ends somebody who got its number later.
  /// No shell waits for a job here: where child signals are blocked, as they are in children of some runtimes, it would wait forever.
  private static func launch(port: Int, folder: String) throws -> Process {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = [
      "-c",
      """
      exec 3<&0
      (
        read -r _ <&3
        self=$(sh -c 'echo $PPID')
        [ "$(ps -o ppid= -p "$self")" -eq $$ ] && kill $$
        tries=0
        while kill -0 $$ && [ $tries -lt 300 ]; do sleep 0.2; tries=$((tries + 1)); done
        rm -rf "$1"
      ) >/dev/null 2>&1 &
      exec "$0" serve --data-dir "$1/data" --host 127.0.0.1 --port "$2" >"$1/emban.log" 2>&1 </dev/null 3<&-
      """, try binary(), folder, String(port),
    ]
    var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("EMBAN_") || $0.key == "EMBAN_CLICKHOUSE_BIN" }
    // The longest there is: other suites use the machine as well.
    environment["EMBAN_QUERY_SECONDS"] = "60"
    process.environment = environment
    process.currentDirectoryURL = URL(filePath: folder)
    process.standardInput = input
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    return process
  }

  /// Held open until the process ends.
  private static let input = Pipe()

  private static func waitUntilReady(_ url: String, _ shell: Process, log: String) async throws {
    let deadline = ContinuousClock.now + .seconds(180)
    while ContinuousClock.now < deadline, shell.isRunning {
      let answer = try? await HTTPClient.shared.execute(HTTPClientRequest(url: url + "/readyz"), timeout: .seconds(10))
      if answer?.status == .ok { return }
      try await Task.sleep(for: .milliseconds(100))
    }
    throw Failure(description: "emban did not start: \((try? String(contentsOfFile: log, encoding: .utf8))?.suffix(2000) ?? "")")
  }

  /// Waits until everything is in the store that was accepted. An insert that the store does not answer within seconds is kept in the spool
  /// and answered 200; a query sees its events later.
  static func settle() async throws {
    struct Readiness: Decodable {
      struct Spool: Decodable {
        let pending_events: Int
        let broken_inserts: Int
      }
      let spool: Spool
    }
    let url = try await shared().url
    let deadline = ContinuousClock.now + .seconds(180)
    while ContinuousClock.now < deadline {
      let answer = try await HTTPClient.shared.execute(HTTPClientRequest(url: url + "/readyz"), timeout: .seconds(60))
      let body = try await answer.body.collect(upTo: 1 << 20)
      if answer.status == .ok {
        let spool = try JSONDecoder().decode(Readiness.self, from: Data(body.readableBytesView)).spool
        if spool.pending_events + spool.broken_inserts == 0 { return }
      }
      try await Task.sleep(for: .milliseconds(50))
    }
    throw Failure(description: "the spool does not become empty")
  }

  private static func register(_ url: String) async throws -> String {
    struct Registered: Decodable { let api_key: String }
    var request = HTTPClientRequest(url: url + "/v1/auth/register")
    request.method = .POST
    request.headers = ["Content-Type": "application/json"]
    request.body = .bytes(ByteBuffer(string: #"{"email": "client@example.com", "password": "correct horse battery staple 9"}"#))
    let answer = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
    let body = try await answer.body.collect(upTo: 1 << 20)
    return try JSONDecoder().decode(Registered.self, from: Data(body.readableBytesView)).api_key
  }
}

extension EmbanRetryPolicy {
  /// Many attempts in little time.
  static let quick = EmbanRetryPolicy(maximumAttempts: 8, baseDelay: .milliseconds(20), maximumDelay: .seconds(5))
}
