public import ConfigStore
public import Domain
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Slows down guessing: each e-mail address as seen from one remote address, each e-mail address from anywhere, and each remote address has a
/// bucket of attempts, which refills with time. An attempt is spent before the password is looked at, so that parallel guesses count
/// as well, and given back when it was right.
///
/// The bucket of an e-mail address from anywhere is wide: it bounds those who guess from many places, and a stranger at one place does not empty it
/// and so lock a person out. Somebody who is signed in already has a bucket of their own.
///
/// The memory is bounded. When the table is full, the buckets closest to full are forgotten first: those cost the least.
public final class LoginLimiter: Sendable {
  /// `attempts` at once, and one more every `secondsPerAttempt`.
  public struct Allowance: Sendable, Hashable {
    public let attempts: Int
    public let secondsPerAttempt: Double

    public init(attempts: Int, secondsPerAttempt: Double) {
      self.attempts = attempts
      self.secondsPerAttempt = secondsPerAttempt
    }
  }

  private enum Key: Hashable {
    case email(String, from: String)
    case anywhere(String)
    case address(String)
    case person(UserID)
  }

  private struct Bucket {
    var tokens: Double
    var at: Instant
  }

  private let perEmail: Allowance
  private let perEmailAnywhere: Allowance
  private let perAddress: Allowance
  private let capacity: Int
  private let clock: @Sendable () -> Instant
  private let buckets = Mutex<[Key: Bucket]>([:])

  public init(
    perEmail: Allowance = Allowance(attempts: 10, secondsPerAttempt: 30),
    perEmailAnywhere: Allowance = Allowance(attempts: 100, secondsPerAttempt: 5),
    perAddress: Allowance = Allowance(attempts: 60, secondsPerAttempt: 2), maximumBuckets: Int = 20_000,
    clock: @escaping @Sendable () -> Instant
  ) {
    self.perEmail = perEmail
    self.perEmailAnywhere = perEmailAnywhere
    self.perAddress = perAddress
    capacity = max(2, maximumBuckets)
    self.clock = clock
  }

  /// How many buckets are remembered now.
  public var bucketCount: Int { buckets.withLock(\.count) }

  /// Spends one attempt of the e-mail address and one of the remote address; nil is not limited. IPv6 addresses count by their /64
  /// network, which one household holds whole.
  /// - Throws: ``Domain/AppError`` 429 `rate_limited` with the seconds until the next attempt; then nothing is spent.
  public func spend(email: EmailAddress?, address: String?) throws(AppError) { try spend(keys(email, address)) }

  /// Spends one attempt of somebody who is signed in, as often as of an e-mail address from one remote address.
  /// - Throws: As ``spend(email:address:)``.
  public func spend(person: UserID) throws(AppError) { try spend([.person(person)]) }

  /// Spends a mail to an e-mail address that was asked for from a remote address, and nothing of the remote address's own.
  /// - Returns: Whether it may be sent.
  public func maySend(to email: EmailAddress, askedFrom address: String?) -> Bool {
    do {
      try spend(keys(email, address).filter { if case .address = $0 { false } else { true } })
      return true
    } catch {
      return false
    }
  }

  private func spend(_ keys: [Key]) throws(AppError) {
    let now = clock()
    let wait: Double = buckets.withLock { buckets in
      var wait = 0.0
      var filled: [(Key, Bucket)] = []
      for key in keys {
        let allowance = allowance(of: key)
        let bucket = Self.refilled(buckets[key], allowance, at: now)
        if bucket.tokens < 1 { wait = max(wait, (1 - bucket.tokens) * allowance.secondsPerAttempt) }
        filled.append((key, bucket))
      }
      guard wait == 0 else { return wait }
      for (key, bucket) in filled {
        makeRoom(in: &buckets, for: key, at: now)
        buckets[key] = Bucket(tokens: bucket.tokens - 1, at: now)
      }
      return 0
    }
    guard wait > 0 else { return }
    throw .tooManyRequests("Too many attempts. Wait a little, then try again.", retryAfter: max(1, Int(wait.rounded(.up))))
  }

  /// Gives back what ``spend(email:address:)`` took: the attempt was right.
  public func refund(email: EmailAddress?, address: String?) { refund(keys(email, address)) }

  /// Gives back what ``spend(person:)`` took.
  public func refund(person: UserID) { refund([.person(person)]) }

  private func refund(_ keys: [Key]) {
    let now = clock()
    buckets.withLock { buckets in
      for key in keys {
        let allowance = allowance(of: key)
        guard let bucket = buckets[key] else { continue }
        let tokens = Self.refilled(bucket, allowance, at: now).tokens + 1
        buckets[key] = tokens < Double(allowance.attempts) ? Bucket(tokens: tokens, at: now) : nil
      }
    }
  }

  private func keys(_ email: EmailAddress?, _ address: String?) -> [Key] {
    let network = address.map(Self.network)
    var keys: [Key] = []
    if let email { keys += [.email(email.value, from: network ?? ""), .anywhere(email.value)] }
    if let network { keys.append(.address(network)) }
    return keys
  }

  private func allowance(of key: Key) -> Allowance {
    switch key {
    case .email, .person: perEmail
    case .anywhere: perEmailAnywhere
    case .address: perAddress
    }
  }

  private static func refilled(_ bucket: Bucket?, _ allowance: Allowance, at now: Instant) -> Bucket {
    guard let bucket else { return Bucket(tokens: Double(allowance.attempts), at: now) }
    let seconds = Double(max(0, now.milliseconds - bucket.at.milliseconds)) / 1000
    return Bucket(tokens: min(Double(allowance.attempts), bucket.tokens + seconds / allowance.secondsPerAttempt), at: now)
  }

  private func makeRoom(in buckets: inout [Key: Bucket], for key: Key, at now: Instant) {
    guard buckets.count >= capacity, buckets[key] == nil else { return }
    let shares = buckets.map { key, bucket in
      let allowance = allowance(of: key)
      return (key: key, share: Self.refilled(bucket, allowance, at: now).tokens / Double(allowance.attempts))
    }
    // A tenth at once, so that a flood of names does not sort the table for each of them.
    let surplus = max(1, capacity / 10)
    for (index, entry) in shares.sorted(by: { $0.share > $1.share }).enumerated() {
      guard index < surplus || entry.share >= 1 else { break }
      buckets[entry.key] = nil
    }
  }

  static func network(of address: String) -> String {
    var bytes = in6_addr()
    guard inet_pton(AF_INET6, address, &bytes) == 1 else { return address }
    return withUnsafeBytes(of: bytes) { bytes in
      // An IPv4 address in IPv6 clothes (::ffff:192.0.2.1) is a single host.
      bytes.prefix(10).allSatisfy { $0 == 0 } ? bytes.hexadecimal : bytes.prefix(8).hexadecimal
    }
  }
}
