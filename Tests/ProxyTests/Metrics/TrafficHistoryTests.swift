import Testing

@testable import Proxy

@Suite("the traffic's history")
struct TrafficHistoryTests {
  private var history = TrafficHistory()
  private var metrics = ProxyMetrics()
  /// A minute of the wall clock begins here.
  private let start: UInt32 = 1_772_368_440

  /// Lets so many requests end in each second of a range that begins at `start`.
  private mutating func run(_ seconds: Range<Int>, _ perSecond: [Route: UInt64]) {
    for second in seconds {
      for (route, count) in perSecond { metrics[route, .successful] += count }
      history.record(metrics, at: start + UInt32(second), ms: 50_000 + UInt64(second) * 1000)
    }
  }

  @Test("counts from the first state on, by the minute, the running one last")
  mutating func minutes() {
    metrics[.new, .successful] = 1_000_000
    run(0..<150, [.new: 3, .oldFromMap: 1])
    let samples = history.samples(hours: 1)
    #expect(samples.map(\.at) == [start, start + 60, start + 120])
    #expect(samples.map { $0.requests[.new] } == [177, 180, 90])
    #expect(samples.map { $0.requests[.oldFromMap] } == [59, 60, 30])
  }

  @Test("keeps 24 hours, and gives as many as are asked for")
  mutating func bound() {
    for minute in 0..<2_000 { run(minute * 60..<minute * 60 + 1, [.new: 1]) }
    #expect(history.samples(hours: 24).count == 1440)
    #expect(history.samples(hours: 100).count == 1440)
    #expect(history.samples(hours: 2).count == 120)
    #expect(history.samples(hours: 0).isEmpty)
    #expect(history.samples(hours: -1).isEmpty)
    #expect(history.samples(hours: 24).last?.at == start + 1_999 * 60)
    #expect(history.samples(hours: 24).first?.at == start + 560 * 60)
  }

  @Test("minutes in which nobody looked are empty")
  mutating func gaps() {
    run(0..<1, [.new: 1])
    run(200..<201, [.new: 7])
    #expect(history.samples(hours: 1).map { $0.requests[.new] } == [0, 0, 0, 7])
    #expect(history.samples(hours: 1).map(\.at) == [start, start + 60, start + 120, start + 180])
    run(10_000_000..<10_000_001, [.new: 5])
    #expect(history.samples(hours: 24).count == 1440)
    #expect(history.samples(hours: 24).map { $0.requests[.new] }.reduce(0, +) == 5)
  }

  @Test("a clock that is put back opens no second sample for the same minute")
  mutating func clockPutBack() {
    run(0..<1, [.new: 1])
    run(3_600..<3_601, [.new: 1])
    run(0..<30, [.new: 1])
    #expect(history.samples(hours: 24).count == 61)
    #expect(history.samples(hours: 24).last?.requests[.new] == 31)
    var early = TrafficHistory()
    early.record(metrics, at: 30, ms: 1)
    early.record(metrics, at: .max, ms: 2)
    #expect(early.samples(hours: 24).count == 1440)
    #expect(early.samples(hours: 24).last?.at == UInt32.max - UInt32.max % 60)
  }

  @Test("the rate is that of the last five seconds")
  mutating func rate() {
    #expect(history.rate(of: .new) == 0)
    run(0..<1, [.new: 90])
    #expect(history.rate(of: .new) == 0)
    run(1..<60, [.new: 90])
    #expect(history.rate(of: .new) == 90)
    run(60..<65, [.new: 10, .held: 4])
    #expect(history.rate(of: .new) == 10)
    #expect(history.rate(of: .held) == 4)
    #expect(history.rate(of: .own) == 0)
  }

  @Test("the old share is that of the answered requests; with none there is none")
  mutating func oldShare() {
    #expect(history.oldShareNow == nil)
    #expect(history.oldShare(hours: 24) == nil)
    run(0..<1, [.own: 5])
    run(1..<600, [.new: 1, .oldFromMap: 1, .oldAfterMiss: 1, .held: 1, .own: 7])
    #expect(history.oldShareNow == 0.5)
    run(600..<700, [.new: 10])
    #expect(history.oldShareNow == 0)
    let (old, all): (Double, Double) = (2 * 599, 4 * 599 + 1_000)
    #expect(history.oldShare(hours: 1) == old / all)
  }

  @Test("what is recent is a minute old at most, give or take a few seconds")
  mutating func recent() {
    run(0..<300, [.new: 1])
    #expect((60...65).contains(history.recent.requests(.new)))
    #expect(history.recent.requests(.oldFromMap) == 0)
  }
}
