import EventLoop

/// A ``LatencyHistogram`` in counters that one thread raises and any thread reads.
///
///     | bucket 0 | bucket 1 | ... | the last bucket | sum |
struct LatencyRecorder: Sendable {
  static let cellCount = LatencyHistogram.bucketCount + 1

  private let cells: CounterCells
  private let start: Int

  /// In cells of its own.
  init() {
    self.init(in: CounterCells(count: Self.cellCount), at: 0)
  }

  /// In `cellCount` of the cells of a larger block.
  init(in cells: CounterCells, at start: Int) {
    self.cells = cells
    self.start = start
  }

  /// Only the owning thread calls this. Inlined, so that the cells are not counted for it.
  @inline(__always)
  func add(_ us: UInt64) {
    cells.add(1, at: start + LatencyHistogram.bucket(ofUs: us))
    cells.add(us, at: start + LatencyHistogram.bucketCount)
  }

  var histogram: LatencyHistogram {
    var histogram = LatencyHistogram()
    for bucket in 0..<LatencyHistogram.bucketCount { histogram.counts[bucket] = cells[start + bucket] }
    histogram.sumUs = cells[start + LatencyHistogram.bucketCount]
    return histogram
  }
}
