/// What the proxy counts beside the requests themselves; each number only grows.
public enum ProxyCounter: Int, CaseIterable, Sendable {
  /// Client connections accepted.
  case connections
  /// Connections closed since they did not begin with a valid PROXY header where one is wanted.
  case proxyHeadersRefused
  /// TLS connections of clients that were opened with a whole handshake.
  case tlsHandshakes
  /// TLS connections of clients that went on with an earlier session.
  case tlsResumed
  /// TLS connections of clients that could not be opened.
  case tlsFailures
  /// Connections of clients that speak HTTP/2.
  case http2Connections
  /// Of those, the ones that ended since the client had broken a rule or flooded.
  case http2Failures
  /// Requests whose head was complete and well-formed.
  case requests
  /// Messages refused as malformed.
  case badRequests
  /// Misses not passed on since both sites had missed the URL a moment ago.
  case doubleMisses
  /// Answers of the old server that were misses though their status did not say so.
  case softMisses
  /// Misses not passed on since the request's body was longer than what can be replayed.
  case fallbacksPastReplayLimit
  /// Requests passed on to the old server in vain: the old server could not be reached, or died before it had answered.
  case fallbacksOldDown
  /// Requests passed on to the old server in vain: the old server did not answer in time.
  case fallbacksOldTimeout
  /// Requests passed on to the old server in vain: the old server answered with an error, or with what is no answer.
  case fallbacksOldError
  /// Misses not passed on since the old server served its maximum.
  case fallbacksOldBusy
  /// Misses not passed on since this process had no file descriptor left.
  case fallbacksNoDescriptor
  /// Requests sent again on another connection.
  case retries
  /// Requests not sent again since the retry budget was spent.
  case retriesRefused
  /// Requests that waited for a place at a server.
  case queued
  /// Requests that were not let wait, since too many did.
  case queueFull
  /// Requests that waited for too long.
  case queueTimeouts
  /// Origin connections that failed: refused, reset, too slow, malformed.
  case originFailures
  /// Answers that broke off in the middle, the client's connection with them.
  case brokenAnswers
  /// Clients that left before their answer was complete.
  case clientsGone
  /// URLs handed to the map.
  case learned
  /// URLs taken from the map since the old server missed them.
  case forgotten
  /// URLs taken from the map since the new pool has them now.
  case migrated
  /// Connections opened to servers of the new pool.
  case newConnectionsOpened
  /// Requests to the new pool sent on a connection that had been kept.
  case newConnectionsReused
  /// Connections opened to the old server.
  case oldConnectionsOpened
  /// Requests to the old server sent on a connection that had been kept.
  case oldConnectionsReused

  /// As the log names it.
  public var name: String {
    switch self {
    case .connections: "connections"
    case .proxyHeadersRefused: "proxy-headers-refused"
    case .tlsHandshakes: "tls-handshakes"
    case .tlsResumed: "tls-resumed"
    case .tlsFailures: "tls-failures"
    case .http2Connections: "http2-connections"
    case .http2Failures: "http2-failures"
    case .requests: "requests"
    case .badRequests: "bad-requests"
    case .doubleMisses: "double-misses"
    case .softMisses: "soft-misses"
    case .fallbacksPastReplayLimit: "past-replay-limit"
    case .fallbacksOldDown: "fallbacks-old-down"
    case .fallbacksOldTimeout: "fallbacks-old-timeout"
    case .fallbacksOldError: "fallbacks-old-error"
    case .fallbacksOldBusy: "fallbacks-old-busy"
    case .fallbacksNoDescriptor: "fallbacks-no-descriptor"
    case .retries: "retries"
    case .retriesRefused: "retries-refused"
    case .queued: "queued"
    case .queueFull: "queue-full"
    case .queueTimeouts: "queue-timeouts"
    case .originFailures: "origin-failures"
    case .brokenAnswers: "broken-answers"
    case .clientsGone: "clients-gone"
    case .learned: "learned"
    case .forgotten: "forgotten"
    case .migrated: "migrated"
    case .newConnectionsOpened: "new-connections-opened"
    case .newConnectionsReused: "new-connections-reused"
    case .oldConnectionsOpened: "old-connections-opened"
    case .oldConnectionsReused: "old-connections-reused"
    }
  }
}
