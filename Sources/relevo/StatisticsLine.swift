import Logging
import Proxy

extension ProxyStatistics {
  /// The counters as the log shows them, on SIGUSR1 and at the end.
  func metadata(_ accessLog: AccessLog?) -> Logger.Metadata {
    let counters: [(String, UInt64)] = [
      ("connections", connections), ("requests", requests), ("new", answeredByNew),
      ("old-fallback", answeredByOldAfterMiss), ("old-map", answeredByOldFromMap),
      ("always-old", answeredByOldByRule), ("old-referer", answeredByOldByReferer),
      ("old-standby", answeredByOldAsStandby),
      ("old-redirect", redirectedToOld),
      ("held", answeredByHeld),
      ("own", answeredByRelevo), ("bad-requests", badRequests), ("double-misses", doubleMisses),
      ("soft-misses", softMisses),
      ("past-replay-limit", fallbacksPastReplayLimit), ("fallbacks-failed", fallbacksFailed),
      ("retries", retries),
      ("origin-failures", originFailures), ("clients-gone", clientsGone), ("learned", learned),
      ("forgotten", forgotten), ("migrated", migrated), ("log-bytes-dropped", accessLog?.droppedBytes ?? 0),
    ]
    return Logger.Metadata(uniqueKeysWithValues: counters.map { ($0, "\($1)") })
  }
}
