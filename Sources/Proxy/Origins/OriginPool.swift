/// The servers of one site, served in turn.
final class OriginPool {
  private(set) var servers: [OriginServer] {
    didSet { tags = servers.map(\.tag) }
  }
  /// Of the servers, in their order: see ``StickyCookie``.
  private(set) var tags: [[UInt8]]
  private var turn = 0

  /// The number of the worker that uses it.
  private let worker: Int

  init(_ origins: [OriginState], worker: Int) {
    self.worker = worker
    servers = origins.map { OriginServer($0, worker: worker) }
    tags = servers.map(\.tag)
  }

  /// The next server that takes requests and is not in `tried`. When all of them are down or left out, the next of them
  /// all the same; nil when the operator wants none of them asked.
  func next(excluding tried: TriedServers, nowMs: UInt64) -> OriginServer? {
    var fallback: OriginServer?
    for offset in 0..<servers.count {
      let server = servers[(turn + offset) % servers.count]
      if server.state.mode != .ready || tried.contains(server) { continue }
      if server.state.checked != .down, !server.isLeftOut(nowMs: nowMs) {
        turn = (turn + offset + 1) % servers.count
        return server
      }
      if fallback == nil { fallback = server }
    }
    return fallback
  }

  /// Follows names whose addresses have changed.
  func update(_ origins: [OriginState]) {
    let former = servers
    servers = origins.map { state in
      former.first { $0.state === state } ?? OriginServer(state, worker: worker)
    }
    for server in former where !servers.contains(where: { $0 === server }) { server.retire() }
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
