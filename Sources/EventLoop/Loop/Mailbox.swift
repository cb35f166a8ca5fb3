import CLibevent
import Glibc

/// Messages from any thread to the thread of a loop, in order, with a wake-up.
///
/// The receiving end is attached once, on the loop's thread; messages sent before that wait.
@safe public final class Mailbox<Message: Sendable>: Sendable {
  private let waiting = Locked<[Message]>([])
  /// An eventfd; owned, closed in `deinit`.
  private let wakeUp: Int32

  /// - Throws: ``EventLoopError/system(call:errno:)`` when no descriptor is left.
  public init() throws(EventLoopError) {
    wakeUp = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
    if wakeUp < 0 { throw .system(call: "eventfd", errno: errno) }
  }

  deinit { close(wakeUp) }

  /// Any thread may call this.
  public func send(_ message: Message) {
    waiting.withLock { $0.append(message) }
    var one: UInt64 = 1
    _ = unsafe write(wakeUp, &one, 8)
  }

  /// Hands each message to `handler` on the loop's thread, for as long as the receiver lives.
  public func attach(
    to loop: EventLoop, handler: @escaping (Message) -> Void
  ) throws(EventLoopError) -> MailboxReceiver {
    try MailboxReceiver(loop: loop, descriptor: wakeUp) { [self] in
      var count: UInt64 = 0
      _ = unsafe read(wakeUp, &count, 8)
      let arrived = waiting.withLock { messages in
        let all = messages
        messages.removeAll()
        return all
      }
      for message in arrived { handler(message) }
    }
  }
}

/// The loop's end of a ``Mailbox``; nothing is delivered once it is gone.
@safe public final class MailboxReceiver {
  private let watch: ReadWatch

  init(loop: EventLoop, descriptor: Int32, handler: @escaping () -> Void) throws(EventLoopError) {
    watch = try ReadWatch(loop: loop, descriptor: descriptor, handler: handler)
  }
}
