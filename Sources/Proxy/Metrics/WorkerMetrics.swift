import EventLoop

/// What one worker has done since it started. The worker's thread counts; any thread reads.
///
///     | counters | requests: route × status class | latencies: route | the loop's lag | its last turn |
final class WorkerMetrics: Sendable {
  private static let requestsStart = ProxyCounter.allCases.count
  private static let latenciesStart = requestsStart + Route.allCases.count * StatusClass.allCases.count
  private static let lagStart = latenciesStart + Route.allCases.count * LatencyRecorder.cellCount
  private static let turnCell = lagStart + LatencyRecorder.cellCount
  private static let cellCount = turnCell + 1

  private let cells = CounterCells(count: cellCount)
  /// The bytes to and from clients.
  let traffic = ByteMeter()
  /// Nil when nobody wants to see them.
  let recent: RecentEvents?

  init(recent: RecentEvents? = nil) {
    self.recent = recent
  }

  func count(_ counter: ProxyCounter) {
    cells.add(1, at: counter.rawValue)
  }

  /// A request's answer is with the client, or with the kernel, or will never be.
  func requestEnded(_ route: Route, status: UInt16) {
    cells.add(1, at: Self.requestsCell(route, StatusClass(of: status)))
  }

  /// A request took so long, from its whole head on.
  func requestTook(_ route: Route, us: UInt64) {
    latency(of: route).add(us)
  }

  /// The loop has come round to a timer. Each time at which that was due counts, as requests would that came then.
  func loopTurned(_ firing: PreciseTimer.Firing) {
    for number in 0..<firing.count { lag.add(firing.nowUs.since(firing.dueUs &+ number &* firing.everyUs)) }
    cells.set(firing.nowUs, at: Self.turnCell)
  }

  private func latency(of route: Route) -> LatencyRecorder {
    LatencyRecorder(in: cells, at: Self.latenciesStart + Int(route.rawValue) * LatencyRecorder.cellCount)
  }

  private var lag: LatencyRecorder { LatencyRecorder(in: cells, at: Self.lagStart) }

  private static func requestsCell(_ route: Route, _ statusClass: StatusClass) -> Int {
    requestsStart + Int(route.rawValue) * StatusClass.allCases.count + statusClass.rawValue
  }

  // MARK: Reading

  func current(_ counter: ProxyCounter) -> UInt64 { cells[counter.rawValue] }

  func requests(_ route: Route, _ statusClass: StatusClass) -> UInt64 {
    cells[Self.requestsCell(route, statusClass)]
  }

  func histogram(of route: Route) -> LatencyHistogram { latency(of: route).histogram }

  func loop(nowUs: UInt64) -> LoopMetrics {
    let turnUs = cells[Self.turnCell]
    return LoopMetrics(
      lag: lag.histogram, sinceLastTurnUs: turnUs == 0 ? nil : nowUs.since(turnUs))
  }
}
