/// What all workers have done since the start, added up. Each number is exact, but they are not all of one instant.
public struct ProxyMetrics: Sendable, Equatable {
  private var counters = [UInt64](repeating: 0, count: ProxyCounter.allCases.count)
  private var requestCounts = [UInt64](
    repeating: 0, count: Route.allCases.count * StatusClass.allCases.count)
  private var latencies = [LatencyHistogram](repeating: LatencyHistogram(), count: Route.allCases.count)
  private var originLatencies: [String: LatencyHistogram] = [:]
  /// Bytes received from clients, heads included.
  public internal(set) var receivedBytes: UInt64 = 0
  /// Bytes sent to clients, heads included.
  public internal(set) var sentBytes: UInt64 = 0
  /// Access log lines that were dropped since the disk was too slow, full or gone.
  public internal(set) var logDroppedLines: UInt64 = 0
  /// Client connections open now.
  public internal(set) var openConnections = 0
  /// One for each worker; empty unless ``ProxyConfiguration/detailedMetrics`` is on.
  public internal(set) var loops: [LoopMetrics] = []

  public init() {}

  public subscript(_ counter: ProxyCounter) -> UInt64 {
    get { counters[counter.rawValue] }
    set { counters[counter.rawValue] = newValue }
  }

  /// Requests that have ended, by who answered and what. A client that left before its answer counts as
  /// ``Route/own`` with a status of 499, as in the log.
  public subscript(_ route: Route, _ statusClass: StatusClass) -> UInt64 {
    get { requestCounts[Self.place(route, statusClass)] }
    set { requestCounts[Self.place(route, statusClass)] = newValue }
  }

  /// Requests that have ended on this route.
  public func requests(_ route: Route) -> UInt64 {
    StatusClass.allCases.reduce(0) { $0 &+ self[route, $1] }
  }

  /// Requests that have ended, by route.
  public var requests: RouteCounts {
    Route.allCases.reduce(into: RouteCounts()) { $0[$1] = requests($1) }
  }

  /// Requests under way now.
  public var openRequests: UInt64 {
    self[.requests].since(requestCounts.reduce(0, &+))
  }

  /// From a request's whole head to the last byte of its answer handed to the kernel; empty unless times are stamped:
  /// with an access log or ``ProxyConfiguration/detailedMetrics``.
  public func latency(of route: Route) -> LatencyHistogram {
    latencies[Int(route.rawValue)]
  }

  /// The latencies of all routes together.
  public var latency: LatencyHistogram {
    latencies.reduce(into: LatencyHistogram()) { $0.add($1) }
  }

  /// From asking a server, a new connection included, to the head of its answer; empty as ``latency(of:)`` is, and when
  /// no server has this identifier.
  public func latency(ofOrigin id: String) -> LatencyHistogram {
    originLatencies[id] ?? LatencyHistogram()
  }

  /// What has been counted since `earlier`, an older state of the same proxy. What is now (connections, loops' last
  /// turns) stays as it is.
  public func since(_ earlier: ProxyMetrics) -> ProxyMetrics {
    var difference = self
    difference.counters = zip(counters, earlier.counters).map { $0.since($1) }
    difference.requestCounts = zip(requestCounts, earlier.requestCounts).map { $0.since($1) }
    difference.latencies = zip(latencies, earlier.latencies).map { $0.since($1) }
    for (id, earlier) in earlier.originLatencies {
      difference.originLatencies[id] = originLatencies[id]?.since(earlier)
    }
    difference.receivedBytes = receivedBytes.since(earlier.receivedBytes)
    difference.sentBytes = sentBytes.since(earlier.sentBytes)
    difference.logDroppedLines = logDroppedLines.since(earlier.logDroppedLines)
    for index in loops.indices where index < earlier.loops.count {
      difference.loops[index].lag = loops[index].lag.since(earlier.loops[index].lag)
    }
    return difference
  }

  mutating func add(_ worker: WorkerMetrics) {
    for counter in ProxyCounter.allCases { self[counter] &+= worker.current(counter) }
    for route in Route.allCases {
      for statusClass in StatusClass.allCases {
        self[route, statusClass] &+= worker.requests(route, statusClass)
      }
      latencies[Int(route.rawValue)].add(worker.histogram(of: route))
    }
    receivedBytes &+= worker.traffic.receivedBytes
    sentBytes &+= worker.traffic.sentBytes
  }

  mutating func add(_ origin: OriginState) {
    originLatencies[origin.id] = origin.tallies.reduce(into: LatencyHistogram()) {
      $0.add($1.latency.histogram)
    }
  }

  private static func place(_ route: Route, _ statusClass: StatusClass) -> Int {
    Int(route.rawValue) * StatusClass.allCases.count + statusClass.rawValue
  }
}

/// How one worker's loop keeps up.
public struct LoopMetrics: Sendable, Equatable {
  /// By how much a timer of the loop fired too late, ten times a second: what any event may have waited.
  public var lag = LatencyHistogram()
  /// How long ago that was for the last time: more than a second says that the loop stands still. Nil before the first.
  public var sinceLastTurnUs: UInt64?
}
