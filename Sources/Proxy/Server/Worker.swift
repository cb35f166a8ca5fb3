import Addressing
import EventLoop
import Glibc
import HTTP1
import Logging
import Synchronization
import TLS
import URLMap

/// What all workers share.
struct Shared: Sendable {
  let map: URLMap
  let accessLog: AccessLog?
  let logger: Logger
  let connections: ConnectionCount
  let forwardingHint: ForwardingHint
}

/// What a worker begins with.
struct WorkerStart: Sendable {
  let settings: Settings
  let headLimits: HeadLimits
  let origins: OriginSets
  let rooms: WaitingRooms
}

/// Client connections of the whole process.
final class ConnectionCount: Sendable {
  private let count = Atomic<Int>(0)

  /// The number with the new one.
  func increment() -> Int { count.add(1, ordering: .relaxed).newValue }
  func decrement() { count.subtract(1, ordering: .relaxed) }
  var current: Int { count.load(ordering: .relaxed) }
}

/// Whether the operator has been told of `--trusted-proxies`.
final class ForwardingHint: Sendable {
  private let isGiven = Atomic<Bool>(false)

  /// True once.
  func take() -> Bool { !isGiven.exchange(true, ordering: .relaxed) }
}

/// A message to a worker's loop.
enum WorkerMessage: Sendable {
  /// The names of the origins lead to these addresses now.
  case origins(OriginSets)
  /// All that can change while it runs; what is under way ends as it began.
  case settings(Settings, OriginSets)
  /// A server of the site has a place for a request that waits; `others` as in ``WaitingRoom``.
  case placeIsFree(Site, others: Int)
  /// Stop accepting and end when the last client has its answer. Who waits at these addresses is another process's.
  case drain(leaving: Set<SocketAddress>)
  /// End now.
  case stop
}

/// One event loop with its listeners, clients and origins. All of it is used on the loop's thread only.
@safe final class Worker {
  /// Receives and sends that one connection may do before the others have their turn.
  static let roundsPerTurn = 16
  private static let upkeepMs: UInt64 = 100
  private static let shedPerTurn = 64

  let loop: EventLoop
  let wallClock: LoopWallClock
  /// What holds for the next request.
  private(set) var settings: Settings
  let headLimits: HeadLimits
  let map: URLMap
  let reader: URLMap.Reader
  let metrics: WorkerMetrics
  let log: WorkerLog?
  /// Somebody wants to know how long requests and attempts take: only then is the clock asked.
  let takesTimes: Bool
  let buffers: BufferPool
  /// For the frames of HTTP/2: several of them leave with one send.
  let frames = BufferPool(blockBytes: 64 << 10, keptBlocks: 16)
  let tlsWorkspace = TLSWorkspace()
  let newPool: OriginPool
  let oldPool: OriginPool
  /// Scratch, valid within one callback: the fields of the head parsed last, and the head written last.
  var requestFields: FieldTable
  var answerFields: FieldTable
  var writer: ByteWriter
  /// Long answers go through pipes; false once a socket could not.
  var splices: Bool
  var pipes = SplicePipes(keptPipes: 16)
  /// Scratch for keys that are not the start of their target.
  var keyScratch: [UInt8] = []
  let replayBudget: ReplayBudget
  /// Scratch for bodies that are sent again; owned, freed in `deinit`.
  let replayScratch: UnsafeMutableRawBufferPointer
  /// The exchange whose head `requestFields` describes.
  var requestTableOwner: ObjectIdentifier?
  private(set) var isDraining = false

  private var retryBudget: RetryBudget
  let forwardingHint: ForwardingHint
  private let connections: ConnectionCount
  private let reports: EventReports
  private var listeners: [Listener] = []
  private var arePaused = false
  /// Somebody wants to know how late the loop is.
  private let countsLag: Bool
  /// Every client of this worker, by descriptor: this is what keeps them alive.
  private var clients: [Int32: ClientConnection] = [:]
  private var upkeep: PreciseTimer?
  private var mailbox: MailboxReceiver?

  /// - Parameter index: the worker's place among all.
  init(shared: Shared, _ start: WorkerStart, index: Int, metrics: WorkerMetrics) throws(EventLoopError) {
    let (settings, origins, rooms) = (start.settings, start.origins, start.rooms)
    loop = try EventLoop()
    wallClock = loop.wallClock
    self.settings = settings
    headLimits = start.headLimits
    map = shared.map
    reader = shared.map.makeReader()
    self.metrics = metrics
    log = shared.accessLog.map(WorkerLog.init)
    splices = settings.splices
    takesTimes = log != nil || settings.detailedMetrics
    countsLag = settings.detailedMetrics
    buffers = BufferPool(blockBytes: headLimits.blockBytes, keptBlocks: 256)
    newPool = OriginPool(origins.new, worker: index, balance: settings.balance, room: rooms.new)
    oldPool = OriginPool(origins.old, worker: index, balance: settings.balance, room: rooms.old)
    replayBudget = ReplayBudget(bytes: settings.replayBudgetBytes)
    retryBudget = RetryBudget(percent: settings.retryBudgetPercent, nowMs: EventLoop.monotonicMs())
    requestFields = FieldTable(capacity: headLimits.maxFields)
    answerFields = FieldTable(capacity: headLimits.maxFields)
    writer = ByteWriter(capacity: headLimits.maxBytes + 4096)
    unsafe replayScratch = .allocate(byteCount: 32 << 10, alignment: 16)
    connections = shared.connections
    forwardingHint = shared.forwardingHint
    reports = EventReports(logger: shared.logger)
  }

  deinit {
    unsafe replayScratch.deallocate()
  }

  /// Runs until told to end.
  func run(
    listeners sockets: consuming ListenerSet, mailbox box: Mailbox<WorkerMessage>
  ) throws(EventLoopError) {
    mailbox = try box.attach(to: loop) { [unowned self] in receive($0) }
    upkeep = try PreciseTimer(loop: loop) { [unowned self] in keepUp($0) }
    while let next = sockets.next() {
      guard let socket = next.socket.take() else { continue }
      let isSecure = next.isSecure
      listeners.append(
        try Listener(loop: loop, socket: socket) { [unowned self] in accepted($0, isSecure: isSecure) })
    }
    if keepsUpAlways { upkeep?.startIfStopped(everyMs: Self.upkeepMs) }
    loop.run()
    listeners = []
    for client in Array(clients.values) { client.close() }
    newPool.closeAll()
    oldPool.closeAll()
    loop.releaseClosed()
    log?.flush()
    mailbox = nil
    upkeep = nil
  }

  private func receive(_ message: WorkerMessage) {
    switch message {
    case .origins(let origins):
      follow(origins)
    case .settings(let settings, let origins):
      take(settings, origins)
    case .placeIsFree(.new, let others):
      newPool.placeIsFree(others: others, nowMs: EventLoop.monotonicMs())
    case .placeIsFree(.old, let others):
      oldPool.placeIsFree(others: others, nowMs: EventLoop.monotonicMs())
    case .drain(let left):
      isDraining = true
      // Who waits to be accepted has sent a request, perhaps: closing the listener would reset the connection.
      for listener in listeners where !left.contains(listener.address) { listener.acceptLast() }
      listeners = []
      for client in Array(clients.values) { client.drain() }
      endIfDrained()
    case .stop:
      loop.stop()
    }
  }

  /// What is under way holds on to the settings and servers that it has.
  private func take(_ settings: Settings, _ origins: OriginSets) {
    if settings.splices != self.settings.splices { splices = settings.splices }
    self.settings = settings
    newPool.balance = settings.balance
    oldPool.balance = settings.balance
    replayBudget.setLimit(settings.replayBudgetBytes)
    retryBudget.setPercent(settings.retryBudgetPercent)
    for client in Array(clients.values) { client.settingsHaveChanged() }
    if arePaused { resumeIfPossible() }
    follow(origins)
  }

  /// A request that waits may find a place at a server that is new, or may serve more.
  private func follow(_ origins: OriginSets) {
    newPool.update(origins.new)
    oldPool.update(origins.old)
    serveLines()
  }

  private func endIfDrained() {
    if isDraining, clients.isEmpty { loop.stop() }
  }

  // MARK: Clients

  private func accepted(_ accepted: Accepted, isSecure: Bool) {
    switch accepted {
    case .connection(let descriptor, let address):
      metrics.count(.connections)
      do {
        let client = try makeClient(descriptor, address, isSecure: isSecure)
        clients[descriptor] = client
        if connections.increment() >= settings.maxConnections {
          report(.connectionLimit, at: nil, "")
          pauseListening()
        }
      } catch {
        report(.accept, at: nil, error.description)
      }
    case .exhausted(let code):
      report(.accept, at: nil, systemMessage(code))
      pauseListening()
    }
  }

  /// Takes `descriptor` over, also when it throws.
  private func makeClient(
    _ descriptor: Int32, _ address: SocketAddress, isSecure: Bool
  ) throws(EventLoopError) -> ClientConnection {
    var tls: TLSSession?
    if isSecure {
      tls = try? settings.encryption.clients?.makeSession(tlsWorkspace)
      if tls == nil {
        close(descriptor)
        throw .system(call: "SSL_new", errno: ENOMEM)
      }
    }
    return try ClientConnection(worker: self, descriptor: descriptor, peer: PeerAddress(address), tls: tls)
  }

  /// TLS for a connection to a server; nil where it is spoken to without.
  func makeTLS(to server: OriginServer) throws(EventLoopError) -> TLSSession? {
    guard let name = server.state.tlsName else { return nil }
    let session = try? settings.encryption.origins?.makeSession(
      to: name, store: server.state.tlsSessions, tlsWorkspace)
    guard let session else { throw .system(call: "SSL_new", errno: ENOMEM) }
    return session
  }

  /// The client that had this descriptor has closed it.
  func clientClosed(_ descriptor: Int32) {
    guard clients.removeValue(forKey: descriptor) != nil else { return }
    connections.decrement()
    if arePaused { resumeIfPossible() }
    endIfDrained()
  }

  /// New connections wait in the kernel's backlog until one ends; idle ones make room at once.
  private func pauseListening() {
    if arePaused { return }
    arePaused = true
    for listener in listeners { listener.pause() }
    upkeep?.startIfStopped(everyMs: Self.upkeepMs)
  }

  private func resumeIfPossible() {
    guard connections.current < settings.maxConnections else { return }
    arePaused = false
    for listener in listeners { listener.resume() }
  }

  private func shedIdleClients() {
    var shed = 0
    for client in Array(clients.values) where client.isIdle && client.hasServed {
      client.close()
      shed += 1
      if shed == Self.shedPerTurn { return }
    }
  }

  private var keepsUpAlways: Bool { log != nil || countsLag }

  private func keepUp(_ firing: PreciseTimer.Firing) {
    if countsLag { metrics.loopTurned(firing) }
    serveLines()
    log?.flush()
    if reports.areWaiting { reports.flush(nowMs: EventLoop.monotonicMs()) }
    if arePaused {
      shedIdleClients()
      if arePaused { resumeIfPossible() }
    } else if !keepsUpAlways, !reports.areWaiting, !hasLines {
      upkeep?.stop()
    }
  }

  // MARK: Lines

  private var hasLines: Bool { newPool.hasLine || oldPool.hasLine }

  /// A server may be back that nobody's end makes a place at: so the lines are looked at from time to time too.
  func linesHaveGrown() { upkeep?.startIfStopped(everyMs: Self.upkeepMs) }

  private func serveLines() {
    guard hasLines else { return }
    let nowMs = EventLoop.monotonicMs()
    newPool.serveLine(nowMs: nowMs)
    oldPool.serveLine(nowMs: nowMs)
  }

  /// Whether one more request may be sent again.
  func takeFromRetryBudget() -> Bool {
    retryBudget.take(requestCount: metrics.current(.requests), nowMs: EventLoop.monotonicMs())
  }

  // MARK: Reports

  /// Tells the operator of an event: what it was about stands in `cause` or `url`.
  func report(_ event: ReportedEvent, at server: OriginServer?, _ cause: String, url: String = "") {
    let nowUs = EventLoop.monotonicUs()
    reports.report(event, at: server, cause: cause, url: url, nowMs: nowUs / 1000)
    if event.isFailure {
      metrics.recent?.failures.keep(
        event, at: wallClock.seconds, atUs: nowUs, server: server, cause: cause, url: url)
    }
    if reports.areWaiting { upkeep?.startIfStopped(everyMs: Self.upkeepMs) }
  }
}

extension OriginSets {
  /// Sends all workers what ``message`` makes of these servers.
  func send(_ message: (OriginSets) -> WorkerMessage, to mailboxes: [Mailbox<WorkerMessage>]) {
    for mailbox in mailboxes { mailbox.send(message(self)) }
  }
}
