import EventLoop
import Logging
import TLS

/// The thread that checks servers, as the proxy starts and stops it.
final class HealthThread: Sendable {
  private let mailbox: Mailbox<Void>

  /// Starts at once.
  init(
    _ checks: HealthChecks, of registry: OriginRegistry, tls: @escaping @Sendable () -> TLSClientContext?,
    logger: Logger
  ) throws(EventLoopError) {
    let mailbox = try Mailbox<Void>()
    self.mailbox = mailbox
    let thread = try LoopThread(name: "health") {
      do throws(EventLoopError) {
        try HealthChecker(checks, of: registry, tls: tls, logger: logger).run(until: mailbox)
      } catch {
        logger.critical("servers can't be checked: all count as up", metadata: ["cause": "\(error)"])
      }
    }
    thread.detach()
  }

  /// Returns at once. What the checks have said stays.
  func stop() { mailbox.send(()) }
}
