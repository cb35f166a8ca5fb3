/// How long things took: how many in each of a few buckets, and all of it together.
public struct LatencyHistogram: Sendable, Equatable {
  /// The longest that falls into each bucket, in microseconds, from half a millisecond to a minute. The last bucket,
  /// which has all that took longer, has no bound.
  public static let boundsUs: [UInt64] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000, 30_000_000, 60_000_000,
  ]
  static let bucketCount = 17

  /// How many fell into each bucket; not cumulative.
  public internal(set) var counts = [UInt64](repeating: 0, count: bucketCount)
  public internal(set) var sumUs: UInt64 = 0

  public init() {}

  /// The bucket of something that took `us` microseconds.
  static func bucket(ofUs us: UInt64) -> Int {
    var bucket = 0
    while bucket < boundsUs.count, us > boundsUs[bucket] { bucket += 1 }
    return bucket
  }

  public var count: UInt64 { counts.reduce(0, &+) }

  mutating func add(_ us: UInt64) {
    counts[Self.bucket(ofUs: us)] &+= 1
    sumUs &+= us
  }

  mutating func add(_ other: LatencyHistogram) {
    for bucket in counts.indices { counts[bucket] &+= other.counts[bucket] }
    sumUs &+= other.sumUs
  }

  /// What has been added since `earlier`, a state of the same histogram.
  public func since(_ earlier: LatencyHistogram) -> LatencyHistogram {
    var difference = LatencyHistogram()
    for bucket in counts.indices {
      difference.counts[bucket] = counts[bucket].since(earlier.counts[bucket])
    }
    difference.sumUs = sumUs.since(earlier.sumUs)
    return difference
  }

  /// The time, in seconds, that `share` of all stayed below: 0.95 for the 95th percentile; nil when nothing was timed.
  ///
  /// Within a bucket times are taken to lie evenly. What falls into the last one is told as a minute, which is the least
  /// that it took.
  public func quantile(_ share: Double) -> Double? {
    let total = count
    guard total > 0 else { return nil }
    let rank = min(max(share, 0), 1) * Double(total)
    var below = 0.0
    var lowerUs = 0.0
    for (bucket, boundUs) in Self.boundsUs.enumerated() {
      let inBucket = Double(counts[bucket])
      if inBucket > 0, below + inBucket >= rank {
        return (lowerUs + (Double(boundUs) - lowerUs) * (rank - below) / inBucket) / 1_000_000
      }
      below += inBucket
      lowerUs = Double(boundUs)
    }
    return lowerUs / 1_000_000
  }
}

extension UInt64 {
  /// How much a number that only grows has grown; 0 when the two were read out of order.
  func since(_ earlier: UInt64) -> UInt64 {
    self > earlier ? self - earlier : 0
  }
}
