import CLibevent
import Glibc

/// Calls a handler on a loop when the process receives a signal.
///
/// libevent delivers signals to one base in a process: make all of them on one loop.
@safe public final class SignalSource {
  private unowned let loop: EventLoop
  /// Owned; freed in `deinit`.
  private var event: OpaquePointer?
  private let handler: () -> Void

  public init(loop: EventLoop, signal: Int32, handler: @escaping () -> Void) throws(EventLoopError) {
    self.loop = loop
    self.handler = handler
    unsafe event = unsafe event_new(
      loop.base, signal, Int16(EV_SIGNAL | EV_PERSIST),
      { _, _, context in
        guard let context = unsafe context else { return }
        let source = unsafe Unmanaged<SignalSource>.fromOpaque(context).takeUnretainedValue()
        source.handler()
        source.loop.afterCallback()
      }, Unmanaged.passUnretained(self).toOpaque())
    guard let event = unsafe event else { throw .system(call: "event_new", errno: ENOMEM) }
    if unsafe event_add(event, nil) != 0 { throw .system(call: "sigaction", errno: errno) }
  }

  deinit {
    if let event = unsafe event { unsafe event_free(event) }
  }
}
