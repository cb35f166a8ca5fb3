import EventLoop
import Glibc

/// Keeps the main thread in an event loop until the process is asked to stop.
final class StopSignals {
  private let loop: EventLoop
  /// Gone before the loop that they are registered with.
  private var sources: [SignalSource]
  private var timer: LoopTimer?

  /// From now on SIGTERM, SIGINT and SIGUSR1 wait for ``waitForStop()``, and SIGPIPE and SIGXFSZ are ignored:
  /// a write then fails, which is handled where it happens.
  ///
  /// - Parameters:
  ///   - onUserSignal: called for each SIGUSR1.
  ///   - onHangUp: called for each SIGHUP; nil lets that end the process.
  init(onUserSignal: @escaping () -> Void, onHangUp: (() -> Void)?) throws(EventLoopError) {
    let loop = try EventLoop()
    self.loop = loop
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    sources = [
      try SignalSource(loop: loop, signal: SIGTERM) { loop.stop() },
      try SignalSource(loop: loop, signal: SIGINT) { loop.stop() },
      try SignalSource(loop: loop, signal: SIGUSR1, handler: onUserSignal),
    ]
    if let onHangUp { sources.append(try SignalSource(loop: loop, signal: SIGHUP, handler: onHangUp)) }
  }

  deinit {
    sources = []
    timer = nil
  }

  /// Calls `handler` every so often while ``waitForStop()`` waits. Once.
  func every(ms: UInt64, _ handler: @escaping () -> Void) throws(EventLoopError) {
    let timer = try LoopTimer(loop: loop, handler: handler)
    timer.startIfStopped(everyMs: ms)
    self.timer = timer
  }

  /// Returns after the first SIGTERM or SIGINT; a second one then ends the process at once.
  func waitForStop() {
    loop.run()
    signal(SIGTERM, SIG_DFL)
    signal(SIGINT, SIG_DFL)
  }
}
