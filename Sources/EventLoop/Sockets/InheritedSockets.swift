/// Listening sockets that other processes have bound, to be used in place of binding their addresses.
public final class InheritedSockets: Sendable {
  private let waiting: Locked<[SocketBox]>

  public init(_ sockets: [SocketBox] = []) {
    waiting = Locked(sockets)
  }

  /// Those of this address, each given once; empty when there are none.
  public func take(_ address: SocketAddress) -> [SocketBox] {
    waiting.withLock { waiting in
      let taken = waiting.filter { $0.address == address }
      waiting.removeAll { $0.address == address }
      return taken
    }
  }

  /// The addresses of those that nobody has taken yet, each once.
  public var addresses: [SocketAddress] {
    waiting.withLock { waiting in
      waiting.map(\.address).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
  }

  /// All that nobody has taken yet.
  public func takeAll() -> [SocketBox] {
    waiting.withLock { waiting in
      defer { waiting = [] }
      return waiting
    }
  }
}
