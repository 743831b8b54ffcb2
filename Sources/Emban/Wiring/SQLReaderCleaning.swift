import Domain
import HTTPAPI
import Logging
import ServiceLifecycle

/// Takes the database users of organisations away that are no more, at the start and every hour.
struct SQLReaderCleaning: Service {
  let sql: AdHocSQL
  let waitUntilReady: @Sendable () async throws -> Void
  let organizations: @Sendable () async throws -> [OrganizationID]
  let logger: Logger

  func run() async {
    await cancelWhenGracefulShutdown {
      guard (try? await waitUntilReady()) != nil else {
        // Without stores the program ends; it is not for this service to say so.
        try? await Task.sleep(for: .seconds(3600))
        return
      }
      while !Task.isCancelled {
        do {
          let removed = try await sql.removeUnused(organizations)
          if removed > 0 { logger.info("users of the event store removed", metadata: ["organizations_and_environments": "\(removed)"]) }
        } catch {
          if !Task.isCancelled { logger.warning("users of the event store could not be looked after", metadata: ["cause": "\(error)"]) }
        }
        try? await Task.sleep(for: .seconds(3600))
      }
    }
  }
}
