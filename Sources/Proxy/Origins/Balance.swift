/// How the servers of a site share its requests.
public enum Balance: String, Sendable, CaseIterable {
  /// In turn, each as often as its weight says.
  case roundRobin = "roundrobin"
  /// To the one with the fewest requests under way for its weight; in turn among equals.
  case leastConnections = "leastconn"
}

/// A request that looks for a server.
struct OriginRequest {
  /// Those that it has asked in vain.
  var tried = TriedServers()
  /// The one that it belongs to: asked while it can be asked at all, even when the operator drains it, and waited for
  /// when it serves its maximum.
  var preferred: OriginServer?
  /// It may find out whether a server answers again: sending it twice does no harm.
  var mayTry = true

  /// Which servers are asked when none is up.
  var lastResort = LastResort.all

  /// It can be given a place that the next one in the line can't.
  var isParticular: Bool { preferred != nil || !tried.isEmpty || !mayTry }
}

/// Which of a site's servers a request is given when all are down.
enum LastResort {
  /// None: there is another answer, at once.
  case none
  /// Those that no request has found down. Checks may be wrong about them.
  case unpaused
  /// All of them: what is worth a try.
  case all

  func allows(_ origin: OriginState, nowMs: UInt64) -> Bool {
    switch self {
    case .none: false
    case .unpaused: if case .share = origin.availability(nowMs: nowMs) { true } else { false }
    case .all: true
    }
  }
}

/// The servers that one exchange has asked in vain.
struct TriedServers {
  /// Nil for none, as it mostly is: then nothing is counted to copy it.
  private var servers: [OriginServer]?

  var isEmpty: Bool { servers == nil }
  var count: Int { servers?.count ?? 0 }

  mutating func insert(_ server: OriginServer) {
    if !contains(server) { servers = (servers ?? []) + [server] }
  }

  func contains(_ server: OriginServer) -> Bool {
    guard let servers else { return false }
    return servers.contains { $0 === server }
  }

  mutating func removeAll() { servers = nil }
}
