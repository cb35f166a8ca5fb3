import CLibevent
import Glibc

/// One libevent base and all that is registered with it.
///
/// A loop belongs to the thread that runs it: every method but ``Mailbox/send(_:)`` of a mailbox attached to
/// it is called on that thread, or before ``run()``. libevent's own locking is off.
@safe public final class EventLoop {
  let base: OpaquePointer
  /// Objects closed during the running callback; released when it has returned, so that a callback never
  /// frees what it stands on.
  private var graveyard: [AnyObject] = []
  private var wheel = DeadlineWheel()
  private var wheelTimer: LoopTimer?

  /// Makes a loop that is not running yet.
  ///
  /// - Throws: ``EventLoopError/noBase`` when libevent cannot make one (no epoll, no memory, no descriptor).
  public init() throws(EventLoopError) {
    guard let config = unsafe event_config_new() else { throw .noBase }
    defer { unsafe event_config_free(config) }
    _ = unsafe event_config_set_flag(config, Int32(EVENT_BASE_FLAG_NOLOCK.rawValue))
    _ = unsafe event_config_require_features(config, Int32(EV_FEATURE_ET.rawValue))
    guard let base = unsafe event_base_new_with_config(config) else { throw .noBase }
    unsafe self.base = unsafe base
  }

  deinit {
    wheelTimer = nil
    graveyard.removeAll()
    unsafe event_base_free(base)
  }

  /// Runs until ``stop()``.
  public func run() {
    _ = unsafe event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY)
    graveyard.removeAll()
  }

  /// Ends ``run()`` after the callback that is running.
  public func stop() {
    _ = unsafe event_base_loopbreak(base)
  }

  /// Milliseconds on a clock that only goes forward.
  public static func monotonicMs() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(truncatingIfNeeded: time.tv_sec) &* 1000
      &+ UInt64(truncatingIfNeeded: time.tv_nsec) / 1_000_000
  }

  /// Microseconds on the same clock.
  public static func monotonicUs() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(truncatingIfNeeded: time.tv_sec) &* 1_000_000
      &+ UInt64(truncatingIfNeeded: time.tv_nsec) / 1_000
  }

  /// Milliseconds on the same clock at the last tick of the deadlines; no more than that behind while a
  /// socket has a deadline.
  public var coarseMs: UInt64 { wheel.nowMs }

  /// The time of day, as the loop has read it last. The loop outlives it.
  public var wallClock: LoopWallClock { unsafe LoopWallClock(base: base) }

  /// Keeps `object` until the running callback has returned.
  func releaseLater(_ object: AnyObject) {
    graveyard.append(object)
  }

  /// Lets go of sockets that were closed outside a callback, after ``run()``.
  public func releaseClosed() {
    graveyard.removeAll()
  }

  /// Called by each trampoline when its callback has returned.
  func afterCallback() {
    if !graveyard.isEmpty { graveyard.removeAll(keepingCapacity: true) }
  }

  /// Puts a socket's deadline where the clock will find it.
  func schedule(_ socket: StreamSocket, afterMs: UInt64) {
    if wheel.isEmpty { wheel.nowMs = Self.monotonicMs() }
    // The wheel's clock may be a tick behind: a deadline comes late by that much, never early.
    wheel.set(socket, deadlineMs: wheel.nowMs &+ DeadlineWheel.tickMs &+ afterMs)
    if wheelTimer == nil {
      wheelTimer = try? LoopTimer(loop: self) { [unowned self] in wheelTicked() }
    }
    wheelTimer?.startIfStopped(everyMs: DeadlineWheel.tickMs)
  }

  func unschedule(_ socket: StreamSocket) {
    wheel.remove(socket)
  }

  private func wheelTicked() {
    let nowMs = Self.monotonicMs()
    for socket in wheel.advance(toMs: nowMs) where socket.deadlineMs <= nowMs {
      wheel.remove(socket)
      socket.deadlinePassed()
    }
    if wheel.isEmpty { wheelTimer?.stop() }
  }
}

/// Why a loop or something on it could not be made.
public enum EventLoopError: Error, Equatable, CustomStringConvertible {
  /// libevent could not make an event base.
  case noBase
  /// A system call failed with this `errno`.
  case system(call: String, errno: Int32)

  public var description: String {
    switch self {
    case .noBase: "libevent cannot make an event base (epoll is missing, or memory or descriptors ran out)"
    case .system(let call, let code): "\(call): \(systemMessage(code))"
    }
  }
}

/// The system's sentence for an `errno`.
public func systemMessage(_ code: Int32) -> String {
  guard let text = unsafe strerror(code) else { return "error \(code)" }
  return unsafe String(cString: text)
}
