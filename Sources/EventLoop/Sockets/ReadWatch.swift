import CLibevent
import Glibc

/// Calls a handler while a descriptor has something to read (level-triggered). Does not own the descriptor.
@safe final class ReadWatch {
  private unowned let loop: EventLoop
  /// Owned; freed in `deinit`.
  private var event: OpaquePointer?
  private let handler: () -> Void

  init(loop: EventLoop, descriptor: Int32, handler: @escaping () -> Void) throws(EventLoopError) {
    self.loop = loop
    self.handler = handler
    unsafe event = unsafe event_new(
      loop.base, descriptor, Int16(EV_READ | EV_PERSIST),
      { _, _, context in
        guard let context = unsafe context else { return }
        let watch = unsafe Unmanaged<ReadWatch>.fromOpaque(context).takeUnretainedValue()
        watch.handler()
        watch.loop.afterCallback()
      }, Unmanaged.passUnretained(self).toOpaque())
    if unsafe event == nil { throw .system(call: "event_new", errno: ENOMEM) }
    resume()
  }

  deinit {
    if let event = unsafe event { unsafe event_free(event) }
  }

  func resume() {
    if let event = unsafe event { _ = unsafe event_add(event, nil) }
  }

  func pause() {
    if let event = unsafe event { _ = unsafe event_del(event) }
  }
}
