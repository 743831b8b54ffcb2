/// How often and after which pauses a request is repeated.
///
///     let patient = EmbanRetryPolicy(maximumAttempts: 10, maximumDelay: .seconds(60))
///
/// After 429 and 503 the server's `Retry-After` is waited for; otherwise, and after broken connections, a pause that doubles from
/// ``baseDelay`` on, of which up to a half is left to chance so that many clients do not return at the same moment.
public struct EmbanRetryPolicy: Sendable, Hashable {
  /// Attempts in all; 1 repeats nothing.
  public var maximumAttempts: Int
  /// The pause before the second attempt.
  public var baseDelay: Duration
  /// The longest pause. A server that asks for more is not waited for: its error is thrown with `retryAfter`.
  public var maximumDelay: Duration

  public init(maximumAttempts: Int = 6, baseDelay: Duration = .milliseconds(200), maximumDelay: Duration = .seconds(30)) {
    self.maximumAttempts = max(1, maximumAttempts)
    self.baseDelay = baseDelay
    self.maximumDelay = maximumDelay
  }

  /// Nothing is repeated.
  public static let none = EmbanRetryPolicy(maximumAttempts: 1)

  /// The pause after a failed attempt, counted from 1.
  func pause(after attempt: Int) -> Duration {
    let doubled = baseDelay * Double(1 << min(attempt - 1, 20))
    return min(doubled, maximumDelay) * Double.random(in: 0.5...1)
  }
}
