import CSystemCalls
import Glibc

/// A repeating timer on a loop that tells how late it is called, to the microsecond.
///
/// libevent sets its own timers by a clock that ticks every few milliseconds. This one is a descriptor of the kernel's: it
/// becomes ready as sockets do, and waits for its call as they do.
@safe public final class PreciseTimer {
  /// A call of the handler.
  public struct Firing {
    /// On the clock of ``EventLoop/monotonicUs()``.
    public let nowUs: UInt64
    /// Since when it was due.
    public let dueUs: UInt64
    /// How often it has become due since then, once at least: a loop that stands still misses calls.
    public let count: UInt64
    /// The distance between these.
    public let everyUs: UInt64

    public init(nowUs: UInt64, dueUs: UInt64, count: UInt64, everyUs: UInt64) {
      (self.nowUs, self.dueUs, self.count, self.everyUs) = (nowUs, dueUs, count, everyUs)
    }
  }

  /// Owned; closed in `deinit`, when nobody watches it any more.
  private let descriptor: Int32
  private var watch: ReadWatch?
  private let handler: (Firing) -> Void
  /// When it is due next, and the distance to the time after; nil while it stands still.
  private var schedule: (nextUs: UInt64, everyUs: UInt64)?

  /// Makes a timer that does not run yet.
  ///
  /// - Throws: ``EventLoopError/system(call:errno:)`` when no descriptor is left.
  public init(loop: EventLoop, handler: @escaping (Firing) -> Void) throws(EventLoopError) {
    self.handler = handler
    descriptor = make_timer()
    guard descriptor >= 0 else { throw .system(call: "timerfd_create", errno: errno) }
    watch = try ReadWatch(loop: loop, descriptor: descriptor) { [unowned self] in fire() }
  }

  deinit {
    watch = nil
    if descriptor >= 0 { close(descriptor) }
  }

  public var isRunning: Bool { schedule != nil }

  /// Fires every `everyMs` milliseconds from now on, which is not 0; does nothing when it already runs.
  public func startIfStopped(everyMs: UInt64) {
    guard !isRunning else { return }
    let everyUs = max(1, everyMs) &* 1000
    let nextUs = EventLoop.monotonicUs() &+ everyUs
    if set_timer(descriptor, nextUs, everyUs) == 0 { schedule = (nextUs, everyUs) }
  }

  public func stop() {
    guard isRunning, set_timer(descriptor, 0, 0) == 0 else { return }
    schedule = nil
  }

  private func fire() {
    let count = take_expirations(descriptor)
    // It was stopped, or started anew, after it had become ready.
    guard count > 0, let (dueUs, everyUs) = schedule else { return }
    schedule = (dueUs &+ count &* everyUs, everyUs)
    handler(Firing(nowUs: EventLoop.monotonicUs(), dueUs: dueUs, count: count, everyUs: everyUs))
  }
}
