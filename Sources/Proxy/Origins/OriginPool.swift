/// The servers of one site, as one worker sees them, and its requests that wait for one of them.
final class OriginPool {
  private(set) var servers: [OriginServer] {
    didSet { tags = servers.map(\.tag) }
  }
  /// Of the servers, in their order: see ``StickyCookie``.
  private(set) var tags: [[UInt8]]
  var balance: Balance
  /// The number of the worker that uses it.
  private let worker: Int
  private let room: WaitingRoom
  private var line = WaitingLine<Waiter>()
  /// Those in the line that can be given what the others can't.
  private var particularWaiters = 0
  private var isServingLine = false

  private struct Waiter {
    let request: any WaitingRequest
    let isParticular: Bool
  }

  init(_ origins: [OriginState], worker: Int, balance: Balance, room: WaitingRoom) {
    self.worker = worker
    self.balance = balance
    self.room = room
    servers = origins.map { OriginServer($0, worker: worker, room: room) }
    tags = servers.map(\.tag)
  }

  /// Follows the settings, and names whose addresses have changed.
  func update(_ origins: [OriginState]) {
    let former = servers
    servers = origins.map { state in
      former.first { $0.state === state } ?? OriginServer(state, worker: worker, room: room)
    }
    for server in former where !servers.contains(where: { $0 === server }) { server.retire() }
  }

  func closeAll() {
    for server in servers { server.closeAll() }
  }

  // MARK: Choosing

  /// A place for a request: at its preferred server, else at one that is due for a trial, else at one of those that are
  /// up, as the balance says. When all are down, at one of them all the same, as far as the request's last resort goes.
  func choose(for request: OriginRequest, nowMs: UInt64) -> OriginChoice {
    if let preferred = request.preferred, takesItsOwn(preferred, request, nowMs) {
      if let slot = preferred.enter() { return .server(slot) }
      return .full
    }
    var someAreFull = false
    // By their places: the list itself need not be held.
    for index in 0..<servers.count {
      let server = servers[index]
      server.offer = 0
      switch offer(of: server, to: request, nowMs: nowMs) {
      case .none: break
      case .full: someAreFull = true
      case .share(let weight):
        // One that is alone need not be weighed.
        if servers.count == 1, let slot = server.enter() { return .server(slot) }
        server.offer = weight
      case .trial:
        if let slot = server.enter(isTrial: true) { return .server(slot) }
        server.state.endTrial()
      }
    }
    if let slot = takeBest(&someAreFull) { return .server(slot) }
    if someAreFull { return .full }
    for server in servers
    where server.state.mode == .ready && !request.tried.contains(server)
      && request.lastResort.allows(server.state, nowMs: nowMs)
    {
      if server.isFull { someAreFull = true } else { server.offer = server.state.weight }
    }
    if let slot = takeBest(&someAreFull) { return .server(slot) }
    return someAreFull ? .full : .none
  }

  /// What a server has for a request that belongs to no other.
  private enum Offer {
    case none
    /// It serves its maximum.
    case full
    /// A part of the site's requests, by weight.
    case share(Int)
    /// The trial that is due, which the request has taken.
    case trial
  }

  private func offer(of server: OriginServer, to request: OriginRequest, nowMs: UInt64) -> Offer {
    guard server.state.mode == .ready, server.state.checked != .down, !request.tried.contains(server) else {
      return .none
    }
    switch server.state.availability(nowMs: nowMs) {
    case .nothing: return .none
    case .share(let share): return server.isFull ? .full : .share(server.state.weight * share)
    case .trial:
      let takesTrial = request.mayTry && !server.isFull && server.state.beginTrial(nowMs: nowMs)
      return takesTrial ? .trial : .none
    }
  }

  /// Another server could be asked than those that were.
  func hasOther(than tried: TriedServers) -> Bool {
    servers.contains { $0.state.mode == .ready && !tried.contains($0) }
  }

  private func takesItsOwn(_ server: OriginServer, _ request: OriginRequest, _ nowMs: UInt64) -> Bool {
    guard server.state.mode != .off, server.state.checked != .down, !request.tried.contains(server),
      servers.contains(where: { $0 === server }), case .share = server.state.availability(nowMs: nowMs)
    else { return false }
    return true
  }

  /// A place at the best of the servers that have an offer.
  ///
  /// - Parameter someAreFull: set when another worker has taken the last place at one meanwhile.
  private func takeBest(_ someAreFull: inout Bool) -> OriginSlot? {
    while true {
      switch balance {
      case .roundRobin: break
      case .leastConnections: keepLeastLoaded()
      }
      guard let best = nextInTurn() else { return nil }
      if let slot = best.enter() { return slot }
      best.offer = 0
      someAreFull = true
    }
  }

  /// Smooth weighted round robin: every server's credit grows by its offer, the one with the most credit is taken and
  /// pays what all were given. Of weights 5, 1, 1 that makes a a b a c a a. O(servers).
  private func nextInTurn() -> OriginServer? {
    let all = servers
    let servers = all.span
    var best: (index: Int, credit: Int)?
    var sum = 0
    for index in servers.indices where servers[index].offer > 0 {
      servers[index].credit += servers[index].offer
      sum += servers[index].offer
      let credit = servers[index].credit
      if credit > best?.credit ?? .min { best = (index, credit) }
    }
    guard let best else { return nil }
    servers[best.index].credit -= sum
    return servers[best.index]
  }

  /// Takes their offers back from all but the servers that have the fewest requests under way for their offers.
  private func keepLeastLoaded() {
    var least: OriginServer?
    for server in servers where server.offer > 0 {
      server.load = server.state.inFlight
      guard let best = least else {
        least = server
        continue
      }
      if server.load * best.offer < best.load * server.offer { least = server }
    }
    guard let least else { return }
    for server in servers where server.load * least.offer > least.load * server.offer { server.offer = 0 }
  }

  // MARK: Waiting

  /// Requests of this worker wait.
  var hasLine: Bool { !line.isEmpty }

  /// Lets a request wait until one of the servers has a place. A place that has come free just before wakes nobody, so
  /// ``serveLine(nowMs:)`` has to follow.
  ///
  /// - Returns: its ticket, to ``leave(_:)`` with; nil when too many wait.
  func wait(_ request: any WaitingRequest) -> UInt64? {
    guard room.enter(worker) else { return nil }
    let isParticular = request.originRequest.isParticular
    if isParticular { particularWaiters += 1 }
    return line.append(Waiter(request: request, isParticular: isParticular))
  }

  /// Takes a request out of the line.
  func leave(_ ticket: UInt64) {
    guard let waiter = line.remove(ticket) else { return }
    if waiter.isParticular { particularWaiters -= 1 }
    room.leave(worker)
  }

  /// Gives the places that are free to those who wait, in their order. A request that is given one may fail at once and
  /// come back to the end of the line.
  func serveLine(nowMs: UInt64) {
    if isServingLine { return }
    isServingLine = true
    defer { isServingLine = false }
    var ticket: UInt64 = 0
    // The first who waits for any server at all gets none: nobody else does either, but for particular ones.
    var isBlocked = false
    while let (next, waiter) = line.next(from: ticket) {
      ticket = next + 1
      if isBlocked, !waiter.isParticular {
        if particularWaiters == 0 { return }
        continue
      }
      switch choose(for: waiter.request.originRequest, nowMs: nowMs) {
      case .server(let slot):
        leave(next)
        waiter.request.hasPlace(slot)
      case .none:
        leave(next)
        waiter.request.hasNoServer()
      case .full:
        if !waiter.isParticular { isBlocked = true }
      }
    }
  }

  /// A place has come free on some worker.
  ///
  /// - Parameter others: workers that have not looked yet: see ``WaitingRoom``.
  func placeIsFree(others: Int, nowMs: UInt64) {
    serveLine(nowMs: nowMs)
    if servers.contains(where: { $0.state.max != .max && !$0.isFull }) {
      room.slotIsFree(besides: worker, others: others)
    }
  }
}

/// A request that waits in a pool's line.
protocol WaitingRequest: AnyObject {
  /// What it looks for; stays the same while it waits.
  var originRequest: OriginRequest { get }
  /// It was its turn; it is out of the line.
  func hasPlace(_ slot: consuming OriginSlot)
  /// There is nothing to wait for any more; it is out of the line.
  func hasNoServer()
}
