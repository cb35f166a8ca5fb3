import Addressing
import EventLoop
import Glibc
import HTTP1
import HTTP2
import TLS

/// A client's connection, or a stream of one: reads request heads one after the other and lets an ``Exchange`` answer each.
///
///     input:  | head of the request being answered | its body, or the next requests |
final class ClientConnection: StreamSocket {
  enum State {
    /// Waiting for the PROXY header that says who the client is.
    case introducing
    /// Waiting for the rest of a head, or for its first byte.
    case reading
    /// The exchange has the connection.
    case exchanging
    /// The connection was upgraded: bytes pass both ways.
    case tunnelling(Tunnel)
    /// The connection carries HTTP/2: its streams are the clients.
    case multiplexing(Multiplexer)
    /// The last answer is being written; then the connection closes, lingering if the client may still send.
    case closing(lingers: Bool)
    /// Everything is written; what the client still sends is read so that a reset can't destroy the answer.
    case lingering(leftBytes: Int)
    case closed
  }

  /// Read and dropped after a last answer, at most.
  private static let lingerLimitBytes = 1 << 20
  private static let lingerMs: UInt64 = 3_000
  /// How long a request may still come on an idle connection while the process is stopping.
  static let farewellMs: UInt64 = 1_000
  /// How long a connection that is idle keeps its exchange for the next request, and the memory that it takes.
  private static let keepsExchangeMs: UInt64 = 200

  let worker: Worker
  /// The sender of a PROXY header is followed by the client that it names.
  var peer: Peer
  /// Whom its TLS certificate names, if it has shown one that was accepted; without bytes that a field can't have.
  private(set) var certificateSubject: [UInt8]?
  var state: State
  /// Nil where the client speaks without.
  let tls: TLSSession?
  /// The stream of HTTP/2 that this is; nil for a connection.
  let stream: HTTP2Stream?
  var input: Buffer
  /// Bytes of an answer that the socket did not take yet.
  var output: Buffer
  private var headProgress = HeadProgress()
  /// The deadline of the present head is running.
  private var headIsTimed = false
  /// When the first part of a head that did not come at once was seen.
  private var headBeganUs: UInt64?
  private var isReadingHeads = false
  /// A request has been read on this connection.
  private(set) var hasServed = false
  /// Made for a request and used for those that follow it without a rest, until the settings change. Each holds on to the
  /// other until the connection rests or closes, or something else takes its place.
  private var exchange: Exchange?
  /// What is left of the idle timeout when the deadline that runs has passed.
  private var idleLeftMs: UInt64 = 0
  /// The settings have changed since the present exchange was made.
  private var isOutdated = false

  /// Takes `descriptor` over.
  ///
  /// - Parameter tls: what the client speaks inside of; behind the PROXY header, when there is one.
  init(
    worker: Worker, descriptor: Int32, peer address: PeerAddress, tls: TLSSession?
  ) throws(EventLoopError) {
    self.worker = worker
    self.tls = tls
    stream = nil
    peer = Peer(address, trusted: worker.settings.trustedProxies, scheme: tls == nil ? .http : .https)
    let isIntroduced = worker.settings.acceptsProxyHeader
    state = isIntroduced ? .introducing : .reading
    input = Buffer(pool: worker.buffers)
    output = Buffer(pool: worker.buffers)
    try super.init(
      loop: worker.loop, descriptor: descriptor, meter: worker.metrics.traffic,
      layer: isIntroduced ? nil : tls)
    setDeadline(afterMs: worker.settings.headerMs)
  }

  /// One of the streams of a connection.
  init(_ stream: HTTP2Stream, of connection: ClientConnection) throws(EventLoopError) {
    worker = connection.worker
    tls = nil
    self.stream = stream
    peer = connection.peer
    certificateSubject = connection.certificateSubject
    state = .reading
    input = Buffer(pool: worker.buffers)
    output = Buffer(pool: worker.buffers)
    try super.init(loop: worker.loop, inside: stream)
    stream.attach(self)
    setDeadline(afterMs: worker.settings.headerMs)
  }

  /// No bytes of its own are needed to say where a message ends.
  var isStream: Bool { stream != nil }

  /// What origins are told of the client's certificate.
  var clientSubject: [UInt8]? { tls == nil && !isStream ? nil : certificateSubject }

  /// Between two requests, with nothing of the next one read.
  var isIdle: Bool {
    switch state {
    case .introducing, .reading: input.isEmpty
    case .multiplexing(let multiplexer): multiplexer.isIdle
    case .exchanging, .tunnelling, .closing, .lingering, .closed: false
    }
  }

  override func socketIsReady(_ events: SocketEvents) {
    switch state {
    case .introducing: readProxyHeader()
    case .reading: readHead()
    case .exchanging: exchange?.clientIsReady(events)
    case .tunnelling(let tunnel): tunnel.socketIsReady()
    case .multiplexing(let multiplexer): multiplexer.socketIsReady()
    case .closing: writeLast()
    case .lingering: linger()
    case .closed: break
    }
  }

  override func layerIsOpen() {
    peer.tls = tls?.agreement
    certificateSubject = tls?.peerSubject.map { Array($0.utf8) }
    worker.metrics.count(tls?.isResumed == true ? .tlsResumed : .tlsHandshakes)
    if tls?.speaksHTTP2 == true { startMultiplexing() }
  }

  override func layerFailed() {
    guard let failure = tls?.failure else { return close() }
    worker.metrics.count(.tlsFailures)
    worker.report(.clientTLS, at: nil, "\(peer.name): \(failure)")
    guard failure == .plainHTTP else { return close() }
    abandonLayer()
    refuse(OwnAnswer(status: 400, text: "This port speaks TLS: write https:// instead of http://."))
  }

  override func deadlinePassed() {
    switch state {
    case .introducing: proxyHeaderTimedOut()
    case .reading:
      if input.isEmpty {
        rest()
      } else {
        refuse(
          OwnAnswer(status: 408, text: "The head of the request did not come within the header timeout."))
      }
    case .exchanging: exchange?.clientTimedOut()
    case .multiplexing(let multiplexer): multiplexer.deadlinePassed()
    case .tunnelling, .closing, .lingering: close()
    case .closed: break
    }
  }

  // MARK: Reading heads

  /// An exchange that ends at once, inside ``Exchange/begin(_:)``, leaves the next head to the loop that is
  /// running: a client that pipelines must not be able to grow the stack.
  func readHead() {
    if isReadingHeads { return }
    isReadingHeads = true
    defer { isReadingHeads = false }
    while case .reading = state {
      if !input.isEmpty, tryParse() { continue }
      guard case .reading = state, isReadable else { return }
      switch receive(into: &input) {
      case .bytes: continue
      case .wouldBlock:
        input.giveBackIfEmpty()
        return
      case .end, .failed:
        return close()
      }
    }
  }

  /// True when the bytes at hand made a request or a refusal; false when more are needed.
  private func tryParse() -> Bool {
    let mayBeComplete = unsafe headProgress.mayBeComplete(UnsafeRawBufferPointer(input.readable).bytes)
    guard mayBeComplete || input.count >= worker.headLimits.maxBytes else { return waitForRest() }
    worker.requestTableOwner = nil
    let parsed = unsafe RequestHead.parse(
      UnsafeRawBufferPointer(input.readable).bytes, limits: worker.headLimits,
      fields: &worker.requestFields)
    switch parsed {
    case .incomplete:
      return waitForRest()
    case .malformed where beginsHTTP2:
      startMultiplexing()
      return true
    case .malformed(let cause):
      refuse(OwnAnswer(status: cause.status, text: cause.description))
      return true
    case .head(let head):
      headIsTimed = false
      if !hasServed { hintAtTrustedProxies() }
      hasServed = true
      headProgress = HeadProgress()
      worker.metrics.count(.requests)
      state = .exchanging
      clearDeadline()
      let nowUs = worker.takesTimes ? EventLoop.monotonicUs() : 0
      if exchange == nil { exchange = Exchange(client: self) }
      exchange?.begin(head, beganUs: headBeganUs.take() ?? nowUs, nowUs: nowUs)
      return true
    }
  }

  /// Told once a process: a scanner in the same network is no reason for more.
  private func hintAtTrustedProxies() {
    guard peer.isUntrustedNeighbour, worker.requestFields.first(.xForwardedFor) != nil,
      worker.forwardingHint.take()
    else { return }
    worker.report(.unbelievedForwarding, at: nil, "\(peer.name)")
  }

  /// The deadline of a head runs from its first byte and is not put off by the next ones.
  private func waitForRest() -> Bool {
    if !headIsTimed {
      headIsTimed = true
      if worker.takesTimes { headBeganUs = EventLoop.monotonicUs() }
      setDeadline(afterMs: worker.settings.headerMs)
    }
    input.compact()
    return false
  }

  /// Answers what is no request, and closes.
  private func refuse(_ answer: OwnAnswer) {
    worker.metrics.count(.badRequests)
    if let log = worker.log {
      let nowUs = EventLoop.monotonicUs()
      let refusal = LoggedRefusal(
        peer: peer, status: answer.status, bodyBytes: answer.bodyBytes,
        tookUs: nowUs &- (headBeganUs.take() ?? nowUs))
      log.write(refusal, nowMs: worker.wallClock.milliseconds)
    }
    worker.writer.removeAll()
    answer.write(isHead: false, closes: true, route: nil, into: &worker.writer)
    state = .closing(lingers: true)
    _ = writeOrKeep(worker)
    writeLast()
  }

  // MARK: Writing

  /// Sends the worker's writer and keeps what the socket does not take; false when the client is gone.
  func writeOrKeep(_ worker: Worker) -> Bool {
    if !output.isEmpty { return worker.writer.withBytes { output.append($0) } }
    return unsafe worker.writer.withUnsafeBytes { bytes in
      switch unsafe send(bytes, .init(start: nil, count: 0)) {
      case .failed: return false
      case .bytes(let count):
        return unsafe count == bytes.count
          || output.append(UnsafeRawBufferPointer(rebasing: bytes[count...]).bytes)
      }
    }
  }

  // MARK: After an exchange

  /// What a connection does when its answer is written.
  enum Afterwards {
    case nextRequest
    /// The client does not know that this was the last answer, or is still sending: what comes is read and dropped.
    case lingeringClose
    /// The client said that this was its last request.
    case close
  }

  /// The exchange is over.
  ///
  /// - Parameter headAndBody: bytes at the front of ``input`` that belonged to the request.
  func exchangeEnded(consuming headAndBody: Int, afterwards: Afterwards) {
    input.consume(headAndBody)
    if isOutdated { takeSettings() }
    switch afterwards {
    // Where the process stops meanwhile the client does not know: its next request, which may be on its way, is the last.
    case .nextRequest: endMessage()
    case .lingeringClose:
      state = .closing(lingers: true)
      return writeLast()
    case .close:
      state = .closing(lingers: !input.isEmpty || isReadable)
      return writeLast()
    }
    state = .reading
    let idleMs = worker.isDraining ? Self.farewellMs : worker.settings.idleMs
    let firstMs = min(idleMs, Self.keepsExchangeMs)
    idleLeftMs = idleMs - firstMs
    setDeadline(afterMs: firstMs)
    if input.isEmpty { input.giveBack() } else { input.compact() }
    if !input.isEmpty || isReadable { readHead() }
  }

  /// The client has not gone on for a moment, and is not worth an exchange's memory any more; or for the whole idle timeout.
  private func rest() {
    if let stream {
      // The loop may have seen the next request, and not said so yet.
      if !stream.isReadable { close() }
      return
    }
    guard idleLeftMs > 0 else { return close() }
    exchange = nil
    setDeadline(afterMs: idleLeftMs)
    idleLeftMs = 0
  }

  /// The connection carries something else than HTTP from now on.
  func startTunnel(_ tunnel: Tunnel, consuming head: Int) {
    exchange = nil
    input.consume(head)
    input.giveBackIfEmpty()
    state = .tunnelling(tunnel)
  }

  /// The bytes at hand begin as HTTP/2 does (RFC 9113, 3.4), and may here.
  private var beginsHTTP2: Bool {
    guard worker.settings.acceptsHTTP2Cleartext, tls == nil, !isStream, !hasServed else { return false }
    let bytes = unsafe UnsafeRawBufferPointer(input.readable)
    return unsafe bytes.starts(with: "PRI * HTTP/2.0\r\n".utf8)
  }

  /// From here on the streams are the clients.
  private func startMultiplexing() {
    worker.metrics.count(.http2Connections)
    hasServed = true
    peer.speaksHTTP2 = true
    guard let multiplexer = Multiplexer(on: self) else { return close() }
    state = .multiplexing(multiplexer)
    if !input.isEmpty, !multiplexer.takeInput() { return close() }
    wake()
  }

  /// All is said on both sides.
  func endMultiplexing() {
    state = .closing(lingers: true)
    writeLast()
  }

  private func writeLast() {
    switch flush(&output) {
    case .failed: close()
    case .blocked: setDeadline(afterMs: worker.settings.idleMs)
    case .all:
      guard case .closing(lingers: true) = state else { return close() }
      input.giveBack()
      shutdownWriting()
      state = .lingering(leftBytes: Self.lingerLimitBytes)
      setDeadline(afterMs: Self.lingerMs)
      if isReadable { linger() }
    }
  }

  private func linger() {
    guard case .lingering(var leftBytes) = state else { return }
    while isReadable {
      switch receive(into: &input) {
      case .bytes(let count):
        input.giveBack()
        leftBytes -= count
        if leftBytes <= 0 { return close() }
      case .wouldBlock:
        input.giveBack()
        state = .lingering(leftBytes: leftBytes)
        return
      case .end, .failed:
        return close()
      }
    }
    state = .lingering(leftBytes: leftBytes)
  }

  /// The worker has new settings: they hold for the next request.
  func settingsHaveChanged() {
    switch state {
    case .exchanging: isOutdated = true
    case .multiplexing(let multiplexer):
      takeSettings()
      multiplexer.settingsHaveChanged()
    case .introducing, .reading, .tunnelling, .closing, .lingering: takeSettings()
    case .closed: break
    }
  }

  /// Lets go of the settings before, which end with the last exchange that uses them.
  private func takeSettings() {
    isOutdated = false
    exchange = nil
    peer.trust(worker.settings.trustedProxies)
  }

  /// Closes, leaving nothing behind. May be called more than once.
  ///
  /// - Parameter abortively: reset, so that the client can't take half an answer for a whole one.
  func close(abortively: Bool = false) {
    switch state {
    case .closed: return
    case .exchanging: exchange?.clientIsGone()
    case .tunnelling(let tunnel): tunnel.close()
    case .multiplexing(let multiplexer): multiplexer.close()
    case .introducing, .reading, .closing, .lingering: break
    }
    state = .closed
    exchange = nil
    input.giveBack()
    output.giveBack()
    let former = descriptor
    closeSocket(abortively: abortively)
    worker.clientClosed(former)
  }

  /// The process is stopping: a busy connection goes after its answer. An idle one may have a request on its way, which
  /// closing it would lose: it goes when none has come for a moment, or after the answer to the one that has.
  func drain() {
    if case .multiplexing(let multiplexer) = state { return multiplexer.drain() }
    guard isIdle else { return }
    idleLeftMs = 0
    setDeadline(afterMs: Self.farewellMs)
  }
}
