import EventLoop

/// What one worker has done with one server. The worker's thread counts; any thread reads.
final class OriginTally: Sendable {
  private enum Cell: Int, CaseIterable {
    case inFlight, requests, failures
  }

  /// From asking, a new connection included, to the head of the answer; empty where nobody wants times.
  let latency = LatencyRecorder()
  private let cells = CounterCells(count: Cell.allCases.count)

  /// A request has the server, or a connection that may be upgraded.
  func requestBegan() {
    cells.add(1, at: Cell.requests.rawValue)
    cells.add(1, at: Cell.inFlight.rawValue)
  }

  /// The server is done with a request that began.
  func requestEnded() {
    cells.set(cells[Cell.inFlight.rawValue] &- 1, at: Cell.inFlight.rawValue)
  }

  /// The server failed a request: no connection, a broken one, no answer in time, a malformed one.
  func requestFailed() { cells.add(1, at: Cell.failures.rawValue) }

  // MARK: Reading

  var inFlight: Int { Int(truncatingIfNeeded: cells[Cell.inFlight.rawValue]) }
  var requests: UInt64 { cells[Cell.requests.rawValue] }
  var failures: UInt64 { cells[Cell.failures.rawValue] }
}
