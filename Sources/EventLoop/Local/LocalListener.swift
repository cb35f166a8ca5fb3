import CLibevent
import Glibc

/// Where other processes of this machine can connect, by a name of the abstract namespace: nothing of it is on the disk, it ends
/// with the processes that have it, and it belongs to their network namespace, as TCP addresses do.
@safe public final class LocalListener: Sendable {
  public let name: String
  /// Owned; closed in `deinit`.
  public let descriptor: Int32

  /// - Throws: ``EventLoopError/system(call:errno:)``, `EADDRINUSE` when the name is taken.
  public init(name: String) throws(EventLoopError) {
    let descriptor = try LocalAddress.socket()
    let code = unsafe LocalAddress.withAddress(name) { unsafe bind(descriptor, $0, $1) }
    guard code == 0, listen(descriptor, 8) == 0 else {
      let code = errno
      close(descriptor)
      throw .system(call: "bind", errno: code)
    }
    self.name = name
    self.descriptor = descriptor
  }

  /// One that another process has bound to the name, and that is this one's from now on.
  ///
  /// - Throws: ``NotAListener`` when it is none. The descriptor is the caller's then.
  public init(inheriting descriptor: Int32, name: String) throws(NotAListener) {
    guard socketOption(descriptor, SO_TYPE) == Int32(SOCK_SEQPACKET.rawValue) else { throw .noSocket }
    // Who connects from here on sees this process at the other end.
    guard listen(descriptor, 8) == 0 else { throw .notListening }
    self.name = name
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// Who connects next, without waiting; nil when nobody does.
  public func accept() -> LocalChannel? {
    let accepted = accept4(descriptor, nil, nil, Int32(SOCK_CLOEXEC.rawValue))
    return accepted < 0 ? nil : try? LocalChannel(owning: accepted)
  }
}

/// Names of the abstract namespace.
enum LocalAddress {
  /// The longest name, in bytes.
  static let limitBytes = 107

  static func socket() throws(EventLoopError) -> Int32 {
    let flags = SOCK_SEQPACKET.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
    let descriptor = Glibc.socket(AF_UNIX, Int32(flags), 0)
    if descriptor < 0 { throw .system(call: "socket", errno: errno) }
    return descriptor
  }

  static func withAddress(_ name: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = [0] + Array(name.utf8.prefix(limitBytes))
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
    let size = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
    return unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, size) }
    }
  }
}
