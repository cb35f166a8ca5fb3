import CLibevent
import Glibc

/// A repeating timer on a loop.
@safe public final class LoopTimer {
  private unowned let loop: EventLoop
  /// Owned; freed in `deinit`. Its argument is this object, which therefore outlives it.
  private var event: OpaquePointer?
  private let handler: () -> Void
  public private(set) var isRunning = false

  /// Makes a timer that does not run yet.
  public init(loop: EventLoop, handler: @escaping () -> Void) throws(EventLoopError) {
    self.loop = loop
    self.handler = handler
    unsafe event = unsafe event_new(
      loop.base, -1, Int16(EV_PERSIST),
      { _, _, context in
        guard let context = unsafe context else { return }
        let timer = unsafe Unmanaged<LoopTimer>.fromOpaque(context).takeUnretainedValue()
        timer.handler()
        timer.loop.afterCallback()
      }, Unmanaged.passUnretained(self).toOpaque())
    if unsafe event == nil { throw .system(call: "event_new", errno: ENOMEM) }
  }

  deinit {
    if let event = unsafe event { unsafe event_free(event) }
  }

  /// Fires every `everyMs` milliseconds from now on; does nothing when it already runs.
  public func startIfStopped(everyMs: UInt64) {
    guard !isRunning, let event = unsafe event else { return }
    var interval = timeval(
      tv_sec: Int(clamping: everyMs / 1000), tv_usec: Int(truncatingIfNeeded: everyMs % 1000) * 1000)
    isRunning = unsafe event_add(event, &interval) == 0
  }

  public func stop() {
    guard isRunning, let event = unsafe event else { return }
    _ = unsafe event_del(event)
    isRunning = false
  }
}
