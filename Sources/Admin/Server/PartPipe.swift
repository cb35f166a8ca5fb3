import Dispatch
import EventLoop

/// Hands the parts of an answer from the thread that makes them to the loop, one at a time: the next one is made when the
/// client has taken the one before.
final class PartPipe: Sendable {
  /// The client is gone, or the server ends.
  struct Closed: Error {}

  private let isClosed = Locked(false)
  /// Made empty and then given its one place: a semaphore must not go with less than it came with.
  private let room = DispatchSemaphore(value: 0)
  private let deliver: @Sendable ([UInt8]) -> Void

  /// - Parameter deliver: takes a part to the loop; from then on the part is waited for until `taken` is called.
  init(deliver: @escaping @Sendable ([UInt8]) -> Void) {
    self.deliver = deliver
    room.signal()
  }

  /// Waits until the part before is taken, then hands this one over. Not empty.
  ///
  /// - Throws: ``Closed``.
  func put(_ part: [UInt8]) throws(Closed) {
    room.wait()
    if isClosed.withLock({ $0 }) {
      room.signal()
      throw Closed()
    }
    deliver(part)
  }

  /// The client has the last part. Any thread.
  func taken() { room.signal() }

  /// From now on `put` throws. Any thread; may be called again.
  func close() {
    isClosed.withLock { $0 = true }
    room.signal()
  }
}
