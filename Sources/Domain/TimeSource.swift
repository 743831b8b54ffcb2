/// Where the time comes from; passed in, so that a test can say what time it is.
public typealias TimeSource = @Sendable () -> Instant
