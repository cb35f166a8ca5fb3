import HTTP1

/// Which origin an exchange asks at the moment, and why.
enum Step: Equatable {
  /// The URL is not in the map: the new pool is asked, and the old server if that misses.
  case newFirst
  /// The URL is in the map, but was learned long ago: the new pool is asked once more.
  case recheck
  /// The URL is in the map: the old server is asked at once.
  case oldByMap
  /// The new pool has missed and its answer is held.
  case oldAfterMiss(renews: Bool)
  /// The map was wrong, the old server misses: what the new pool says goes.
  case newAfterOldMiss
  /// The old server, which the map named, cannot be reached.
  case newAfterOldFailure
  /// The target is no path (`OPTIONS *`): no URL, no fallback.
  case newOnly

  var asksOld: Bool {
    switch self {
    case .oldByMap, .oldAfterMiss: true
    case .newFirst, .recheck, .newAfterOldMiss, .newAfterOldFailure, .newOnly: false
    }
  }
}

/// What is known of an answer when its head has come.
struct AnswerFacts {
  var status: UInt16
  /// Whether it is a miss though its status does not say so. Of the old server's answers only.
  var softMiss: SoftMiss
  /// The request can be sent once more: its body is recorded whole, or none of it has been read.
  var requestCanBeRepeated: Bool
  /// Both sites missed this URL a moment ago.
  var isKnownDoubleMiss: Bool
  /// The method says something about the page: OPTIONS and TRACE are answered for URLs that do not exist.
  var methodTeaches: Bool
}

/// Whether an answer means "not here" without saying so by its status.
enum SoftMiss: Equatable, CaseIterable {
  case no
  /// A redirect to the home page, or a body that could say so and was not looked into.
  case possible
  /// It redirects to, or has a text of, what the operator names as the old server's way to say so.
  case certain
}

/// What becomes of an answer.
enum Verdict: Equatable {
  /// It goes to the client.
  case deliver(MapChange)
  /// It is kept, and the old server is asked.
  case holdAndAskOld(renews: Bool)
  /// It is dropped and the old server, which has the page as far as is known, is asked.
  case dropAndAskOld
  /// It is dropped for what the new pool says.
  case dropAndAskNew(MapChange)
  /// It is dropped and the held answer goes to the client.
  case dropAndDeliverHeld(HeldReason)
  /// It is dropped and Relevo answers 503: the old server has the page and cannot be reached.
  case dropAndAnswerUnavailable
  /// It goes to the client although a fallback was due: the request's body can't be sent again.
  case deliverUnrepeatable
  /// It goes to the client: the old server said a moment ago that it does not have the URL either.
  case deliverDoubleMiss
}

enum MapChange: Equatable {
  case none, learn, forget, migrated
}

enum HeldReason: Equatable {
  case bothMissed(forget: Bool)
  case oldFailed
}

/// The table of what a request does: answers to verdicts, nothing else.
struct DecisionTable: Sendable {
  var fallbackOn: StatusSet
  var learnOn: StatusSet
  var oldMissOn: StatusSet

  func verdict(on answer: AnswerFacts, at step: Step) -> Verdict {
    switch step {
    case .newOnly, .newAfterOldMiss:
      return .deliver(.none)

    case .newFirst:
      guard fallbackOn.contains(answer.status) else { return .deliver(.none) }
      if answer.isKnownDoubleMiss { return .deliverDoubleMiss }
      return answer.requestCanBeRepeated ? .holdAndAskOld(renews: false) : .deliverUnrepeatable

    case .recheck:
      guard fallbackOn.contains(answer.status) else {
        // An outage of the new pool is no reason to keep a known page from its visitors.
        if answer.status >= 500, answer.requestCanBeRepeated { return .dropAndAskOld }
        return .deliver(answer.methodTeaches && answer.status < 400 ? .migrated : .none)
      }
      return answer.requestCanBeRepeated ? .holdAndAskOld(renews: true) : .deliverUnrepeatable

    case .oldAfterMiss(let renews):
      if isOldMiss(answer) {
        return .dropAndDeliverHeld(.bothMissed(forget: renews && answer.methodTeaches))
      }
      if answer.status >= 500 { return renews ? .deliver(.none) : .dropAndDeliverHeld(.oldFailed) }
      let isPage = learnOn.contains(answer.status) && answer.softMiss == .no && answer.methodTeaches
      return .deliver(isPage ? .learn : .none)

    case .oldByMap:
      guard isOldMiss(answer) else { return .deliver(.none) }
      let change: MapChange = answer.methodTeaches ? .forget : .none
      return answer.requestCanBeRepeated ? .dropAndAskNew(change) : .deliver(change)

    case .newAfterOldFailure:
      return fallbackOn.contains(answer.status) ? .dropAndAnswerUnavailable : .deliver(.none)
    }
  }

  private func isOldMiss(_ answer: AnswerFacts) -> Bool {
    oldMissOn.contains(answer.status) || answer.softMiss == .certain
  }
}
