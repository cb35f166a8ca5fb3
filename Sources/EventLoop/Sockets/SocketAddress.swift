import CLibevent
import Glibc

/// A numeric address that a socket can be bound or connected to.
@safe public struct SocketAddress: Sendable, Hashable, CustomStringConvertible {
  /// The bytes of the system's `sockaddr`, as long as it is.
  private let bytes: [UInt8]

  init(_ address: UnsafePointer<sockaddr>, length: socklen_t) {
    bytes = unsafe Array(UnsafeRawBufferPointer(start: address, count: Int(length)))
  }

  /// The address of a unix socket; nil when the path is longer than the system takes (107 bytes).
  public init?(unixPath path: String) {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let utf8 = Array(path.utf8)
    guard !utf8.isEmpty, utf8.count < MemoryLayout.size(ofValue: address.sun_path), !utf8.contains(0) else {
      return nil
    }
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: utf8) }
    bytes = unsafe withUnsafeBytes(of: &address) { unsafe Array($0) }
  }

  /// `AF_INET`, `AF_INET6` or `AF_UNIX`.
  public var family: Int32 {
    unsafe withPointer { address, _ in Int32(unsafe address.pointee.sa_family) }
  }

  /// The port in host order; 0 for a unix socket.
  public var port: UInt16 {
    guard family != AF_UNIX, bytes.count >= 4 else { return 0 }
    return UInt16(bytes[2]) << 8 | UInt16(bytes[3])
  }

  /// Whether only this machine reaches it: 127.0.0.0/8, ::1, the same in IPv6's mapped form, or a unix socket.
  public var isLoopback: Bool {
    switch family {
    case AF_UNIX: true
    case AF_INET: bytes.count > 4 && bytes[4] == 127
    case AF_INET6:
      bytes.count >= 24
        && (Array(bytes[8..<24]) == [UInt8](repeating: 0, count: 15) + [1]
          || Array(bytes[8..<21]) == [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 127])
    default: false
    }
  }

  /// `127.0.0.1:80`, `[::1]:80`, `unix:/path`, or `unix:` for a unix socket without a name.
  public var description: String {
    unsafe withPointer { unsafe Self.text(of: $0, length: $1) }
  }

  /// The path of a unix socket; nil for one that has none, or a name of the abstract namespace, and for other families.
  public var unixPath: String? {
    guard family == AF_UNIX else { return nil }
    let path = bytes.dropFirst(MemoryLayout<sa_family_t>.size).prefix { $0 != 0 }
    return path.isEmpty ? nil : String(decoding: path, as: UTF8.self)
  }

  /// The address without port, in network byte order: 4 or 16 bytes; nil for a unix socket.
  public var hostBytes: [UInt8]? {
    let offset: Int
    let count: Int
    switch family {
    case AF_INET: (offset, count) = (4, 4)
    case AF_INET6: (offset, count) = (8, 16)
    default: return nil
    }
    return bytes.count >= offset + count ? Array(bytes[offset..<offset + count]) : nil
  }

  /// The address without port or brackets; `unix:` for a unix socket.
  public var host: String {
    guard family != AF_UNIX else { return "unix:" }
    return String(description.dropLast(String(port).count + 1)).filter { $0 != "[" && $0 != "]" }
  }

  func withPointer<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
    unsafe bytes.withUnsafeBytes { raw in
      var storage = sockaddr_storage()
      unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.copyBytes(from: raw) }
      return unsafe withUnsafePointer(to: &storage) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe body($0, socklen_t(raw.count))
        }
      }
    }
  }

  /// The addresses of a host, by the system's resolver. Blocks: never call this on a loop.
  ///
  /// - Throws: ``ResolveError`` with the resolver's sentence.
  public static func resolve(host: String, port: UInt16) throws(ResolveError) -> [SocketAddress] {
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    unsafe hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV
    var list: UnsafeMutablePointer<addrinfo>?
    var code = unsafe getaddrinfo(host, String(port), &hints, &list)
    if code == EAI_NONAME {
      // Without an address of its own a machine still has loopback ones.
      unsafe hints.ai_flags = AI_NUMERICSERV
      code = unsafe getaddrinfo(host, String(port), &hints, &list)
    }
    guard code == 0 else {
      throw ResolveError(
        host: host, reason: unsafe gai_strerror(code).map { unsafe String(cString: $0) } ?? "")
    }
    defer { unsafe freeaddrinfo(list) }
    var found: [SocketAddress] = []
    var next = unsafe list
    while let entry = unsafe next {
      if let address = unsafe entry.pointee.ai_addr {
        let one = unsafe SocketAddress(address, length: entry.pointee.ai_addrlen)
        if !found.contains(one) { found.append(one) }
      }
      unsafe next = unsafe entry.pointee.ai_next
    }
    return found
  }

  /// The local (`peer: false`) or remote address of a socket.
  public init?(of descriptor: Int32, peer: Bool) {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let made: SocketAddress? = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        let code =
          peer
          ? unsafe getpeername(descriptor, address, &length)
          : unsafe getsockname(descriptor, address, &length)
        return code == 0 ? unsafe SocketAddress(address, length: length) : nil
      }
    }
    guard let made else { return nil }
    self = made
  }

  private static func text(of address: UnsafePointer<sockaddr>, length: socklen_t) -> String {
    let family = Int32(unsafe address.pointee.sa_family)
    if family == AF_UNIX {
      let path = unsafe UnsafeRawBufferPointer(start: address, count: Int(length)).dropFirst(2)
      return unsafe "unix:" + String(decoding: path.prefix { $0 != 0 }, as: UTF8.self)
    }
    var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    var service = [CChar](repeating: 0, count: Int(NI_MAXSERV))
    let code = unsafe getnameinfo(
      address, length, &host, socklen_t(host.count), &service, socklen_t(service.count),
      NI_NUMERICHOST | NI_NUMERICSERV)
    guard code == 0 else { return "?" }
    let hostText = String(decoding: host.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    let portText = String(decoding: service.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    return family == AF_INET6 ? "[\(hostText)]:\(portText)" : "\(hostText):\(portText)"
  }
}

/// A name that the system's resolver has no address for.
public struct ResolveError: Error, CustomStringConvertible {
  public let host: String
  public let reason: String
  public var description: String { "\(host) does not resolve: \(reason)" }
}
