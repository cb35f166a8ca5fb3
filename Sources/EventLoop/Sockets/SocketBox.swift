import Glibc

/// A listening socket with several owners, or on its way from the thread that bound it to the one that accepts on it.
public final class SocketBox: Sendable {
  public let address: SocketAddress
  /// See ``ListeningSocket/outlivesUs``.
  public let outlivesUs: Bool
  private let socket: Locked<ListeningSocket?>

  public init(_ socket: consuming ListeningSocket) {
    address = socket.address
    outlivesUs = socket.outlivesUs
    self.socket = Locked(consume socket)
  }

  /// The socket itself; nil the second time.
  public func take() -> ListeningSocket? {
    socket.withLock { $0.take() }
  }

  /// The same socket once more.
  ///
  /// - Throws: ``EventLoopError/system(call:errno:)`` when no descriptor is left, or the socket was taken.
  public func duplicate() throws(EventLoopError) -> SocketBox {
    let copy: Result<SocketBox, EventLoopError> = socket.withLock { socket in
      guard let present = socket.take() else { return .failure(.system(call: "dup", errno: EBADF)) }
      do throws(EventLoopError) {
        let box = SocketBox(try ListeningSocket(sharing: present))
        socket = consume present
        return .success(box)
      } catch {
        socket = consume present
        return .failure(error)
      }
    }
    return try copy.get()
  }
}
