import ClickHouse
public import Domain
public import QueryEngine
import Synchronization

/// The state of each tenant's events, asked for once per view and remembered for a moment: many viewers at once, or a view that is repeated
/// at once, are one question to the store.
///
/// When all events come through this process, it also knows of every change by itself: then what it remembers is kept true as events are
/// stored, and asked for anew beside the views instead of in front of them.
public final class TenantDataMemory: Sendable {
  /// How long a state is taken for the present one when other processes may take in events, of which this one learns by asking only.
  package static let rememberedAmongMany: Duration = .milliseconds(200)
  /// The same when all events come through this process: after this long a view has the state asked for anew, without waiting for it.
  static let freshAlone: Duration = .seconds(5)
  /// After this long it waits for it. (What is written to the store by hand is seen by then, or when the cache is refreshed.)
  static let rememberedAlone: Duration = .seconds(60)
  /// The rows of an insert and its count of them become visible at slightly different moments; after this long both are.
  static let settling: Duration = .seconds(2)
  /// Beyond this age an insert has settled whatever the clocks of this machine and the store's differ by.
  private static let oldMilliseconds: Int64 = 60_000

  package struct Known: Sendable {
    package var data: TenantData
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

  /// A question that is on its way.
  private struct Question {
    var task: Task<Known, any Error>
    var number: UInt64
    var mark: String
    var at: ContinuousClock.Instant
  }

  private struct State {
    var entries: [Key: Entry] = [:]
    /// The latest of each key.
    var asking: [Key: Question] = [:]
    var questions: UInt64 = 0
    // Count what makes older answers worthless: events that this process stored, refreshes, and once in a while everything.
    var stored: [Key: UInt64] = [:]
    var refreshed: [OrganizationID: UInt64] = [:]
    var epoch: UInt64 = 0

    func mark(of key: Key) -> String {
      "\(epoch) \(refreshed[key.organization, default: 0]) \(stored[key, default: 0])"
    }

    /// Gives a key another mark.
    /// - Parameter keepsEntry: whether what is known of it holds afterwards, too.
    mutating func change(_ key: Key, keepsEntry: Bool) {
      let before = mark(of: key)
      if stored.count > TenantDataMemory.capacity * 10 {
        stored.removeAll(keepingCapacity: true)
        epoch += 1
      }
      stored[key, default: 0] += 1
      guard keepsEntry, entries[key]?.mark == before else { return }
      let after = mark(of: key)
      entries[key]?.mark = after
      entries[key]?.known.mark = after
    }
  }

  private static let capacity = 10_000

  private let state = Mutex(State())

  private let isOnlyWriter: Bool
  private let policy: RollupPolicy
  private let remembered: Duration
  private let fresh: Duration
  private let changed: @Sendable (OrganizationID, EnvironmentName?, TenantID?) -> Void

  /// - Parameters:
  ///   - isOnlyWriter: whether all events come through this process, as they do when the event store is its own child.
  ///   - policy: when rollups are used.
  ///   - changed: told whose answers are no longer those of now: of one tenant, or of all of an organisation; of one environment, or of both.
  public init(
    isOnlyWriter: Bool, policy: RollupPolicy = RollupPolicy(),
    changed: @escaping @Sendable (OrganizationID, EnvironmentName?, TenantID?) -> Void = { _, _, _ in }
  ) {
    self.isOnlyWriter = isOnlyWriter
    self.policy = policy
    self.changed = changed
    remembered = isOnlyWriter ? Self.rememberedAlone : Self.rememberedAmongMany
    fresh = isOnlyWriter ? Self.freshAlone : Self.rememberedAmongMany
  }

  /// Events of a tenant that this process has stored.
  public struct Stored: Sendable {
    var tenant: TenantID
    var events: Int
    var earliest: Instant

    /// - Parameter events: about how many.
    public init(_ tenant: TenantID, events: Int, earliest: Instant) {
      self.tenant = tenant
      self.events = events
      self.earliest = earliest
    }
  }

  /// To be called when this process has stored events, so that the next views of their tenants see them at once.
  public func eventsStored(_ organization: OrganizationID, _ environment: EnvironmentName, _ stored: [Stored]) {
    state.withLock { state in
      for stored in stored {
        let key = Key(organization: organization, environment: environment, tenant: stored.tenant)
        let isKnown = isOnlyWriter && state.entries[key]?.known.data.count(stored.events, from: stored.earliest) == true
        state.change(key, keepsEntry: isKnown)
      }
      // Of all tenants together no days are known that would have to be kept true.
      state.change(Key(organization: organization, environment: environment, tenant: nil), keepsEntry: isOnlyWriter)
    }
    for stored in stored { changed(organization, environment, stored.tenant) }
  }

  /// Forgets what is known of an organisation's tenants, or of one.
  public func forget(_ organization: OrganizationID, tenant: TenantID?) {
    defer { changed(organization, nil, tenant) }
    guard let tenant else { return state.withLock { $0.refreshed[organization, default: 0] += 1 } }
    state.withLock { state in
      for environment in [EnvironmentName.production, .development] {
        for tenant in [tenant, nil] {
          state.change(Key(organization: organization, environment: environment, tenant: tenant), keepsEntry: false)
        }
      }
    }
  }

  /// The present state of the events of a scope: no answer to a question that was asked longer ago than a state is remembered, however long the
  /// store took to answer it.
  /// - Throws: what the executor throws.
  package func data(of scope: Scope, with executor: Executor, clock: @escaping TimeSource) async throws -> Known {
    let key = Key(organization: scope.organization, environment: scope.environment, tenant: scope.tenant.one)
    let found = state.withLock { state -> Remembered in
      let mark = state.mark(of: key)
      let now = ContinuousClock.now
      let entry = state.entries[key].flatMap { $0.mark == mark && now - $0.at < remembered ? $0 : nil }
      if let entry, now - entry.at < fresh { return .known(entry.known) }
      if let asking = state.asking[key], asking.mark == mark, now - asking.at < remembered {
        return entry.map { .known($0.known) } ?? .asking(asking.task)
      }
      // Owned by this memory, not by the viewer who came first: others wait for it, too, and it is short.
      state.questions += 1
      let number = state.questions
      let task = Task { try await ask(key, scope, number: number, mark: mark, executor, clock) }
      state.asking[key] = Question(task: task, number: number, mark: mark, at: now)
      return entry.map { .known($0.known) } ?? .asking(task)
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

  private func ask(
    _ key: Key, _ scope: Scope, number: UInt64, mark: String, _ executor: Executor, _ clock: TimeSource
  ) async throws -> Known {
    let asOf = clock()
    let at = ContinuousClock.now
    let answer: Result<TenantData, any Error>
    do {
      answer = .success(try await executor.run(TenantDataPlan(scope: scope)))
    } catch {
      answer = .failure(error)
    }
    return try state.withLock { state in
      if state.asking[key]?.number == number { state.asking[key] = nil }
      var data = try answer.get()
      data.policy = policy
      let firstSeen = state.entries[key].flatMap { $0.known.data.version == data.version ? $0.firstSeen : nil } ?? at
      let isOld = data.version.lastIngested.map { $0.milliseconds < asOf.milliseconds - Self.oldMilliseconds } ?? true
      let known = Known(data: data, asOf: asOf, isSettled: isOnlyWriter || isOld || at - firstSeen >= Self.settling, mark: mark)
      // Events were stored meanwhile, of which the entry knows and the answer may not.
      let current = state.mark(of: key)
      if mark != current, state.entries[key]?.mark == current { return known }
      // A later question was answered first.
      if let entry = state.entries[key], entry.mark == mark, entry.at > at { return known }
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
