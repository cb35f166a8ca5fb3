import EventLoop
import Glibc
import Proxy

/// A bound address of the admin plane. Removes the file of its unix socket with itself.
final class AdminListener: Sendable {
  /// Read and write for the user and the group that Relevo runs as.
  private static let socketMode: mode_t = 0o660

  let address: SocketAddress
  private let socket: Locked<ListeningSocket?>
  /// The unix socket's file.
  private let path: String?

  private init(_ socket: consuming ListeningSocket, path: String?) {
    address = socket.address
    self.socket = Locked(consume socket)
    self.path = path
  }

  deinit {
    if let path { unsafe unlink(path) }
  }

  /// What an address leads to.
  ///
  /// - Parameter toOthers: whether other machines may reach it.
  /// - Throws: ``AdminStartError``
  static func addresses(
    of address: ListenAddress, toOthers: Bool
  ) throws(AdminStartError) -> [SocketAddress] {
    switch address {
    case .tcp(let host, let port):
      let found: [SocketAddress]
      do throws(ResolveError) {
        found = try SocketAddress.resolve(host: host, port: port)
      } catch {
        throw .cannotListen(address: "\(host):\(port)", reason: error.reason)
      }
      if !toOthers, let open = found.first(where: { !$0.isLoopback }) {
        throw .open(address: open.description)
      }
      return found
    case .unix(let path):
      guard let address = SocketAddress(unixPath: path) else {
        throw .cannotListen(address: "unix:\(path)", reason: "a unix socket's path has 1 to 107 bytes")
      }
      return [address]
    }
  }

  /// Binds all that `address` resolves to.
  ///
  /// - Parameter toOthers: whether other machines may reach it.
  /// - Throws: ``AdminStartError``, ``AdminStartError/open(address:)`` before anything is bound.
  static func bind(_ address: ListenAddress, toOthers: Bool) throws(AdminStartError) -> [AdminListener] {
    try addresses(of: address, toOthers: toOthers).map { one throws(AdminStartError) in
      switch address {
      case .tcp:
        try bind(one.description, path: nil) { () throws(EventLoopError) in
          try ListeningSocket(address: one, shared: false)
        }
      case .unix(let path):
        try bind(one.description, path: path) { () throws(EventLoopError) in
          try ListeningSocket(replacing: path, at: one, mode: socketMode)
        }
      }
    }
  }

  private static func bind(
    _ name: String, path: String?, _ make: () throws(EventLoopError) -> ListeningSocket
  ) throws(AdminStartError) -> AdminListener {
    do throws(EventLoopError) {
      return AdminListener(try make(), path: path)
    } catch {
      switch error {
      case .system(_, EADDRINUSE): throw .addressInUse(name)
      case .system, .noBase: throw .cannotListen(address: name, reason: error.description)
      }
    }
  }

  /// Hands the socket to the thread that accepts on it; nil the second time.
  func take() -> ListeningSocket? {
    socket.withLock { $0.take() }
  }
}
