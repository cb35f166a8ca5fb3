import EventLoop

/// Bytes between a client and an origin after an upgrade, both ways, until both sides have ended.
final class Tunnel {
  private unowned let client: ClientConnection
  private let origin: OriginConnection
  private let idleMs: UInt64
  private var clientEnded = false
  private var originEnded = false
  private static let rounds = 16

  /// - Parameters:
  ///   - client: its `input` may hold bytes that followed the request.
  ///   - origin: its `input` may hold bytes that followed the 101.
  init(client: ClientConnection, origin: OriginConnection, idleMs: UInt64) {
    self.client = client
    self.origin = origin
    self.idleMs = idleMs
  }

  /// Either socket has something to say.
  func socketIsReady() {
    guard move(from: client, &client.input, to: origin, &origin.output, ended: &clientEnded),
      move(from: origin, &origin.input, to: client, &client.output, ended: &originEnded)
    else { return client.close() }
    if clientEnded, originEnded, !client.hasUnsent, !origin.hasUnsent { return client.close() }
    client.setDeadline(afterMs: idleMs)
  }

  /// The client's side is closing.
  func close() {
    origin.close()
  }

  /// False when the tunnel is broken.
  private func move(
    from source: StreamSocket, _ input: inout Buffer, to target: StreamSocket, _ pending: inout Buffer,
    ended: inout Bool
  ) -> Bool {
    for _ in 0..<Self.rounds {
      if !pending.isEmpty || !input.isEmpty {
        guard target.isWritable else { return true }
        switch unsafe target.send(
          UnsafeRawBufferPointer(pending.readable), UnsafeRawBufferPointer(input.readable))
        {
        case .failed: return false
        case .bytes(let count):
          let first = min(count, pending.count)
          pending.consume(first)
          input.consume(count - first)
        }
        pending.giveBackIfEmpty()
        input.giveBackIfEmpty()
        if !pending.isEmpty || !input.isEmpty { return true }
      }
      if ended || !source.isReadable { return true }
      switch source.receive(into: &input) {
      case .bytes: continue
      case .wouldBlock:
        input.giveBackIfEmpty()
        return true
      case .end:
        ended = true
        target.shutdownWriting()
        return true
      case .failed: return false
      }
    }
    source.comeBack()
    return true
  }
}
