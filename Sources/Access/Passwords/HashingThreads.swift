import Dispatch
import Domain
import Synchronization

/// Threads of their own for work that is slow on purpose, so that it never holds up the cooperative pool. A bounded number runs at
/// once and a bounded number waits; further work is refused.
final class HashingThreads: Sendable {
  private let queues: [DispatchQueue]
  private let capacity: Int
  private let pending = Mutex<(count: Int, turn: Int)>((0, 0))

  init(atOnce: Int, waiting: Int) {
    queues = (0..<max(1, atOnce)).map { DispatchQueue(label: "emban.hashing.\($0)", qos: .userInitiated) }
    capacity = max(1, atOnce) + waiting
  }

  /// - Throws: ``AppError`` 503 when too much waits already, and what `work` throws.
  func run<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
    let queue = try pending.withLock { pending in
      guard pending.count < capacity else {
        throw AppError.unavailable("busy", "Too many people are signing in at the moment.", retryAfter: 2)
      }
      pending.count += 1
      pending.turn = (pending.turn + 1) % queues.count
      return queues[pending.turn]
    }
    defer { pending.withLock { $0.count -= 1 } }
    return try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Result(catching: work)) }
    }
  }
}
