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
    #if os(Linux)
      let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
      let resource = RLIMIT_NOFILE
    #endif
    guard getrlimit(resource, &limits) == 0 else { return 1_024 }
    return Int(clamping: limits.rlim_cur)
  }
}
