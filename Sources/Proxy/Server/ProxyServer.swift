import EventLoop
import Glibc
import HTTP1
import Logging
import Synchronization
import URLMap

/// The proxy: worker threads, each with its own loop, before a new pool and an old server.
public final class ProxyServer: Sendable {
  private let configuration: ProxyConfiguration
  private let shared: Shared
  private let workers: [WorkerMetrics]
  private let registry: OriginRegistry
  private let encryption: Locked<Encryption>
  private let running = Locked<Running>(Running())

  private struct Running: ~Copyable {
    var mailboxes: [Mailbox<WorkerMessage>] = []
    var bound: [BoundListener] = []
    var resolver: Resolver?
    var rooms: WaitingRooms?
    var health: HealthThread?
  }

  private let liveWorkers = Atomic<Int>(0)
  private let isStopping = Atomic<Bool>(false)

  public init(_ configuration: ProxyConfiguration, map: URLMap, accessLog: AccessLog?, logger: Logger) {
    self.configuration = configuration
    encryption = Locked(configuration.encryption)
    shared = Shared(
      settings: Settings(configuration), encryption: configuration.encryption,
      decisions: DecisionTable(
        fallbackOn: configuration.fallbackOn, learnOn: configuration.learnOn,
        oldMissOn: configuration.oldMissOn, oldStandsIn: configuration.oldStandsIn),
      map: map,
      misses: MissMemory(
        count: configuration.missMemory, lifetimeMs: configuration.missTTL.wholeMilliseconds),
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
    let resolver = Resolver(new: configuration.newServers, old: configuration.oldServers)
    let found = try resolver.resolve()
    let origins = registry.update(found.origins)
    let bound = try bindAll(inherited, isSecure: false) + bindAll(inherited, isSecure: true)
    var mailboxes: [Mailbox<WorkerMessage>] = []
    var health: HealthThread?
    do throws(EventLoopError) {
      for _ in workers { mailboxes.append(try Mailbox()) }
      let rooms = makeRooms(mailboxes)
      for (index, mailbox) in mailboxes.enumerated() {
        var sockets: [WorkerSocket] = []
        for listener in bound { sockets += try listener.forWorker(index, of: workers.count) }
        try startWorker(
          index, sockets: ListenerSet(sockets), mailbox: mailbox, origins: origins, rooms: rooms)
      }
      running.withLock { $0.rooms = rooms }
      health = try configuration.healthChecks.map { checks throws(EventLoopError) in
        try HealthThread(
          checks, of: registry, tls: { [encryption] in encryption.withLock { $0.origins } },
          logger: shared.logger)
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
    let logger = shared.logger
    resolver.keepResolving(
      every: configuration.resolveEvery, first: found, logger: logger
    ) { [mailboxes, registry] found in
      let origins = registry.update(found)
      for mailbox in mailboxes { mailbox.send(.origins(origins)) }
    }
  }

  /// Where clients can connect: `127.0.0.1:8080`, `[::1]:8080`, `unix:/path`.
  public var listeningOn: [String] {
    running.withLock { $0.bound.map(\.address.description) }
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
    for origin in registry.all { sum.add(origin) }
    sum.logDroppedLines = shared.accessLog?.droppedLines ?? 0
    sum.openConnections = shared.connections.current
    if configuration.detailedMetrics {
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

  /// The servers of both sites, in the order of the configuration, the new site's first. Empty before the start. Any
  /// thread may ask.
  public var origins: [OriginStatus] { registry.all.map(\.status) }

  /// Both sites, the new one first. Any thread may ask.
  public var sites: [SiteStatus] {
    let rooms = running.withLock { $0.rooms }
    return [
      SiteStatus(site: .new, queued: rooms?.new.count ?? 0),
      SiteStatus(site: .old, queued: rooms?.old.count ?? 0),
    ]
  }

  /// What ``origins`` tells of, to watch and to change.
  public var originStates: [OriginState] { registry.all }

  /// Has connections that come from now on use other certificates, and other roots; those there are go on with what they
  /// have. Any thread may ask.
  public func replaceEncryption(_ encryption: Encryption) {
    self.encryption.withLock { $0 = encryption }
    for mailbox in running.withLock({ $0.mailboxes }) { mailbox.send(.encryption(encryption)) }
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

  private func makeRooms(_ mailboxes: [Mailbox<WorkerMessage>]) -> WaitingRooms {
    func room(_ site: Site) -> WaitingRoom {
      WaitingRoom(limit: configuration.queueLength, workers: mailboxes.count) { worker, others in
        mailboxes[worker].send(.placeIsFree(site, others: others))
      }
    }
    return WaitingRooms(new: room(.new), old: room(.old))
  }

  private func startWorker(
    _ index: Int, sockets: ListenerSet, mailbox: Mailbox<WorkerMessage>, origins: OriginSets,
    rooms: WaitingRooms
  ) throws(EventLoopError) {
    let shared = self.shared
    let metrics = workers[index]
    liveWorkers.add(1, ordering: .relaxed)
    var hasStarted = false
    defer { if !hasStarted { liveWorkers.subtract(1, ordering: .relaxed) } }
    let thread = try LoopThread(name: "worker-\(index)") { [self] in
      do throws(EventLoopError) {
        let worker = try Worker(
          shared: shared, index: index, metrics: metrics, origins: origins, rooms: rooms)
        try worker.run(listeners: sockets, mailbox: mailbox)
      } catch {
        shared.logger.critical("a worker can't start", metadata: ["cause": "\(error)"])
      }
      liveWorkers.subtract(1, ordering: .releasing)
    }
    hasStarted = true
    thread.detach()
  }

  // MARK: Binding

  private func bindAll(
    _ inherited: InheritedSockets, isSecure: Bool
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
    for listener in isSecure ? configuration.tlsListeners : configuration.listeners {
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
