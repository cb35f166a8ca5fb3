import EventLoop

/// A server of a site, as one worker sees it: its open connections and whether it answers.
final class OriginServer {
  /// What all workers share of it.
  let state: OriginState
  /// What this worker has done with it.
  let tally: OriginTally
  /// `host:port` as the operator wrote it, without a default port: the `Host` for clients that sent none.
  let authority: [UInt8]
  /// The same in its parts.
  let name: HostAndPort
  /// For the log.
  let label: ShortText
  /// Stands in front of the sticky cookie's values that it sets: see ``StickyCookie``.
  let tag: [UInt8]
  /// Its part in the choice of a server for sessions that have none: see ``OriginPool/home(of:in:mayTry:nowMs:)``.
  let sessionSeed: UInt64
  /// Every connection of this server, by descriptor: this is what keeps them alive.
  private var connections: [Int32: OriginConnection] = [:]
  /// Those that wait for a request; the one used last is taken first.
  private var idle: [OriginConnection] = []
  /// What it is owed by weighted round robin.
  var credit = 0
  /// Scratch of the pool's choice: what it weighs in this one, 0 when it is out, and its requests under way.
  var offer = 0
  var load = 0
  /// False once the settings, or its name, lead here no more.
  private(set) var isCurrent = true

  private let worker: Int
  private let room: WaitingRoom

  /// - Parameters:
  ///   - worker: the number of the worker.
  ///   - room: where requests wait for the servers of the site.
  init(_ state: OriginState, worker: Int, room: WaitingRoom) {
    self.state = state
    self.worker = worker
    self.room = room
    tally = state.tallies[worker]
    authority = Array(state.authority.utf8)
    name = HostAndPort(authority)
    label = ShortText(state.address.description.utf8)
    tag = StickyCookie.tag(id: state.id)
    sessionSeed = SessionHash.seed(tag)
  }

  var address: SocketAddress { state.address }

  /// It serves its maximum.
  var isFull: Bool { state.isFull }

  /// Takes a place for a request; nil when it serves its maximum.
  func enter(isTrial: Bool = false) -> OriginSlot? {
    let max = state.max
    let marks: OriginSlot.Marks = isTrial ? .trial : []
    if max == .max { return OriginSlot(self, marks) }
    return state.gate.tryEnter(max: max) ? OriginSlot(self, marks.union(.counted)) : nil
  }

  /// A place that ``enter(isTrial:)`` gave is free again.
  @inline(never)
  func slotEnded(_ marks: OriginSlot.Marks) {
    if marks.contains(.trial) { state.endTrial() }
    if marks.contains(.counted) {
      state.gate.leave()
      room.slotIsFree(besides: worker, others: state.tallies.count)
    }
  }

  func takeIdle() -> OriginConnection? { idle.popLast() }

  func add(_ connection: OriginConnection) {
    connections[connection.descriptor] = connection
  }

  /// Keeps a connection for the next request; false when there are `limit` already, or the server is no longer wanted.
  func keep(_ connection: OriginConnection, atMost limit: Int) -> Bool {
    guard isCurrent, idle.count < limit else { return false }
    idle.append(connection)
    return true
  }

  /// Drops a connection that has been closed.
  ///
  /// - Parameter descriptor: what it had.
  func remove(_ connection: OriginConnection, descriptor: Int32, wasIdle: Bool) {
    if wasIdle, let place = idle.lastIndex(where: { $0 === connection }) { idle.remove(at: place) }
    connections[descriptor] = nil
  }

  /// Nothing leads here any more: idle connections go now, busy ones after their answer.
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
