import EventLoop
import Logging
import TLS

/// The thread that checks servers, as the proxy starts and stops it.
final class HealthThread: Sendable {
  private let mailbox: Mailbox<Void>
  private let thread: Locked<LoopThread?>

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
    self.thread = Locked(consume thread)
  }

  /// Returns when the last check has said its word, which is a moment. What the checks have said stays.
  func stop() {
    mailbox.send(())
    thread.withLock { $0.take() }?.join()
  }
}
