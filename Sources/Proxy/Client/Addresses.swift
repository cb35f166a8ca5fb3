import EventLoop

/// An address that Relevo accepts clients on.
public enum ListenAddress: Sendable, Hashable {
  /// A numeric IPv4 or IPv6 address, or a name, and a port; port 0 lets the kernel choose.
  case tcp(host: String, port: UInt16)
  /// The path of a unix socket.
  case unix(path: String)
  /// Of a socket that another process has bound, and that is there to be used.
  case inherited(SocketAddress)
}

extension ListenAddress {
  /// All that it leads to. Blocks for the resolver where it has a name.
  ///
  /// - Throws: ``UnusableAddress`` when it leads nowhere.
  public func addresses() throws(UnusableAddress) -> [SocketAddress] {
    switch self {
    case .tcp(let host, let port):
      do throws(ResolveError) {
        return try SocketAddress.resolve(host: host, port: port)
      } catch {
        throw UnusableAddress(address: "\(host):\(port)", reason: error.reason)
      }
    case .unix(let path):
      guard let address = SocketAddress(unixPath: path) else {
        throw UnusableAddress(
          address: "unix:\(path)", reason: "a unix socket's path has 1 to 107 bytes")
      }
      return [address]
    case .inherited(let address): return [address]
    }
  }
}

/// Why nobody can listen at an address.
public struct UnusableAddress: Error {
  public let address: String
  public let reason: String
}

/// An origin as the operator named it: `http://host`, `http://host:port` or `http://[v6]:port`.
public struct OriginAddress: Sendable, Hashable {
  /// The host without brackets.
  public var host: String
  public var port: UInt16
  public var options: OriginOptions

  public init(host: String, port: UInt16, options: OriginOptions = OriginOptions()) {
    self.host = host
    self.port = port
    self.options = options
  }
}
