import Glibc

/// A value that one thread at a time may use. For what crosses threads seldom; no loop waits for one in the data path.
///
/// Made of the system's mutex and not of the standard library's: the thread sanitizer knows this one, and takes what
/// the other guards for unguarded.
@safe public final class Locked<Value: ~Copyable>: @unchecked Sendable {
  /// Owned; freed in `deinit`.
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private var value: Value

  public init(_ value: consuming sending Value) {
    unsafe mutex = .allocate(capacity: 1)
    unsafe pthread_mutex_init(mutex, nil)
    self.value = value
  }

  deinit {
    unsafe pthread_mutex_destroy(mutex)
    unsafe mutex.deallocate()
  }

  /// Waits until no other thread is in it. Not for a thread that is in it already.
  public func withLock<Result: ~Copyable, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return try body(&value)
  }
}
