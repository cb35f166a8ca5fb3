import Glibc
import Synchronization

/// The file of a unix socket: goes with the last reference to this object, unless it was left to another process.
public final class SocketFile: Sendable {
  private let path: String
  private let isOurs = Atomic<Bool>(true)

  public init(path: String) { self.path = path }

  /// Nobody else accepts there from now on.
  public func own() { isOurs.store(true, ordering: .relaxed) }

  /// Another process accepts there from now on.
  public func leave() { isOurs.store(false, ordering: .relaxed) }

  deinit {
    if isOurs.load(ordering: .relaxed) { unsafe unlink(path) }
  }
}
