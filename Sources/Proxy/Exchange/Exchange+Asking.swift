import EventLoop
import Glibc
import HTTP1

extension Exchange {
  // MARK: Choosing and connecting

  /// Asks the other site, with all of its servers still to be tried.
  func turn(to next: Step) {
    step = next
    tried.removeAll()
    preferred = home
    retriedOnFresh = false
    proceed()
  }

  /// Does what the step says: a page that is known to be the old server's needs no asking when its client is sent there.
  func proceed() {
    if step == .oldByMap, redirectToOld() { return }
    ask()
  }

  /// The answer awaited is one to HEAD.
  var asksByHead: Bool { head.method == .head || isProbe }

  /// What goes to the origin is no more than a question after the page.
  var isProbe: Bool {
    if case .probeOld = step { true } else { false }
  }

  /// Asks an origin of the site that the step names, or waits for one.
  ///
  /// - Parameter fresh: on a new connection, as a kept one has just died.
  func ask(fresh: Bool = false) {
    body.isSent = false
    let (pool, nowMs) = (pool, worker.loop.coarseMs)
    if pool.hasLine { pool.serveLine(nowMs: nowMs) }
    switch pool.choose(for: originRequest, nowMs: nowMs) {
    case .server(let slot): ask(in: slot, fresh: fresh)
    case .full: waitForPlace()
    case .none: giveUp(.noServer)
    }
  }

  /// The servers of the site that the step names.
  var pool: OriginPool { step.asksOld ? worker.oldPool : worker.newPool }

  /// The server of the new pool that the request's session lives on; nil when it has none, and for the old server.
  var home: OriginServer? {
    guard let sticky = settings.cookies?.sticky, !step.asksOld else { return nil }
    describeHead()
    let input = unsafe UnsafeRawBufferPointer(rebasing: client.input.readable[..<head.byteCount]).bytes
    return sticky.session(worker.requestFields, input, among: worker.newPool.tags).flatMap {
      worker.newPool.home(of: $0, in: input, mayTry: mayTry, nowMs: worker.loop.coarseMs)
    }
  }

  /// What a pool has to know of this request.
  var originRequest: OriginRequest {
    OriginRequest(
      tried: tried, preferred: preferred,
      mayTry: mayTry, lastResort: lastResort)
  }

  /// Nobody waits for a server that is known to be down where the other site, or what it has said, is an answer: the old
  /// server's absence costs no time, nor the new pool's where the old one has the page or stands in.
  private var lastResort: LastResort {
    switch step {
    case .newOnly, .newByRule, .newAfterOldMiss, .newAfterOldFailure: .all
    case .newFirst: settings.decisions.oldStandsIn ? .unpaused : .all
    case .recheck: .none
    case .oldByMap, .oldByRule, .oldByReferer, .oldAfterMiss, .oldAsStandby, .probeOld: .none
    }
  }

  /// Sending it twice does no harm.
  private var mayTry: Bool { isProbe || (head.method.isIdempotent && body.canBeRepeated) }

  /// Sends the request to the server that has a place for it.
  func ask(in slot: consuming OriginSlot, fresh: Bool = false) {
    if worker.takesTimes {
      let nowUs = record.isAskedAtOnce ? record.headUs : EventLoop.monotonicUs()
      record.beginAttempt(old: step.asksOld, server: slot.server, nowUs: nowUs)
    }
    if !isProbe, body.hasLeft, body.recorder != nil {
      // What is ready is recorded as well and goes out from there.
      guard dropReady() else { return giveUp(.died(errno: EIO)) }
      body.replayed = 0
    }
    if !fresh, let kept = slot.server.takeIdle() {
      worker.metrics.count(step.asksOld ? .oldConnectionsReused : .newConnectionsReused)
      kept.serve(self, slot: slot)
      asked = kept
      return sendHead(kept)
    }
    let server = slot.server
    do {
      asked = try OriginConnection(worker: worker, slot: slot, exchange: self)
      worker.metrics.count(step.asksOld ? .oldConnectionsOpened : .newConnectionsOpened)
    } catch {
      connectFailed(at: server, error)
    }
  }

  private func connectFailed(at server: OriginServer, _ error: EventLoopError) {
    switch error {
    case .system(_, EMFILE), .system(_, ENFILE), .system(_, ENOBUFS), .system(_, ENOMEM), .noBase:
      report(.noDescriptor, at: server, "")
      giveUp(.noDescriptor)
    case .system(_, let code):
      serverRefused(server, .refused(errno: code))
    }
  }

  func originConnected(_ origin: OriginConnection) {
    guard asked === origin else { return }
    sendHead(origin)
  }

  // MARK: Sending the request

  private func sendHead(_ origin: OriginConnection) {
    let input = unsafe UnsafeRawBufferPointer(client.input.readable)
    describeHead()
    worker.writer.removeAll()
    unsafe RequestWriter.write(
      head, fields: worker.requestFields,
      bytes: UnsafeRawBufferPointer(rebasing: input[..<head.byteCount]).bytes,
      shape: requestShape, fallbackHost: origin.server.authority, sender: sender,
      clientSubject: client.clientSubject, policy: settings.forwarding,
      into: &worker.writer)
    let readyEnd = isProbe ? body.lower : body.upper
    let ready = unsafe UnsafeRawBufferPointer(rebasing: input[body.lower..<readyEnd])
    let sent: Sent = unsafe worker.writer.withUnsafeBytes { unsafe origin.sendCounted($0, ready) }
    switch sent {
    case .failed(let code):
      return originFailed(origin, .died(errno: code))
    case .bytes(let count):
      let headSent = min(count, worker.writer.count)
      if headSent < worker.writer.count {
        let kept = unsafe worker.writer.withUnsafeBytes {
          unsafe origin.output.append(UnsafeRawBufferPointer(rebasing: $0[headSent...]).bytes)
        }
        if !kept { return originFailed(origin, .died(errno: ENOMEM)) }
      }
      sentReady(count - headSent)
    }
    pumpRequest()
  }

  private var requestShape: RequestShape {
    guard step.asksOld else { return RequestShape(cookies: cookieView) }
    return RequestShape(
      host: settings.oldHost, refusesCodings: !settings.softMissTexts.isEmpty, isProbe: isProbe,
      cookies: cookieView)
  }

  private var cookieView: CookieView? {
    settings.cookies.map {
      CookieView(rules: $0, site: step.asksOld ? .old : .new, tags: worker.newPool.tags)
    }
  }

  /// Moves the request's body on until it is sent or somebody has to be waited for.
  func pumpRequest() {
    for _ in 0..<Worker.roundsPerTurn {
      guard isActive, !body.isSent, !body.isAbandoned else { return }
      guard let origin = asked, !origin.isConnecting else { return }
      switch origin.flushOutput() {
      case .failed: return sendingFailed(origin)
      case .blocked: return origin.setDeadline(afterMs: settings.responseMs)
      case .all: break
      }
      if isProbe { return requestIsSent(origin) }
      if let offset = body.replayed {
        guard replay(from: offset, to: origin) else { return }
        continue
      }
      if body.readyCount > 0 {
        guard sendReady(to: origin) else { return }
        continue
      }
      if body.isRead { return requestIsSent(origin) }
      guard client.isReadable else { return waitForClient(origin) }
      guard receiveBody() else { return }
    }
    client.comeBack()
  }

  private func requestIsSent(_ origin: OriginConnection) {
    body.isSent = true
    if body.isRead { watchDeparture() }
    origin.setDeadline(afterMs: settings.responseMs)
  }

  /// While the client owes the body, the origin owes nothing, unless the client itself waits for a 100.
  private func waitForClient(_ origin: OriginConnection) {
    if head.expectsContinue, !body.isTouched {
      origin.setDeadline(afterMs: settings.responseMs)
    } else {
      origin.clearDeadline()
      client.setDeadline(afterMs: settings.idleMs)
    }
  }

  /// Sends a part of what is recorded; false when the pump has to stop.
  private func replay(from offset: Int, to origin: OriginConnection) -> Bool {
    guard let recorder = body.recorder, offset < recorder.count else {
      body.replayed = nil
      return true
    }
    guard origin.isWritable else {
      origin.setDeadline(afterMs: settings.responseMs)
      return false
    }
    do throws(BodyRecorder.Failure) {
      let count = unsafe try recorder.read(at: offset, into: worker.replayScratch)
      let part = unsafe UnsafeRawBufferPointer(rebasing: worker.replayScratch[..<count])
      switch unsafe origin.sendCounted(part, .init(start: nil, count: 0)) {
      case .failed:
        sendingFailed(origin)
        return false
      case .bytes(let sent):
        body.replayed = offset + sent
        return true
      }
    } catch {
      report(.replayFile, at: nil, "\(error)")
      originFailed(origin, .died(errno: EIO))
      return false
    }
  }

  /// Sends what is ready; false when the origin takes no more for now.
  private func sendReady(to origin: OriginConnection) -> Bool {
    guard origin.isWritable else {
      origin.setDeadline(afterMs: settings.responseMs)
      return false
    }
    let ready = unsafe UnsafeRawBufferPointer(rebasing: client.input.readable[body.lower..<body.upper])
    switch unsafe origin.sendCounted(ready, .init(start: nil, count: 0)) {
    case .failed:
      sendingFailed(origin)
      return false
    case .bytes(let count):
      sentReady(count)
      return true
    }
  }

  private func sentReady(_ count: Int) {
    if count > 0 { body.hasLeft = true }
    body.lower += count
    if body.readyCount == 0 { dropReady() }
  }

  /// Cuts what has been looked at out of the client's input, between the head and the rest, and records it if it is wanted
  /// once more; false when that failed, and it can't be sent again.
  @discardableResult
  func dropReady() -> Bool {
    let count = body.upper - head.byteCount
    defer {
      body.lower = head.byteCount
      body.upper = head.byteCount
    }
    guard let recorder = body.recorder else {
      client.input.remove(at: head.byteCount, count)
      return true
    }
    do throws(BodyRecorder.Failure) {
      try recorder.take(count, at: head.byteCount, from: &client.input)
      return true
    } catch {
      client.input.remove(at: head.byteCount, count)
      recordingFailed(error)
      return false
    }
  }

  /// The origin takes no more of the request: perhaps since it has answered already.
  private func sendingFailed(_ origin: OriginConnection) {
    body.isSent = false
    if case .undecided = delivery {
      if origin.isReadable { readAnswer(origin) }
      if isActive, asked === origin, case .undecided = delivery { originFailed(origin, .died(errno: EPIPE)) }
    }
  }

  // MARK: Receiving the body

  /// Takes the part of the body that came with the head; false when that ended the exchange.
  func takeBodyAtHand() -> Bool {
    guard body.isExpected, client.input.count > head.byteCount else { return true }
    return scanBody()
  }

  /// Receives once and looks at it; false when the pump has to stop.
  func receiveBody() -> Bool {
    switch client.receive(into: &client.input) {
    case .bytes: return scanBody()
    case .wouldBlock: return true
    case .end, .failed:
      client.close()
      return false
    }
  }

  private func scanBody() -> Bool {
    guard let cause = scanReceived() else { return true }
    bodyIsMalformed(cause)
    return false
  }

  /// Looks at what has come of the body, and records it; what is wrong with it, or nil.
  func scanReceived() -> MalformedMessage? {
    let region = unsafe UnsafeMutableRawBufferPointer(rebasing: client.input.readable[body.upper...])
    let progress = unsafe body.scanner.scan(region)
    if progress.consumed > 0 { body.isTouched = true }
    record.requestBytes &+= UInt64(progress.forward)
    if progress.forward > 0 { announceToRecorder(progress.forward) }
    client.input.remove(at: body.upper + progress.forward, progress.consumed - progress.forward)
    body.upper += progress.forward
    if case .malformed(let cause) = progress.state { return cause }
    return nil
  }

  private func announceToRecorder(_ count: Int) {
    do throws(BodyRecorder.Failure) {
      try body.recorder?.announce(count)
    } catch {
      recordingFailed(error)
    }
  }

  private func recordingFailed(_ failure: BodyRecorder.Failure) {
    body.recorder = nil
    if case .file(let code) = failure {
      report(.replayFile, at: nil, systemMessage(code))
    }
  }
}
