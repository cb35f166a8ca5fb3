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

  /// What an address leads to.
  ///
  /// - Parameter toOthers: whether other machines may reach it.
  /// - Throws: ``AdminStartError``
  static func addresses(
    of address: ListenAddress, toOthers: Bool
  ) throws(AdminStartError) -> [SocketAddress] {
    let found: [SocketAddress]
    do throws(UnusableAddress) {
      found = try address.addresses()
    } catch {
      throw .cannotListen(address: error.address, reason: error.reason)
    }
    if !toOthers, let open = found.first(where: { !$0.isLoopback }) {
      throw .open(address: open.description)
    }
    return found
  }

  /// Binds all that `address` resolves to, or takes what is inherited of it.
  ///
  /// - Parameter toOthers: whether other machines may reach it.
  /// - Throws: ``AdminStartError``, ``AdminStartError/open(address:)`` before anything is bound.
  static func bind(
    _ address: ListenAddress, inheriting inherited: InheritedSockets, toOthers: Bool
  ) throws(AdminStartError) -> [AdminListener] {
    var listeners: [AdminListener] = []
    for one in try addresses(of: address, toOthers: toOthers) {
      switch address {
      case .tcp:
        listeners += try bind(one, inheriting: inherited) { () throws(EventLoopError) in
          try ListeningSocket(address: one, shared: false)
        }
      case .unix(let path):
        listeners += try bind(one, inheriting: inherited) { () throws(EventLoopError) in
          try ListeningSocket(replacing: path, at: one, mode: socketMode)
        }
      case .inherited:
        listeners += inherited.take(one).map(AdminListener.init(inherited:))
      }
    }
    return listeners
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
