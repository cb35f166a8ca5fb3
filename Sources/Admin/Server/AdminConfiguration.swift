import Proxy

/// How the admin plane is reached.
public struct AdminConfiguration: Sendable {
  /// Where it listens.
  public var listeners: [ListenAddress]

  public init(listeners: [ListenAddress]) {
    self.listeners = listeners
  }
}

/// Why the admin plane could not start.
public enum AdminStartError: Error, CustomStringConvertible {
  case addressInUse(String)
  case cannotListen(address: String, reason: String)
  /// Others than this machine reach the address, and nobody would be asked who they are.
  case open(address: String)
  case system(String)

  public var description: String {
    switch self {
    case .addressInUse(let address):
      "\(address) is in use by another process: stop that one or choose another --admin address"
    case .cannotListen(let address, let reason): "can't listen on \(address): \(reason)"
    case .open(let address):
      "--admin \(address) is reached from other machines: listen on 127.0.0.1 or unix:/path"
    case .system(let reason): "the admin plane can't start: \(reason)"
    }
  }
}
