import Domain

/// When something is done that is due every hour; what fails, after pauses that grow.
struct HourlyJob: Sendable, Hashable {
  static let hour: Double = 3600
  private static let firstPause: Double = 60

  private var last: Instant?
  private var failures = 0

  /// Seconds from the last time on.
  var pause: Double {
    failures == 0 ? Self.hour : min(Self.firstPause * Double(1 << min(failures - 1, 10)), Self.hour)
  }

  /// Also when the clock was set back since.
  func isDue(at now: Instant) -> Bool {
    last.map { $0.adding(seconds: pause) <= now || now < $0 } ?? true
  }

  func done(at now: Instant) -> HourlyJob {
    var job = HourlyJob()
    job.last = now
    return job
  }

  func failed(at now: Instant) -> HourlyJob {
    var job = self
    job.last = now
    job.failures += 1
    return job
  }
}
