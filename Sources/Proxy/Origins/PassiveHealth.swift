import EventLoop
import Synchronization

/// When requests that fail keep a server from getting more.
struct PassiveHealthPolicy: Sendable, Equatable {
  /// Failures in a row that begin a pause. 1 or more.
  var failures = 3
  /// The first pause; each that follows without a recovery in between is twice as long.
  var pauseMs: UInt64 = 1_000
  var pauseMaxMs: UInt64 = 60_000
  /// How long the server's share grows after a pause; 0 gives it all at once.
  var slowStartMs: UInt64 = 10_000

  init() {}

  init(_ configuration: ProxyConfiguration) {
    failures = configuration.originFailures
    pauseMs = configuration.originPause.wholeMilliseconds
    pauseMaxMs = configuration.originPauseMax.wholeMilliseconds
    slowStartMs = configuration.slowStart.wholeMilliseconds
  }

  /// How long a pause is, the first being number 1.
  func pauseMs(number: Int) -> UInt64 {
    // Pauses are hours at most, so that nothing is shifted out.
    min(pauseMs << UInt64(min(max(number, 1) - 1, 30)), pauseMaxMs)
  }
}

/// The policy that is in force for all servers. A reload changes it while others read: a reader may see a part of the one
/// and a part of the other for a moment, each of which holds by itself.
final class PassiveHealthRules: Sendable {
  private let failures = Atomic<Int>(0)
  private let pauseMs = Atomic<UInt64>(0)
  private let pauseMaxMs = Atomic<UInt64>(0)
  private let slowStartMs = Atomic<UInt64>(0)

  init(_ policy: PassiveHealthPolicy) { set(policy) }

  var policy: PassiveHealthPolicy {
    var policy = PassiveHealthPolicy()
    policy.failures = failures.load(ordering: .relaxed)
    policy.pauseMs = pauseMs.load(ordering: .relaxed)
    policy.pauseMaxMs = pauseMaxMs.load(ordering: .relaxed)
    policy.slowStartMs = slowStartMs.load(ordering: .relaxed)
    return policy
  }

  func set(_ policy: PassiveHealthPolicy) {
    failures.store(policy.failures, ordering: .relaxed)
    pauseMs.store(policy.pauseMs, ordering: .relaxed)
    pauseMaxMs.store(policy.pauseMaxMs, ordering: .relaxed)
    slowStartMs.store(policy.slowStartMs, ordering: .relaxed)
  }
}

/// What the requests themselves have shown of a server.
///
///                    failures in a row              its end
///     ┌─> healthy ──────────────────────> paused ──────────────> trial
///     │                                   ^    │                 │   │
///     │                          failures │    │ success         │   │ failure:
///     │ after a while                     │    v                 │   │ a longer pause
///     └────────────────────────────── recovering <───────────────┘   └──> paused
///                                                   success
///
/// A success while it is paused comes from a request that was under way, or from one that had no other server to go to.
enum PassiveHealth: Equatable {
  /// The last attempts failed, so many of them; mostly 0.
  case healthy(failures: Int)
  /// It gets nothing until then.
  ///
  /// - pauses: in a row, this one included.
  case paused(untilMs: UInt64, pauses: Int)
  /// One request is finding out whether it answers again.
  case trial(pauses: Int)
  /// It answers again, and its share grows.
  case recovering(sinceMs: UInt64, pauses: Int, failures: Int)

  /// A tenth: the share that a recovering server begins with, of 1000.
  private static let firstShare = 100
  static let fullShare = 1000

  /// What a server can be given.
  enum Availability: Equatable {
    /// A part of its weight, of ``PassiveHealth/fullShare``.
    case share(Int)
    /// One request that finds out whether it answers again.
    case trial
    case nothing
  }

  func availability(nowMs: UInt64, _ policy: PassiveHealthPolicy) -> Availability {
    switch self {
    case .healthy: return .share(Self.fullShare)
    case .paused(let untilMs, _): return nowMs >= untilMs ? .trial : .nothing
    case .trial: return .nothing
    case .recovering(let sinceMs, _, _):
      let elapsedMs = nowMs > sinceMs ? nowMs - sinceMs : 0
      if elapsedMs >= policy.slowStartMs { return .share(Self.fullShare) }
      return .share(max(Self.firstShare, Int(elapsedMs * UInt64(Self.fullShare) / policy.slowStartMs)))
    }
  }

  /// An attempt has failed.
  ///
  /// - Parameter jitter: what a pause is lengthened by, in thousandths of it, so that many proxies, or many servers, do
  ///   not come back at one moment; from -250 to 250.
  func afterFailure(nowMs: UInt64, jitter: Int, _ policy: PassiveHealthPolicy) -> PassiveHealth {
    func paused(_ pauses: Int) -> PassiveHealth {
      let thousandths = UInt64(1000 + min(max(jitter, -250), 250))
      return .paused(untilMs: nowMs + policy.pauseMs(number: pauses) * thousandths / 1000, pauses: pauses)
    }
    switch settled(nowMs: nowMs, policy) {
    case .healthy(let failures):
      return failures + 1 >= policy.failures ? paused(1) : .healthy(failures: failures + 1)
    // When the pause is over, the one that failed has tried, be it as the trial that was due or without asking.
    case .paused(let untilMs, let pauses): return nowMs >= untilMs ? paused(pauses + 1) : self
    case .trial(let pauses): return paused(pauses + 1)
    case .recovering(let sinceMs, let pauses, let failures):
      return failures + 1 >= policy.failures
        ? paused(pauses + 1) : .recovering(sinceMs: sinceMs, pauses: pauses, failures: failures + 1)
    }
  }

  /// The server has answered.
  func afterSuccess(nowMs: UInt64, _ policy: PassiveHealthPolicy) -> PassiveHealth {
    switch settled(nowMs: nowMs, policy) {
    case .healthy: .healthy(failures: 0)
    case .paused(_, let pauses), .trial(let pauses):
      .recovering(sinceMs: nowMs, pauses: pauses, failures: 0)
    case .recovering(let sinceMs, let pauses, _):
      .recovering(sinceMs: sinceMs, pauses: pauses, failures: 0)
    }
  }

  /// Active checks have found it down, and find it up again. Should requests still fail, the next pause is longer all the
  /// same.
  func afterRecovery(nowMs: UInt64) -> PassiveHealth {
    switch self {
    case .healthy: .recovering(sinceMs: nowMs, pauses: 0, failures: 0)
    case .paused(_, let pauses), .trial(let pauses):
      .recovering(sinceMs: nowMs, pauses: pauses, failures: 0)
    case .recovering: self
    }
  }

  /// A server that has answered for as long as it was last paused, and has its whole share, is healthy: its next pause
  /// is a first one.
  private func settled(nowMs: UInt64, _ policy: PassiveHealthPolicy) -> PassiveHealth {
    guard case .recovering(let sinceMs, let pauses, let failures) = self else { return self }
    let probationMs = max(policy.slowStartMs, policy.pauseMs(number: pauses))
    return nowMs >= sinceMs &+ probationMs ? .healthy(failures: failures) : self
  }
}

extension PassiveHealth {
  /// One word, 0 for a healthy server without failures:
  ///
  ///     | 2 bits: which | 6 bits: pauses | 8 bits: failures | 48 bits: a time in milliseconds |
  ///
  /// Counts stop at what there is room for.
  var word: UInt64 {
    switch self {
    case .healthy(let failures): Self.pack(0, pauses: 0, failures: failures, ms: 0)
    case .paused(let untilMs, let pauses): Self.pack(1, pauses: pauses, failures: 0, ms: untilMs)
    case .trial(let pauses): Self.pack(2, pauses: pauses, failures: 0, ms: 0)
    case .recovering(let sinceMs, let pauses, let failures):
      Self.pack(3, pauses: pauses, failures: failures, ms: sinceMs)
    }
  }

  init(word: UInt64) {
    let (pauses, failures) = (Int(word >> 56 & 0x3F), Int(word >> 48 & 0xFF))
    let ms = word & (1 << 48 - 1)
    switch word >> 62 {
    case 0: self = .healthy(failures: failures)
    case 1: self = .paused(untilMs: ms, pauses: pauses)
    case 2: self = .trial(pauses: pauses)
    default: self = .recovering(sinceMs: ms, pauses: pauses, failures: failures)
    }
  }

  private static func pack(_ which: UInt64, pauses: Int, failures: Int, ms: UInt64) -> UInt64 {
    which << 62 | UInt64(min(max(pauses, 0), 0x3F)) << 56 | UInt64(min(max(failures, 0), 0xFF)) << 48
      | ms & (1 << 48 - 1)
  }
}
