import CLibevent
import CSystemCalls
import Glibc

/// What an accept brought.
public enum Accepted: Equatable {
  /// A non-blocking descriptor that the receiver owns, and who is at the other end.
  case connection(Int32, peer: SocketAddress)
  /// Descriptors or memory ran out (`EMFILE`, `ENFILE`, `ENOBUFS`, `ENOMEM`).
  case exhausted(errno: Int32)
}

/// Accepts connections on a loop.
public final class Listener {
  private let socket: ListeningSocket
  private var watch: ReadWatch?
  private let handler: (Accepted) -> Void
  /// Accepts per turn of the loop: enough for a burst, few enough for the others to have their turn.
  private static let batch = 32
  private var isPaused = false
  private var isEnding = false

  /// Takes the socket over; each connection is handed to `handler` on the loop's thread.
  public init(
    loop: EventLoop, socket: consuming ListeningSocket, handler: @escaping (Accepted) -> Void
  ) throws(EventLoopError) {
    self.socket = socket
    self.handler = handler
    watch = try ReadWatch(loop: loop, descriptor: self.socket.descriptor) { [unowned self] in
      acceptSome()
    }
  }

  public var address: SocketAddress { socket.address }

  /// Leaves new connections in the kernel's backlog.
  public func pause() {
    isPaused = true
    watch?.pause()
  }

  public func resume() {
    isPaused = false
    watch?.resume()
  }

  /// Accepts all that wait in the kernel's backlog, which closing the socket would reset; none while paused. Nobody comes
  /// to the backlog of a TCP socket any more: who begins to connect is not answered, and tries again in a second.
  /// Does nothing to a socket that another process has too.
  public func acceptLast() {
    if socket.outlivesUs { return }
    isEnding = drop_packets(socket.descriptor) == 0
    while acceptSome() {}
  }

  /// Accepts one batch; false when nobody waits any more, or nobody can be taken.
  @discardableResult
  private func acceptSome() -> Bool {
    for _ in 0..<Self.batch {
      if isPaused { return false }
      var storage = sockaddr_storage()
      var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
      let accepted: Accepted? = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
          let descriptor = unsafe accept4(
            socket.descriptor, address, &length, Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue))
          guard descriptor >= 0 else { return nil }
          return unsafe .connection(descriptor, peer: SocketAddress(address, length: length))
        }
      }
      if let accepted {
        // It may have come between two looks of the kernel's.
        if isEnding, case .connection(let descriptor, _) = accepted { keep_packets(descriptor) }
        handler(accepted)
        continue
      }
      switch errno {
      case EINTR, ECONNABORTED, EPROTO: continue
      case EMFILE, ENFILE, ENOBUFS, ENOMEM:
        handler(.exhausted(errno: errno))
        return false
      default: return false
      }
    }
    return true
  }
}

/// Begins a connection without waiting for it.
///
/// - Returns: a non-blocking descriptor that the caller owns, connected or connecting.
/// - Throws: ``EventLoopError/system(call:errno:)`` when no socket can be had or the address refuses at once.
public func beginConnecting(to address: SocketAddress) throws(EventLoopError) -> Int32 {
  let descriptor = socket(
    address.family, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
  if descriptor < 0 { throw .system(call: "socket", errno: errno) }
  if address.family != AF_UNIX { setFlag(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY) }
  if unsafe address.withPointer({ unsafe connect(descriptor, $0, $1) }) != 0, errno != EINPROGRESS {
    let code = errno
    close(descriptor)
    throw .system(call: "connect", errno: code)
  }
  return descriptor
}
