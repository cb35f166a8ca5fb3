import EventLoop
import Glibc
import Proxy

/// A bound address of the admin plane. Removes the file of its unix socket with itself.
final class AdminListener: Sendable {
  /// Read and write for the user and the group that Relevo runs as.
  private static let socketMode: mode_t = 0o660

  let address: SocketAddress
  let socket: SocketBox
  /// Of a unix socket that is this process's own.
  private let file: SocketFile?

  private init(_ socket: SocketBox, path: String?) {
    address = socket.address
    self.socket = socket
    file = socket.outlivesUs ? nil : path.map(SocketFile.init(path:))
  }

  /// What another process has bound.
  private convenience init(inherited socket: SocketBox) {
    self.init(socket, path: socket.address.unixPath)
    // That process has it still.
    file?.leave()
  }

  /// Binds all that `address` resolves to, or takes what is inherited of it.
  ///
  /// - Parameter toOthers: whether other machines may reach it.
  /// - Throws: ``AdminStartError``, ``AdminStartError/open(address:)`` before anything is bound.
  static func bind(
    _ address: ListenAddress, inheriting inherited: InheritedSockets, toOthers: Bool
  ) throws(AdminStartError) -> [AdminListener] {
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
      var bound: [AdminListener] = []
      for one in found {
        bound += try bind(one, inheriting: inherited) { () throws(EventLoopError) in
          try ListeningSocket(address: one, shared: false)
        }
      }
      return bound
    case .unix(let path):
      guard let address = SocketAddress(unixPath: path) else {
        throw .cannotListen(address: "unix:\(path)", reason: "a unix socket's path has 1 to 107 bytes")
      }
      return try bind(address, inheriting: inherited) { () throws(EventLoopError) in
        try ListeningSocket(replacing: path, at: address, mode: socketMode)
      }
    case .inherited(let address):
      if !toOthers, !address.isLoopback { throw .open(address: address.description) }
      return inherited.take(address).map(AdminListener.init(inherited:))
    }
  }

  private static func bind(
    _ address: SocketAddress, inheriting inherited: InheritedSockets,
    _ make: () throws(EventLoopError) -> ListeningSocket
  ) throws(AdminStartError) -> [AdminListener] {
    let sockets = inherited.take(address)
    if !sockets.isEmpty { return sockets.map(AdminListener.init(inherited:)) }
    do throws(EventLoopError) {
      return [AdminListener(SocketBox(try make()), path: address.unixPath)]
    } catch {
      switch error {
      case .system(_, EADDRINUSE): throw .addressInUse(address.description)
      case .system, .noBase: throw .cannotListen(address: address.description, reason: error.description)
      }
    }
  }

  /// No other process accepts here from now on.
  func own() { file?.own() }

  /// Another process accepts here from now on.
  func leave() { file?.leave() }
}
