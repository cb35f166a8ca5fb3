import TLS

/// What stands on TLS; may be replaced while the proxy runs.
public struct Encryption: Sendable {
  /// For clients; nil where no listener needs it.
  public var clients: TLSServerContext?
  /// For servers of `https://` URLs; nil where there are none.
  public var origins: TLSClientContext?

  public init(clients: TLSServerContext? = nil, origins: TLSClientContext? = nil) {
    self.clients = clients
    self.origins = origins
  }

  /// Our own, those for clients first.
  public var certificates: [CertificateFacts] {
    (clients?.facts ?? []) + [origins?.facts].compactMap(\.self)
  }
}

/// Where clients without TLS are sent.
public struct HTTPSRedirect: Sendable, Equatable {
  /// The port that clients reach TLS at.
  public var port: UInt16

  public init(port: UInt16 = 443) { self.port = port }
}
