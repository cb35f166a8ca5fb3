import EventLoop
import Glibc
import HTTP1
import Logging
import Synchronization
import TLS
import URLMap

/// The proxy: worker threads, each with its own loop, before a new pool and an old server.
public final class ProxyServer: Sendable {
  private let shared: Shared
  private let workers: [WorkerMetrics]
  private let registry: OriginRegistry
  private let running: Locked<Running>
  /// Latencies and the like are kept.
  private let keepsDetails: Bool

  private struct Running: ~Copyable {
    /// What is in force.
    var configuration: ProxyConfiguration
    var settings: Settings
    var mailboxes: [Mailbox<WorkerMessage>] = []
    var bound: [BoundListener] = []
    var resolver: Resolver?
    var rooms: WaitingRooms?
    var health: HealthThread?
  }

  private let liveWorkers = Atomic<Int>(0)
  private let isStopping = Atomic<Bool>(false)

  public init(_ configuration: ProxyConfiguration, map: URLMap, accessLog: AccessLog?, logger: Logger) {
    running = Locked(Running(configuration: configuration, settings: Settings(configuration)))
    keepsDetails = configuration.detailedMetrics
    shared = Shared(
      map: map,
      accessLog: accessLog, logger: logger, connections: ConnectionCount(),
      forwardingHint: ForwardingHint())
    workers = (0..<max(1, configuration.workers)).map { _ in
      WorkerMetrics(
        recent: configuration.detailedMetrics ? RecentEvents(workers: configuration.workers) : nil)
    }
    registry = OriginRegistry(
      workers: workers.count, policy: PassiveHealthPolicy(configuration))
  }

  /// Resolves the origins, binds the listeners and starts the workers; returns when all accept.
  ///
  /// - Parameter inherited: sockets of other processes; those of the addresses to listen on are taken in place of binding.
  /// - Throws: ``ProxyStartError``; nothing is left running then.
  public func start(inheriting inherited: InheritedSockets = InheritedSockets()) throws(ProxyStartError) {
    let configuration = running.withLock { $0.configuration }
    let resolver = Resolver(new: configuration.newServers, old: configuration.oldServers)
    let found = try resolver.resolve()
    _ = registry.update(found.origins)
    let bound =
      try bindAll(configuration.listeners, inherited, isSecure: false)
      + bindAll(configuration.tlsListeners, inherited, isSecure: true)
    var mailboxes: [Mailbox<WorkerMessage>] = []
    var health: HealthThread?
    do throws(EventLoopError) {
      for _ in workers { mailboxes.append(try Mailbox()) }
      let rooms = makeRooms(mailboxes, limit: configuration.queueLength)
      for (index, mailbox) in mailboxes.enumerated() {
        var sockets: [WorkerSocket] = []
        for listener in bound { sockets += try listener.forWorker(index, of: workers.count) }
        try startWorker(index, sockets: ListenerSet(sockets), mailbox: mailbox, rooms: rooms)
      }
      running.withLock { $0.rooms = rooms }
      health = try configuration.healthChecks.map { checks throws(EventLoopError) in
        try makeHealthThread(checks)
      }
    } catch {
      for mailbox in mailboxes { mailbox.send(.stop) }
      throw .system(error)
    }
    running.withLock { state in
      state.health = health
      state.mailboxes = mailboxes
      state.bound = bound
      state.resolver = resolver
    }
    keepResolving(resolver, every: configuration.resolveEvery, first: found)
  }

  private func keepResolving(_ resolver: Resolver, every interval: Duration, first: Resolution) {
    resolver.keepResolving(every: interval, first: first, logger: shared.logger) {
      [weak self, weak resolver] found in
      self?.running.withLock { state in
        // One that a reload has replaced knows the servers of before.
        guard let resolver, state.resolver === resolver else { return }
        self?.registry.update(found).send(WorkerMessage.origins, to: state.mailboxes)
      }
    }
  }

  /// Takes another configuration while it serves: all of it or, when this throws, nothing. What is under way ends as it began,
  /// servers that stay keep their connections and all that is known of them, and those that go finish what they have.
  ///
  /// What only a start can set stays as it is: see ``ProxyConfiguration/fixed(as:)``. Blocks for names to be resolved, so
  /// that no loop may call it. One at a time.
  ///
  /// - Throws: ``ProxyStartError`` when no name of a site has an address or the machine is short of something.
  public func reload(_ wanted: ProxyConfiguration) throws(ProxyStartError) {
    let former = running.withLock { $0.configuration }
    let configuration = wanted.fixed(as: former)
    let resolver = Resolver(new: configuration.newServers, old: configuration.oldServers)
    let found = try resolver.resolve(known: registry.sets)
    let settings = Settings(configuration, after: settingsInForce)
    try changeHealthChecks(from: former.healthChecks, to: configuration.healthChecks) {
      registry.setPolicy(PassiveHealthPolicy(configuration))
      running.withLock { state in
        state.configuration = configuration
        state.settings = settings
        state.resolver?.stop()
        state.resolver = resolver
        state.rooms?.new.setLimit(configuration.queueLength)
        state.rooms?.old.setLimit(configuration.queueLength)
        registry.update(found.origins).send({ .settings(settings, $0) }, to: state.mailboxes)
      }
    }
    keepResolving(resolver, every: configuration.resolveEvery, first: found)
  }

  /// What the next request gets.
  var settingsInForce: Settings { running.withLock { $0.settings } }

  /// Lets other checks follow the former ones, with what those have found out. A site that is checked no more counts as up.
  ///
  /// - Parameter change: the rest of the reload, once nothing can fail any more.
  private func changeHealthChecks(
    from former: HealthChecks?, to checks: HealthChecks?, _ change: () -> Void
  ) throws(ProxyStartError) {
    if checks == former { return change() }
    let next: HealthThread?
    do throws(EventLoopError) {
      next = try checks.map { checks throws(EventLoopError) in
        try makeHealthThread(checks)
      }
    } catch {
      throw .system(error)
    }
    running.withLock { $0.health.take() }?.stop()
    change()
    running.withLock { $0.health = next }
    for origin in registry.all where checks?.target(of: origin.site) == nil { origin.forgetChecks() }
  }

  /// Where clients can connect: `127.0.0.1:8080`, `[::1]:8080`, `unix:/path`, with TLS where that is said.
  public var listeningOn: [String] {
    running.withLock { $0.bound.map { $0.isSecure ? "\($0.address) with TLS" : $0.address.description } }
  }

  /// The sockets that clients connect to, for another process that is to accept on them as well. Any thread may ask.
  public var sockets: [SocketBox] {
    running.withLock { $0.bound.flatMap(\.sockets) }
  }

  /// The process that had the inherited sockets accepts on them no more: the files of unix sockets go with this one.
  public func ownSockets() {
    running.withLock { for listener in $0.bound { listener.own() } }
  }

  /// Is not ready from now on, stops accepting after ``ProxyConfiguration/drainDelay``, waits until what is under way has
  /// ended, but not longer than ``ProxyConfiguration/drainTimeout``, and ends the workers. Blocks.
  ///
  /// - Parameter left: where another process accepts by now, on the same sockets: who waits there is left to it. With any, the
  ///   delay has no purpose, and there is none.
  public func stop(leaving left: Set<SocketAddress> = []) {
    isStopping.store(true, ordering: .relaxed)
    let configuration = running.withLock { $0.configuration }
    if left.isEmpty { Self.wait(configuration.drainDelay) { true } }
    let mailboxes = running.withLock { state in
      state.resolver?.stop()
      state.health?.stop()
      for listener in state.bound where left.contains(listener.address) { listener.leave() }
      // With the last reference to them the files of unix sockets go.
      state.bound = []
      return state.mailboxes
    }
    for mailbox in mailboxes { mailbox.send(.drain(leaving: left)) }
    Self.wait(configuration.drainTimeout) { liveWorkers.load(ordering: .acquiring) > 0 }
    for mailbox in mailboxes { mailbox.send(.stop) }
    Self.wait(.seconds(2)) { liveWorkers.load(ordering: .acquiring) > 0 }
  }

  private static func wait(_ limit: Duration, while isNeeded: () -> Bool) {
    let (beganMs, limitMs) = (EventLoop.monotonicMs(), limit.wholeMilliseconds)
    while EventLoop.monotonicMs() &- beganMs < limitMs, isNeeded() { usleep(10_000) }
  }

  /// Whether it accepts nobody more, or will not soon, and ends when those that it has are served. Any thread may ask.
  public var isDraining: Bool { isStopping.load(ordering: .relaxed) }

  /// What all workers have done so far. Any thread may ask.
  public var metrics: ProxyMetrics {
    var sum = ProxyMetrics()
    for worker in workers { sum.add(worker) }
    for origin in registry.allWithLeaving { sum.add(origin) }
    sum.logDroppedLines = shared.accessLog?.droppedLines ?? 0
    sum.openConnections = shared.connections.current
    if keepsDetails {
      let nowUs = EventLoop.monotonicUs()
      sum.loops = workers.map { $0.loop(nowUs: nowUs) }
    }
    return sum
  }

  /// The newest requests for what neither site has, the newest first; none unless
  /// ``ProxyConfiguration/detailedMetrics`` is on. About the last thousand are kept. Any thread may ask.
  public func recentMisses(limit: Int) -> [RecentMiss] {
    workers.compactMap(\.recent).newest(limit) { $0.misses.newest(limit) }
  }

  /// The newest failures, the newest first; as ``recentMisses(limit:)``.
  public func recentFailures(limit: Int) -> [RecentFailure] {
    workers.compactMap(\.recent).newest(limit) { $0.failures.newest(limit) }
  }

  /// The servers of both sites, in the order of the configuration, the new site's first, and behind them those that a
  /// reload or a name has taken out, until what is under way with them has ended. Empty before the start. Any thread may ask.
  public var origins: [OriginStatus] { registry.allWithLeaving.map(\.status) }

  /// Both sites, the new one first. Any thread may ask.
  public var sites: [SiteStatus] {
    let rooms = running.withLock { $0.rooms }
    return [
      SiteStatus(site: .new, queued: rooms?.new.count ?? 0),
      SiteStatus(site: .old, queued: rooms?.old.count ?? 0),
    ]
  }

  /// What ``origins`` tells of, to watch and to change, without those that leave.
  public var originStates: [OriginState] { registry.all }

  /// Those of our own that clients and origins are shown, as they were read last. Any thread may ask.
  public var certificates: [CertificateFacts] {
    running.withLock { $0.configuration.encryption.certificates }
  }

  /// Lets a server take requests, or not; in force at once for all workers, until the process ends, and told in the log.
  /// Any thread may ask.
  ///
  /// - Returns: false when no server has this identifier.
  public func setMode(_ mode: OriginMode, ofOrigin id: String) -> Bool {
    guard let origin = registry.origin(id: id) else { return false }
    origin.setMode(mode)
    shared.logger.notice(
      "a server of the \(origin.site) site was set to \(mode)",
      metadata: ["origin": "\(origin.address)", "id": "\(origin.id)"])
    return true
  }

  private func makeHealthThread(_ checks: HealthChecks) throws(EventLoopError) -> HealthThread {
    try HealthThread(
      checks, of: registry, tls: { [running] in running.withLock { $0.configuration.encryption.origins } },
      logger: shared.logger)
  }

  private func makeRooms(_ mailboxes: [Mailbox<WorkerMessage>], limit: Int) -> WaitingRooms {
    func room(_ site: Site) -> WaitingRoom {
      WaitingRoom(limit: limit, workers: mailboxes.count) { worker, others in
        mailboxes[worker].send(.placeIsFree(site, others: others))
      }
    }
    return WaitingRooms(new: room(.new), old: room(.old))
  }

  private func startWorker(
    _ index: Int, sockets: ListenerSet, mailbox: Mailbox<WorkerMessage>, rooms: WaitingRooms
  ) throws(EventLoopError) {
    let shared = self.shared
    liveWorkers.add(1, ordering: .relaxed)
    var hasStarted = false
    defer { if !hasStarted { liveWorkers.subtract(1, ordering: .relaxed) } }
    let thread = try LoopThread(name: "worker-\(index)") { [self] in
      do throws(EventLoopError) {
        let worker = try makeWorker(index, rooms)
        try worker.run(listeners: sockets, mailbox: mailbox)
      } catch {
        shared.logger.critical("a worker can't start", metadata: ["cause": "\(error)"])
      }
      liveWorkers.subtract(1, ordering: .releasing)
    }
    hasStarted = true
    thread.detach()
  }

  /// The thread itself holds on to nothing that a reload replaces.
  private func makeWorker(_ index: Int, _ rooms: WaitingRooms) throws(EventLoopError) -> Worker {
    let start = running.withLock { state in
      WorkerStart(
        settings: state.settings, headLimits: HeadLimits(state.configuration), origins: registry.sets,
        rooms: rooms)
    }
    return try Worker(shared: shared, start, index: index, metrics: workers[index])
  }

  // MARK: Binding

  private func bindAll(
    _ listeners: [ListenAddress], _ inherited: InheritedSockets, isSecure: Bool
  ) throws(ProxyStartError) -> [BoundListener] {
    var bound: [BoundListener] = []
    func bind(
      _ address: SocketAddress, _ anew: () throws(ProxyStartError) -> BoundListener
    ) throws(ProxyStartError) {
      let sockets = inherited.take(address)
      bound.append(
        sockets.isEmpty
          ? try anew()
          : BoundListener(inherited: sockets, at: address, workers: workers.count, isSecure: isSecure))
    }
    for listener in listeners {
      let addresses: [SocketAddress]
      do throws(UnusableAddress) {
        addresses = try listener.addresses()
      } catch {
        throw .cannotListen(address: error.address, reason: error.reason)
      }
      for address in addresses {
        try bind(address) { () throws(ProxyStartError) in
          switch listener {
          case .tcp: try BoundListener(address, workers: workers.count, isSecure: isSecure)
          case .unix(let path): try BoundListener(unix: address, path: path, isSecure: isSecure)
          case .inherited:
            throw .cannotListen(address: address.description, reason: "its socket is no longer there")
          }
        }
      }
    }
    return bound
  }
}

/// Why the proxy could not start.
public enum ProxyStartError: Error, CustomStringConvertible {
  case addressInUse(String)
  case cannotListen(address: String, reason: String)
  case doesNotResolve(origin: String, reason: String)
  case system(EventLoopError)

  public var description: String {
    switch self {
    case .addressInUse(let address):
      "\(address) is in use by another process: stop that one or choose another --listen address"
    case .cannotListen(let address, let reason): "can't listen on \(address): \(reason)"
    case .doesNotResolve(let origin, let reason):
      "the origin \(origin) does not resolve (\(reason)): check the name and the machine's DNS"
    case .system(let error): error.description
    }
  }

  /// 69, EX_UNAVAILABLE of sysexits.h.
  public var exitCode: Int32 { 69 }
}
