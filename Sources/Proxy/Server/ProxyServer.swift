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
    shared = Shared(
      settings: Settings(configuration),
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
  /// - Throws: ``ProxyStartError``; nothing is left running then.
  public func start() throws(ProxyStartError) {
    let resolver = Resolver(new: configuration.newServers, old: configuration.oldServers)
    let found = try resolver.resolveAll()
    let origins = registry.update(found)
    let bound = try bindAll()
    var mailboxes: [Mailbox<WorkerMessage>] = []
    var health: HealthThread?
    do throws(EventLoopError) {
      for _ in workers { mailboxes.append(try Mailbox()) }
      let rooms = makeRooms(mailboxes)
      for (index, mailbox) in mailboxes.enumerated() {
        let sockets = ListenerSet(
          try bound.map { socket throws(EventLoopError) in try socket.forWorker(index) })
        try startWorker(index, sockets: sockets, mailbox: mailbox, origins: origins, rooms: rooms)
      }
      running.withLock { $0.rooms = rooms }
      health = try configuration.healthChecks.map { checks throws(EventLoopError) in
        try HealthThread(checks, of: registry, logger: shared.logger)
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

  /// Is not ready from now on, stops accepting after ``ProxyConfiguration/drainDelay``, waits until what is under way has
  /// ended, but not longer than ``ProxyConfiguration/drainTimeout``, and ends the workers. Blocks.
  public func stop() {
    isStopping.store(true, ordering: .relaxed)
    Self.wait(configuration.drainDelay) { true }
    let mailboxes = running.withLock { state in
      state.resolver?.stop()
      state.health?.stop()
      // With the last reference to them the files of unix sockets go.
      state.bound = []
      return state.mailboxes
    }
    for mailbox in mailboxes { mailbox.send(.drain) }
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

  private func bindAll() throws(ProxyStartError) -> [BoundListener] {
    var bound: [BoundListener] = []
    for listener in configuration.listeners {
      switch listener {
      case .tcp(let host, let port):
        let addresses: [SocketAddress]
        do throws(ResolveError) {
          addresses = try SocketAddress.resolve(host: host, port: port)
        } catch {
          throw .cannotListen(address: "\(host):\(port)", reason: error.reason)
        }
        for address in addresses { bound.append(try BoundListener(address, workers: workers.count)) }
      case .unix(let path):
        guard let address = SocketAddress(unixPath: path) else {
          throw .cannotListen(address: "unix:\(path)", reason: "a unix socket's path has 1 to 107 bytes")
        }
        bound.append(try BoundListener(unix: address, path: path))
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
