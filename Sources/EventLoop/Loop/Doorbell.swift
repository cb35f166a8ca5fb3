import CLibevent
import Glibc

/// Wakes a thread that has no loop and waits: for the bell, for a descriptor that can be written to, or for a time to pass.
@safe public final class Doorbell: Sendable {
  /// An eventfd; owned, closed in `deinit`. Can be read from once the bell has rung.
  public let descriptor: Int32

  /// - Throws: ``EventLoopError/system(call:errno:)`` when no descriptor is left.
  public init() throws(EventLoopError) {
    descriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
    if descriptor < 0 { throw .system(call: "eventfd", errno: errno) }
  }

  deinit { close(descriptor) }

  /// Ends the wait that is or, if none is, the next one. From any thread, without waiting.
  public func ring() {
    var one: UInt64 = 1
    _ = unsafe write(descriptor, &one, 8)
  }

  /// For one thread.
  ///
  /// - Parameters:
  ///   - other: also ends the wait once it can be written to, or has failed.
  ///   - milliseconds: ends the wait at the latest; nil: never.
  public func wait(orWritable other: Int32? = nil, atMostMs milliseconds: Int32? = nil) {
    var watched = (
      pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
      // A negative descriptor is not looked at.
      pollfd(fd: other ?? -1, events: Int16(POLLOUT), revents: 0)
    )
    unsafe withUnsafeMutablePointer(to: &watched) { pair in
      unsafe pair.withMemoryRebound(to: pollfd.self, capacity: 2) {
        _ = unsafe poll($0, 2, milliseconds ?? -1)
      }
    }
    var count: UInt64 = 0
    _ = unsafe read(descriptor, &count, 8)
  }
}
