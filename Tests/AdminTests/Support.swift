import EventLoop
import Glibc
import Logging
import Proxy
import Testing

@testable import Admin

/// A client that writes what it is told and reads until the server closes or `patience` is over.
struct RawClient {
  let address: SocketAddress

  /// - Parameter address: `127.0.0.1:9000` or `unix:/path`, as the server says it.
  init(_ address: String) throws {
    if address.hasPrefix("unix:") {
      self.address = try #require(SocketAddress(unixPath: String(address.dropFirst(5))))
    } else {
      let colon = try #require(address.lastIndex(of: ":"))
      let port = try #require(UInt16(address[address.index(after: colon)...]))
      self.address = try #require(
        SocketAddress.resolve(host: String(address[..<colon]), port: port).first)
    }
  }

  /// The answer to a request that asks for the connection's end.
  func exchange(_ text: String) throws -> String {
    let descriptor = try beginConnecting(to: address)
    defer { close(descriptor) }
    _ = fcntl(descriptor, F_SETFL, 0)
    var patience = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    let bytes = Array(text.utf8)
    #expect(send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count)
    var answer: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let count = recv(descriptor, &part, part.count, 0)
      guard count > 0 else { return String(decoding: answer, as: UTF8.self) }
      answer += part[..<count]
    }
  }

  func get(_ target: String) throws -> String {
    try exchange("GET \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
  }
}

/// Runs an admin plane while `body` talks to its first address.
func withAdmin<T>(
  listeners: [ListenAddress] = [.tcp(host: "127.0.0.1", port: 0)], _ body: (RawClient) throws -> T
) throws -> T {
  let server = AdminServer(AdminConfiguration(listeners: listeners), logger: Logger(label: "test"))
  try server.start()
  defer { server.stop() }
  return try body(RawClient(#require(server.listeningOn.first)))
}

/// A path for a unix socket that no other test uses.
func socketPath(_ name: String = #function) -> String {
  "/tmp/relevo-\(getpid())-\(name.prefix { $0.isLetter }).sock"
}
