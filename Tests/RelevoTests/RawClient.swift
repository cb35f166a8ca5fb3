import EventLoop
import Glibc

/// Sends `text` to a loopback port, and returns all that comes until the other side closes or five seconds
/// have passed without a byte.
func exchange(port: UInt16, sending text: String) throws -> String {
  signal(SIGPIPE, SIG_IGN)
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  guard descriptor >= 0 else { throw EventLoopError.system(call: "socket", errno: errno) }
  defer { close(descriptor) }
  var patience = timeval(tv_sec: 5, tv_usec: 0)
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
  let connected = withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }
  guard connected == 0 else { throw EventLoopError.system(call: "connect", errno: errno) }
  let bytes = Array(text.utf8)
  guard write(descriptor, bytes, bytes.count) == bytes.count else {
    throw EventLoopError.system(call: "write", errno: errno)
  }
  var received: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 65_536)
  while true {
    let count = recv(descriptor, &chunk, chunk.count, 0)
    guard count > 0 else { break }
    received += chunk.prefix(count)
  }
  return String(decoding: received, as: UTF8.self)
}
