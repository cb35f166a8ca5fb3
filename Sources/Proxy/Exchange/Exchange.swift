import EventLoop
import HTTP1
import URLMap

/// One client request and all that is done to answer it. One object a connection, used for each of its
/// requests in turn for as long as the settings stay the same.
///
/// The life of a request, in order, each phase in its own file:
///
/// 1. begin: the URL map says whom to ask (this file)
/// 2. ask: the head goes to an origin, the body follows as it comes and is recorded (`Exchange+Asking`)
/// 3. decide: the head of an answer is looked up in the ``DecisionTable`` (`Exchange+Deciding`)
/// 4. deliver: the answer streams to the client (`Exchange+Delivering`)
/// 5. end: everything is given back (this file); or something fails (`Exchange+Failing`)
final class Exchange {
  /// What the client has been given.
  enum Delivery {
    /// Nothing: every way is open.
    case undecided
    /// The head of an answer; its body follows as `answer` says.
    case streaming
    /// The answer is whole but for what waits in the client's output.
    case flushing
  }

  /// It owns its exchange, and lets go of it when it closes.
  let client: ClientConnection
  let worker: Worker
  // The worker's, held here as well: asked of the worker, each would be counted for each use.
  private let metrics: WorkerMetrics
  private let log: WorkerLog?
  /// What it began with, and ends with.
  let settings: Settings

  /// Whether a request is under way.
  private(set) var isActive = false
  /// Offsets into the client's input, where the head stays until the exchange ends.
  private(set) var head: RequestHead
  var body = RequestBody()
  var step = Step.newFirst
  /// The origin asked at the moment.
  var asked: OriginConnection?
  var tried = TriedServers()
  /// The server of the present step's site that the request belongs to, if it belongs to one.
  var preferred: OriginServer?
  /// A dead connection has been replaced by a fresh one already.
  var retriedOnFresh = false
  /// How often the request was sent again since a server had failed it, which is what `--retries` bounds. `record.retries`
  /// has those as well that replaced a kept connection: its server may close that at any time, and has failed nothing.
  var retriesAfterFailure = 0
  /// Its ticket in the line of the pool that the step names; nil when it does not wait.
  var ticket: UInt64?
  var held: HeldAnswer?
  /// The answer of the old server that is being looked into; the connection asked still has the rest.
  var examination: Examination?
  var delivery = Delivery.undecided
  var answer = AnswerStream()
  /// The interim answers of the origin asked that wait for the decision, as they will go out.
  var interim: ByteWriter
  /// A 100 has been passed on; the client gets no second one.
  var continued = false
  /// The answer may be another one for another Referer.
  var variesByReferer = false
  var record = AccessRecord()
  /// For the log, if there is one; offsets count like those of `head`.
  private var loggedFields = LoggedFields()
  /// Whose request it is; offsets count like those of `head`.
  private(set) var sender: Sender
  /// Neither site has what the client wants.
  var miss: MissReason?

  init(client: ClientConnection) {
    self.client = client
    worker = client.worker
    metrics = client.worker.metrics
    log = client.worker.log
    settings = client.worker.settings
    head = RequestHead()
    sender = Sender(peer: client.peer)
    interim = ByteWriter(capacity: 0)
  }

  // MARK: Begin

  /// The client's input begins with a well-formed head, and the worker's field table describes it.
  ///
  /// - Parameters:
  ///   - beganUs: when its first byte was seen; 0 where nobody wants times.
  ///   - nowUs: the same of its last byte.
  func begin(_ head: RequestHead, beganUs: UInt64, nowUs: UInt64) {
    self.head = head
    record.beganUs = beganUs
    record.headUs = nowUs
    if client.peer.isTrusted { readSender() }
    if log != nil { loggedFields = LoggedFields(worker.requestFields) }
    isActive = true
    worker.requestTableOwner = ObjectIdentifier(self)
    body.begin(head)
    if let redirect = settings.httpsRedirect, redirectToHTTPS(redirect) { return }
    step = firstStep()
    preferred = home
    body.recorder = makeRecorder()
    if !takeBodyAtHand() { return }
    proceed()
  }

  private func readSender() {
    let input = unsafe client.input.readable.bindMemory(to: UInt8.self)
    sender = unsafe Sender(
      peer: client.peer, fields: worker.requestFields, bytes: input.span,
      trusted: settings.trustedProxies)
  }

  private func firstStep() -> Step {
    if !settings.rules.isEmpty, let step = stepByRule() { return step }
    let nowSeconds = worker.wallClock.seconds
    let byMap = withKey { key -> Step in
      guard let entry = worker.reader.lookup(key, countingHitAt: nowSeconds) else { return .newFirst }
      return settings.recheckAge.isDue(entry, key: key, at: nowSeconds) ? .recheck : .oldByMap
    }
    guard let byMap else { return .newOnly }
    if settings.assetsFollowReferer, let step = stepByReferer(insteadOf: byMap) { return step }
    return byMap
  }

  /// Makes the worker's field table describe this request's head; another exchange may have used it since.
  func describeHead() {
    if worker.requestTableOwner == ObjectIdentifier(self) { return }
    _ = unsafe RequestHead.parse(
      UnsafeRawBufferPointer(client.input.readable).bytes, limits: worker.headLimits,
      fields: &worker.requestFields)
    worker.requestTableOwner = ObjectIdentifier(self)
  }

  /// The request is for a URL, and not `OPTIONS *`.
  var hasURL: Bool { !head.pathAndQuery.isEmpty || head.method != .options }

  // What follows is inlined, so that no closure has to hold the exchange.

  /// Hands the target of this request and the host that it is for to `body`; nil when it is for no URL.
  @inline(__always)
  private func withURL<Result>(_ body: (_ target: RawSpan, _ host: RawSpan) -> Result?) -> Result? {
    guard hasURL else { return nil }
    let input = unsafe client.input.readable
    let target = unsafe UnsafeRawBufferPointer(rebasing: input[head.pathAndQuery.range])
    let host = unsafe UnsafeRawBufferPointer(rebasing: input[head.authority.range])
    return unsafe body(target.bytes, host.bytes)
  }

  /// Hands the map's key of this request to `body`; nil when it has none.
  @inline(__always)
  func withKey<Result>(_ body: (RawSpan) -> Result) -> Result? {
    withURL { withKey(of: $0, host: $1, body) }
  }

  /// Hands the map's key of a path and query at a host to `body`; nil when it has none.
  @inline(__always)
  func withKey<Result>(of target: RawSpan, host: RawSpan, _ body: (RawSpan) -> Result) -> Result? {
    let key = settings.key(of: target, host: host, writingInto: &worker.keyScratch)
    return with(key, target, body)
  }

  /// Hands the URL that answers to this request are about to `body`, which is not always its key; nil when it has none.
  func withSpelling<Result>(_ body: (RawSpan) -> Result) -> Result? {
    withURL { target, host in
      let spelling = settings.spelling(of: target, host: host, writingInto: &worker.keyScratch)
      return with(spelling, target, body)
    }
  }

  @inline(__always)
  private func with<Result>(
    _ place: KeyScheme.Key, _ target: RawSpan, _ body: (RawSpan) -> Result
  ) -> Result? {
    switch place {
    case .none: nil
    case .target(let byteCount): body(target.extracting(0..<byteCount))
    case .written: unsafe worker.keyScratch.withUnsafeBytes { unsafe body($0.bytes) }
    }
  }

  /// Whether what is answered to this request holds for its key in the map.
  var speaksForKey: Bool {
    withURL { settings.speaksForKey($0, host: $1) } ?? false
  }

  /// A URL in the map needs no recording past what fits in memory: the old server has the page.
  private func makeRecorder() -> BodyRecorder? {
    guard body.isExpected else { return nil }
    let limit: Int
    switch step {
    case .newFirst, .recheck, .oldByRule: limit = settings.replayLimitBytes
    case .oldByMap, .oldByReferer, .newOnly, .newByRule: limit = settings.replayMemoryBytes
    case .oldAfterMiss, .oldAsStandby, .probeOld, .newAfterOldMiss, .newAfterOldFailure: return nil
    }
    if case .length(let length) = head.framing, length > UInt64(limit) { return nil }
    return BodyRecorder(
      memoryLimit: settings.replayMemoryBytes, limit: limit, budget: worker.replayBudget)
  }

  // MARK: Events

  func clientIsReady(_ events: SocketEvents) {
    guard isActive else { return }
    switch delivery {
    case .undecided: break
    case .streaming, .flushing: if events.contains(.writable) { pumpAnswer() }
    }
    guard isActive else { return }
    if !body.isSent { pumpRequest() }
    guard isActive, body.isRead || ticket != nil else { return }
    if events.contains(.peerClosed), case .undecided = delivery {
      watchDeparture()
    } else if events.contains(.readable), events.contains(.writable), client.takeError() != 0 {
      client.close()
    }
  }

  func originIsReady(_ origin: OriginConnection, _ events: SocketEvents) {
    if let held, held.origin === origin, asked !== origin { return fillHeld(held, from: origin) }
    guard asked === origin else { return }
    switch delivery {
    case .undecided:
      if events.contains(.writable), !body.isSent { pumpRequest() }
      if asked === origin, case .undecided = delivery, origin.isReadable {
        if examination == nil { readAnswer(origin) } else { examineMore(origin) }
      }
    case .streaming:
      if !body.isSent { pumpRequest() }
      if isActive, asked === origin { pumpAnswer() }
    case .flushing: break
    }
  }

  // MARK: End

  /// The answer is with the client, or with the kernel: log it and go on to the next request.
  func end(keepAlive: Bool) {
    let consumed = body.isRead ? body.upper : client.input.count
    let saysMore = head.keepAlive || !body.isRead
    countAndReset()
    client.exchangeEnded(
      consuming: consumed, afterwards: keepAlive ? .nextRequest : saysMore ? .lingeringClose : .close)
  }

  /// The connection was upgraded: the exchange is over, its sockets live on in the tunnel.
  func endInTunnel(_ tunnel: Tunnel) {
    let consumed = head.byteCount
    countAndReset()
    client.startTunnel(tunnel, consuming: consumed)
  }

  /// The client's connection is closing under the exchange.
  func clientIsGone() {
    guard isActive else { return }
    if case .flushing = delivery {
    } else if !record.notes.contains(.brokenOff) {
      worker.metrics.count(.clientsGone)
      record.notes.insert(.clientGone)
      if record.status == 0 { record.status = 499 }
    }
    countAndReset()
  }

  private func countAndReset() {
    let nowUs = worker.takesTimes ? EventLoop.monotonicUs() : 0
    metrics.requestEnded(record.route, status: record.status)
    if worker.takesTimes { metrics.requestTook(record.route, us: nowUs &- record.headUs) }
    if let miss { keepMiss(miss, nowUs: nowUs) }
    if let log {
      let request = LoggedRequest(
        record: record, head: head, fields: loggedFields, sender: sender, tookUs: nowUs &- record.beganUs)
      unsafe log.write(
        request, bytes: UnsafeRawBufferPointer(client.input.readable).bytes,
        nowMs: worker.wallClock.milliseconds)
    }
    isActive = false
    leaveLine()
    asked?.close()
    asked = nil
    examination = nil
    dropHeld()
    body.reset()
    tried.removeAll()
    preferred = nil
    retriedOnFresh = false
    retriesAfterFailure = 0
    giveBackPipe()
    delivery = .undecided
    interim.removeAll()
    continued = false
    variesByReferer = false
    record = AccessRecord()
    miss = nil
  }
}
