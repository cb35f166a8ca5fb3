import Admin
import EventLoop
import Proxy
import URLMap

/// What a process has to hand over.
struct TakeoverSubject: Sendable {
  let proxy: ProxyServer
  let admin: AdminServer?
  let memory: URLMemory
  let watchdogMs: UInt64?

  /// The sockets of a place, and which they are.
  struct Place {
    let name: String
    let sockets: [SocketBox]
  }

  var clients: [Place] { Self.places(proxy.sockets) }
  var operators: [Place] { Self.places(admin?.sockets ?? []) }

  var modes: [String: OriginMode] {
    proxy.originStates.reduce(into: [:]) { if $1.mode != .ready { $0[$1.id] = $1.mode } }
  }

  private static func places(_ sockets: [SocketBox]) -> [Place] {
    var addresses: [SocketAddress] = []
    for socket in sockets where !addresses.contains(socket.address) { addresses.append(socket.address) }
    return addresses.compactMap { address in
      TakeoverPlace.name(of: address).map { name in
        Place(name: name, sockets: sockets.filter { $0.address == address })
      }
    }
  }
}

/// The process that has taken over, and where it accepts by now.
struct Successor: Sendable {
  let processID: Int32
  let addresses: Set<SocketAddress>
}
