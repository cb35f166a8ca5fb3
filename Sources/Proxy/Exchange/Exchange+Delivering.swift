import EventLoop
import HTTP1

extension Exchange {
  /// Bytes of an unread request body that are read and dropped so that the client's connection lives.
  private static let discardLimitBytes = 256 << 10

  // MARK: The head

  /// Sends an answer's head with what is there of its body, and lets the rest follow.
  func deliver(_ head: ResponseHead, _ origin: OriginConnection, as route: Route) {
    let scanner = bodyScanner(for: head)
    answer = AnswerStream()
    answer.scanner = scanner
    answer.isWhole = scanner.isFinished
    answer.endsByClose = head.framing == .untilClose
    if let cause = scanAnswer(origin, behind: head.byteCount) {
      return originFailed(origin, .malformed(cause))
    }
    answer.keepsOrigin = head.keepAlive
    dropHeld()
    settle(route)
    let bytes = unsafe UnsafeRawBufferPointer(rebasing: origin.input.readable[..<head.byteCount]).bytes
    writeHead(head, bytes: bytes, route: route, server: origin.server)
    origin.input.consume(head.byteCount)
    if answer.writesChunks, answer.readyCount > 0 {
      answer.writeChunkStart(answer.readyCount, into: &worker.writer)
    }
    let ready = unsafe UnsafeRawBufferPointer(rebasing: origin.input.readable[..<answer.readyCount])
    guard let taken = unsafe sendWithWriter(ready) else { return client.close() }
    origin.input.consume(taken)
    answer.readyCount -= taken
    pumpAnswer()
  }

  /// Sends the held answer, and what its connection still has of it.
  func deliverHeld(as route: Route) {
    guard let held else { return giveUp(.died(errno: 0)) }
    answer = AnswerStream()
    answer.scanner = held.scanner
    answer.isWhole = held.origin == nil
    answer.endsByClose = held.head.framing == .untilClose
    answer.keepsOrigin = held.keepsConnection
    body.isAbandoned = true
    interim.removeAll()
    interim.append(held.interim)
    settle(route)
    asked = held.origin
    held.origin = nil
    record.bodyBytes = UInt64(held.bodyCount)
    let parsed = unsafe held.bytes.withUnsafeBytes { bytes in
      unsafe ResponseHead.parse(
        UnsafeRawBufferPointer(rebasing: bytes[..<held.head.byteCount]).bytes,
        toHead: self.head.method == .head,
        limits: worker.headLimits, fields: &worker.answerFields)
    }
    guard case .head = parsed else { return giveUp(.died(errno: 0)) }
    held.bytes.withBytes { bytes in
      writeHead(
        held.head, bytes: bytes.extracting(0..<held.head.byteCount), route: route, server: held.server)
    }
    if answer.writesChunks, held.bodyCount > 0 {
      answer.writeChunkStart(held.bodyCount, into: &worker.writer)
    }
    let taken = unsafe held.bytes.withUnsafeBytes {
      unsafe sendWithWriter(UnsafeRawBufferPointer(rebasing: $0[held.sentUpTo...]))
    }
    guard let taken else { return client.close() }
    held.sentUpTo += taken
    pumpAnswer()
  }

  /// From here on the client gets this answer and no other.
  private func settle(_ route: Route) {
    delivery = .streaming
    record.route = route
    if !body.isRead, answer.isWhole { discardBodyAtHand() }
    answer.keepsClient = head.keepAlive && body.isRead && !worker.isDraining
    answer.writesChunks = answer.endsByClose && takesChunks
    if answer.endsByClose, !answer.writesChunks, !client.isStream { answer.keepsClient = false }
  }

  /// HTTP/1.0 has no chunks (RFC 9112, 7), and HTTP/2 frames in their place (RFC 9113, 8.1).
  var takesChunks: Bool { head.minorVersion > 0 && !client.isStream }

  private func writeHead(_ head: ResponseHead, bytes: RawSpan, route: Route, server: OriginServer) {
    record.status = head.status
    let isForHTTP10 = self.head.minorVersion == 0
    if isForHTTP10, head.framing == .chunked { answer.keepsClient = false }
    let connection: StaticString? =
      !answer.keepsClient ? "close" : isForHTTP10 ? "keep-alive" : nil
    let shape = AnswerShape(
      isChunked: answer.writesChunks || (head.framing == .chunked && takesChunks), connection: connection,
      route: settings.debugHeaders ? route : nil, variesByReferer: variesByReferer,
      publicScheme: sender.scheme, strictTransport: strictTransport)
    worker.writer.removeAll()
    interim.withBytes { if $0.byteCount > 0 { worker.writer.append($0) } }
    writeAnswer(head, bytes, shape, from: server, into: &worker.writer)
  }

  /// It is of no use where nothing protects it (RFC 6797, 7.2).
  var strictTransport: StrictTransport? {
    sender.scheme == .https ? settings.strictTransport : nil
  }

  /// Writes the head of a server's answer, be it an interim one, as the client is to get it.
  func writeAnswer(
    _ head: ResponseHead, _ bytes: RawSpan, _ shape: AnswerShape, from server: OriginServer,
    into writer: inout ByteWriter
  ) {
    let source: AnswerSource
    switch server.state.site {
    case .new:
      source = .new(settings.cookies.map { AnswerSource.New(cookies: $0, tag: server.tag) })
    case .old:
      source = .old(
        AnswerSource.Old(
          address: OldAddress(server: server.name, host: settings.oldName),
          cookies: settings.cookies))
    }
    let own = unsafe UnsafeRawBufferPointer(rebasing: client.input.readable[self.head.authority.range])
    unsafe AnswerWriter.write(
      head, fields: worker.answerFields, bytes: bytes, shape: shape, source: source,
      publicAuthority: own.bytes, into: &writer)
  }

  /// Sends the writer and `part` with one call, keeping what is left of the writer; the bytes of `part` that
  /// were taken, or nil when the client is gone.
  private func sendWithWriter(_ part: UnsafeRawBufferPointer) -> Int? {
    guard client.output.isEmpty else { return client.writeOrKeep(worker) ? 0 : nil }
    return unsafe worker.writer.withUnsafeBytes { writer in
      switch unsafe client.send(writer, part) {
      case .failed: return nil
      case .bytes(let count):
        if count >= writer.count { return count - writer.count }
        let rest = unsafe UnsafeRawBufferPointer(rebasing: writer[count...]).bytes
        return client.output.append(rest) ? 0 : nil
      }
    }
  }

  // MARK: The body

  /// Moves the answer on until it is whole or somebody has to be waited for.
  func pumpAnswer() {
    for _ in 0..<Worker.roundsPerTurn {
      switch client.flush(&client.output) {
      case .failed: return client.close()
      case .blocked: return waitForClientToRead()
      case .all: break
      }
      if case .flushing = delivery { return end(keepAlive: answer.keepsClient) }
      if let held, held.sentUpTo < held.bytes.count {
        guard sendHeld(held) else { return }
        continue
      }
      if held?.isBroken == true { return breakOff() }
      if let pipe = answer.pipe, pipe.count > 0 {
        guard empty(pipe) else { return }
      }
      guard let origin = asked else { return answerIsWhole() }
      if answer.readyCount > 0 {
        guard sendReadyAnswer(origin) else { return }
      }
      if answer.isWhole { return answerIsWhole() }
      guard origin.isReadable else {
        client.clearDeadline()
        return origin.setDeadline(afterMs: settings.idleMs)
      }
      guard fillPipe(from: origin) ?? receiveAnswer(origin) else { return }
    }
    asked?.comeBack()
  }

  /// Sends what is kept of the held answer; false when the pump has to stop.
  private func sendHeld(_ held: HeldAnswer) -> Bool {
    guard client.isWritable else {
      waitForClientToRead()
      return false
    }
    let sent = unsafe held.bytes.withUnsafeBytes {
      unsafe client.send(UnsafeRawBufferPointer(rebasing: $0[held.sentUpTo...]), .init(start: nil, count: 0))
    }
    guard case .bytes(let count) = sent else {
      client.close()
      return false
    }
    held.sentUpTo += count
    return true
  }

  /// Sends what is ready in the origin's input; false when the pump has to stop.
  private func sendReadyAnswer(_ origin: OriginConnection) -> Bool {
    guard client.isWritable else {
      if answer.isWhole { return handOver(origin) }
      waitForClientToRead()
      return false
    }
    let ready = unsafe UnsafeRawBufferPointer(rebasing: origin.input.readable[..<answer.readyCount])
    switch unsafe client.send(ready, .init(start: nil, count: 0)) {
    case .failed:
      client.close()
      return false
    case .bytes(let count):
      origin.input.consume(count)
      answer.readyCount -= count
      if answer.readyCount == 0 { return true }
      if answer.isWhole { return handOver(origin) }
      waitForClientToRead()
      return false
    }
  }

  /// The last bytes wait for a slow client: they become the client's, so that the origin is free.
  private func handOver(_ origin: OriginConnection) -> Bool {
    let rest = origin.input.count - answer.readyCount
    if rest > 0 { answer.keepsOrigin = false }
    origin.input.remove(at: answer.readyCount, rest)
    client.output.takeOver(&origin.input)
    answer.readyCount = 0
    return true
  }

  func waitForClientToRead() {
    // The origin is not read meanwhile: what it owes is nothing.
    asked?.clearDeadline()
    client.setDeadline(afterMs: settings.idleMs)
  }

  /// Receives once and looks at it; false when the pump has to stop.
  private func receiveAnswer(_ origin: OriginConnection) -> Bool {
    if origin.input.isEmpty { origin.input.giveBack() } else { origin.input.compact() }
    switch origin.receive(into: &origin.input) {
    case .bytes:
      if scanAnswer(origin, behind: 0) != nil {
        report(.brokenAnswer, at: origin.server, "the body's framing is wrong")
        breakOff()
        return false
      }
      if answer.writesChunks, answer.readyCount > 0 {
        worker.writer.removeAll()
        answer.writeChunkStart(answer.readyCount, into: &worker.writer)
        guard worker.writer.withBytes({ origin.input.prepend($0) }) else {
          breakOff()
          return false
        }
        answer.readyCount += worker.writer.count
      }
      return true
    case .wouldBlock:
      origin.input.giveBackIfEmpty()
      return true
    case .end where answer.endsByClose:
      answer.isWhole = true
      answer.keepsOrigin = false
      return true
    case .end, .failed:
      report(.brokenAnswer, at: origin.server, "it broke off in the middle")
      breakOff()
      return false
    }
  }

  /// Looks at what came behind `offset` in the origin's input; what is wrong with it, or nil.
  private func scanAnswer(_ origin: OriginConnection, behind offset: Int) -> MalformedMessage? {
    let place = offset + answer.readyCount
    let region = unsafe UnsafeMutableRawBufferPointer(rebasing: origin.input.readable[place...])
    if unsafe region.isEmpty || answer.isWhole { return nil }
    let progress = unsafe answer.scanner.scan(region)
    origin.input.remove(at: place + progress.forward, progress.consumed - progress.forward)
    answer.readyCount += progress.forward
    record.bodyBytes += UInt64(progress.forward)
    switch progress.state {
    case .more: break
    case .finished: answer.isWhole = true
    case .malformed(let cause): return cause
    }
    return nil
  }

  /// All of the answer has been taken from the origin, and all but what is in the client's output sent.
  func answerIsWhole() {
    if let origin = asked {
      // Bytes behind the end of an answer belong to nobody: such a connection is not used again.
      letGo(origin, keepAlive: answer.keepsOrigin && origin.input.isEmpty)
    }
    if answer.writesChunks {
      worker.writer.removeAll()
      answer.writeChunksEnd(into: &worker.writer)
      answer.writesChunks = false
      guard client.writeOrKeep(worker) else { return client.close() }
    }
    if client.output.isEmpty { return end(keepAlive: answer.keepsClient) }
    delivery = .flushing
    client.setDeadline(afterMs: settings.idleMs)
  }

  /// The answer can't be finished: the client must not take what it has for the whole.
  func breakOff() {
    worker.metrics.count(.brokenAnswers)
    record.notes.insert(.brokenOff)
    client.close(abortively: true)
  }

  // MARK: The rest of the request

  /// Reads what has already come of a request body that nobody wants any more.
  private func discardBodyAtHand() {
    body.isAbandoned = true
    body.recorder = nil
    answer.keepsOrigin = false
    var left = Self.discardLimitBytes
    while !body.isRead, left > 0, client.isReadable {
      dropReady()
      guard case .bytes(let count) = client.receive(into: &client.input), scanReceived() == nil else {
        return
      }
      left -= count
    }
  }
}
