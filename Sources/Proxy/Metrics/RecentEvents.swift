/// The newest misses and failures of one worker.
final class RecentEvents: Sendable {
  /// Events of one kind that are kept by all workers together, if they share the work evenly: each worker keeps its part.
  private static let capacity = 1024
  private static let leastCapacity = 64

  let misses: RecentMisses
  let failures: RecentFailures

  init(workers: Int) {
    let capacity = max(Self.leastCapacity, Self.capacity / max(1, workers))
    misses = RecentMisses(capacity: capacity)
    failures = RecentFailures(capacity: capacity)
  }
}

extension Sequence {
  /// The newest events of all workers, the newest first.
  func newest<Event>(
    _ limit: Int, of events: (Element) -> [(atUs: UInt64, Event)]
  ) -> [Event] {
    flatMap(events).sorted { $0.atUs > $1.atUs }.prefix(Swift.max(0, limit)).map(\.1)
  }
}
