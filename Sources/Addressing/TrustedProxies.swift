/// The proxies whose word about their clients is believed.
public struct TrustedProxies: Sendable, Equatable {
  public var prefixes: [IPPrefix]
  /// Whoever connects by a unix socket is one.
  public var includesUnixSockets: Bool

  public static let none = TrustedProxies(prefixes: [], includesUnixSockets: false)

  public init(prefixes: [IPPrefix], includesUnixSockets: Bool) {
    self.prefixes = prefixes
    self.includesUnixSockets = includesUnixSockets
  }

  /// Complexity: O(number of prefixes); asked once a connection, and once for each proxy that a trusted one names.
  public func contains(_ address: IPAddress) -> Bool {
    prefixes.contains { $0.contains(address) }
  }

  public func contains(_ peer: PeerAddress) -> Bool {
    switch peer {
    case .ip(let address): contains(address)
    case .unix: includesUnixSockets
    }
  }
}
