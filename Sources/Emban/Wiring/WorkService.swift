import ServiceLifecycle
import Synchronization

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
}
