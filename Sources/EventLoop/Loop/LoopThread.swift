import CSystemCalls
import Glibc

/// A named thread of the process that runs one closure.
@safe public struct LoopThread: ~Copyable, Sendable {
  private let thread: pthread_t

  /// Starts at once.
  ///
  /// - Parameter name: at most 15 bytes, as `ps -L` shows it.
  /// - Throws: ``EventLoopError/system(call:errno:)`` when the system has no thread left.
  public init(name: String, _ body: @escaping @Sendable () -> Void) throws(EventLoopError) {
    var made = pthread_t()
    let box = unsafe Unmanaged.passRetained(Body(name: name, run: body))
    let code = unsafe pthread_create(
      &made, nil,
      { context in
        guard let context = unsafe context else { return nil }
        let body = unsafe Unmanaged<Body>.fromOpaque(context).takeRetainedValue()
        unsafe name_thread(body.name)
        body.run()
        return nil
      }, box.toOpaque())
    if code != 0 {
      unsafe box.release()
      throw .system(call: "pthread_create", errno: code)
    }
    thread = made
  }

  /// Lets the thread end by itself.
  public consuming func detach() {
    pthread_detach(thread)
  }

  /// Waits until the closure has returned.
  public consuming func join() {
    pthread_join(thread, nil)
  }

  private final class Body: Sendable {
    let name: String
    let run: @Sendable () -> Void

    init(name: String, run: @escaping @Sendable () -> Void) {
      self.name = name
      self.run = run
    }
  }
}
