import AsyncHTTPClient
import ClickHouse
import ConfigStore
import Domain
import Foundation
import Logging
import ServiceLifecycle
import Synchronization

/// Brings both stores to the schema of this program once they are there, then does small periodic work: removing what expired.
final class StartupService: Service {
  private enum Phase {
    case waiting([CheckedContinuation<Void, any Error>])
    case done
    case failed(any Error)
  }

  private let phase = Mutex<Phase>(.waiting([]))
  private let database: any ConfigDatabase
  private let clickHouse: any ClickHouseServer
  private let httpClient: HTTPClient
  private let passwords: ReaderPasswords
  private let adoptsEvents: Bool
  private let logger: Logger
  private let clock: TimeSource

  /// - Parameter adoptsEvents: takes the events over if they belong to another configuration store.
  init(
    database: any ConfigDatabase, clickHouse: any ClickHouseServer, httpClient: HTTPClient, passwords: ReaderPasswords, adoptsEvents: Bool,
    logger: Logger, clock: @escaping TimeSource
  ) {
    self.database = database
    self.clickHouse = clickHouse
    self.httpClient = httpClient
    self.passwords = passwords
    self.adoptsEvents = adoptsEvents
    self.logger = logger
    self.clock = clock
  }

  /// Whether both schemas are in place.
  var isDone: Bool {
    phase.withLock { if case .done = $0 { true } else { false } }
  }

  /// Returns when both schemas are in place.
  /// - Throws: why they cannot be.
  func waitUntilDone() async throws {
    try await withCheckedThrowingContinuation { continuation in
      let result: Result<Void, any Error>? = phase.withLock { phase in
        switch phase {
        case .waiting(let waiting):
          phase = .waiting(waiting + [continuation])
          return nil
        case .done: return .success(())
        case .failed(let error): return .failure(error)
        }
      }
      if let result { continuation.resume(with: result) }
    }
  }

  func run() async throws {
    do {
      try await cancelWhenGracefulShutdown { [self] in try await migrate() }
    } catch {
      finish(.failure(error))
      // Asked to stop before the stores were there: not an error.
      if error is CancellationError { return }
      throw error
    }
    finish(.success(()))
    await cancelWhenGracefulShutdown { [self] in await tidyUp() }
  }

  private func migrate() async throws {
    try await ConfigMigrator.migrate(database, at: clock())
    let id = try await StoreIdentity(database).id(orElse: UUID().uuidString)
    let client = ClickHouseClient(httpClient: httpClient, passwords: passwords, logger: logger) { [clickHouse] in
      try clickHouse.endpoint()
    }
    while true {
      try await clickHouse.waitUntilReady()
      do {
        let claim = StoreClaim(client: client)
        try await claim.check(id: id, adopting: adoptsEvents)
        try await ClickHouseMigrator.migrate(client: client, passwords: passwords, logger: logger)
        return try await claim.make(id: id, adopting: adoptsEvents)
      } catch let error as ClickHouseError where error.mayPass {
        // It went away in between, or stood still. Events are accepted meanwhile, and every step may be repeated.
        logger.warning("the event store went away while its schema was looked after; beginning again", metadata: ["cause": "\(error)"])
        try await Task.sleep(for: .milliseconds(500))
      }
    }
  }

  private func finish(_ result: Result<Void, any Error>) {
    let waiting = phase.withLock { phase -> [CheckedContinuation<Void, any Error>] in
      defer {
        switch result {
        case .success: phase = .done
        case .failure(let error): phase = .failed(error)
        }
      }
      if case .waiting(let waiting) = phase { return waiting }
      return []
    }
    for continuation in waiting { continuation.resume(with: result) }
  }

  /// Every ten minutes, until cancelled.
  private func tidyUp() async {
    let sessions = SessionRepository(database)
    let embeds = EmbedSessionRepository(database)
    while !Task.isCancelled {
      do {
        let now = clock()
        try await sessions.purge(at: now)
        try await embeds.purge(at: now)
      } catch {
        logger.warning("expired sessions could not be removed", metadata: ["cause": "\(error)"])
      }
      try? await Task.sleep(for: .seconds(600))
    }
  }
}
