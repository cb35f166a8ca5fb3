import Testing

@testable import Proxy

@Suite("a histogram of latencies")
struct LatencyHistogramTests {
  private func histogram(of timesUs: [UInt64]) -> LatencyHistogram {
    timesUs.reduce(into: LatencyHistogram()) { $0.add($1) }
  }

  @Test("a time at a bound is the bucket's own, a microsecond more is the next one's")
  func bounds() {
    for (bucket, boundUs) in LatencyHistogram.boundsUs.enumerated() {
      #expect(LatencyHistogram.bucket(ofUs: boundUs) == bucket)
      #expect(LatencyHistogram.bucket(ofUs: boundUs + 1) == bucket + 1)
    }
    #expect(LatencyHistogram.bucket(ofUs: 0) == 0)
    #expect(LatencyHistogram.bucket(ofUs: .max) == LatencyHistogram.bucketCount - 1)
  }

  @Test("has no quantile when nothing was timed")
  func empty() {
    #expect(LatencyHistogram().quantile(0.5) == nil)
  }

  @Test("a quantile lies within its bucket, in proportion")
  func interpolates() {
    let tenths = histogram(of: Array(repeating: 80_000, count: 100))
    #expect(tenths.quantile(0) == 0.05)
    #expect(tenths.quantile(0.5) == 0.075)
    #expect(tenths.quantile(1) == 0.1)
    let mixed = histogram(
      of: Array(repeating: 300, count: 90) + Array(repeating: 700_000, count: 10))
    #expect(mixed.quantile(0.45) == 0.00025)
    #expect(mixed.quantile(0.9) == 0.0005)
    #expect(mixed.quantile(0.95) == 0.75)
  }

  @Test("quantiles of evenly spread times are close to the truth")
  func closeness() throws {
    let even = histogram(of: (1...100_000).map { UInt64($0) * 10 })
    for share in [0.5, 0.9, 0.95, 0.99] {
      let quantile = try #require(even.quantile(share))
      #expect(abs(quantile - share) < 0.001)
    }
  }

  @Test("what took more than a minute is told as a minute")
  func longest() {
    #expect(histogram(of: [200_000_000]).quantile(0.99) == 60)
  }

  @Test("the difference of two states is what came between, and never negative")
  func difference() {
    let earlier = histogram(of: [400, 400, 3_000])
    var later = earlier
    later.add(3_000)
    later.add(90_000)
    #expect(later.since(earlier) == histogram(of: [3_000, 90_000]))
    #expect(earlier.since(later) == LatencyHistogram())
    #expect(later.since(earlier).quantile(1) == 0.1)
  }

  @Test("the sum of several is that of all their times")
  func sum() {
    var sum = histogram(of: [1, 2, 3])
    sum.add(histogram(of: [70_000_000]))
    #expect(sum == histogram(of: [1, 2, 3, 70_000_000]))
    #expect(sum.count == 4)
    #expect(sum.sumUs == 70_000_006)
  }
}
