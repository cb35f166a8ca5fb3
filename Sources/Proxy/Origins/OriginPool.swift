import EventLoop
import Glibc

/// One address of an origin, as one worker sees it: its open connections and whether it answers.
final class OriginServer {
  /// Idle connections kept for the next request; what comes back past that is closed.
  static let keptIdle = 512
  /// How long a server that refused is left out, in milliseconds.
  static let pauseMs: UInt64 = 10_000

  let address: SocketAddress
  /// `host:port` as the operator wrote it, without a default port: the `Host` for clients that sent none.
  let authority: [UInt8]
  /// The same in its parts.
  let name: HostAndPort
  /// For the log.
  let label: [UInt8]
  /// Every connection of this server, by descriptor: this is what keeps them alive.
  private var connections: [Int32: OriginConnection] = [:]
  /// Those that wait for a request; the one used last is taken first.
  private var idle: [OriginConnection] = []
  private var leftOutUntilMs: UInt64 = 0
  /// False once the name no longer resolves to this address.
  private(set) var isCurrent = true

  init(address: SocketAddress, authority: [UInt8]) {
    self.address = address
    self.authority = authority
    name = HostAndPort(authority)
    label = Array(address.description.utf8)
  }

  func isLeftOut(nowMs: UInt64) -> Bool { leftOutUntilMs > nowMs }
  func leaveOut(nowMs: UInt64) { leftOutUntilMs = nowMs + Self.pauseMs }
  func answered() { leftOutUntilMs = 0 }

  func takeIdle() -> OriginConnection? { idle.popLast() }

  func add(_ connection: OriginConnection) {
    connections[connection.descriptor] = connection
  }

  /// Keeps a connection for the next request; false when there are enough, or the server is no longer wanted.
  func keep(_ connection: OriginConnection) -> Bool {
    guard isCurrent, idle.count < Self.keptIdle else { return false }
    idle.append(connection)
    return true
  }

  /// Drops a connection that is about to be closed.
  func remove(_ connection: OriginConnection, wasIdle: Bool) {
    if wasIdle, let place = idle.lastIndex(where: { $0 === connection }) { idle.remove(at: place) }
    connections[connection.descriptor] = nil
  }

  /// The name does not lead here any more: idle connections go now, busy ones after their answer.
  func retire() {
    isCurrent = false
    closeIdle()
  }

  func closeIdle() {
    for connection in Array(idle) { connection.close() }
  }

  func closeAll() {
    for connection in Array(connections.values) { connection.close() }
  }
}

/// The servers of one site, served in turn.
final class OriginPool {
  private(set) var servers: [OriginServer]
  private var turn = 0

  init(_ origins: [ResolvedOrigin]) {
    servers = origins.map { OriginServer(address: $0.address, authority: $0.authority) }
  }

  /// The next server that answers and is not in `tried`; when all are left out, the next of them all the same.
  func next(excluding tried: TriedServers, nowMs: UInt64) -> OriginServer? {
    var fallback: OriginServer?
    for offset in 0..<servers.count {
      let server = servers[(turn + offset) % servers.count]
      if tried.contains(server) { continue }
      if !server.isLeftOut(nowMs: nowMs) {
        turn = (turn + offset + 1) % servers.count
        return server
      }
      if fallback == nil { fallback = server }
    }
    return fallback
  }

  /// Follows a name whose addresses have changed.
  func update(_ origins: [ResolvedOrigin]) {
    var kept: [OriginServer] = []
    for origin in origins {
      if let known = servers.first(where: { $0.address == origin.address && $0.authority == origin.authority }
      ) {
        kept.append(known)
      } else {
        kept.append(OriginServer(address: origin.address, authority: origin.authority))
      }
    }
    for server in servers where !kept.contains(where: { $0 === server }) { server.retire() }
    servers = kept
    turn = 0
  }

  func closeAll() {
    for server in servers { server.closeAll() }
  }
}

/// The servers that one exchange has asked in vain.
struct TriedServers {
  private var servers: [OriginServer] = []

  mutating func insert(_ server: OriginServer) {
    if !contains(server) { servers.append(server) }
  }

  func contains(_ server: OriginServer) -> Bool {
    servers.contains { $0 === server }
  }

  mutating func removeAll() {
    if !servers.isEmpty { servers.removeAll() }
  }
}

/// An origin's name with one of its addresses.
struct ResolvedOrigin: Sendable, Equatable {
  var address: SocketAddress
  var authority: [UInt8]
}
