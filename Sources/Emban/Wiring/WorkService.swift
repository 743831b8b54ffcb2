import Logging
import ServiceLifecycle
import Synchronization
import UnixSignals

/// A piece of work as a service: it ends when the work is done, and is cancelled when the program is asked to stop.
final class WorkService<Value: Sendable>: Service {
  private let work: @Sendable () async throws -> Value
  private let outcome = Mutex<Result<Value, any Error>?>(nil)

  init(_ work: @escaping @Sendable () async throws -> Value) { self.work = work }

  func run() async throws {
    do {
      let value = try await cancelWhenGracefulShutdown { [work] in try await work() }
      outcome.withLock { $0 = .success(value) }
    } catch {
      // Kept for `result()`: the group would wrap it.
      outcome.withLock { $0 = .failure(error) }
    }
  }

  /// - Throws: what the work threw; `CancellationError` when it never began.
  func result() throws -> Value {
    guard let outcome = outcome.withLock(\.self) else { throw CancellationError() }
    return try outcome.get()
  }

  /// Runs the work alone; SIGINT and SIGTERM cancel it.
  func runUntilSignal() async throws -> Value {
    let configuration = ServiceGroupConfiguration(
      services: [.init(service: self, successTerminationBehavior: .gracefullyShutdownGroup)], gracefulShutdownSignals: [.sigterm, .sigint],
      logger: Logger(label: "emban", factory: { _ in SwiftLogNoOpLogHandler() }))
    try await ServiceGroup(configuration: configuration).run()
    return try result()
  }
}
