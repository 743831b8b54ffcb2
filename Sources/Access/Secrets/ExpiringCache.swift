import Domain
import Synchronization

/// Remembers answers for a short time, and never more than `capacity` of them.
///
/// An entry counts from the moment given when it is stored, which is to be taken before the answer is looked up: then nothing older
/// than `lifetime` is ever told. A clock that was set back ends every entry.
final class ExpiringCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private struct Entry {
    let value: Value
    let storedAt: Instant
  }

  private let lifetime: Int64
  private let capacity: Int
  private let entries = Mutex<[Key: Entry]>([:])

  init(milliseconds lifetime: Int64, capacity: Int) {
    self.lifetime = lifetime
    self.capacity = capacity
  }

  private func isFresh(_ entry: Entry, at now: Instant) -> Bool {
    0..<lifetime ~= now.milliseconds - entry.storedAt.milliseconds
  }

  func value(_ key: Key, at now: Instant) -> Value? {
    entries.withLock { entries in
      guard let entry = entries[key] else { return nil }
      guard isFresh(entry, at: now) else {
        entries[key] = nil
        return nil
      }
      return entry.value
    }
  }

  func store(_ value: Value, for key: Key, at now: Instant) {
    entries.withLock { entries in
      if entries.count >= capacity, entries[key] == nil {
        entries = entries.filter { isFresh($1, at: now) }
        // Everything is in use: start over. What is needed comes back with its next look-up.
        if entries.count >= capacity { entries.removeAll(keepingCapacity: true) }
      }
      entries[key] = Entry(value: value, storedAt: now)
    }
  }

  func remove(where isMeant: (Key, Value) -> Bool) {
    entries.withLock { entries in entries = entries.filter { !isMeant($0, $1.value) } }
  }
}
