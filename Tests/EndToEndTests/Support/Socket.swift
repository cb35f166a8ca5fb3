import Foundation

/// A connected stream socket whose every operation has a deadline.
///
/// One thread may send while another receives. `shutDown` may be called from any thread.
final class Socket: @unchecked Sendable {
  private let lock = NSLock()
  private var descriptor: Int32

  /// Takes over `descriptor`.
  init(_ descriptor: Int32) {
    self.descriptor = descriptor
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    var one: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
  }

  deinit { close() }

  static func connected(
    to port: UInt16, receiveBuffer: Int32? = nil, _ deadline: Deadline = .after()
  ) throws -> Socket {
    try connected(Ports.address(port), family: AF_INET, receiveBuffer: receiveBuffer, deadline)
  }

  static func connected(v6 port: UInt16) throws -> Socket {
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_port = port.bigEndian
    address.sin6_addr = in6addr_loopback
    return try connected(address, family: AF_INET6, receiveBuffer: nil, .after())
  }

  static func connected(path: String) throws -> Socket {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
    return try connected(address, family: AF_UNIX, receiveBuffer: nil, .after())
  }

  private static func connected<Address>(
    _ address: Address, family: Int32, receiveBuffer: Int32?, _ deadline: Deadline
  ) throws -> Socket {
    let descriptor = socket(family, Ports.stream, 0)
    guard descriptor >= 0 else { throw HarnessError.last("socket") }
    if var receiveBuffer { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, 4) }
    let connection = Socket(descriptor)
    let result = withUnsafePointer(to: address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
      }
    }
    if result != 0 {
      guard errno == EINPROGRESS else { throw HarnessError.last("connect") }
      try connection.wait(POLLOUT, deadline, "connect")
      var code: Int32 = 0
      var length: socklen_t = 4
      getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
      guard code == 0 else { throw HarnessError.system("connect", code) }
    }
    return connection
  }

  /// The port of this end.
  var localPort: UInt16 { Ports.port(of: descriptor) }

  func send(_ bytes: Bytes, _ deadline: Deadline = .after()) throws {
    try bytes.withUnsafeBytes { try send($0, deadline) }
  }

  func send(_ bytes: UnsafeRawBufferPointer, _ deadline: Deadline = .after()) throws {
    var sent = 0
    while sent < bytes.count {
      let count = Glibc.send(
        descriptor, bytes.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
      if count >= 0 { sent += count } else { try recover("send", POLLOUT, deadline) }
    }
  }

  /// Sends what the kernel takes before the deadline and returns how much that was.
  func sendUntilBlocked(_ bytes: Bytes, pauseMs: Int32) throws -> Int {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count >= 0 {
        sent += count
      } else if errno == EAGAIN {
        var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        if Glibc.poll(&poll, 1, pauseMs) == 0 { break }
      } else {
        throw HarnessError.last("send")
      }
    }
    return sent
  }

  /// What has arrived, at least one byte; empty when the peer has ended its side.
  func receive(atMost limit: Int = 64 << 10, _ deadline: Deadline = .after()) throws -> Bytes {
    try Bytes(unsafeUninitializedCapacity: limit) { buffer, count in
      count = try receive(into: UnsafeMutableRawBufferPointer(buffer), deadline)
    }
  }

  func receive(into buffer: UnsafeMutableRawBufferPointer, _ deadline: Deadline = .after()) throws -> Int {
    while true {
      let count = recv(descriptor, buffer.baseAddress!, buffer.count, 0)
      if count >= 0 { return count }
      try recover("receive", POLLIN, deadline)
    }
  }

  /// Whether bytes or an end arrive within this time.
  func isReadable(withinMs time: Int32) -> Bool {
    var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return Glibc.poll(&poll, 1, time) > 0
  }

  private func recover(_ call: String, _ event: Int32, _ deadline: Deadline) throws {
    switch errno {
    case EAGAIN: try wait(event, deadline, call)
    case EINTR: break
    case ECONNRESET, EPIPE: throw HarnessError.connectionReset
    default: throw HarnessError.last(call)
    }
  }

  private func wait(_ event: Int32, _ deadline: Deadline, _ what: String) throws {
    while true {
      var poll = pollfd(fd: descriptor, events: Int16(event), revents: 0)
      let ready = Glibc.poll(&poll, 1, deadline.remainingMs)
      if ready > 0 { return }
      if ready == 0 { throw HarnessError.deadline(what) }
      guard errno == EINTR else { throw HarnessError.last("poll") }
    }
  }

  func halfClose() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Ends both directions without giving the descriptor back, so that a thread that waits on it wakes.
  func shutDown() { lock.withLock { if descriptor >= 0 { shutdown(descriptor, Int32(SHUT_RDWR)) } } }

  /// Closes with a reset in place of an orderly end.
  func reset() {
    var linger = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
    close()
  }

  func close() {
    lock.withLock {
      if descriptor >= 0 { Glibc.close(descriptor) }
      descriptor = -1
    }
  }
}
