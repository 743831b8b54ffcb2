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

  /// Takes as many as the system gives to who asks: at first that is often 1,024, of which every connection, also of a live dashboard, takes one.
  /// (ClickHouse does the same at its start.)
  static func raiseLimit() {
    var limits = rlimit()
    guard getrlimit(resource, &limits) == 0 else { return }
    #if os(Linux)
      let most = limits.rlim_max
    #else
      // There the bound is called infinite, and no more than this is taken.
      let most = min(limits.rlim_max, rlim_t(OPEN_MAX))
    #endif
    guard limits.rlim_cur < most else { return }
    limits.rlim_cur = most
    _ = setrlimit(resource, &limits)
  }

  #if os(Linux)
    private static var resource: __rlimit_resource_t { __rlimit_resource_t(RLIMIT_NOFILE.rawValue) }
  #else
    private static var resource: Int32 { RLIMIT_NOFILE }
  #endif
}
