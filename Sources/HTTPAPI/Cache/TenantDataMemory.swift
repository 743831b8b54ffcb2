import ClickHouse
public import Domain
import QueryEngine
import Synchronization

/// The state of each tenant's events, asked for once per view and remembered for a moment: many viewers at once, or a view that is repeated
/// at once, are one question to the store.
public final class TenantDataMemory: Sendable {
  /// How long a state is taken for the present one. Another process may take in events, of which this one learns by asking only.
  static let remembered: Duration = .milliseconds(200)
  /// The rows of an insert and its count of them become visible at slightly different moments; after this long both are.
  static let settling: Duration = .seconds(2)
  /// Beyond this age an insert has settled whatever the clocks of this machine and the store's differ by.
  private static let oldMilliseconds: Int64 = 60_000

  struct Known: Sendable {
    var data: TenantData
    /// Our clock right before the question.
    var asOf: Instant
    /// Whether everything that the state counts is visible to every statement.
    var isSettled: Bool
  }

  private struct Key: Hashable {
    var organization: OrganizationID
    var environment: EnvironmentName
    /// Nil for all.
    var tenant: TenantID?
  }

  private struct Entry {
    var known: Known
    var at: ContinuousClock.Instant
    /// When this version was first seen here.
    var firstSeen: ContinuousClock.Instant
    /// The number of the organisation's last change before the question.
    var change: UInt64
  }

  private struct State {
    var entries: [Key: Entry] = [:]
    var asking: [Key: (task: Task<Known, any Error>, change: UInt64)] = [:]
    /// Counts what makes older answers worthless: events stored by this process, refreshes.
    var changes: [OrganizationID: UInt64] = [:]
  }

  private static let capacity = 10_000

  private let state = Mutex(State())

  public init() {}

  /// To be called when this process has stored events of an organisation, so that its next views see them at once.
  public func eventsStored(_ organization: OrganizationID) {
    state.withLock { $0.changes[organization, default: 0] += 1 }
  }

  /// The present state of the events of a scope.
  /// - Throws: what the executor throws.
  func data(of scope: Scope, with executor: Executor, clock: @escaping TimeSource) async throws -> Known {
    let key = Key(organization: scope.organization, environment: scope.environment, tenant: scope.tenant.one)
    let remembered = state.withLock { state -> Remembered in
      let change = state.changes[scope.organization, default: 0]
      if let entry = state.entries[key], entry.change == change, .now - entry.at < Self.remembered { return .known(entry.known) }
      if let asking = state.asking[key], asking.change == change { return .asking(asking.task) }
      // Owned by this memory, not by the viewer who came first: others wait for it, too, and it is short.
      let task = Task { try await ask(key, scope, change: change, executor, clock) }
      state.asking[key] = (task, change)
      return .asking(task)
    }
    switch remembered {
    case .known(let known): return known
    case .asking(let task):
      let known = try await task.value
      try Task.checkCancellation()
      return known
    }
  }

  private enum Remembered {
    case known(Known)
    case asking(Task<Known, any Error>)
  }

  private func ask(_ key: Key, _ scope: Scope, change: UInt64, _ executor: Executor, _ clock: TimeSource) async throws -> Known {
    let asOf = clock()
    let at = ContinuousClock.now
    let answer: Result<TenantData, any Error>
    do {
      answer = .success(try await executor.run(TenantDataPlan(scope: scope)))
    } catch {
      answer = .failure(error)
    }
    return try state.withLock { state in
      if state.asking[key]?.change == change { state.asking[key] = nil }
      let data = try answer.get()
      let firstSeen = state.entries[key].flatMap { $0.known.data.version == data.version ? $0.firstSeen : nil } ?? at
      let isOld = data.version.lastIngested.map { $0.milliseconds < asOf.milliseconds - Self.oldMilliseconds } ?? true
      let known = Known(data: data, asOf: asOf, isSettled: isOld || at - firstSeen >= Self.settling)
      if state.entries.count >= Self.capacity { state.entries.removeAll(keepingCapacity: true) }
      state.entries[key] = Entry(known: known, at: at, firstSeen: firstSeen, change: change)
      return known
    }
  }
}

extension Scope.Tenant {
  /// Nil for all tenants.
  fileprivate var one: TenantID? { if case .one(let tenant) = self { tenant } else { nil } }
}
