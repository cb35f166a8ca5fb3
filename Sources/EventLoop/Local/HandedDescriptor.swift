import Glibc

/// A descriptor that came from another process: closed with its last reference, unless it was taken.
public final class HandedDescriptor: Sendable {
  private let descriptor: Locked<Int32?>

  init(_ descriptor: Int32) { self.descriptor = Locked(descriptor) }

  /// The descriptor, which is the caller's from now on; nil the second time.
  public func take() -> Int32? { descriptor.withLock { $0.take() } }

  deinit {
    if let descriptor = take() { close(descriptor) }
  }
}
