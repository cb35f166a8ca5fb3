import EventLoop
import HTTP2

/// HTTP/2 on a client's connection. Each of its streams is a ``ClientConnection`` of its own, with the stream in the place of
/// a socket: whatever a request comes in, one and the same code answers it.
final class Multiplexer: HTTP2Session {
  /// What the connection's deadline is about.
  private enum Wait {
    /// There is no deadline: a request is under way, which has its own.
    case none
    /// For the client's next request, or its first.
    case request
    case restOfHead
    case clientToRead
    /// For what was on its way when the client was told to go.
    case farewell
  }

  /// It owns this, and closes it before it goes.
  private unowned let connection: ClientConnection
  /// By their streams. This is what keeps them alive.
  private var clients: [ObjectIdentifier: ClientConnection] = [:]
  private var wait = Wait.none
  /// The socket does not take frames any more.
  private var isBroken = false
  private var isDraining = false

  /// - Returns: nil without memory.
  init?(on connection: ClientConnection) {
    self.connection = connection
    let worker = connection.worker
    super.init(limits: worker.settings.http2, heads: worker.headLimits, pool: worker.frames)
  }

  /// The connection's socket has something to say, or there are frames to send.
  func socketIsReady() {
    guard let hasReceived = receive() else { return connection.close() }
    // The streams have their turn first, so that what they answer at once leaves with one send.
    if hasReceived { framesAreDue() } else { send() }
  }

  /// Whether anything has come; nil when the connection is over.
  private func receive() -> Bool? {
    var hasReceived = false
    for _ in 0..<Worker.roundsPerTurn {
      guard connection.isReadable else { return hasReceived }
      switch connection.receive(into: &connection.input) {
      case .bytes:
        hasReceived = true
        let isUsable = takeInput()
        if !isUsable { return nil }
      case .wouldBlock:
        connection.input.giveBackIfEmpty()
        return hasReceived
      case .end, .failed: return nil
      }
    }
    connection.comeBack()
    return hasReceived
  }

  /// Reads the frames in the connection's input; false when it is of no use any more.
  func takeInput() -> Bool {
    let isUsable = unsafe take(UnsafeRawBufferPointer(connection.input.readable))
    connection.input.giveBack()
    tell()
    if !isUsable { reportFailure() }
    return isUsable
  }

  private func send() {
    writing: while true {
      writeFrames()
      if frames.isEmpty { break }
      switch connection.flush(&frames) {
      case .failed: return connection.close()
      case .blocked: break writing
      case .all: roomIsThere()
      }
    }
    if isBroken { return connection.close() }
    tell()
    if isOver {
      reportFailure()
      close()
      return connection.endMultiplexing()
    }
    setDeadline()
  }

  private func reportFailure() {
    guard let failure else { return }
    let worker = connection.worker
    worker.metrics.count(.http2Failures)
    worker.report(.clientHTTP2, at: nil, "\(connection.peer.name): \(failure)")
  }

  // MARK: Deadlines

  private func setDeadline() {
    if case .farewell = wait { return }
    let settings = connection.worker.settings
    switch (wait, next) {
    case (.restOfHead, .restOfHead), (.request, .request): break
    case (_, .restOfHead): connection.setDeadline(afterMs: settings.headerMs)
    case (_, .request), (_, .clientToRead): connection.setDeadline(afterMs: settings.idleMs)
    case (_, .none), (_, .farewell): connection.clearDeadline()
    }
    wait = next
  }

  private var next: Wait {
    if !frames.isEmpty { return .clientToRead }
    if isReadingHead { return .restOfHead }
    return isIdle ? .request : .none
  }

  func deadlinePassed() {
    switch wait {
    case .none: break
    case .clientToRead: connection.close(abortively: true)
    // Nothing else can come before the rest, so nobody else is served here either.
    case .restOfHead: terminate()
    case .request, .farewell:
      wait = .none
      announceEnd(isFinal: true)
    }
  }

  /// The process is stopping: the client is told to go, and what it sends until it has heard that is answered still.
  func drain() {
    if isDraining { return }
    isDraining = true
    announceEnd(isFinal: false)
    wait = .farewell
    connection.setDeadline(afterMs: ClientConnection.farewellMs)
  }

  func settingsHaveChanged() {
    for client in Array(clients.values) { client.settingsHaveChanged() }
  }

  /// The connection goes on without this, or closes.
  func close() {
    for client in Array(clients.values) { client.close() }
  }

  // MARK: The session

  override func streamHasBegun(_ stream: HTTP2Stream) {
    guard let client = try? ClientConnection(stream, of: connection) else {
      return connection.worker.report(.accept, at: nil, "no memory for a stream of HTTP/2")
    }
    clients[ObjectIdentifier(stream)] = client
  }

  override func streamIsBroken(_ stream: HTTP2Stream) { clients[ObjectIdentifier(stream)]?.close() }

  override func socketHasClosed(_ stream: HTTP2Stream) {
    super.socketHasClosed(stream)
    clients[ObjectIdentifier(stream)] = nil
  }

  override func framesAreDue() { connection.wake() }

  override func sendFrames() {
    guard case .failed = connection.flush(&frames) else { return }
    isBroken = true
    framesAreDue()
  }

  override func messageWasRefused() { connection.worker.metrics.count(.badRequests) }
}
