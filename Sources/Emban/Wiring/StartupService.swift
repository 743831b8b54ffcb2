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
    case waiting
    case done
    case failed(any Error)
  }

  private let phase = Mutex<Phase>(.waiting)
  private let database: any ConfigDatabase
  private let clickHouse: any ClickHouseServer
  private let httpClient: HTTPClient
  private let passwords: ReaderPasswords
  private let adoptsEvents: Bool
  private let sharesEvents: Bool
  private let sharedKey: SharedSecretKey?
  private let logger: Logger
  private let clock: TimeSource

  /// - Parameters:
  ///   - adoptsEvents: takes the events over if they belong to another configuration store.
  ///   - sharesEvents: whether other programs may be on the same event store.
  ///   - sharedKey: where other programs may be on the same configuration store.
  init(
    database: any ConfigDatabase, clickHouse: any ClickHouseServer, httpClient: HTTPClient, passwords: ReaderPasswords, adoptsEvents: Bool,
    sharesEvents: Bool, sharedKey: SharedSecretKey?, logger: Logger, clock: @escaping TimeSource
  ) {
    self.database = database
    self.clickHouse = clickHouse
    self.httpClient = httpClient
    self.passwords = passwords
    self.adoptsEvents = adoptsEvents
    self.sharesEvents = sharesEvents
    self.sharedKey = sharedKey
    self.logger = logger
    self.clock = clock
  }

  /// Whether both schemas are in place.
  var isDone: Bool {
    phase.withLock { if case .done = $0 { true } else { false } }
  }

  /// Returns when both schemas are in place.
  /// - Throws: why they cannot be; `CancellationError`.
  func waitUntilDone() async throws {
    while true {
      switch phase.withLock({ $0 }) {
      case .done: return
      case .failed(let error): throw error
      case .waiting: try await Task.sleep(for: .milliseconds(20))
      }
    }
  }

  func run() async throws {
    do {
      try await cancelWhenGracefulShutdown { [self] in
        let id = try await configurationStore()
        try await withThrowingTaskGroup(of: Void.self) { group in
          defer { group.cancelAll() }
          group.addTask { await self.sharedKey?.keep() }
          try await migrateEvents(id: id)
          finish(.success(()))
          await tidyUp()
        }
      }
    } catch {
      finish(.failure(error))
      // Asked to stop before the stores were there: not an error.
      if error is CancellationError { return }
      throw error
    }
  }

  /// Brings the configuration to its schema.
  /// - Returns: its id.
  private func configurationStore() async throws -> String {
    var pause: Duration = .milliseconds(500)
    while true {
      do {
        try await ConfigMigrator.migrate(database, at: clock())
        try await sharedKey?.claim()
        return try await StoreIdentity(database).id(orElse: UUID().uuidString)
      } catch let error as AppError where error.code == "store_unavailable" {
        logger.warning("the configuration store cannot be used yet; beginning again", metadata: ["cause": "\(error.cause ?? "")"])
        try await Task.sleep(for: pause)
        pause = min(pause * 2, .seconds(10))
      }
    }
  }

  private func migrateEvents(id: String) async throws {
    let client = ClickHouseClient(httpClient: httpClient, passwords: passwords, logger: logger) { [clickHouse] in
      try clickHouse.endpoint()
    }
    let turn = HeldLease(LeaseRepository(database), name: "schema", holder: UUID().uuidString, seconds: 15, clock: clock)
    var pause: Duration = .milliseconds(500)
    while true {
      try await clickHouse.waitUntilReady()
      do {
        guard sharesEvents else { return try await migrateEvents(id: id, client) {} }
        return try await turn.run(waits: { [logger] in
          logger.notice("another program looks after the schema of the event store, or died doing so; waiting")
        }) { [self] mayGoOn in
          try await migrateEvents(id: id, client, mayGoOn)
        }
      } catch {
        // It went away in between, or stood still, or this program did. Events are accepted meanwhile, and every step may be repeated.
        guard Self.mayPass(error) else { throw error }
        logger.warning("the event store went away while its schema was looked after; beginning again", metadata: ["cause": "\(error)"])
        try await Task.sleep(for: pause)
        pause = min(pause * 2, .seconds(10))
      }
    }
  }

  private func migrateEvents(id: String, _ client: ClickHouseClient, _ mayGoOn: @escaping HeldLease.Check) async throws {
    try await StoreClaim(client: client).make(id: id, adopting: adoptsEvents)
    try await ClickHouseMigrator.migrate(client: client, passwords: passwords, logger: logger, mayGoOn: mayGoOn)
  }

  private static func mayPass(_ error: any Error) -> Bool {
    switch error {
    case let error as ClickHouseError: error.mayPass
    case let error as AppError: error.code == "store_unavailable"
    default: error is HeldLease.Lost
    }
  }

  private func finish(_ result: Result<Void, any Error>) {
    phase.withLock { phase in
      switch result {
      case .success: phase = .done
      case .failure(let error): phase = .failed(error)
      }
    }
  }

  /// Every ten minutes, until cancelled.
  private func tidyUp() async {
    let sessions = SessionRepository(database)
    let embeds = EmbedSessionRepository(database)
    let invites = InviteRepository(database)
    let resets = PasswordResetRepository(database)
    while !Task.isCancelled {
      do {
        let now = clock()
        try await sessions.purge(at: now)
        try await embeds.purge(at: now)
        try await invites.purge(at: now)
        try await resets.purge(at: now)
      } catch {
        logger.warning("expired sessions and links could not be removed", metadata: ["cause": "\(error)"])
      }
      try? await Task.sleep(for: .seconds(600))
    }
  }
}
