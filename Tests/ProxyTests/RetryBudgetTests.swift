import Testing

@testable import Proxy

@Suite("the retry budget")
struct RetryBudgetTests {
  /// How many of so many attempts to retry are let through.
  private func taken(
    _ budget: inout RetryBudget, _ attempts: Int, requests: UInt64, nowMs: UInt64
  ) -> Int {
    (0..<attempts).count { _ in budget.take(requestCount: requests, nowMs: nowMs) }
  }

  @Test("a quiet worker has a hundred in ten seconds")
  func floor() {
    var budget = RetryBudget(percent: 20, nowMs: 0)
    #expect(taken(&budget, 500, requests: 0, nowMs: 0) == 100)
    #expect(taken(&budget, 500, requests: 0, nowMs: 5_000) == 50)
    #expect(taken(&budget, 500, requests: 0, nowMs: 60_000) == 100)
  }

  @Test("a busy one has its part of the requests beside")
  func part() {
    var budget = RetryBudget(percent: 20, nowMs: 0)
    #expect(taken(&budget, 9_999, requests: 10_000, nowMs: 10_000) == 2_100)
    #expect(taken(&budget, 9_999, requests: 10_000, nowMs: 10_000) == 0)
    // Half of the window is over, with as many requests again.
    #expect(taken(&budget, 9_999, requests: 15_000, nowMs: 15_000) == 1_050)
  }

  @Test("what came long ago does not count")
  func longAgo() {
    var budget = RetryBudget(percent: 100, nowMs: 0)
    // A thousand requests in a hundred seconds: a hundred in the last ten.
    #expect(taken(&budget, 9_999, requests: 1_000, nowMs: 100_000) == 200)
  }

  @Test("0% leaves the floor")
  func none() {
    var budget = RetryBudget(percent: 0, nowMs: 0)
    #expect(taken(&budget, 9_999, requests: 1_000_000, nowMs: 10_000) == 100)
  }
}
