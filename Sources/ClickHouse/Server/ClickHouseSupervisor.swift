public import AsyncHTTPClient
import Foundation
public import Logging
import ServiceLifecycle
import Subprocess
import Synchronization

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

/// Runs a ClickHouse server as a child of this process: started on a free loopback port with a random password, started again
/// when it dies, stopped cleanly with us.
///
/// No server outlives its emban for long. A server whose emban was killed is stopped by the next start on the same data directory
/// (recognised by pid, start time and command line), and the `clickhouse` that Emban's set-up installs ends by itself when the
/// process named in `EMBAN_PARENT_PID` is no longer its parent.
///
/// The child has a session of its own, so that a Ctrl-C in the terminal reaches only emban, which then stops it in order.
public final class ClickHouseSupervisor: ClickHouseServer {
  public struct Configuration: Sendable {
    /// The data directory of emban; the server keeps to its subfolder `clickhouse`.
    public var dataDirectory: String
    /// `EMBAN_CLICKHOUSE_BIN`: a program to use instead of searching for one.
    public var binary: String?
    /// How long a stopping server may take before it is killed.
    public var shutdownPatience: Duration = .seconds(30)

    public init(dataDirectory: String, binary: String? = nil) {
      self.dataDirectory = dataDirectory
      self.binary = binary
    }
  }

  public let board = ClickHouseStatusBoard()
  private let configuration: Configuration
  private let httpClient: HTTPClient
  private let logger: Logger
  private let child = Mutex<Int32?>(nil)

  public init(configuration: Configuration, httpClient: HTTPClient, logger: Logger) {
    self.configuration = configuration
    self.httpClient = httpClient
    self.logger = logger
  }

  /// The pid of the running server, for diagnosis.
  public var processIdentifier: Int32? { child.withLock { $0 } }

  /// Starts the server and keeps it running until graceful shutdown or cancellation, then stops it.
  ///
  /// - Throws: ``ClickHouseConfigurationError`` when no server can be started at all: no program, a broken one, or a data directory
  ///   that another emban uses.
  public func run() async throws {
    do {
      let files = try ServerFiles(dataDirectory: configuration.dataDirectory)
      let lock = try DirectoryLock(path: files.lock, directory: configuration.dataDirectory)
      let binary = try await ClickHouseBinary.find(setting: configuration.binary)
      try await cancelWhenGracefulShutdown {
        try await self.supervise(binary, files)
      }
      board.set(.stopped(reason: "it was stopped"))
      withExtendedLifetime(lock) {}
    } catch {
      board.set(.stopped(reason: String(describing: error)))
      throw error
    }
  }

  /// Stops the server that a killed emban left on a data directory, if there is one. ``run()`` does this by itself.
  ///
  /// - Throws: ``ClickHouseConfigurationError`` when an emban is running there.
  public static func stopOrphan(dataDirectory: String) async throws {
    let files = try ServerFiles(dataDirectory: dataDirectory)
    let lock = try DirectoryLock(path: files.lock, directory: dataDirectory)
    let old = OldChild(files: files)
    if let identity = await old.find() { try await old.stop(identity) }
    withExtendedLifetime(lock) {}
  }

  private func supervise(_ binary: ClickHouseBinary, _ files: ServerFiles) async throws {
    let old = OldChild(files: files)
    if let identity = await old.find() {
      logger.notice("stopping the ClickHouse server of an earlier start", metadata: ["pid": "\(identity.pid)"])
      try await old.stop(identity, patience: configuration.shutdownPatience)
    }
    var policy = RestartPolicy()
    while !Task.isCancelled {
      board.set(.starting)
      let end = await runOnce(binary, files)
      // In this order: whoever sees no process, or another one, must not find the status of the one before.
      if !Task.isCancelled { board.set(.down(reason: end.reason)) }
      child.withLock { $0 = nil }
      old.forget()
      if Task.isCancelled { return }
      switch policy.after(end) {
      case .giveUp(let reason):
        throw ClickHouseConfigurationError(reason: "\(reason) (\(binary.path); its log is in \(files.logs))")
      case .restart(let delay):
        logger.error("the ClickHouse server ended", metadata: ["reason": "\(end.reason)", "restart_in": "\(delay)"])
        try? await Task.sleep(for: delay)
      }
    }
  }

  /// One life of the server, from its launch to its end.
  private func runOnce(_ binary: ClickHouseBinary, _ files: ServerFiles) async -> ServerEnd {
    let life = ServerLife()
    let logStart = ServerFiles.size(of: files.errorLog)
    do {
      // After a `kill -9`; an error in it is the server's to tell, which reads the same files.
      let forgotten = DeduplicationLogs.repair(files.data) { [logger] log, error in
        logger.warning("ClickHouse's notes of inserts cannot be looked at", metadata: ["folder": "\(log)", "cause": "\(error)"])
      }
      for part in forgotten {
        logger.notice("an insert that ClickHouse was killed in is forgotten, so that its repetition counts", metadata: ["part": "\(part)"])
      }
      let password = Self.randomPassword()
      let port = try LoopbackPort.free()
      let passwordHash = ClickHouseMigrator.sha256(password)
      try ServerFiles.writePrivate(
        ServerConfiguration(files: files, port: port, passwordHash: passwordHash).xml, to: files.config)
      let endpoint = ClickHouseEndpoint(
        url: "http://127.0.0.1:\(port)", user: ServerConfiguration.adminUser, password: password)

      var options = PlatformOptions()
      options.createSession = true
      // A server that was stopped (SIGSTOP) hears of the first only when it goes on.
      options.teardownSequence = [
        .send(signal: .terminate, allowedDurationToNextStep: .zero),
        .send(signal: .resume, allowedDurationToNextStep: configuration.shutdownPatience),
      ]
      let result = try await Subprocess.run(
        .path(FilePath(binary.path)),
        arguments: ["server", "--config-file=\(files.config)"],
        environment: .inherit.updating([
          "EMBAN_PARENT_PID": "\(ProcessInfo.processInfo.processIdentifier)", "CLICKHOUSE_WATCHDOG_ENABLE": "0", "TZ": "UTC",
          // What is ours to know is not for a process that runs SQL.
          "EMBAN_SECRET_KEY": nil, "EMBAN_DATABASE_URL": nil,
        ]),
        workingDirectory: FilePath(files.folder), platformOptions: options, input: .none, output: .sequence,
        error: .combinedWithOutput
      ) { execution in
        let pid = execution.processIdentifier.value
        self.child.withLock { $0 = pid }
        if let identity = await ProcessIdentity.read(pid) { try OldChild(files: files).record(identity) }
        await withTaskGroup(of: Void.self) { group in
          group.addTask {
            guard let version = await self.waitUntilAnswering(endpoint) else { return }
            life.becomeReady()
            self.board.set(.ready(version: version), endpoint: endpoint)
            self.logger.info(
              "ClickHouse is ready", metadata: ["version": "\(version)", "url": "\(endpoint.url)", "pid": "\(pid)"])
          }
          // The output ends when the process does.
          do {
            for try await line in execution.standardOutput.strings() { life.append(line) }
          } catch {
            self.logger.debug("the server's output broke off", metadata: ["error": "\(error)"])
          }
          group.cancelAll()
        }
      }
      return ServerEnd(
        reason: Self.reason(result.terminationStatus, lines: life.console, log: ServerFiles.lines(of: files.errorLog, from: logStart)),
        servedFor: life.servedFor)
    } catch {
      return ServerEnd(reason: "it cannot be launched: \(error)", servedFor: life.servedFor)
    }
  }

  /// The server's version once it answers with the password of this start; nil when cancelled.
  private func waitUntilAnswering(_ endpoint: ClickHouseEndpoint) async -> String? {
    let client = ClickHouseClient(
      httpClient: httpClient, passwords: ReaderPasswords(viewer: "", analyst: "", exporter: ""), logger: logger, endpoint: { endpoint })
    let start = ContinuousClock.now
    var reported = start
    while !Task.isCancelled {
      if let version = try? await client.version() { return version }
      if ContinuousClock.now - reported > .seconds(10) {
        reported = .now
        logger.notice("ClickHouse is still starting", metadata: ["seconds": "\(Int((reported - start).seconds))"])
      }
      try? await Task.sleep(for: .milliseconds(25))
    }
    return nil
  }

  // MARK: - Sentences

  /// `it exited with code 210: Code: 210. DB::NetException: …`
  private static func reason(_ status: TerminationStatus, lines console: [String], log: [String]) -> String {
    let end =
      switch status {
      case .exited(let code): "it exited with code \(code)"
      case .signaled(let signal): "it was ended by signal \(signal)"
      }
    let exception = (console + log).last { $0.contains("Exception: ") || $0.contains("Address already in use") }
    // Without an exception the last words of a program that is not ClickHouse at all may tell something.
    let chatter = ["Processing configuration file", "Logging "]
    let lastWords = console.last { line in !line.trimmed.isEmpty && !chatter.contains { line.hasPrefix($0) } }
    guard let detail = exception ?? lastWords else { return end }
    return "\(end): \(detail.trimmed.prefix(500))"
  }

  private static func randomPassword() -> String {
    var generator = SystemRandomNumberGenerator()
    return (0..<4).map { _ in
      let hex = String(generator.next(), radix: 16)
      return String(repeating: "0", count: 16 - hex.count) + hex
    }.joined()
  }
}

/// How a life of the server ended.
struct ServerEnd: Sendable, Hashable {
  let reason: String
  /// How long it had been ready; nil when it never was.
  let servedFor: Duration?

  /// Somebody took the port between our choice and the server's start: worth another try at once.
  var lostItsPort: Bool { reason.contains("Address already in use") }
}

/// When a server that ended is started again: with delays from 0.2 s doubling to 10 s, which begin anew after half a minute of
/// service. A server that has never been ready is given up after three attempts: then it is not going to work.
struct RestartPolicy: Sendable {
  enum Action: Sendable, Hashable {
    case restart(after: Duration)
    case giveUp(String)
  }

  static let attemptsBeforeFirstService = 3
  static let portAttempts = 20

  private var failures = 0
  private var lostPorts = 0
  private var hasServed = false

  mutating func after(_ end: ServerEnd) -> Action {
    if let served = end.servedFor {
      hasServed = true
      if served > .seconds(30) { failures = 0 }
    }
    if end.lostItsPort, lostPorts < Self.portAttempts {
      lostPorts += 1
      return .restart(after: .zero)
    }
    failures += 1
    if !hasServed, failures >= Self.attemptsBeforeFirstService {
      return .giveUp("The ClickHouse server does not start: \(end.reason)")
    }
    return .restart(after: min(.milliseconds(200) * (1 << min(failures - 1, 10)), .seconds(10)))
  }
}

/// What is seen of the server between its launch and its end.
final class ServerLife: Sendable {
  private let state = Mutex<(console: [String], readySince: ContinuousClock.Instant?)>(([], nil))

  func becomeReady() {
    state.withLock { $0.readySince = .now }
  }

  /// How long it has been ready; nil when it never was.
  var servedFor: Duration? {
    state.withLock { $0.readySince.map { ContinuousClock.now - $0 } }
  }

  /// Remembers the last lines that the server wrote to its terminal: all there is when it fails before it can open its log.
  func append(_ line: String) {
    state.withLock { state in
      state.console.append(String(line.prefix(1_000)))
      if state.console.count > 20 { state.console.removeFirst() }
    }
  }

  var console: [String] { state.withLock { $0.console } }
}
