import CLibevent
import Glibc

/// A bound and listening socket, not yet on a loop. Owns its descriptor.
public struct ListeningSocket: ~Copyable, Sendable {
  public let descriptor: Int32
  /// The address it really has, with the port that the kernel chose for port 0.
  public let address: SocketAddress
  /// Another process keeps it open too, a service manager for instance: who waits in its backlog when this one ends is not
  /// lost, and nothing may be done to the socket that stays.
  public let outlivesUs: Bool

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
    outlivesUs = false
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
    outlivesUs = other.outlivesUs
  }

  /// Takes over a socket that another process has bound, and on which it listens.
  ///
  /// - Parameter outlivesUs: see the property.
  /// - Throws: ``NotAListener`` when the descriptor is something else. It is the caller's then.
  public init(inheriting descriptor: Int32, outlivesUs: Bool) throws(NotAListener) {
    if fcntl(descriptor, F_GETFD) < 0 { throw .notOpen }
    guard let type = socketOption(descriptor, SO_TYPE) else { throw .noSocket }
    guard type == Int32(SOCK_STREAM.rawValue) else { throw .noStream }
    guard socketOption(descriptor, SO_ACCEPTCONN) == 1 else { throw .notListening }
    guard let address = SocketAddress(of: descriptor, peer: false),
      [AF_INET, AF_INET6, AF_UNIX].contains(address.family)
    else { throw .otherFamily }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    if address.family != AF_UNIX { setFlag(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY) }
    self.descriptor = descriptor
    // The system tells the path as long as it is, who names it as long as it may be.
    self.address = address.unixPath.flatMap { SocketAddress(unixPath: $0) } ?? address
    self.outlivesUs = outlivesUs
  }

  deinit { close(descriptor) }
}

func setFlag(_ descriptor: Int32, _ level: Int32, _ option: Int32) {
  var on: Int32 = 1
  _ = unsafe setsockopt(descriptor, level, option, &on, socklen_t(MemoryLayout<Int32>.size))
}

/// The value of one of a socket's own options; nil for what is no socket.
func socketOption(_ descriptor: Int32, _ option: Int32) -> Int32? {
  var value: Int32 = 0
  var size = socklen_t(MemoryLayout<Int32>.size)
  return unsafe getsockopt(descriptor, SOL_SOCKET, option, &value, &size) == 0 ? value : nil
}

/// Why a descriptor can't be accepted on.
public enum NotAListener: Error, CustomStringConvertible {
  case notOpen, noSocket, noStream, notListening, otherFamily

  public var description: String {
    switch self {
    case .notOpen: "is not open"
    case .noSocket: "is no socket"
    case .noStream: "is no stream socket"
    case .notListening: "does not listen"
    case .otherFamily: "is neither a TCP nor a unix socket"
    }
  }
}
