import Synchronization

/// How many requests of one site wait for a place at a server, over all workers, and whom to wake when one is free.
///
/// The requests themselves wait in their workers' ``WaitingLine``s. No wake-up is lost, since both sides write before
/// they read, in one order that all threads agree on:
///
///     who waits:      enter()                       who is done:   OriginGate.leave()
///                     OriginGate.tryEnter() again                  slotIsFree(): does anybody wait?
///
/// Either the one who is done sees the one who waits, or that one gets the place by itself.
final class WaitingRoom: Sendable {
  /// One worker's waiting requests, on cache lines of its own.
  private final class Seats: Sendable {
    private let before = InlineArray<16, UInt64>(repeating: 0)
    let count = Atomic<Int>(0)
    private let after = InlineArray<16, UInt64>(repeating: 0)
  }

  private let limit: Atomic<Int>
  private let total = Atomic<Int>(0)
  private let seats: [Seats]
  private let wake: @Sendable (_ worker: Int, _ others: Int) -> Void

  /// - Parameters:
  ///   - limit: requests that may wait at once; 0 lets none.
  ///   - wake: makes a worker look at its line, on its own thread. `others` is the number of workers that have not
  ///     been woken yet for the same place; to be handed to ``slotIsFree(besides:others:)`` when the worker has no use
  ///     for it.
  init(limit: Int, workers: Int, wake: @escaping @Sendable (_ worker: Int, _ others: Int) -> Void) {
    self.limit = Atomic(limit)
    self.wake = wake
    seats = (0..<workers).map { _ in Seats() }
  }

  /// Lets so many wait from now on. Those who do go on.
  func setLimit(_ limit: Int) { self.limit.store(limit, ordering: .relaxed) }

  /// Requests that wait now.
  var count: Int { total.load(ordering: .relaxed) }

  /// Counts one more request of a worker as waiting; false when too many do.
  func enter(_ worker: Int) -> Bool {
    // First the worker's own count: who sees the total finds the worker too.
    seats[worker].count.add(1, ordering: .sequentiallyConsistent)
    if total.add(1, ordering: .sequentiallyConsistent).newValue <= limit.load(ordering: .relaxed) {
      return true
    }
    leave(worker)
    return false
  }

  /// One request of a worker does not wait any more.
  func leave(_ worker: Int) {
    total.subtract(1, ordering: .sequentiallyConsistent)
    seats[worker].count.subtract(1, ordering: .sequentiallyConsistent)
  }

  /// A place has come free. Wakes the next worker with a waiting request, in turn from the one named on, which comes
  /// last.
  func slotIsFree(besides worker: Int, others: Int) {
    if others <= 0 || total.load(ordering: .sequentiallyConsistent) == 0 { return }
    for step in 1...min(others, seats.count) {
      let next = (worker + step) % seats.count
      if seats[next].count.load(ordering: .sequentiallyConsistent) > 0 { return wake(next, others - step) }
    }
  }
}

/// One for each site.
struct WaitingRooms: Sendable {
  let new: WaitingRoom
  let old: WaitingRoom
}
