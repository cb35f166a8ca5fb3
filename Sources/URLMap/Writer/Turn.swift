import Glibc

/// The turns of long work on its processor, which it gives up again and again to who waits for it.
///
/// An event loop that shares a processor with the work would otherwise wait until the system takes the processor away, 3 ms and
/// more. Giving up costs half a microsecond when nobody waits. (A lower priority is no way: a loop then waits, for seconds, for
/// what the thread holds in the system while it hardly runs.)
struct Turn {
  private static let longest = Duration.microseconds(150)

  private var start = ContinuousClock.now

  /// To be called every 100 µs or so.
  mutating func endIfLong() {
    guard ContinuousClock.now - start >= Turn.longest else { return }
    sched_yield()
    start = .now
  }
}
