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
  /// The new pool has missed and its answer is held: the old server is asked by HEAD whether it has the page.
  case probeOld(renews: Bool)
  /// The map was wrong, the old server misses: what the new pool says goes.
  case newAfterOldMiss
  /// The old server, which the map named, cannot be reached.
  case newAfterOldFailure
  /// The target is no path (`OPTIONS *`): no URL, no fallback.
  case newOnly
  /// A rule keeps the old server from being asked.
  case newByRule
  /// A rule says that the old server has the path: it is asked at once, and nothing is learned.
  case oldByRule
  /// The new pool has no answer to give: the old server stands in with what it has, and nothing is learned. nil: the
  /// new pool answered an error, which is held.
  case oldAsStandby(for: OriginFailure?)
  /// A page of the old site refers to this asset: the old server is asked at once, and nothing is learned, since to
  /// pages of the new site the URL may mean another asset.
  case oldByReferer

  var asksOld: Bool {
    switch self {
    case .oldByMap, .oldByRule, .oldByReferer, .oldAfterMiss, .oldAsStandby, .probeOld: true
    case .newFirst, .recheck, .newAfterOldMiss, .newAfterOldFailure, .newOnly, .newByRule: false
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
  /// Whether the client may be sent to the old site itself.
  var redirectUse: RedirectUse
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
  /// It is kept, and the old server is asked by HEAD whether it has the page.
  case holdAndProbeOld(renews: Bool)
  /// It is kept, and the old server is asked to stand in.
  case holdAndAskStandby
  /// It is dropped and the old server gets the request itself.
  case dropAndAskOldItself(renews: Bool)
  /// It is dropped and the client is sent to the old site.
  case dropAndRedirect(MapChange)
  /// It is dropped and the old server, which has the page as far as is known, is asked.
  case dropAndAskOld
  /// It is dropped for what the new pool says.
  case dropAndAskNew(MapChange)
  /// It is dropped and the held answer goes to the client.
  case dropAndDeliverHeld(HeldReason)
  /// It is dropped and Relevo answers 503: the old server has the page and cannot be reached.
  case dropAndAnswerUnavailable
  /// It is dropped and the client gets the new pool's failure, or a 503, but nothing that speaks of the page.
  case dropAndAnswerForNew(StandbyEnd)
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

/// Why the old server does not stand in for the new pool.
enum StandbyEnd: Equatable {
  /// It does not have the page.
  case missed
  /// Its answer does not say that it has the page.
  case refused
  case failed
}

/// The table of what a request does: answers to verdicts, nothing else.
struct DecisionTable: Sendable {
  var fallbackOn: StatusSet
  var learnOn: StatusSet
  var oldMissOn: StatusSet
  /// The old server is asked for what the whole new pool cannot answer.
  var oldStandsIn = false

  func verdict(on answer: AnswerFacts, at step: Step) -> Verdict {
    switch step {
    case .newOnly, .newByRule, .newAfterOldMiss:
      return .deliver(.none)

    case .newFirst:
      guard fallbackOn.contains(answer.status) else { return .deliver(.none) }
      // An error says nothing of the page: the new pool may have it, so that the map must not.
      if answer.status >= 500 {
        if answer.isKnownDoubleMiss { return .deliver(.none) }
        return answer.requestCanBeRepeated ? .holdAndAskStandby : .deliverUnrepeatable
      }
      if answer.isKnownDoubleMiss { return .deliverDoubleMiss }
      return fallback(for: answer, renews: false)

    case .recheck:
      guard fallbackOn.contains(answer.status) else {
        // An outage of the new pool is no reason to keep a known page from its visitors.
        if answer.status >= 500, answer.requestCanBeRepeated { return .dropAndAskOld }
        return .deliver(answer.methodTeaches && answer.status < 400 ? .migrated : .none)
      }
      return fallback(for: answer, renews: true)

    case .oldAfterMiss(let renews):
      if isOldMiss(answer) {
        return .dropAndDeliverHeld(.bothMissed(forget: renews && answer.methodTeaches))
      }
      if answer.status >= 500 {
        if !renews { return .dropAndDeliverHeld(.oldFailed) }
        return answer.redirectUse == .always ? .dropAndRedirect(.none) : .deliver(.none)
      }
      guard isOldPage(answer) else { return .deliver(.none) }
      return answer.redirectUse == .always ? .dropAndRedirect(.learn) : .deliver(.learn)

    case .probeOld(let renews):
      if isOldMiss(answer) {
        return .dropAndDeliverHeld(.bothMissed(forget: renews && answer.methodTeaches))
      }
      if isOldPage(answer) { return .dropAndRedirect(.learn) }
      // 501, as 405: it does not know HEAD.
      if answer.status >= 500, answer.status != 501 {
        return renews ? .dropAndRedirect(.none) : .dropAndDeliverHeld(.oldFailed)
      }
      return .dropAndAskOldItself(renews: renews)

    case .oldByMap:
      guard isOldMiss(answer) else { return .deliver(.none) }
      let change: MapChange = answer.methodTeaches ? .forget : .none
      return answer.requestCanBeRepeated ? .dropAndAskNew(change) : .deliver(change)

    case .oldByRule, .oldByReferer:
      return isOldMiss(answer) && answer.requestCanBeRepeated ? .dropAndAskNew(.none) : .deliver(.none)

    case .oldAsStandby:
      if isOldMiss(answer) { return .dropAndAnswerForNew(.missed) }
      if answer.status >= 500 { return .dropAndAnswerForNew(.failed) }
      // To a search engine a refusal or a way home would say that the page is gone, and new may well have it.
      let leadsHome = answer.softMiss == .possible && answer.status.isRedirect
      let isPage = answer.status < 400 || learnOn.contains(answer.status)
      return isPage && !leadsHome ? .deliver(.none) : .dropAndAnswerForNew(.refused)

    case .newAfterOldFailure:
      return fallbackOn.contains(answer.status) ? .dropAndAnswerUnavailable : .deliver(.none)
    }
  }

  /// The new pool has missed.
  private func fallback(for answer: AnswerFacts, renews: Bool) -> Verdict {
    guard answer.requestCanBeRepeated else { return .deliverUnrepeatable }
    return answer.redirectUse == .never ? .holdAndAskOld(renews: renews) : .holdAndProbeOld(renews: renews)
  }

  private func isOldPage(_ answer: AnswerFacts) -> Bool {
    learnOn.contains(answer.status) && answer.softMiss == .no && answer.methodTeaches
  }

  private func isOldMiss(_ answer: AnswerFacts) -> Bool {
    oldMissOn.contains(answer.status) || answer.softMiss == .certain
  }
}

extension UInt16 {
  /// As a status: it leads elsewhere. 304 does not.
  fileprivate var isRedirect: Bool { (300..<400).contains(self) && self != 304 }
}
