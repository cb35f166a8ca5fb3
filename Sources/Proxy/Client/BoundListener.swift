import EventLoop
import Glibc

/// The sockets of one address: one for each worker (`SO_REUSEPORT`), or one shared by all (unix).
final class BoundListener: Sendable {
  let address: SocketAddress
  private let sockets: Locked<Sockets>
  /// The unix socket's file, made by this object and removed with it.
  private let path: String?

  private struct Sockets: ~Copyable {
    var waiting: [Int32: SocketBox] = [:]
    var shared: SocketBox?
  }

  /// Binds a socket for each worker, after making sure that no other process listens there: with
  /// `SO_REUSEPORT` alone a second Relevo would quietly take half of the connections.
  init(_ address: SocketAddress, workers: Int, isSecure: Bool) throws(ProxyStartError) {
    var target = address
    var waiting: [Int32: SocketBox] = [:]
    do throws(EventLoopError) {
      if address.port != 0 { try ListeningSocket.checkIsFree(address) }
      for index in 0..<workers {
        let box = try SocketBox(ListeningSocket(address: target, shared: true), isSecure: isSecure)
        target = box.address
        waiting[Int32(index)] = box
      }
    } catch {
      throw Self.startError(error, at: address)
    }
    self.address = target
    path = nil
    sockets = Locked(Sockets(waiting: waiting, shared: nil))
  }

  /// Binds a unix socket; a file left behind by a process that is gone is replaced.
  init(unix address: SocketAddress, path: String, isSecure: Bool) throws(ProxyStartError) {
    do throws(EventLoopError) {
      let box = try SocketBox(ListeningSocket(replacing: path, at: address, mode: nil), isSecure: isSecure)
      self.address = address
      self.path = path
      sockets = Locked(Sockets(shared: box))
    } catch {
      throw Self.startError(error, at: address)
    }
  }

  deinit {
    if let path { unsafe unlink(path) }
  }

  /// The socket that a worker listens on; asked once for each.
  func forWorker(_ index: Int) throws(EventLoopError) -> SocketBox {
    let (own, shared) = sockets.withLock { sockets in
      (sockets.waiting.removeValue(forKey: Int32(index)), sockets.shared)
    }
    if let own { return own }
    guard let shared else { throw .system(call: "listen", errno: EBADF) }
    return try shared.duplicate()
  }

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

/// Hands a listening socket from the thread that bound it to the one that accepts on it.
final class SocketBox: Sendable {
  let address: SocketAddress
  /// Its clients speak TLS.
  let isSecure: Bool
  private let socket: Locked<ListeningSocket?>

  init(_ socket: consuming ListeningSocket, isSecure: Bool) {
    address = socket.address
    self.isSecure = isSecure
    self.socket = Locked(consume socket)
  }

  func take() -> ListeningSocket? {
    socket.withLock { $0.take() }
  }

  func duplicate() throws(EventLoopError) -> SocketBox {
    let copy: Result<SocketBox, EventLoopError> = socket.withLock { socket in
      guard let present = socket.take() else { return .failure(.system(call: "dup", errno: EBADF)) }
      do throws(EventLoopError) {
        let box = SocketBox(try ListeningSocket(sharing: present), isSecure: isSecure)
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

/// The listening sockets of one worker, each taken once.
struct ListenerSet: Sendable {
  private var boxes: [SocketBox]

  init(_ boxes: [SocketBox]) { self.boxes = boxes }

  mutating func next() -> SocketBox? { boxes.popLast() }
}
