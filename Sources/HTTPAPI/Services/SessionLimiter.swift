import Domain
import Synchronization

/// Keeps one embed session from asking without end: each has a bucket of requests, which refills with time. It is far larger than what a page
/// needs on which somebody plays with the filters, also one of a hundred widgets that ask each for itself.
///
/// The memory is bounded. When the table is full, the buckets closest to full are forgotten first: those cost the least. Each process counts for
/// itself.
final class SessionLimiter: Sendable {
  private struct Bucket {
    var tokens: Double
    var at: Instant
  }

  private let burst: Double
  private let perSecond: Double
  private let capacity: Int
  private let clock: TimeSource
  private let buckets = Mutex<[SessionID: Bucket]>([:])

  /// - Parameter perSecond: how many requests more each second; the burst is ten times that.
  init(perSecond: Int = Limits.sessionRequestsPerSecond, capacity: Int = 20_000, clock: @escaping TimeSource) {
    self.perSecond = Double(perSecond)
    burst = Double(perSecond) * Double(Limits.sessionBurst / Limits.sessionRequestsPerSecond)
    self.capacity = capacity
    self.clock = clock
  }

  /// Spends one request.
  /// - Throws: ``AppError`` 429 `session_rate_limited` with the seconds until there is room for more than a single one.
  func spend(_ session: SessionID) throws(AppError) {
    let now = clock()
    let isOpen = buckets.withLock { buckets in
      let tokens = refilled(buckets[session], at: now)
      guard tokens >= 1 else {
        // A clock that was set back goes on from here.
        if let bucket = buckets[session], now < bucket.at { buckets[session] = Bucket(tokens: tokens, at: now) }
        return false
      }
      makeRoom(in: &buckets, for: session, at: now)
      buckets[session] = Bucket(tokens: tokens - 1, at: now)
      return true
    }
    guard isOpen else {
      throw AppError(
        status: 429, code: "session_rate_limited", message: "This view asks too often. Wait a moment, then ask again.", retryAfter: 1)
    }
  }

  private func refilled(_ bucket: Bucket?, at now: Instant) -> Double {
    guard let bucket else { return burst }
    let seconds = Double(max(0, now.milliseconds - bucket.at.milliseconds)) / 1000
    return min(burst, bucket.tokens + seconds * perSecond)
  }

  private func makeRoom(in buckets: inout [SessionID: Bucket], for session: SessionID, at now: Instant) {
    guard buckets.count >= capacity, buckets[session] == nil else { return }
    let filled = buckets.map { (session: $0.key, tokens: refilled($0.value, at: now)) }.sorted { $0.tokens > $1.tokens }
    // A tenth at once, so that many sessions do not sort the table for each of them.
    for (index, entry) in filled.enumerated() {
      guard index < max(1, capacity / 10) || entry.tokens >= burst else { break }
      buckets[entry.session] = nil
    }
  }
}
