import EventLoop
import Testing

@testable import Proxy

@Suite("what a worker counts")
struct WorkerMetricsTests {
  @Test("every number has a place of its own")
  func places() {
    let worker = WorkerMetrics()
    for counter in ProxyCounter.allCases {
      for _ in 0...counter.rawValue { worker.count(counter) }
    }
    var status: UInt16 = 0
    for route in Route.allCases {
      for statusClass in StatusClass.allCases {
        status = UInt16(statusClass.rawValue + 1) * 100
        for _ in 0...Int(route.rawValue) * 5 + statusClass.rawValue {
          worker.requestEnded(route, status: status)
        }
      }
      worker.requestTook(route, us: UInt64(route.rawValue) + 1)
    }
    worker.loopTurned(.init(nowUs: 7_000_000, dueUs: 6_999_970, count: 1, everyUs: 100_000))

    var metrics = ProxyMetrics()
    metrics.add(worker)
    for counter in ProxyCounter.allCases { #expect(metrics[counter] == UInt64(counter.rawValue) + 1) }
    for route in Route.allCases {
      for statusClass in StatusClass.allCases {
        #expect(metrics[route, statusClass] == UInt64(route.rawValue) * 5 + UInt64(statusClass.rawValue) + 1)
      }
      #expect(metrics.latency(of: route).count == 1)
      #expect(metrics.latency(of: route).sumUs == UInt64(route.rawValue) + 1)
    }
    let loop = worker.loop(nowUs: 7_500_000)
    #expect(loop.lag.count == 1)
    #expect(loop.lag.sumUs == 30)
    #expect(loop.sinceLastTurnUs == 500_000)
  }

  @Test("a status that is none of the five classes counts as a server's error")
  func strangeStatuses() {
    #expect([0, 99, 600, 999, .max].allSatisfy { StatusClass(of: $0) == .serverError })
    #expect(StatusClass(of: 499).label == "4xx")
  }

  @Test("workers are added up, and an earlier state is taken away")
  func sums() {
    let workers = [WorkerMetrics(), WorkerMetrics()]
    for worker in workers {
      worker.count(.retries)
      worker.requestEnded(.new, status: 200)
      worker.requestTook(.new, us: 900)
    }
    func sum() -> ProxyMetrics { workers.reduce(into: ProxyMetrics()) { $0.add($1) } }
    let before = sum()
    #expect(before[.retries] == 2)
    #expect(before.requests(.new) == 2)
    #expect(before.latency.count == 2)
    workers[1].requestEnded(.new, status: 404)
    workers[1].requestTook(.new, us: 20_000)
    let difference = sum().since(before)
    #expect(difference[.retries] == 0)
    #expect(difference[.new, .successful] == 0)
    #expect(difference[.new, .clientError] == 1)
    #expect(difference.latency(of: .new).quantile(1) == 0.025)
  }

  @Test("names of counters and routes are words of their own")
  func names() {
    let names = ProxyCounter.allCases.map(\.name) + Route.allCases.map(\.label)
    #expect(Set(names).count == names.count)
    #expect(names.allSatisfy { $0.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "-" } })
  }

  @Test("each cell counts for itself, and wraps around")
  func counts() {
    let cells = CounterCells(count: 17)
    cells.add(3, at: 16)
    cells.add(.max, at: 16)
    cells.set(5, at: 0)
    #expect(cells[16] == 2)
    #expect(cells[0] == 5)
    #expect((1..<16).allSatisfy { cells[$0] == 0 })
  }
}

@Suite("how late a loop is")
struct LoopLagTests {
  private func lag(_ firings: PreciseTimer.Firing...) -> LatencyHistogram {
    let worker = WorkerMetrics()
    for firing in firings { worker.loopTurned(firing) }
    return worker.loop(nowUs: 0).lag
  }

  @Test("is what the timer waited for it")
  func late() {
    let lag = lag(
      .init(nowUs: 100_040, dueUs: 100_000, count: 1, everyUs: 100_000),
      .init(nowUs: 203_000, dueUs: 200_000, count: 1, everyUs: 100_000))
    #expect(lag.count == 2)
    #expect(lag.sumUs == 3_040)
    #expect(lag.counts[0] == 1)
  }

  @Test(
    "counts once for each time that the timer was due while the loop stood still, as requests would have waited"
  )
  func standstill() {
    let lag = lag(.init(nowUs: 330_000, dueUs: 100_000, count: 3, everyUs: 100_000))
    #expect(lag.count == 3)
    #expect(lag.sumUs == 230_000 + 130_000 + 30_000)
  }

  @Test("is nothing where the clock was read before the timer was due")
  func early() {
    #expect(lag(.init(nowUs: 99_999, dueUs: 100_000, count: 1, everyUs: 100_000)).sumUs == 0)
  }
}
