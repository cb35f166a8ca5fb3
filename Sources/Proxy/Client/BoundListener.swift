import EventLoop
import Glibc

/// The sockets of one address: one for each worker (`SO_REUSEPORT`), one shared by all (unix), or what another process has
/// bound.
final class BoundListener: Sendable {
  let address: SocketAddress
  let sockets: [SocketBox]
  /// Of a unix socket that is this process's own.
  private let file: SocketFile?

  /// Binds a socket for each worker, after making sure that no other process listens there: with
  /// `SO_REUSEPORT` alone a second Relevo would quietly take half of the connections.
  init(_ address: SocketAddress, workers: Int) throws(ProxyStartError) {
    var target = address
    var sockets: [SocketBox] = []
    do throws(EventLoopError) {
      if address.port != 0 { try ListeningSocket.checkIsFree(address) }
      for _ in 0..<workers {
        let box = try SocketBox(ListeningSocket(address: target, shared: true))
        target = box.address
        sockets.append(box)
      }
    } catch {
      throw Self.startError(error, at: address)
    }
    self.address = target
    self.sockets = sockets
    file = nil
  }

  /// Binds a unix socket; a file left behind by a process that is gone is replaced.
  init(unix address: SocketAddress, path: String) throws(ProxyStartError) {
    do throws(EventLoopError) {
      sockets = [try SocketBox(ListeningSocket(replacing: path, at: address, mode: nil))]
    } catch {
      throw Self.startError(error, at: address)
    }
    self.address = address
    file = SocketFile(path: path)
  }

  /// Takes over what is bound already, one socket at least, all of `address`.
  init(inherited: [SocketBox], at address: SocketAddress, workers: Int) {
    var sockets = inherited
    // A worker more than the process before had gets a socket of its own, where that is possible. A service manager's
    // sockets are left as they are: it would not keep ours.
    if address.family != AF_UNIX, !inherited.contains(where: \.outlivesUs) {
      while sockets.count < workers, let more = try? ListeningSocket(address: address, shared: true) {
        sockets.append(SocketBox(more))
      }
    }
    self.address = address
    self.sockets = sockets
    file = inherited.contains(where: \.outlivesUs) ? nil : address.unixPath.map(SocketFile.init(path:))
    // The process before has it still.
    file?.leave()
  }

  /// The sockets that a worker listens on, as descriptors of its own. Whole rounds are dealt out; every worker listens on
  /// what is left of them, and so each socket has somebody who accepts, however many there are.
  func forWorker(_ index: Int, of workers: Int) throws(EventLoopError) -> [SocketBox] {
    let dealt = sockets.count - sockets.count % workers
    var own: [SocketBox] = []
    for (place, socket) in sockets.enumerated() where place >= dealt || place % workers == index {
      own.append(try socket.duplicate())
    }
    return own
  }

  /// No other process accepts here from now on.
  func own() { file?.own() }

  /// Another process accepts here from now on.
  func leave() { file?.leave() }

  private static func startError(_ error: EventLoopError, at address: SocketAddress) -> ProxyStartError {
    switch error {
    case .system(_, EADDRINUSE): .addressInUse(address.description)
    case .system(_, EACCES):
      .cannotListen(
        address: address.description,
        reason:
          "permission denied: a port below 1024 needs CAP_NET_BIND_SERVICE, a unix socket a writable folder")
    case .system, .noBase: .cannotListen(address: address.description, reason: error.description)
    }
  }
}

/// The listening sockets of one worker, each taken once.
struct ListenerSet: Sendable {
  private var boxes: [SocketBox]

  init(_ boxes: [SocketBox]) { self.boxes = boxes }

  mutating func next() -> ListeningSocket? {
    boxes.popLast()?.take()
  }
}
