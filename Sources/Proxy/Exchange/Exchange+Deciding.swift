import EventLoop
import HTTP1

extension Exchange {
  // MARK: Reading an answer's head

  /// Reads from the origin asked until its answer's head is whole, then decides.
  func readAnswer(_ origin: OriginConnection) {
    while asked === origin, origin.isReadable {
      switch origin.receive(into: &origin.input) {
      case .bytes:
        if !headsAreIncomplete(origin) { return }
      case .wouldBlock:
        origin.input.giveBackIfEmpty()
        return
      case .end:
        return originFailed(origin, .died(errno: 0))
      case .failed(let code):
        return originFailed(origin, .died(errno: code))
      }
    }
  }

  /// True when more bytes are needed; false when the answer, or its failure, has been dealt with.
  private func headsAreIncomplete(_ origin: OriginConnection) -> Bool {
    while true {
      let parsed = unsafe ResponseHead.parse(
        UnsafeRawBufferPointer(origin.input.readable).bytes, toHead: asksByHead,
        limits: worker.headLimits, fields: &worker.answerFields)
      switch parsed {
      case .incomplete:
        origin.input.compact()
        return true
      case .malformed(let cause):
        originFailed(origin, .malformed(cause))
        return false
      case .head(let answer) where answer.status == 101:
        if head.wantsUpgrade {
          switchProtocols(answer, origin)
        } else {
          originFailed(origin, .malformedUpgrade)
        }
        return false
      case .head(let answer) where answer.isInterim:
        guard passInterim(answer, origin) else { return false }
        if origin.input.isEmpty { return true }
      case .head(let answer):
        headHasCome(answer, origin)
        return false
      }
    }
  }

  /// A 100 goes to the client at once, others with the answer that they announce; false when the client is gone.
  private func passInterim(_ answer: ResponseHead, _ origin: OriginConnection) -> Bool {
    origin.setDeadline(afterMs: settings.responseMs)
    defer { origin.input.consume(answer.byteCount) }
    if head.minorVersion == 0 || (answer.status == 100 && (continued || !head.expectsContinue)) {
      return true
    }
    let bytes = unsafe UnsafeRawBufferPointer(origin.input.readable).bytes
    let shape = AnswerShape(isChunked: false, connection: nil, route: nil)
    if answer.status != 100 {
      // A flood of them is no reason to hold more than one head may have.
      guard interim.count < worker.headLimits.maxBytes else { return true }
      writeAnswer(answer, bytes, shape, from: origin.server, into: &interim)
      return true
    }
    continued = true
    worker.writer.removeAll()
    writeAnswer(answer, bytes, shape, from: origin.server, into: &worker.writer)
    if client.writeOrKeep(worker) { return true }
    client.close()
    return false
  }

  // MARK: Deciding

  private func headHasCome(_ answer: ResponseHead, _ origin: OriginConnection) {
    if origin.server.state.requestSucceeded() { worker.report(.originBack, at: origin.server, "") }
    if worker.takesTimes {
      let tookUs = record.endAttempt(
        old: step.asksOld, status: answer.status, nowUs: EventLoop.monotonicUs())
      origin.server.tally.latency.add(tookUs)
    }
    guard let softMiss = softMiss(answer, origin) else { return examine(answer, origin) }
    decide(AnswerAtHand(head: answer, origin: origin, examined: nil), softMiss)
  }

  /// Whether an answer is a soft 404; nil when only its body can tell.
  private func softMiss(_ answer: ResponseHead, _ origin: OriginConnection) -> SoftMiss? {
    guard step.asksOld else { return .no }
    if (300..<400).contains(answer.status), let location = answer.location {
      return softMissByRedirect(location, origin)
    }
    return softMissByBody(answer, origin)
  }

  /// Looks the answer up in the table and does what that says.
  func decide(_ answer: AnswerAtHand, _ softMiss: SoftMiss) {
    let (status, origin) = (answer.head.status, answer.origin)
    if softMiss == .certain {
      worker.metrics.count(.softMisses)
      record.notes.insert(.softMiss)
      miss = .softMiss
    }
    let facts = AnswerFacts(
      status: status, softMiss: softMiss, requestCanBeRepeated: body.canBeRepeated,
      isKnownDoubleMiss: isKnownDoubleMiss(status), redirectUse: redirectUse,
      methodTeaches: head.method != .options && head.method != .trace)
    switch settings.decisions.verdict(on: facts, at: step) {
    case .deliver(let change):
      apply(change)
      if step == .newAfterOldMiss { noteLateMiss(status) }
      deliver(answer, as: routeOfStep)
    case .deliverDoubleMiss:
      worker.metrics.count(.doubleMisses)
      record.notes.insert(.doubleMiss)
      miss = .doubleMiss
      deliver(answer, as: .new)
    case .deliverUnrepeatable:
      worker.metrics.count(.fallbacksPastReplayLimit)
      record.notes.insert(.replayLimit)
      report(.replayLimit, at: origin.server, "")
      deliver(answer, as: .new)
    case .holdAndAskOld(let renews):
      hold(answer)
      turn(to: .oldAfterMiss(renews: renews))
    case .holdAndProbeOld(let renews):
      hold(answer)
      turn(to: .probeOld(renews: renews))
    case .holdAndAskStandby:
      report(.oldStandsIn, at: origin.server, "it answers \(status)")
      hold(answer)
      turn(to: .oldAsStandby(for: nil))
    case .dropAndAskOldItself(let renews):
      drop(answer)
      turn(to: .oldAfterMiss(renews: renews))
    case .dropAndRedirect(let change):
      apply(change)
      drop(answer)
      if !redirectToOld() { giveUp(.died(errno: 0)) }
    case .dropAndAskOld:
      drop(answer)
      turn(to: .oldByMap)
    case .dropAndAskNew(let change):
      apply(change)
      drop(answer)
      turn(to: .newAfterOldMiss)
    case .dropAndDeliverHeld(let reason):
      drop(answer)
      switch reason {
      case .bothMissed(let forgets):
        if forgets { apply(.forget) }
        if miss == nil { miss = .bothMissed }
        rememberMiss()
      case .oldFailed: oldAnsweredError(status, origin)
      }
      deliverHeld(as: .held)
    case .dropAndAnswerForNew(let end):
      drop(answer)
      switch end {
      case .missed: rememberMiss()
      case .refused: break
      case .failed: oldAnsweredError(status, origin)
      }
      answerForNew(end)
    case .dropAndAnswerUnavailable:
      drop(answer)
      answerOwn(.oldUnreachable)
    }
  }

  private func oldAnsweredError(_ status: UInt16, _ origin: OriginConnection) {
    worker.metrics.count(.fallbacksOldError)
    record.notes.insert(.oldError)
    report(.oldAnswersError, at: origin.server, "\(status)")
  }

  var routeOfStep: Route {
    switch step {
    case .newFirst, .recheck, .newAfterOldMiss, .newAfterOldFailure, .newOnly: .new
    case .newByRule: .newByRule
    case .oldByRule: .oldByRule
    case .oldByReferer: .oldByReferer
    case .oldAsStandby: .oldAsStandby
    case .oldByMap: .oldFromMap
    case .oldAfterMiss, .probeOld: .oldAfterMiss
    }
  }

  /// Changes what is remembered of this URL. Any spelling may teach its key, which is no more than a reason to ask the old
  /// server first; but what a server says of one spelling is no reason to forget what it has under another.
  private func apply(_ change: MapChange) {
    switch change {
    case .none: break
    case .learn:
      let nowSeconds = worker.wallClock.seconds
      if withKey({ worker.map.learn($0, at: nowSeconds) }) == true {
        worker.metrics.count(.learned)
        record.notes.insert(.learned)
      }
    case .forget where speaksForKey:
      _ = withKey { worker.map.forget($0) }
      worker.metrics.count(.forgotten)
      record.notes.insert(.forgotten)
    case .migrated where speaksForKey:
      _ = withKey { worker.map.forget($0, because: .migrated) }
      worker.metrics.count(.migrated)
      record.notes.insert(.migrated)
      worker.report(.migrated, at: nil, "", url: withKey(text) ?? "")
    case .forget, .migrated: break
    }
  }

  private func text(_ key: RawSpan) -> String {
    unsafe key.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
  }

  // MARK: The double miss

  private var missFingerprint: UInt64? {
    let isRead = head.method == .get || head.method == .head
    return withSpelling { MissMemory.fingerprint(of: $0, isRead: isRead) }
  }

  private func isKnownDoubleMiss(_ status: UInt16) -> Bool {
    step == .newFirst && settings.decisions.fallbackOn.contains(status) && oldHasJustMissed
  }

  /// The old server said a moment ago that it does not have this URL.
  var oldHasJustMissed: Bool {
    guard let missFingerprint else { return false }
    return settings.misses.contains(missFingerprint, nowMs: worker.loop.coarseMs)
  }

  /// The old server has missed what the map or a rule had it asked for, and the new pool has had its say.
  private func noteLateMiss(_ status: UInt16) {
    let isMiss = settings.decisions.fallbackOn.contains(status)
    miss = isMiss ? miss ?? .bothMissed : nil
  }

  private func rememberMiss() {
    if let missFingerprint { settings.misses.insert(missFingerprint, nowMs: worker.loop.coarseMs) }
  }

  // MARK: Holding and dropping

  /// Keeps the new pool's miss until the old server has answered.
  private func hold(_ answer: AnswerAtHand) {
    let origin = answer.origin
    let held = keep(answer.head, from: origin)
    held.origin = origin
    self.held = held
    asked = nil
    if keepScanned(held, from: origin) { fillHeld(held, from: origin) }
  }

  /// Takes an answer's head, and the interim answers before it, over from its connection.
  func keep(_ answer: ResponseHead, from origin: OriginConnection) -> HeldAnswer {
    let bytes = unsafe UnsafeRawBufferPointer(rebasing: origin.input.readable[..<answer.byteCount]).bytes
    let interimBytes = unsafe interim.withUnsafeBytes { unsafe Array($0) }
    interim.removeAll()
    let kept = HeldAnswer(
      head: answer, server: origin.server, interim: interimBytes, headBytes: bytes,
      scanner: bodyScanner(for: answer),
      keepsConnection: answer.keepAlive && body.isSent)
    origin.input.consume(answer.byteCount)
    return kept
  }

  /// Reads on into the held answer until it is whole or long enough.
  func fillHeld(_ held: HeldAnswer, from origin: OriginConnection) {
    while held.origin === origin, !held.isFull, origin.isReadable {
      switch origin.receive(into: &origin.input) {
      case .bytes:
        guard keepScanned(held, from: origin) else { return }
      case .wouldBlock: return
      case .end where held.head.framing == .untilClose:
        held.origin = nil
        return origin.close()
      case .end, .failed:
        held.isBroken = true
        held.origin = nil
        return origin.close()
      }
    }
    // A paused answer waits for the old server's, which has a time limit of its own.
    if held.isFull { origin.clearDeadline() } else { origin.setDeadline(afterMs: settings.idleMs) }
  }

  /// Moves what was received into the held answer; false when nothing more is to come.
  private func keepScanned(_ held: HeldAnswer, from origin: OriginConnection) -> Bool {
    if origin.input.isEmpty, !held.scanner.isFinished { return true }
    switch held.take(from: &origin.input) {
    case .more:
      origin.input.compact()
      origin.input.giveBackIfEmpty()
      return true
    case .finished:
      held.origin = nil
      if held.keepsConnection && origin.input.isEmpty { origin.release() } else { origin.close() }
      return false
    case .malformed:
      held.isBroken = true
      held.origin = nil
      origin.close()
      return false
    }
  }

  /// The held answer is not wanted: its connection is used again if that costs little.
  func dropHeld() {
    guard let held else { return }
    self.held = nil
    abandon(held)
  }

  /// The answer just read is not wanted.
  private func drop(_ answer: AnswerAtHand) {
    if let examined = answer.examined { return abandon(examined) }
    let (head, origin) = (answer.head, answer.origin)
    asked = nil
    interim.removeAll()
    origin.input.consume(head.byteCount)
    origin.abandon(BodyScanner(head.framing), keepAlive: head.keepAlive && body.isSent)
  }

  private func abandon(_ kept: HeldAnswer) {
    kept.origin?.abandon(kept.scanner, keepAlive: kept.keepsConnection)
    kept.origin = nil
  }

  private func deliver(_ answer: AnswerAtHand, as route: Route) {
    guard let examined = answer.examined else { return deliver(answer.head, answer.origin, as: route) }
    dropHeld()
    held = examined
    deliverHeld(as: route)
  }

  /// The origin's part in this exchange is done.
  @inline(__always)
  func letGo(_ origin: OriginConnection, keepAlive: Bool) {
    if asked === origin { asked = nil }
    if keepAlive && body.isSent { origin.release() } else { origin.close() }
  }

  /// How this answer's body is followed, and what of it the client gets.
  func bodyScanner(for answer: ResponseHead) -> BodyScanner {
    BodyScanner(answer.framing, output: takesChunks ? .verbatim : .payload)
  }
}

/// An answer that is decided on.
struct AnswerAtHand {
  let head: ResponseHead
  /// Where it comes from. When it was examined, the connection may be out of its hands already.
  let origin: OriginConnection
  /// Head and body as far as they were looked into; nil when the origin's input still begins with the head.
  let examined: HeldAnswer?
}
