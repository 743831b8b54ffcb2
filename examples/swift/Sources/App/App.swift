import EmbanClient
import Foundation
import Hummingbird
import Logging
import ServiceLifecycle

/// A small product whose signed-in customers see their own numbers. Settings come from the environment: `EMBAN_URL`, `EMBAN_API_KEY`,
/// `EMBAN_DASHBOARD` (`api-usage`), `HOST` (127.0.0.1), `PORT` (8090).
@main
struct App {
  static func main() async throws {
    let environment = ProcessInfo.processInfo.environment
    guard let key = environment["EMBAN_API_KEY"] else {
      print("Set EMBAN_API_KEY to an admin key of your Emban server.")
      exit(1)
    }
    var logger = Logger(label: "example")
    logger.logLevel = .notice
    let log = logger
    let emban = try EmbanClient(baseURL: environment["EMBAN_URL"] ?? "http://localhost:8080", apiKey: key)
    let events = EventBatcher(emban) { loss in log.warning("\(loss)") }
    let backend = Backend(emban: emban, dashboard: environment["EMBAN_DASHBOARD"] ?? "api-usage", events: events, customers: SignedIn())
    var application = Application(
      router: backend.router(),
      configuration: ApplicationConfiguration(
        address: .hostname(environment["HOST"] ?? "127.0.0.1", port: environment["PORT"].flatMap { Int($0) } ?? 8090)),
      logger: logger)
    application.addServices(EventsService(events: events))
    try await application.runService()
  }
}

/// Sends what the batcher still holds when the program is told to end.
struct EventsService: Service {
  let events: EventBatcher

  func run() async throws {
    try await cancelWhenGracefulShutdown { try await events.run() }
  }
}
