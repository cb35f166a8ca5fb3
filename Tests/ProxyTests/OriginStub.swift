import EventLoop
import Glibc
import Synchronization

/// An origin on a POSIX socket: it answers every request with what `answer` makes of its head, and closes.
final class OriginStub: Sendable {
  let port: UInt16
  private let descriptor: Int32
  private let heads = Locked<[String]>([])
  private let isStopped = Atomic<Bool>(false)

  init(_ answer: @escaping @Sendable (String) -> String) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    port = try listenOnLoopback(descriptor)
    try LoopThread(name: "origin") { [self] in
      while !isStopped.load(ordering: .acquiring) {
        var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&watched, 1, 20) == 1 else { continue }
        let connection = accept(descriptor, nil, nil)
        if connection < 0 { continue }
        let head = receive(from: connection) { $0.hasSuffix("\r\n\r\n") }
        heads.withLock { $0.append(head) }
        let bytes = Array(answer(head).utf8)
        _ = send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        close(connection)
      }
      close(descriptor)
    }.detach()
  }

  /// The heads of the requests so far.
  var requests: [String] { heads.withLock { $0 } }

  func stop() { isStopped.store(true, ordering: .releasing) }
}

/// Binds a socket to a free port of loopback.
func listenOnLoopback(_ descriptor: Int32) throws -> UInt16 {
  var address = loopbackAddress(port: 0)
  var size = socklen_t(MemoryLayout<sockaddr_in>.size)
  let code = withUnsafeMutablePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(descriptor, $0, size) == 0 && listen(descriptor, 16) == 0 ? getsockname(descriptor, $0, &size) : -1
    }
  }
  guard code == 0 else { throw EventLoopError.system(call: "bind", errno: errno) }
  return UInt16(bigEndian: address.sin_port)
}

/// Sends a message to a port of loopback and returns all that comes back until the other side closes.
func exchange(port: UInt16, _ message: String) throws -> String {
  let descriptor = try connect(port: port, sending: message)
  defer { close(descriptor) }
  return receive(from: descriptor) { _ in false }
}

/// Connects to a port of loopback and sends a message; the caller owns the descriptor.
func connect(port: UInt16, sending message: String) throws -> Int32 {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  guard connect(descriptor, port: port) else {
    close(descriptor)
    throw EventLoopError.system(call: "connect", errno: errno)
  }
  let bytes = Array(message.utf8)
  _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  return descriptor
}

/// Whether something accepts connections on a port of loopback.
func accepts(port: UInt16) -> Bool {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  defer { close(descriptor) }
  return connect(descriptor, port: port)
}

private func connect(_ descriptor: Int32, port: UInt16) -> Bool {
  var address = loopbackAddress(port: port)
  return withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
    }
  }
}

private func loopbackAddress(port: UInt16) -> sockaddr_in {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  return address
}

/// What comes until `isWhole`, the end, or five seconds of silence.
func receive(from descriptor: Int32, until isWhole: (String) -> Bool) -> String {
  var patience = timeval(tv_sec: 5, tv_usec: 0)
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  var bytes: [UInt8] = []
  var part = [UInt8](repeating: 0, count: 65_536)
  while !isWhole(text(bytes)) {
    let count = recv(descriptor, &part, part.count, 0)
    if count <= 0 { break }
    bytes += part.prefix(count)
  }
  return text(bytes)
}
