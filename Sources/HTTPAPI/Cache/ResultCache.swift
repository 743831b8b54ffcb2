import Synchronization

/// Finished answers, by everything that makes them: see ``CacheKey``. Bounded by the bytes it holds, of which the longest unused go first.
///
/// Whoever asks for an answer that is not there has to make it, and everybody else who asks for it meanwhile waits for that one: a thousand
/// viewers who open the same dashboard at once are one question.
public final class ResultCache: Sendable {
  /// What a question comes to.
  package enum Found: Sendable {
    case answer(CachedAnswer)
    /// The asker has to make the answer, and to ``fulfil(_:_:keptFor:)`` or ``abandon(_:)`` it.
    case claimed
    /// Somebody else is at it.
    case pending
  }

  private struct Entry {
    var answer: CachedAnswer
    var lastUsed: UInt64
    var expires: ContinuousClock.Instant?
  }

  private struct Waiter {
    var id: UInt64
    var continuation: CheckedContinuation<CachedAnswer?, Never>
  }

  private struct State {
    var entries: [CacheKey: Entry] = [:]
    var flights: [CacheKey: [Waiter]] = [:]
    var bytes = 0
    var tick: UInt64 = 0
  }

  private let capacity: Int
  private let state = Mutex(State())

  /// - Parameter capacity: bytes.
  public init(capacity: Int) { self.capacity = capacity }

  /// How many bytes of answers there are.
  public var bytes: Int { state.withLock { $0.bytes } }

  package func look(for key: CacheKey) -> Found {
    state.withLock { state in
      if var entry = state.entries[key] {
        if let expires = entry.expires, expires < .now {
          Self.remove(key, &state)
        } else {
          state.tick += 1
          entry.lastUsed = state.tick
          state.entries[key] = entry
          return .answer(entry.answer)
        }
      }
      if state.flights[key] != nil { return .pending }
      state.flights[key] = []
      return .claimed
    }
  }

  /// The answer that somebody else is making; nil when nothing came of it, and when the asker is cancelled.
  package func wait(for key: CacheKey) async -> CachedAnswer? {
    let id = state.withLock { state in
      state.tick += 1
      return state.tick
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<CachedAnswer?, Never>) in
        let done: CachedAnswer?? = state.withLock { state in
          if Task.isCancelled { return .some(nil) }
          guard state.flights[key] != nil else { return .some(state.entries[key]?.answer) }
          state.flights[key]?.append(Waiter(id: id, continuation: continuation))
          return nil
        }
        if let done { continuation.resume(returning: done) }
      }
    } onCancel: {
      let waiter = state.withLock { state -> Waiter? in
        guard let place = state.flights[key]?.firstIndex(where: { $0.id == id }) else { return nil }
        return state.flights[key]?.remove(at: place)
      }
      waiter?.continuation.resume(returning: nil)
    }
  }

  /// Hands an answer to those who wait for it, and keeps it.
  /// - Parameter limit: how long it is kept; nil for as long as there is room.
  package func fulfil(_ key: CacheKey, _ answer: CachedAnswer, keptFor limit: Duration?) {
    let waiters = state.withLock { state -> [Waiter] in
      Self.remove(key, &state)
      state.tick += 1
      if answer.bytes <= capacity / 4 {
        state.entries[key] = Entry(answer: answer, lastUsed: state.tick, expires: limit.map { .now + $0 })
        state.bytes += answer.bytes
        makeRoom(&state)
      }
      return state.flights.removeValue(forKey: key) ?? []
    }
    for waiter in waiters { waiter.continuation.resume(returning: answer) }
  }

  /// Tells those who wait that there will be no answer.
  package func abandon(_ key: CacheKey) {
    for waiter in state.withLock({ $0.flights.removeValue(forKey: key) ?? [] }) { waiter.continuation.resume(returning: nil) }
  }

  /// Forgets all answers; who waits for one still gets it.
  package func removeAll() {
    state.withLock { state in
      state.entries.removeAll()
      state.bytes = 0
    }
  }

  /// Down to seven eighths at once, so that a full cache does not sort itself for every answer.
  private func makeRoom(_ state: inout State) {
    guard state.bytes > capacity else { return }
    for (key, _) in state.entries.sorted(by: { $0.value.lastUsed < $1.value.lastUsed }) {
      guard state.bytes > capacity - capacity / 8 else { return }
      Self.remove(key, &state)
    }
  }

  private static func remove(_ key: CacheKey, _ state: inout State) {
    if let entry = state.entries.removeValue(forKey: key) { state.bytes -= entry.answer.bytes }
  }
}
