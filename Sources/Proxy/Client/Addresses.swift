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
