import Synchronization

/// Shares the event store out among its readers: so many statements run at once for one tenant, for one organisation and in all; what is
/// beyond waits, and tenants take turns. Whoever looks at a dashboard two hundred times at once thereby waits for themselves, and neither
/// for others' connections (ingestion needs some as well) nor with others' queries.
public final class ReaderGate: Sendable {
  public struct Limits: Sendable {
    public var perTenant: Int
    public var perOrganization: Int
    public var atOnce: Int
    /// How many statements of one tenant may wait; further ones are refused.
    public var waitingPerTenant: Int

    /// - Parameter atOnce: well below the connections that the client keeps, so that inserts find one.
    public init(perTenant: Int, perOrganization: Int, atOnce: Int = 64, waitingPerTenant: Int = 1_000) {
      self.perTenant = perTenant
      self.perOrganization = perOrganization
      self.atOnce = atOnce
      self.waitingPerTenant = waitingPerTenant
    }

    /// Enough to keep a machine of so many cores busy with the statements of one tenant.
    public init(cores: Int) { self.init(perTenant: min(max(8, 2 * cores), 32), perOrganization: min(max(24, 4 * cores), 48)) }
  }

  private let state: Mutex<State>

  public init(_ limits: Limits) { state = Mutex(State(limits: limits)) }

  /// Does the work when it is its turn.
  /// - Throws: ``ClickHouseError`` that counts as busy when too much of the tenant waits already, `CancellationError`, and what the work throws.
  public func run<Value: Sendable>(
    for scope: ScopeSettings, _ work: @Sendable () async throws -> Value
  ) async throws -> Value {
    let key = Key(organization: scope.organization, environment: scope.environment, tenant: scope.tenant)
    try await enter(key)
    defer { leave(key) }
    return try await work()
  }

  private func enter(_ key: Key) async throws {
    let id = state.withLock { $0.makeID() }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        // Looked at under the lock: a cancellation before it is seen here, one after it finds the waiter.
        let outcome = state.withLock { state -> Result<Void, any Error>? in
          if Task.isCancelled { return .failure(CancellationError()) }
          return state.enter(key, Waiter(id: id, continuation: continuation))
        }
        if let outcome { continuation.resume(with: outcome) }
      }
    } onCancel: {
      state.withLock { $0.remove(id, of: key) }?.continuation.resume(throwing: CancellationError())
    }
  }

  private func leave(_ key: Key) {
    for waiter in state.withLock({ $0.leave(key) }) { waiter.continuation.resume() }
  }

  /// How many statements wait for their turn.
  package var waiting: Int { state.withLock { $0.waitingCount } }

  private struct Key: Hashable {
    let organization: String
    let environment: String
    /// Nil for the organisation's own people and keys.
    let tenant: String?
  }

  private struct Waiter {
    let id: UInt64
    let continuation: CheckedContinuation<Void, any Error>
  }

  private struct State {
    let limits: Limits
    private var running: [Key: Int] = [:]
    private var runningOfOrganization: [String: Int] = [:]
    private var count = 0
    private var waiting: [Key: [Waiter]] = [:]
    /// Those with waiters, in the order of their turns.
    private var turns: [Key] = []
    private var lastID: UInt64 = 0

    init(limits: Limits) { self.limits = limits }

    var waitingCount: Int { waiting.values.reduce(0) { $0 + $1.count } }

    mutating func makeID() -> UInt64 {
      lastID += 1
      return lastID
    }

    /// Nil when the waiter has to wait.
    mutating func enter(_ key: Key, _ waiter: Waiter) -> Result<Void, any Error>? {
      if waiting[key] == nil, mayRun(key) {
        start(key)
        return .success(())
      }
      guard waiting[key, default: []].count < limits.waitingPerTenant else {
        return .failure(ClickHouseError.exception(ClickHouseException(code: 202, message: "too many statements of one tenant wait")))
      }
      if waiting[key] == nil { turns.append(key) }
      waiting[key, default: []].append(waiter)
      return nil
    }

    /// Those whose turn it is now.
    mutating func leave(_ key: Key) -> [Waiter] {
      count -= 1
      Self.decrease(&running, key)
      Self.decrease(&runningOfOrganization, key.organization)
      var started: [Waiter] = []
      var place = 0
      while count < limits.atOnce, place < turns.count {
        let next = turns[place]
        guard mayRun(next) else {
          place += 1
          continue
        }
        turns.remove(at: place)
        guard var queue = waiting.removeValue(forKey: next), !queue.isEmpty else { continue }
        started.append(queue.removeFirst())
        start(next)
        if !queue.isEmpty {
          waiting[next] = queue
          turns.append(next)
        }
      }
      return started
    }

    mutating func remove(_ id: UInt64, of key: Key) -> Waiter? {
      guard let place = waiting[key]?.firstIndex(where: { $0.id == id }) else { return nil }
      let waiter = waiting[key]?.remove(at: place)
      if waiting[key]?.isEmpty ?? false {
        waiting[key] = nil
        turns.removeAll { $0 == key }
      }
      return waiter
    }

    private func mayRun(_ key: Key) -> Bool {
      count < limits.atOnce && running[key, default: 0] < limits.perTenant
        && runningOfOrganization[key.organization, default: 0] < limits.perOrganization
    }

    private mutating func start(_ key: Key) {
      count += 1
      running[key, default: 0] += 1
      runningOfOrganization[key.organization, default: 0] += 1
    }

    private static func decrease<Name: Hashable>(_ counts: inout [Name: Int], _ name: Name) {
      let rest = counts[name, default: 1] - 1
      counts[name] = rest > 0 ? rest : nil
    }
  }
}
