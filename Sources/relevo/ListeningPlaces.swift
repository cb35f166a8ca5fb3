import EventLoop
import Logging
import Proxy

/// Where this process listens: what the flags name, and what it inherits.
struct ListeningPlaces {
  let clients: [ListenAddress]
  let admin: [ListenAddress]
  private(set) var inheritedForClients: InheritedSockets
  private(set) var inheritedForAdmin: InheritedSockets

  /// Sockets that were handed over stand in for flags that were not given; where they were given, for the binding of the
  /// same addresses.
  init(listen: [ListenAddress], admin: [ListenAddress], _ activation: SocketActivation) {
    func places(_ given: [ListenAddress], _ sockets: [SocketBox]) -> [ListenAddress] {
      guard given.isEmpty else { return given }
      return sockets.reduce(into: []) { places, socket in
        let place = ListenAddress.inherited(socket.address)
        if !places.contains(place) { places.append(place) }
      }
    }
    let clients = places(listen, activation.clients)
    self.clients = clients.isEmpty ? [Defaults.listen] : clients
    self.admin = places(admin, activation.admin)
    inheritedForClients = InheritedSockets(activation.clients)
    inheritedForAdmin = InheritedSockets(activation.admin)
  }

  /// Adds the sockets of the process that this one takes over from.
  mutating func take(from predecessor: Predecessor) {
    let (clients, admin) = predecessor.takeSockets()
    inheritedForClients = InheritedSockets(inheritedForClients.takeAll() + clients)
    inheritedForAdmin = InheritedSockets(inheritedForAdmin.takeAll() + admin)
  }

  /// Closes the sockets that no flag names, and says so.
  func closeRest(logger: Logger) {
    for (flag, sockets) in [("--listen", inheritedForClients), ("--admin", inheritedForAdmin)] {
      for address in sockets.addresses {
        logger.warning("the inherited socket of \(address) is not used: no \(flag) names that address")
      }
      _ = sockets.takeAll()
    }
  }
}
