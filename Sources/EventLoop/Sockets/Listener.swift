import CLibevent
import CSystemCalls
import Glibc

/// A bound and listening socket, not yet on a loop. Owns its descriptor.
public struct ListeningSocket: ~Copyable, Sendable {
  public let descriptor: Int32
  /// The address it really has, with the port that the kernel chose for port 0.
  public let address: SocketAddress

  /// Binds and listens.
  ///
  /// - Parameter shared: let sockets of other loops listen on the same address (`SO_REUSEPORT`).
  /// - Throws: ``EventLoopError/system(call:errno:)``, `EADDRINUSE` among them.
  public init(address: SocketAddress, shared: Bool) throws(EventLoopError) {
    try self.init(address: address, shared: shared, path: nil, mode: nil)
  }

  /// Binds a unix socket and listens; a file left behind by a process that is gone is replaced.
  ///
  /// - Parameters:
  ///   - path: the file of `address`; whoever binds it removes it in the end.
  ///   - mode: of the file, which is never wider; nil leaves it to the process's mask. To connect, one must be allowed
  ///     to write.
  /// - Throws: ``EventLoopError/system(call:errno:)``, `EADDRINUSE` when a process listens there.
  public init(replacing path: String, at address: SocketAddress, mode: mode_t?) throws(EventLoopError) {
    if let descriptor = try? beginConnecting(to: address) {
      close(descriptor)
      throw .system(call: "bind", errno: EADDRINUSE)
    }
    var status = stat()
    if unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK { unsafe unlink(path) }
    try self.init(address: address, shared: false, path: path, mode: mode)
  }

  /// Makes sure that no other socket has a TCP address, without listening there: who connects meanwhile is not taken.
  ///
  /// - Throws: ``EventLoopError/system(call:errno:)``, `EADDRINUSE` when one has.
  public static func checkIsFree(_ address: SocketAddress) throws(EventLoopError) {
    close(try bound(to: address, shared: false, path: nil, mode: nil))
  }

  private init(
    address: SocketAddress, shared: Bool, path: String?, mode: mode_t?
  ) throws(EventLoopError) {
    let descriptor = try Self.bound(to: address, shared: shared, path: path, mode: mode)
    if listen(descriptor, 65_535) != 0 {
      let code = errno
      close(descriptor)
      throw .system(call: "listen", errno: code)
    }
    self.descriptor = descriptor
    self.address =
      address.family == AF_UNIX ? address : SocketAddress(of: descriptor, peer: false) ?? address
  }

  /// A bound socket, which the caller owns.
  private static func bound(
    to address: SocketAddress, shared: Bool, path: String?, mode: mode_t?
  ) throws(EventLoopError) -> Int32 {
    let descriptor = socket(
      address.family, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    if descriptor < 0 { throw .system(call: "socket", errno: errno) }
    if address.family != AF_UNIX {
      setFlag(descriptor, SOL_SOCKET, SO_REUSEADDR)
      if shared { setFlag(descriptor, SOL_SOCKET, SO_REUSEPORT) }
      // Inherited by each accepted connection, which saves it a system call.
      setFlag(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY)
      if address.family == AF_INET6 { setFlag(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY) }
    }
    // The file is made with the socket's mode less the mask, and then given what the mask took.
    if let mode { fchmod(descriptor, mode) }
    if unsafe address.withPointer({ unsafe bind(descriptor, $0, $1) }) != 0 {
      let code = errno
      close(descriptor)
      throw .system(call: "bind", errno: code)
    }
    if let path, let mode, unsafe chmod(path, mode) != 0 {
      let code = errno
      close(descriptor)
      throw .system(call: "chmod", errno: code)
    }
    return descriptor
  }

  /// The same socket once more, for another loop.
  public init(sharing other: borrowing ListeningSocket) throws(EventLoopError) {
    let descriptor = fcntl(other.descriptor, F_DUPFD_CLOEXEC, 0)
    if descriptor < 0 { throw .system(call: "fcntl", errno: errno) }
    self.descriptor = descriptor
    address = other.address
  }

  deinit { close(descriptor) }
}

private func setFlag(_ descriptor: Int32, _ level: Int32, _ option: Int32) {
  var on: Int32 = 1
  _ = unsafe setsockopt(descriptor, level, option, &on, socklen_t(MemoryLayout<Int32>.size))
}

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
  public func acceptLast() {
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
