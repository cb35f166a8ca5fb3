import Synchronization

/// A number that one thread raises and any thread reads; raising it is a plain load and store.
struct Counter: ~Copyable, Sendable {
  private let value = Atomic<UInt64>(0)

  /// Only the owning thread calls this.
  func add(_ amount: UInt64 = 1) {
    value.store(value.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
  }

  var current: UInt64 { value.load(ordering: .relaxed) }
}

/// What one worker has done since it started.
final class Counters: Sendable {
  let connections = Counter()
  let requests = Counter()
  let answeredByNew = Counter()
  let answeredByOldAfterMiss = Counter()
  let answeredByOldFromMap = Counter()
  let redirectedToOld = Counter()
  let answeredByOldByRule = Counter()
  let answeredByOldByReferer = Counter()
  let answeredByOldAsStandby = Counter()
  let answeredByHeld = Counter()
  let answeredByRelevo = Counter()
  let badRequests = Counter()
  let doubleMisses = Counter()
  let softMisses = Counter()
  let fallbacksPastReplayLimit = Counter()
  let fallbacksFailed = Counter()
  let retries = Counter()
  let originFailures = Counter()
  let clientsGone = Counter()
  let learned = Counter()
  let forgotten = Counter()
  let migrated = Counter()
}

/// The counters of all workers, added up.
public struct ProxyStatistics: Sendable, Equatable {
  /// Client connections accepted.
  public var connections: UInt64 = 0
  /// Requests whose head was complete and well-formed.
  public var requests: UInt64 = 0
  /// Requests answered by the new pool, a 404 that no fallback followed included.
  public var answeredByNew: UInt64 = 0
  /// Requests answered by the old server after the new pool's miss.
  public var answeredByOldAfterMiss: UInt64 = 0
  /// Requests answered by the old server because the URL map knew the URL.
  public var answeredByOldFromMap: UInt64 = 0
  /// Requests answered with a redirect to the old site's own name.
  public var redirectedToOld: UInt64 = 0
  /// Requests answered by the old server because a rule named it.
  public var answeredByOldByRule: UInt64 = 0
  /// Requests for assets answered by the old server because one of its pages refers to them.
  public var answeredByOldByReferer: UInt64 = 0
  /// Requests answered by the old server since the new pool could not.
  public var answeredByOldAsStandby: UInt64 = 0
  /// Requests answered with the new pool's held miss or error, as the old server missed too or failed.
  public var answeredByHeld: UInt64 = 0
  /// Requests that Relevo answered itself: errors.
  public var answeredByRelevo: UInt64 = 0
  /// Messages refused as malformed.
  public var badRequests: UInt64 = 0
  /// Misses not passed on since both sites had missed the URL a moment ago.
  public var doubleMisses: UInt64 = 0
  /// Answers of the old server that were misses though their status did not say so.
  public var softMisses: UInt64 = 0
  /// Misses not passed on since the request's body was longer than what can be replayed.
  public var fallbacksPastReplayLimit: UInt64 = 0
  /// Fallbacks that the old server failed to answer.
  public var fallbacksFailed: UInt64 = 0
  /// Requests sent again on another connection.
  public var retries: UInt64 = 0
  /// Origin connections that failed: refused, reset, too slow, malformed.
  public var originFailures: UInt64 = 0
  /// Clients that left before their answer was complete.
  public var clientsGone: UInt64 = 0
  /// URLs handed to the map.
  public var learned: UInt64 = 0
  /// URLs taken from the map since the old server missed them.
  public var forgotten: UInt64 = 0
  /// URLs taken from the map since the new pool has them now.
  public var migrated: UInt64 = 0

  mutating func add(_ counters: Counters) {
    connections &+= counters.connections.current
    requests &+= counters.requests.current
    answeredByNew &+= counters.answeredByNew.current
    answeredByOldAfterMiss &+= counters.answeredByOldAfterMiss.current
    answeredByOldFromMap &+= counters.answeredByOldFromMap.current
    redirectedToOld &+= counters.redirectedToOld.current
    answeredByOldByRule &+= counters.answeredByOldByRule.current
    answeredByOldByReferer &+= counters.answeredByOldByReferer.current
    answeredByOldAsStandby &+= counters.answeredByOldAsStandby.current
    answeredByHeld &+= counters.answeredByHeld.current
    answeredByRelevo &+= counters.answeredByRelevo.current
    badRequests &+= counters.badRequests.current
    doubleMisses &+= counters.doubleMisses.current
    softMisses &+= counters.softMisses.current
    fallbacksPastReplayLimit &+= counters.fallbacksPastReplayLimit.current
    fallbacksFailed &+= counters.fallbacksFailed.current
    retries &+= counters.retries.current
    originFailures &+= counters.originFailures.current
    clientsGone &+= counters.clientsGone.current
    learned &+= counters.learned.current
    forgotten &+= counters.forgotten.current
    migrated &+= counters.migrated.current
  }
}
