import ClickHouse
public import Domain
public import QueryEngine
import Synchronization

/// The state of each tenant's events, asked for once per view and remembered for a moment: many viewers at once, or a view that is repeated
/// at once, are one question to the store.
public final class TenantDataMemory: Sendable {
  /// How long a state is taken for the present one when other processes may take in events, of which this one learns by asking only.
  static let rememberedAmongMany: Duration = .milliseconds(200)
  /// The same when all events come through this process, which then knows of them anyhow. (What is written to the store by hand is seen
  /// after this time, or when the cache is refreshed.)
  static let rememberedAlone: Duration = .seconds(5)
  /// The rows of an insert and its count of them become visible at slightly different moments; after this long both are.
  static let settling: Duration = .seconds(2)
  /// Beyond this age an insert has settled whatever the clocks of this machine and the store's differ by.
  private static let oldMilliseconds: Int64 = 60_000

  struct Known: Sendable {
    var data: TenantData
    /// Our clock right before the question.
    var asOf: Instant
    /// Whether everything that the state counts is visible to every statement. What this process stores is, when ``mark`` tells of it.
    var isSettled: Bool
    /// Another one after each change that this process knows of: answers made before it are not those of now.
    fileprivate(set) var mark: String
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
    /// As it was before the question.
    var mark: String
  }

  private struct State {
    var entries: [Key: Entry] = [:]
    var asking: [Key: (task: Task<Known, any Error>, mark: String)] = [:]
    // Count what makes older answers worthless: events that this process stored, refreshes, and once in a while everything.
    var stored: [Key: UInt64] = [:]
    var refreshed: [OrganizationID: UInt64] = [:]
    var epoch: UInt64 = 0

    func mark(of key: Key) -> String {
      "\(epoch) \(refreshed[key.organization, default: 0]) \(stored[key, default: 0])"
    }
  }

  private static let capacity = 10_000

  private let state = Mutex(State())

  private let isOnlyWriter: Bool
  private let policy: RollupPolicy
  private let remembered: Duration

  /// - Parameters:
  ///   - isOnlyWriter: whether all events come through this process, as they do when the event store is its own child.
  ///   - policy: when rollups are used.
  public init(isOnlyWriter: Bool, policy: RollupPolicy = RollupPolicy()) {
    self.isOnlyWriter = isOnlyWriter
    self.policy = policy
    remembered = isOnlyWriter ? Self.rememberedAlone : Self.rememberedAmongMany
  }

  /// To be called when this process has stored events, so that the next views of their tenants see them at once.
  public func eventsStored(_ organization: OrganizationID, _ environment: EnvironmentName, tenants: Set<TenantID>) {
    state.withLock { state in
      if state.stored.count > Self.capacity * 10 {
        state.stored.removeAll(keepingCapacity: true)
        state.epoch += 1
      }
      for tenant in tenants.map(Optional.some) + [nil] {
        state.stored[Key(organization: organization, environment: environment, tenant: tenant), default: 0] += 1
      }
    }
  }

  /// Forgets what is known of an organisation's tenants, or of one.
  func forget(_ organization: OrganizationID, tenant: TenantID?) {
    guard let tenant else { return state.withLock { $0.refreshed[organization, default: 0] += 1 } }
    for environment in [EnvironmentName.production, .development] { eventsStored(organization, environment, tenants: [tenant]) }
  }

  /// The present state of the events of a scope.
  /// - Throws: what the executor throws.
  func data(of scope: Scope, with executor: Executor, clock: @escaping TimeSource) async throws -> Known {
    let key = Key(organization: scope.organization, environment: scope.environment, tenant: scope.tenant.one)
    let found = state.withLock { state -> Remembered in
      let mark = state.mark(of: key)
      if let entry = state.entries[key], entry.mark == mark, .now - entry.at < remembered { return .known(entry.known) }
      if let asking = state.asking[key], asking.mark == mark { return .asking(asking.task) }
      // Owned by this memory, not by the viewer who came first: others wait for it, too, and it is short.
      let task = Task { try await ask(key, scope, mark: mark, executor, clock) }
      state.asking[key] = (task, mark)
      return .asking(task)
    }
    switch found {
    case .known(var known):
      // Nothing has been stored since: it holds up to now.
      if isOnlyWriter { known.asOf = clock() }
      return known
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

  private func ask(_ key: Key, _ scope: Scope, mark: String, _ executor: Executor, _ clock: TimeSource) async throws -> Known {
    let asOf = clock()
    let at = ContinuousClock.now
    let answer: Result<TenantData, any Error>
    do {
      answer = .success(try await executor.run(TenantDataPlan(scope: scope)))
    } catch {
      answer = .failure(error)
    }
    return try state.withLock { state in
      if state.asking[key]?.mark == mark { state.asking[key] = nil }
      var data = try answer.get()
      data.policy = policy
      let firstSeen = state.entries[key].flatMap { $0.known.data.version == data.version ? $0.firstSeen : nil } ?? at
      let isOld = data.version.lastIngested.map { $0.milliseconds < asOf.milliseconds - Self.oldMilliseconds } ?? true
      let known = Known(data: data, asOf: asOf, isSettled: isOnlyWriter || isOld || at - firstSeen >= Self.settling, mark: mark)
      if state.entries.count >= Self.capacity { state.entries.removeAll(keepingCapacity: true) }
      state.entries[key] = Entry(known: known, at: at, firstSeen: firstSeen, mark: mark)
      return known
    }
  }
}

extension Scope.Tenant {
  /// Nil for all tenants.
  fileprivate var one: TenantID? { if case .one(let tenant) = self { tenant } else { nil } }
}
