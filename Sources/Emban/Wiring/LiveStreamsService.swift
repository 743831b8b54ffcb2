import Foundation
import HTTPAPI
import ServiceLifecycle

/// Runs the streams of open dashboards, and ends them when the program is asked to stop: the HTTP server waits for answers that are under
/// way, and a stream is never done by itself.
struct LiveStreamsService: Service {
  let feed: LiveFeed

  func run() async {
    await cancelWhenGracefulShutdown { await feed.run() }
    feed.close()
  }
}

/// What the system lets this process have open.
enum OpenFiles {
  /// How many files and connections; a careful number where the system does not say.
  static var limit: Int {
    var limits = rlimit()
    guard getrlimit(resource, &limits) == 0 else { return 1_024 }
    return Int(clamping: limits.rlim_cur)
  }

  /// Asks for as many as the system gives, which our own event store inherits: a merge of its opens a file for each property of each part.
  static func raiseLimit() {
    var most = rlimit(rlim_cur: 1_048_576, rlim_max: 1_048_576)
    if setrlimit(resource, &most) == 0 { return }
    guard getrlimit(resource, &most) == 0 else { return }
    most.rlim_cur = most.rlim_max
    _ = setrlimit(resource, &most)
  }

  #if os(Linux)
    private static var resource: __rlimit_resource_t { __rlimit_resource_t(RLIMIT_NOFILE.rawValue) }
  #else
    private static var resource: Int32 { RLIMIT_NOFILE }
  #endif
}
