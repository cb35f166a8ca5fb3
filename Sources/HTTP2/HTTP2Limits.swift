/// What one connection may have Relevo keep and do.
public struct HTTP2Limits: Sendable {
  /// Requests at a time (RFC 9113, 5.1.2). 1 or more.
  public var streams = 100
  /// Bytes of one request's body that may come before an origin has taken them (RFC 9113, 6.9.2). 65,535 or more.
  public var streamWindowBytes = 256 << 10
  /// The same of all requests of the connection together.
  public var connectionWindowBytes = 1 << 20

  public init() {}
}
