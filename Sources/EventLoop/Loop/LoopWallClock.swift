import CLibevent
import Glibc

/// The time of day as a loop has read it when it last woke, which costs no system call.
///
/// To be used on the loop's thread and for no longer than the loop lives. A value and no object, so that nothing is
/// counted to ask it.
@safe public struct LoopWallClock {
  let base: OpaquePointer

  /// Seconds since 1970.
  public var seconds: UInt32 { UInt32(truncatingIfNeeded: now.tv_sec) }

  /// Milliseconds since 1970.
  public var milliseconds: UInt64 {
    let now = now
    return UInt64(truncatingIfNeeded: now.tv_sec) &* 1000 &+ UInt64(truncatingIfNeeded: now.tv_usec) / 1000
  }

  private var now: timeval {
    var time = timeval()
    _ = unsafe event_base_gettimeofday_cached(base, &time)
    return time
  }
}
