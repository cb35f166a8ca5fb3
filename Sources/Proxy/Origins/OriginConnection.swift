import EventLoop
import Glibc
import HTTP1
import TLS

/// A connection to an origin: connecting, waiting in its server's pool, or serving one exchange.
final class OriginConnection: StreamSocket {
  enum State {
    case connecting(Exchange)
    case serving(Exchange)
    case idle
    /// The connection was upgraded.
    case tunnelling(Tunnel)
    /// The rest of an answer that nobody wants is read so that the connection can be used again.
    case draining(BodyScanner, leftBytes: Int)
    case closed
  }

  /// What is left of an unwanted answer is read up to this many bytes; a longer one costs its connection.
  static let drainLimitBytes = 64 << 10
  private static let drainMs: UInt64 = 2_000

  let server: OriginServer
  private let worker: Worker
  /// Nil where the server is spoken to without.
  let tls: TLSSession?
  private(set) var state: State
  /// Its request's place at the server; nil while it is idle or closed.
  private var slot: OriginSlot?
  /// Bytes received and not yet handed on.
  var input: Buffer
  /// The part of a request's head that the socket did not take yet.
  var output: Buffer
  /// Requests sent on this connection before the present one.
  private(set) var served = 0
  /// Bytes of the present request that the kernel has taken.
  private(set) var sentBytes = 0

  /// - Throws: ``EventLoopError`` when no socket can be had or the address refuses at once.
  init(worker: Worker, slot: consuming OriginSlot, exchange: Exchange) throws(EventLoopError) {
    self.worker = worker
    let server = slot.server
    self.server = server
    state = .connecting(exchange)
    self.slot = consume slot
    input = Buffer(pool: worker.buffers)
    output = Buffer(pool: worker.buffers)
    tls = try worker.makeTLS(to: server)
    let descriptor = try beginConnecting(to: server.address)
    try super.init(loop: worker.loop, descriptor: descriptor, layer: tls)
    server.add(self)
    setDeadline(afterMs: exchange.settings.connectMs)
  }

  var isConnecting: Bool {
    if case .connecting = state { true } else { false }
  }

  /// Takes an idle connection for an exchange.
  func serve(_ exchange: Exchange, slot: consuming OriginSlot) {
    state = .serving(exchange)
    self.slot = consume slot
    served += 1
    sentBytes = 0
  }

  override func layerFailed() {
    guard case .connecting(let exchange) = state, let failure = tls?.failure else { return close() }
    switch failure {
    case .system(let code): exchange.originFailed(self, .refused(errno: code))
    default: exchange.originFailed(self, .tls(failure))
    }
  }

  override func socketIsReady(_ events: SocketEvents) {
    switch state {
    case .connecting(let exchange):
      let code = takeError()
      if code != 0 {
        exchange.originFailed(self, .refused(errno: code))
      } else if events.contains(.writable) {
        state = .serving(exchange)
        clearDeadline()
        exchange.originConnected(self)
      }
    case .serving(let exchange):
      exchange.originIsReady(self, events)
    case .idle:
      // It closed, or spoke without being asked: either way it is of no more use. But an edge may have been on its way
      // when its bytes were read, and means nothing then.
      if events.contains(.peerClosed) || isReadable && !isSilent() { close() }
    case .tunnelling(let tunnel):
      tunnel.socketIsReady()
    case .draining:
      drain()
    case .closed:
      break
    }
  }

  /// The connection carries something else than HTTP from now on.
  func startTunnel(_ tunnel: Tunnel) {
    state = .tunnelling(tunnel)
    clearDeadline()
  }

  override func deadlinePassed() {
    switch state {
    case .connecting(let exchange): exchange.originFailed(self, .connectTimeout)
    case .serving(let exchange): exchange.originFailed(self, .timeout)
    case .idle, .draining, .tunnelling: close()
    case .closed: break
    }
  }

  /// Sends the two parts at once, counting what the kernel took.
  func sendCounted(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) -> Sent {
    let sent = unsafe send(first, second)
    if case .bytes(let count) = sent { sentBytes += count }
    return sent
  }

  /// Sends what is left of the request's head.
  func flushOutput() -> Flushed {
    let before = output.count
    defer { sentBytes += before - output.count }
    return flush(&output)
  }

  /// Whether it has nothing to say, which a receive finds out.
  private func isSilent() -> Bool {
    defer { input.giveBack() }
    return receive(into: &input) == .wouldBlock
  }

  /// The exchange is over and the connection can serve another one.
  func release() {
    input.giveBack()
    output.giveBack()
    // A receive that filled its room leaves open whether more came: nothing may have.
    if isReadable, !isSilent() { return close() }
    guard server.keep(self, atMost: worker.settings.originKeepalive) else { return close() }
    state = .idle
    slot = nil
    setDeadline(afterMs: worker.settings.idleMs)
  }

  /// Gives up the rest of an answer: reads it if it is short, so that the connection lives, else closes.
  ///
  /// - Parameter scanner: stands where `input` begins.
  func abandon(_ scanner: BodyScanner, keepAlive: Bool) {
    if !keepAlive || scanner.remainingBytes ?? 0 > UInt64(Self.drainLimitBytes) { return close() }
    state = .draining(scanner, leftBytes: Self.drainLimitBytes)
    setDeadline(afterMs: Self.drainMs)
    drain()
  }

  private func drain() {
    guard case .draining(var scanner, var leftBytes) = state else { return }
    while true {
      if !input.isEmpty || scanner.isFinished {
        let progress = unsafe scanner.scan(input.readable)
        input.consume(progress.consumed)
        leftBytes -= progress.consumed
        switch progress.state {
        case .finished:
          return input.isEmpty ? release() : close()
        case .malformed:
          return close()
        case .more:
          if leftBytes < 0 { return close() }
          input.compact()
          input.giveBackIfEmpty()
        }
      }
      state = .draining(scanner, leftBytes: leftBytes)
      guard isReadable else { return }
      switch receive(into: &input) {
      case .bytes: continue
      case .wouldBlock: return
      case .end, .failed: return close()
      }
    }
  }

  /// Closes and leaves its server. May be called more than once.
  func close() {
    let wasIdle: Bool
    switch state {
    case .closed: return
    case .idle: wasIdle = true
    case .connecting, .serving, .draining, .tunnelling: wasIdle = false
    }
    state = .closed
    slot = nil
    input.giveBack()
    output.giveBack()
    let former = descriptor
    closeSocket()
    server.remove(self, descriptor: former, wasIdle: wasIdle)
  }
}
