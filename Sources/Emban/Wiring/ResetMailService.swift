import Access
import ServiceLifecycle

/// Sends the mails with links to set a password until the program is asked to stop.
struct ResetMailService: Service {
  let resets: PasswordResets

  func run() async { await cancelWhenGracefulShutdown { await resets.run() } }
}
