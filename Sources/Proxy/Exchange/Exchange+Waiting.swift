import EventLoop

extension Exchange: WaitingRequest {
  // MARK: Waiting for a place

  /// Every server that could take the request serves its maximum: it waits in the line, where the step allows that.
  func waitForPlace() {
    guard stepWaits else { return giveUp(.atMaximum) }
    guard let ticket = pool.wait(self) else {
      worker.metrics.count(.queueFull)
      report(.queueFull, at: nil, "at the \(step.asksOld ? Site.old : .new) site")
      return giveUp(.queueFull)
    }
    self.ticket = ticket
    worker.metrics.count(.queued)
    record.notes.insert(.queued)
    client.setDeadline(afterMs: client.peerHasEnded ? Self.departureMs : settings.queueMs)
    worker.linesHaveGrown()
    // A place that has come free since it was looked for woke nobody: this one was not in the line yet.
    pool.serveLine(nowMs: worker.loop.coarseMs)
  }

  /// Whether a request waits at this step. What is held of the new pool is an answer at once, as is the old server's page
  /// for a URL that would only have been looked for on the new one again.
  private var stepWaits: Bool {
    switch step {
    case .newFirst, .newOnly, .newByRule, .newAfterOldMiss, .newAfterOldFailure: true
    case .oldByMap, .oldByRule, .oldByReferer: true
    case .oldAfterMiss(let renews): renews
    case .oldAsStandby(let failure): failure != nil
    case .recheck, .probeOld: false
    }
  }

  /// It was its turn in the line.
  func hasPlace(_ slot: consuming OriginSlot) {
    ticket = nil
    client.clearDeadline()
    ask(in: slot)
  }

  /// There is nothing to wait for any more.
  func hasNoServer() {
    ticket = nil
    client.clearDeadline()
    giveUp(.noServer)
  }

  /// It has waited for too long: for its session's own server, which any other can stand in for, or for all of them.
  func waitedTooLong() {
    leaveLine()
    if preferred != nil {
      preferred = nil
      switch pool.choose(for: originRequest, nowMs: worker.loop.coarseMs) {
      case .server(let slot): return ask(in: slot)
      case .full: break
      case .none: break
      }
    }
    worker.metrics.count(.queueTimeouts)
    report(.queueTimeout, at: nil, "at the \(step.asksOld ? Site.old : .new) site")
    giveUp(.queueTimeout)
  }

  /// Does not wait any more, if it did.
  func leaveLine() {
    guard let ticket else { return }
    self.ticket = nil
    pool.leave(ticket)
  }
}
