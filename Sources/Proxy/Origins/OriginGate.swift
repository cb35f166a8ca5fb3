import Synchronization

/// Bounds the requests that one server serves at once, over all workers (`max=`).
///
/// The only memory that workers share per request, and only where a server has a maximum; it lies on cache lines of its
/// own. While there is none, nobody is counted: a maximum that a reload brings holds for those who come after it.
/// All accesses are sequentially consistent: see ``WaitingRoom`` for what depends on that.
final class OriginGate: Sendable {
  private let before = InlineArray<16, UInt64>(repeating: 0)
  private let used = Atomic<Int>(0)
  private let after = InlineArray<16, UInt64>(repeating: 0)

  func isFull(max: Int) -> Bool { used.load(ordering: .sequentiallyConsistent) >= max }

  /// Takes a place; false when none is free.
  func tryEnter(max: Int) -> Bool {
    var count = used.load(ordering: .sequentiallyConsistent)
    while count < max {
      let (exchanged, original) = used.compareExchange(
        expected: count, desired: count + 1, ordering: .sequentiallyConsistent)
      if exchanged { return true }
      count = original
    }
    return false
  }

  /// Gives a place back.
  func leave() { used.subtract(1, ordering: .sequentiallyConsistent) }

  var current: Int { used.load(ordering: .relaxed) }
}
