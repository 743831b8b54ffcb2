import Access
import ConfigStore
import Domain
import Logging

/// Programs that share a configuration store have one secret key: from it come the passwords of the readers, which the last to start has set for
/// all of them, and the keys of embed tokens. So they say in the store, by a lease, which key those use that run; a check value, from which
/// nothing can be derived. A key may be changed: when no program with the other one has been heard of for a while.
struct SharedSecretKey: Sendable {
  private static let name = "secret-key"
  private static let validity: Double = 30
  /// A little more than a program is silent that has died.
  private static let patience: Duration = .seconds(35)
  private static let renewal: Duration = .seconds(8)

  private let leases: LeaseRepository
  private let check: String
  private let clock: TimeSource
  private let logger: Logger

  init(_ database: any ConfigDatabase, key: SecretKey, clock: @escaping TimeSource, logger: Logger) {
    leases = LeaseRepository(database)
    check = String(key.derivePassword(info: "configuration-store:check").prefix(32))
    self.clock = clock
    self.logger = logger
  }

  /// - Throws: ``SettingsError`` when programs with another key run on this configuration store.
  func claim() async throws {
    let end = ContinuousClock.now + Self.patience
    var isTold = false
    while !(try await renew()) {
      guard ContinuousClock.now < end else {
        throw SettingsError(
          key: "EMBAN_SECRET_KEY",
          expected: """
            another program on this configuration store (EMBAN_DATABASE_URL) runs with another secret key. Give all of them the same; to change it, \
            stop them all first
            """)
      }
      if !isTold {
        logger.notice("programs with another secret key were on this configuration store a moment ago; waiting until they are gone")
      }
      isTold = true
      try await Task.sleep(for: .seconds(1))
    }
  }

  /// Says that a program with this key runs, until cancelled.
  func keep() async {
    var isTold = false
    while !Task.isCancelled {
      try? await Task.sleep(for: Self.renewal)
      if !Task.isCancelled, let isOurs = try? await renew() {
        if !isOurs, !isTold {
          logger.error("a program with another EMBAN_SECRET_KEY uses this configuration store: views fail until all have the same")
        }
        isTold = !isOurs
      }
    }
  }

  private func renew() async throws -> Bool {
    let now = clock()
    return try await leases.take(Self.name, holder: check, until: now.adding(seconds: Self.validity), at: now)
  }
}
