import EventLoop

/// A server of a site, as one worker sees it: its open connections and whether it answers.
final class OriginServer {
  /// Idle connections kept for the next request; what comes back past that is closed.
  static let keptIdle = 512
  /// How long a server that refused is left out, in milliseconds.
  static let pauseMs: UInt64 = 10_000

  /// What all workers share of it.
  let state: OriginState
  /// What this worker has done with it.
  let tally: OriginTally
  /// `host:port` as the operator wrote it, without a default port: the `Host` for clients that sent none.
  let authority: [UInt8]
  /// The same in its parts.
  let name: HostAndPort
  /// For the log.
  let label: [UInt8]
  /// Stands in front of the sticky cookie's values that it sets: see ``StickyCookie``.
  let tag: [UInt8]
  /// Its part in the choice of a server for sessions that have none: see ``OriginPool/home(of:in:nowMs:)``.
  let sessionSeed: UInt64
  /// Every connection of this server, by descriptor: this is what keeps them alive.
  private var connections: [Int32: OriginConnection] = [:]
  /// Those that wait for a request; the one used last is taken first.
  private var idle: [OriginConnection] = []
  private var leftOutUntilMs: UInt64 = 0
  /// False once the name no longer resolves to this address.
  private(set) var isCurrent = true

  init(_ state: OriginState, worker: Int) {
    self.state = state
    tally = state.tallies[worker]
    authority = Array(state.authority.utf8)
    name = HostAndPort(authority)
    label = Array(state.address.description.utf8)
    tag = StickyCookie.tag(id: state.id)
    sessionSeed = SessionHash.seed(tag)
  }

  var address: SocketAddress { state.address }

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
