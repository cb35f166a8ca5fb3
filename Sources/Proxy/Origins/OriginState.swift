import EventLoop
import Glibc
import Synchronization
import TLS

/// One server of a site, shared by all workers, the health checker and the admin plane.
///
/// Any thread may use it. What changes while Relevo runs are atomics that every worker reads when it picks a server: a
/// change is in force at once.
public final class OriginState: Sendable {
  /// Names it to the API, to metrics and in cookies: `id=` of its flag, else derived from its site, name and address.
  /// No other server of the process has it.
  public let id: String
  public let site: Site
  /// `host` or `host:port` as the operator wrote it, the port left out when it is the scheme's own.
  public let authority: String
  /// One of the addresses of ``authority``.
  public let address: SocketAddress
  /// The name that its certificate must have; nil where it is spoken to without TLS.
  public let tlsName: String?
  /// Of connections to it.
  let tlsSessions = TLSSessionStore()
  /// One for each worker, in their order.
  let tallies: [OriginTally]
  let gate = OriginGate()
  private let rules: PassiveHealthRules
  private let optionsNow: Locked<OriginOptions>
  private let weightNow: Atomic<Int>
  private let maxNow: Atomic<Int>
  private let isLeavingNow = Atomic<Bool>(false)
  private let modeNow = Atomic<OriginMode>(.ready)
  private let checkedNow = Atomic<CheckedHealth>(.unchecked)
  /// A ``PassiveHealth`` as its word.
  private let passiveNow = Atomic<UInt64>(PassiveHealth.healthy(failures: 0).word)
  private let checkMessageNow = Locked<String?>(nil)
  private let sinceSeconds: Atomic<Int>

  init(id: String, site: Site, origin: ResolvedOrigin, workers: Int, rules: PassiveHealthRules) {
    self.id = id
    self.site = site
    authority = String(decoding: origin.authority, as: UTF8.self)
    address = origin.address
    maxNow = Atomic(origin.options.max ?? .max)
    self.rules = rules
    optionsNow = Locked(origin.options)
    weightNow = Atomic(origin.options.weight)
    tlsName = origin.tlsName
    tallies = (0..<workers).map { _ in OriginTally() }
    sinceSeconds = Atomic(Self.wallClockSeconds())
  }

  /// Its weight and bound. A reload may change them.
  public var options: OriginOptions { optionsNow.withLock { $0 } }

  /// The weight alone, for those who pick a server.
  var weight: Int { weightNow.load(ordering: .relaxed) }

  /// The bound alone; `Int.max` where there is none, so that those who pick a server need not look at its gate.
  var max: Int { maxNow.load(ordering: .relaxed) }

  /// It serves its maximum.
  var isFull: Bool {
    let max = max
    return max != .max && gate.isFull(max: max)
  }

  /// Takes other options, at once for all workers. Requests under way stay, past a lowered bound too.
  func setOptions(_ options: OriginOptions) {
    optionsNow.withLock { $0 = options }
    weightNow.store(options.weight, ordering: .relaxed)
    maxNow.store(options.max ?? .max, ordering: .relaxed)
  }

  /// Neither the settings nor a name lead to it any more: only what is under way has it.
  public var isLeaving: Bool { isLeavingNow.load(ordering: .relaxed) }

  func setLeaving(_ isLeaving: Bool) {
    if isLeavingNow.exchange(isLeaving, ordering: .relaxed) != isLeaving { stateHasChanged() }
  }

  /// Goes on with what the operator, the checks and the requests have said of the same server under another identifier.
  func takeOver(from former: OriginState) {
    modeNow.store(former.mode, ordering: .relaxed)
    checkedNow.store(former.checked, ordering: .relaxed)
    passiveNow.store(former.passiveNow.load(ordering: .relaxed), ordering: .relaxed)
    let message = former.checkMessage
    checkMessageNow.withLock { $0 = message }
  }

  /// What the operator wants of it.
  public var mode: OriginMode { modeNow.load(ordering: .relaxed) }

  /// What active checks say of it.
  public var checked: CheckedHealth { checkedNow.load(ordering: .relaxed) }

  /// Takes the operator's word, at once for all workers. A server that was off begins with a small share.
  func setMode(_ mode: OriginMode) {
    let former = modeNow.exchange(mode, ordering: .relaxed)
    if former == mode { return }
    if former == .off { startSlowly() }
    stateHasChanged()
  }

  /// Takes the word of active checks, at once for all workers. A server that was down begins with a small share, and its
  /// pause is over. A check that passes in a row of others ends none: requests know better.
  public func setChecked(_ health: CheckedHealth) {
    let former = checkedNow.exchange(health, ordering: .relaxed)
    if former == health { return }
    if former == .down {
      let nowMs = EventLoop.monotonicMs()
      change { $0.afterRecovery(nowMs: nowMs) }
    }
    stateHasChanged()
  }

  /// What the last active check has seen, in words; nil when nobody checks it, or no check has ended yet.
  public var checkMessage: String? { checkMessageNow.withLock { $0 } }

  /// Nobody checks it any more.
  func forgetChecks() {
    setChecked(.unchecked)
    setCheckMessage(nil)
  }

  func setCheckMessage(_ message: String?) { checkMessageNow.withLock { $0 = message } }

  // MARK: What requests find out

  /// What it can be given, as far as requests have shown.
  func availability(nowMs: UInt64) -> PassiveHealth.Availability {
    let word = passiveNow.load(ordering: .relaxed)
    if word == 0 { return .share(PassiveHealth.fullShare) }
    return PassiveHealth(word: word).availability(nowMs: nowMs, rules.policy)
  }

  /// A request has got an answer from it.
  ///
  /// - Returns: true when that ends its pause.
  @discardableResult
  @inline(__always)
  func requestSucceeded() -> Bool {
    passiveNow.load(ordering: .relaxed) != 0 && noteSuccess()
  }

  private func noteSuccess() -> Bool {
    let (nowMs, policy) = (EventLoop.monotonicMs(), rules.policy)
    return switch change({ $0.afterSuccess(nowMs: nowMs, policy) })?.former {
    case .paused, .trial: true
    case .healthy, .recovering, nil: false
    }
  }

  /// What a failed request has come to.
  enum FailureEffect: Equatable {
    /// It is one of a row, or the pause goes on.
    case counted
    /// A pause begins, so long.
    case paused(ms: UInt64)
    /// The server was paused already.
    case wasPaused
  }

  /// It has failed a request.
  @discardableResult
  func requestFailed() -> FailureEffect {
    let (nowMs, jitter, policy) = (EventLoop.monotonicMs(), Int.random(in: -250...250), rules.policy)
    switch change({ $0.afterFailure(nowMs: nowMs, jitter: jitter, policy) }) {
    case nil: return .wasPaused
    case (.healthy, .paused(let untilMs, _))?, (.recovering, .paused(let untilMs, _))?:
      return .paused(ms: untilMs - nowMs)
    case _?: return .counted
    }
  }

  /// Takes the one trial that a server gets when its pause is over; false when another request has it, or none is due.
  func beginTrial(nowMs: UInt64) -> Bool {
    let word = passiveNow.load(ordering: .relaxed)
    guard case .paused(let untilMs, let pauses) = PassiveHealth(word: word), nowMs >= untilMs else {
      return false
    }
    return passiveNow.compareExchange(
      expected: word, desired: PassiveHealth.trial(pauses: pauses).word, ordering: .relaxed
    ).exchanged
  }

  /// The request that tried it is over; if it has found out nothing, the next one may try.
  func endTrial() {
    change { health in
      if case .trial(let pauses) = health { .paused(untilMs: 0, pauses: pauses) } else { health }
    }
  }

  private func startSlowly() {
    let nowMs = EventLoop.monotonicMs()
    change { health in
      if case .healthy = health { .recovering(sinceMs: nowMs, pauses: 0, failures: 0) } else { health }
    }
  }

  /// - Returns: nil when that was none.
  @discardableResult
  private func change(
    _ transition: (PassiveHealth) -> PassiveHealth
  ) -> (former: PassiveHealth, next: PassiveHealth)? {
    var word = passiveNow.load(ordering: .relaxed)
    while true {
      let former = PassiveHealth(word: word)
      let next = transition(former)
      if next == former { return nil }
      let (exchanged, original) = passiveNow.compareExchange(
        expected: word, desired: next.word, ordering: .relaxed)
      if exchanged {
        if next.word >> 62 != word >> 62 { stateHasChanged() }
        return (former, next)
      }
      word = original
    }
  }

  // MARK: Reading

  /// Requests under way with it, those of upgraded connections included.
  var inFlight: Int {
    tallies.reduce(0) { $0 + $1.inFlight }
  }

  /// Everything of it as plain values.
  public var status: OriginStatus {
    let options = options
    return OriginStatus(
      id: id, site: site, authority: authority, address: address.description, weight: options.weight,
      max: options.max, mode: mode, checked: checked, checkMessage: checkMessage, condition: condition,
      inFlight: inFlight,
      requests: tallies.reduce(0) { $0 &+ $1.requests },
      failures: tallies.reduce(0) { $0 &+ $1.failures },
      since: sinceSeconds.load(ordering: .relaxed))
  }

  private var condition: OriginCondition {
    if isLeaving { return .leaving }
    return switch mode {
    case .off: .off
    case .drain: .draining
    case .ready where checked == .down: .down
    case .ready:
      switch PassiveHealth(word: passiveNow.load(ordering: .relaxed)) {
      case .healthy: .up
      case .paused, .trial: .paused
      case .recovering(let sinceMs, _, _):
        EventLoop.monotonicMs() < sinceMs &+ rules.policy.slowStartMs ? .slowStart : .up
      }
    }
  }

  private func stateHasChanged() {
    sinceSeconds.store(Self.wallClockSeconds(), ordering: .relaxed)
  }

  private static func wallClockSeconds() -> Int { time(nil) }
}
