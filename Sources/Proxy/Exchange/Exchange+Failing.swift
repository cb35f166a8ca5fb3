import EventLoop
import Glibc
import HTTP1
import TLS

/// Why an origin did not answer.
enum OriginFailure: Equatable {
  /// No connection could be made.
  case refused(errno: Int32)
  /// No connection was made within the connect timeout.
  case connectTimeout
  /// A connection was made, and TLS could not be opened on it.
  case tls(TLSFailure)
  /// The connection ended before its answer's head was whole; 0 for an orderly end.
  case died(errno: Int32)
  /// The answer did not come within the response timeout.
  case timeout
  /// The answer's head breaks the rules of HTTP.
  case malformed(MalformedMessage)
  /// It answered 101 to a request that asked for no upgrade.
  case malformedUpgrade
  /// This process has no descriptor or memory left for a connection.
  case noDescriptor
  /// Every server serves its maximum, and the request does not wait.
  case atMaximum
  /// Every server serves its maximum, and as many requests wait as may.
  case queueFull
  /// The request has waited for a place for too long.
  case queueTimeout
  /// No server of the site takes requests: the operator lets none, or all are known to be down and another answer is at
  /// hand.
  case noServer

  /// What the client is answered when no other way is left.
  var answer: OwnAnswer {
    switch self {
    case .refused: OwnAnswer(status: 502, text: "The site's server refused the connection.")
    case .tls: OwnAnswer(status: 502, text: "The site's server could not be spoken to over TLS.")
    case .died: OwnAnswer(status: 502, text: "The site's server closed the connection without an answer.")
    case .malformed, .malformedUpgrade:
      OwnAnswer(status: 502, text: "The site's server gave an answer that is not valid HTTP.")
    case .connectTimeout: OwnAnswer(status: 504, text: "The site's server could not be reached in time.")
    case .timeout: OwnAnswer(status: 504, text: "The site's server did not answer in time.")
    case .noDescriptor:
      OwnAnswer(status: 503, text: "The proxy has no connection left. Try again soon.", retryAfterSeconds: 1)
    case .atMaximum, .queueFull, .queueTimeout:
      OwnAnswer(status: 503, text: "The site has too many visitors. Try again soon.", retryAfterSeconds: 5)
    case .noServer:
      OwnAnswer(status: 503, text: "The site is out of service. Try again soon.", retryAfterSeconds: 10)
    }
  }

  var description: String {
    switch self {
    case .refused(let code): "connection failed: \(systemMessage(code))"
    case .connectTimeout: "no connection within --connect-timeout"
    case .tls(let failure): "TLS: \(failure)"
    case .died(0): "closed the connection before an answer"
    case .died(let code): "connection broke before an answer: \(systemMessage(code))"
    case .timeout: "no answer within --response-timeout"
    case .malformed(let cause): "malformed answer: \(cause)"
    case .malformedUpgrade: "malformed answer: 101 to a request without Upgrade"
    case .noDescriptor: "no file descriptor left for a connection"
    case .atMaximum: "every server serves its max="
    case .queueFull: "as many requests wait as --queue-length allows"
    case .queueTimeout: "no place within --queue-timeout"
    case .noServer: "every server is down, drained or off"
    }
  }

  /// What to do about a server that fails so; nil where that is said already, or it is no server's fault.
  private var remedy: String? {
    switch self {
    case .refused(let code): OriginRemedy.connection(code)
    case .connectTimeout: OriginRemedy.connection(ETIMEDOUT)
    case .tls: OriginRemedy.tls
    case .died: "see its error log"
    case .timeout: "it hangs, or has too much to do: see its log"
    case .malformed, .malformedUpgrade: "see what listens there"
    case .noDescriptor, .atMaximum, .queueFull, .queueTimeout, .noServer: nil
    }
  }

  /// The cause of a line in the log: what happened, and what to do about it.
  var told: String {
    guard let remedy else { return description }
    return "\(description.last == "." ? String(description.dropLast()) : description); \(remedy)"
  }

  /// The servers, or this process, have too much to do: that says nothing of whether the servers are up.
  var isOverload: Bool {
    switch self {
    case .atMaximum, .queueFull, .queueTimeout, .noDescriptor: true
    case .refused, .connectTimeout, .tls, .died, .timeout, .malformed, .malformedUpgrade, .noServer: false
    }
  }

  var noteOfOld: Notes {
    switch self {
    case .timeout, .connectTimeout: .oldTimeout
    case .malformed, .malformedUpgrade: .oldError
    case .refused, .tls, .died, .noServer: .oldDown
    case .noDescriptor: .noDescriptor
    case .atMaximum, .queueFull, .queueTimeout: .oldBusy
    }
  }

  var noteOfNew: Notes {
    switch self {
    case .timeout, .connectTimeout: .newTimeout
    case .refused, .tls, .died, .malformed, .malformedUpgrade, .noServer: .newDown
    case .noDescriptor: .noDescriptor
    case .atMaximum, .queueFull, .queueTimeout: .newBusy
    }
  }

  /// What is counted when the old server fails so after the new pool's miss.
  var refusedFallback: ProxyCounter {
    switch self {
    case .timeout, .connectTimeout: .fallbacksOldTimeout
    case .malformed, .malformedUpgrade: .fallbacksOldError
    case .refused, .tls, .died, .noServer: .fallbacksOldDown
    case .noDescriptor: .fallbacksNoDescriptor
    case .atMaximum, .queueFull, .queueTimeout: .fallbacksOldBusy
    }
  }
}

extension Exchange {
  /// How long an answer may take for a client that has ended its side.
  static let departureMs: UInt64 = 1_000

  // MARK: Origins

  /// An origin failed before the head of its answer was decided on, or in the middle of the body.
  func originFailed(_ origin: OriginConnection, _ failure: OriginFailure) {
    if let held, held.origin === origin {
      held.origin = nil
      held.isBroken = true
      return origin.close()
    }
    guard asked === origin else { return origin.close() }
    if examination != nil, failure == .timeout { return endExamination(.possible, isWhole: false) }
    if case .undecided = delivery {
    } else {
      report(.brokenAnswer, at: origin.server, failure.description)
      return breakOff()
    }
    let hasAnswered = !origin.input.isEmpty || examination != nil
    let hasSent = origin.sentBytes > 0
    let wasKept = origin.served > 0
    let server = origin.server
    asked = nil
    examination = nil
    interim.removeAll()
    origin.close()
    noteAttempt(failure)
    switch failure {
    case .refused, .connectTimeout, .tls:
      serverRefused(server, failure)
    case .died where !hasAnswered && (isProbe || canBeAskedAgain(afterSending: hasSent)):
      connectionDied(server, failure, wasKept: wasKept)
    case .noDescriptor:
      report(.noDescriptor, at: server, "")
      giveUp(failure)
    case .died, .timeout, .malformed, .malformedUpgrade, .atMaximum, .queueFull, .queueTimeout, .noServer:
      count(failure, of: server)
      giveUp(failure)
    }
  }

  private func canBeAskedAgain(afterSending hasSent: Bool) -> Bool {
    body.canBeRepeated && (head.method.isIdempotent || !hasSent)
  }

  /// The server has failed a request: so many of these in a row, and it gets none for a while.
  private func count(_ failure: OriginFailure, of server: OriginServer) {
    worker.metrics.count(.originFailures)
    server.tally.requestFailed()
    switch server.state.requestFailed() {
    case .wasPaused: break
    case .counted: report(.originFailed, at: server, failure.told)
    case .paused(let ms):
      report(.originFailed, at: server, failure.told)
      report(.originPaused, at: server, "no requests for \(ms) ms, then one that tries it; \(failure.told)")
    }
  }

  /// Nothing has been sent: the next server can have the request whatever its method.
  func serverRefused(_ server: OriginServer, _ failure: OriginFailure) {
    count(failure, of: server)
    tried.insert(server)
    guard pool.hasOther(than: tried), takeRetry() else { return giveUp(failure) }
    ask()
  }

  /// A connection ended without a byte of an answer to a request that can be sent again. That a kept one does is no
  /// fault of its server, which may close it at any time.
  private func connectionDied(_ server: OriginServer, _ failure: OriginFailure, wasKept: Bool) {
    if wasKept, !retriedOnFresh {
      guard takeFromBudget() else { return giveUp(failure) }
      retriedOnFresh = true
      return ask(fresh: true)
    }
    count(failure, of: server)
    tried.insert(server)
    if pool.hasOther(than: tried) {
      guard takeRetry() else { return giveUp(failure) }
      return ask()
    }
    // The only server of its site gets a second chance.
    guard tried.count == 1, !retriedOnFresh, takeRetry() else { return giveUp(failure) }
    retriedOnFresh = true
    tried.removeAll()
    ask(fresh: true)
  }

  /// Whether the request may be sent again after a server has failed; counts that it is.
  private func takeRetry() -> Bool {
    if let limit = settings.retries, retriesAfterFailure >= limit { return false }
    guard takeFromBudget() else { return false }
    retriesAfterFailure += 1
    return true
  }

  private func takeFromBudget() -> Bool {
    guard worker.takeFromRetryBudget() else {
      worker.metrics.count(.retriesRefused)
      record.notes.insert(.retryBudget)
      report(.retryBudget, at: nil, "")
      return false
    }
    worker.metrics.count(.retries)
    record.notes.insert(.retried)
    record.retries &+= 1
    return true
  }

  private func noteAttempt(_ failure: OriginFailure) {
    if worker.takesTimes { record.endAttempt(old: step.asksOld, status: 0, nowUs: EventLoop.monotonicUs()) }
  }

  /// The site that the step names can't answer.
  func giveUp(_ failure: OriginFailure) {
    switch step {
    case .newFirst where settings.decisions.oldStandsIn && !failure.isOverload:
      record.notes.insert(failure.noteOfNew)
      letOldStandIn(for: failure)
    case .newFirst, .newOnly, .newByRule, .newAfterOldMiss, .newAfterOldFailure:
      record.notes.insert(failure.noteOfNew)
      answerOwn(failure.answer)
    case .recheck:
      record.notes.insert(failure.noteOfNew)
      turnIfRepeatable(to: .oldByMap, after: failure)
    case .oldAfterMiss(let renews):
      noteRefusedFallback(failure)
      guard renews else { return deliverHeld(as: .held) }
      if redirectUse != .always || !redirectToOld() { answerOwn(.oldUnreachable) }
    case .probeOld(let renews):
      noteRefusedFallback(failure)
      if !renews || !redirectToOld() { deliverHeld(as: .held) }
    case .oldAsStandby:
      noteRefusedFallback(failure)
      answerForNew(.failed)
    case .oldByReferer:
      record.notes.insert(failure.noteOfOld)
      turnIfRepeatable(to: .newAfterOldMiss, after: failure)
    case .oldByMap, .oldByRule:
      record.notes.insert(failure.noteOfOld)
      turnIfRepeatable(to: .newAfterOldFailure, after: failure)
    }
  }

  /// The old server has failed to answer for the new pool.
  private func noteRefusedFallback(_ failure: OriginFailure) {
    record.notes.insert(failure.noteOfOld)
    worker.metrics.count(failure.refusedFallback)
    if failure == .atMaximum { report(.oldAtMaximum, at: nil, "") }
  }

  /// No server of the new pool can answer.
  private func letOldStandIn(for failure: OriginFailure) {
    if oldHasJustMissed { return answerOwn(.newUnreachable) }
    guard canGoElsewhere(after: failure) else { return answerOwn(failure.answer) }
    report(.oldStandsIn, at: nil, failure.description)
    turn(to: .oldAsStandby(for: failure))
  }

  /// The old server does not stand in: the client gets what failed, never a word about the page.
  func answerForNew(_ end: StandbyEnd) {
    miss = nil
    guard case .oldAsStandby(let failure?) = step else { return deliverHeld(as: .held) }
    switch end {
    case .missed, .refused: answerOwn(.newUnreachable)
    case .failed: answerOwn(failure.answer)
    }
  }

  /// Asks the other site where that is allowed.
  private func turnIfRepeatable(to next: Step, after failure: OriginFailure) {
    canGoElsewhere(after: failure) ? turn(to: next) : answerOwn(failure.answer)
  }

  /// The request can be sent again, and the first site cannot have acted on one that must not be acted on twice.
  private func canGoElsewhere(after failure: OriginFailure) -> Bool {
    body.canBeRepeated && (head.method.isIdempotent || failure.meansNothingSent)
  }

  // MARK: Clients

  /// A client that ends its side has mostly left, and a few only say that this was their last request: an
  /// answer that comes soon still reaches those.
  func watchDeparture() {
    if client.peerHasEnded { client.setDeadline(afterMs: Self.departureMs) } else { client.clearDeadline() }
  }

  /// The client did not send or take a byte for the idle timeout, or has left.
  func clientTimedOut() {
    guard isActive else { return }
    if ticket != nil, !client.peerHasEnded {
      waitedTooLong()
    } else if case .undecided = delivery, body.isRead {
      client.close()
    } else if case .undecided = delivery {
      answerOwn(OwnAnswer(status: 408, text: "The body of the request did not come within the idle timeout."))
    } else {
      record.notes.insert(.clientGone)
      client.close(abortively: true)
    }
  }

  func bodyIsMalformed(_ cause: MalformedMessage) {
    worker.metrics.count(.badRequests)
    record.notes.insert(.badRequest)
    body.isAbandoned = true
    if case .undecided = delivery {
      answerOwn(OwnAnswer(status: 400, text: cause.description))
    } else {
      breakOff()
    }
  }

  /// Answers in Relevo's own name; only before the client has got anything else.
  ///
  /// - Parameter fields: writes further field lines.
  func answerOwn(
    _ own: OwnAnswer, as route: Route = .own, fields: (inout ByteWriter) -> Void = { _ in }
  ) {
    leaveLine()
    asked?.close()
    asked = nil
    examination = nil
    dropHeld()
    body.isAbandoned = true
    delivery = .flushing
    record.route = route
    record.status = own.status
    record.bodyBytes = head.method == .head ? 0 : own.bodyBytes
    answer = AnswerStream()
    answer.keepsClient = head.keepAlive && body.isRead && !worker.isDraining
    worker.writer.removeAll()
    own.write(
      isHead: head.method == .head, closes: !answer.keepsClient,
      route: settings.debugHeaders ? route : nil, into: &worker.writer
    ) { writer in
      if let strictTransport { writer.append(strictTransport.line) }
      fields(&writer)
    }
    guard client.writeOrKeep(worker) else { return client.close() }
    if client.output.isEmpty {
      end(keepAlive: answer.keepsClient)
    } else {
      client.setDeadline(afterMs: settings.idleMs)
    }
  }

  // MARK: Upgrades

  /// Passes the 101 on; from here on bytes go both ways unread.
  func switchProtocols(_ answer: ResponseHead, _ origin: OriginConnection) {
    dropHeld()
    record.route = routeOfStep
    record.status = 101
    let bytes = unsafe UnsafeRawBufferPointer(origin.input.readable).bytes
    worker.writer.removeAll()
    writeAnswer(
      answer, bytes,
      AnswerShape(
        isChunked: false, connection: nil, route: settings.debugHeaders ? record.route : nil),
      from: origin.server, into: &worker.writer)
    origin.input.consume(answer.byteCount)
    let tunnel = Tunnel(client: client, origin: origin, idleMs: settings.tunnelMs)
    origin.startTunnel(tunnel)
    asked = nil
    endInTunnel(tunnel)
    guard client.writeOrKeep(worker) else { return client.close() }
    tunnel.socketIsReady()
  }
}

extension OriginFailure {
  /// The origin cannot have acted on the request.
  var meansNothingSent: Bool {
    switch self {
    case .refused, .connectTimeout, .tls, .noDescriptor, .atMaximum, .queueFull, .queueTimeout, .noServer:
      true
    case .died, .timeout, .malformed, .malformedUpgrade: false
    }
  }
}
