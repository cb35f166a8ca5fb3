import Foundation

/// Keeps descriptors from children: held where one is made that a child would inherit, and where a child starts.
enum Inheritance {
  static let lock = NSLock()

  /// Makes a descriptor that no child inherits; nil when it could not be made, with errno set.
  static func without(_ make: () -> Int32) -> Int32? {
    lock.withLock {
      let descriptor = make()
      guard descriptor >= 0 else { return nil }
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
      return descriptor
    }
  }
}

/// Loopback ports and the sockets bound to them.
enum Ports {
  static let stream = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)

  static func address(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
    return address
  }

  static func port(of descriptor: Int32) -> UInt16 {
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    _ = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    return UInt16(bigEndian: address.sin_port)
  }

  /// A socket bound to a loopback port that nobody listens on yet: a connection to it is refused.
  static func bound(_ port: UInt16 = 0) throws -> Int32 {
    let descriptor = socket(AF_INET, stream, 0)
    guard descriptor >= 0 else { throw HarnessError.last("socket") }
    var one: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, 4)
    let result = withUnsafePointer(to: address(port)) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else {
      let error = HarnessError.last("bind")
      close(descriptor)
      throw error
    }
    return descriptor
  }

  private static let lock = NSLock()
  nonisolated(unsafe) private static var next = UInt16(20_000 + getpid() % 8_000)

  /// A port for a server that cannot choose its own, outside the range that the kernel hands out.
  static func free() throws -> UInt16 {
    try lock.withLock {
      for _ in 0..<1_000 {
        next = next >= 31_000 ? 20_000 : next + 1
        if let descriptor = try? bound(next) {
          close(descriptor)
          return next
        }
      }
      throw HarnessError.malformed("no free port")
    }
  }
}

/// Something that can stand where an origin is named.
protocol Origin: AnyObject, Sendable {
  var port: UInt16 { get }
  /// As a flag names it.
  var url: String { get }
}

extension Origin {
  var url: String { "http://\(authority)" }
  var authority: String { "127.0.0.1:\(port)" }
}

/// A port that refuses every connection, reserved so that nobody else takes it.
final class RefusedPort: Origin {
  let port: UInt16
  private let descriptor: Int32

  init() throws {
    descriptor = try Ports.bound()
    port = Ports.port(of: descriptor)
  }

  deinit { close(descriptor) }
}

/// A port whose backlog is full: a connection to it is neither accepted nor refused.
final class StalledPort: Origin {
  let port: UInt16
  private let descriptor: Int32
  private let fillers: [Socket]

  init() throws {
    descriptor = try Ports.bound()
    port = Ports.port(of: descriptor)
    listen(descriptor, 0)
    var fillers: [Socket] = []
    for _ in 0..<8 {
      guard let filler = try? Socket.connected(to: port, .after(0.2)) else { break }
      fillers.append(filler)
    }
    self.fillers = fillers
  }

  deinit { close(descriptor) }
}
