import Testing

@testable import Proxy

@Suite("what requests show of a server")
struct PassiveHealthTests {
  private let policy = {
    var policy = PassiveHealthPolicy()
    policy.failures = 3
    policy.pauseMs = 1_000
    policy.pauseMaxMs = 5_000
    policy.slowStartMs = 10_000
    return policy
  }()

  private func failing(_ health: PassiveHealth, at nowMs: UInt64 = 0) -> PassiveHealth {
    health.afterFailure(nowMs: nowMs, jitter: 0, policy)
  }

  @Test("only failures in a row pause it")
  func inARow() {
    var health = PassiveHealth.healthy(failures: 0)
    for _ in 1...2 { health = failing(health) }
    #expect(health == .healthy(failures: 2))
    #expect(health.availability(nowMs: 0, policy) == .share(1000))
    #expect(health.afterSuccess(nowMs: 0, policy) == .healthy(failures: 0))
    #expect(failing(health, at: 7) == .paused(untilMs: 1_007, pauses: 1))
  }

  @Test("a pause ends with a trial, whose failure doubles it up to the limit")
  func growing() {
    var health = PassiveHealth.paused(untilMs: 1_000, pauses: 1)
    #expect(health.availability(nowMs: 999, policy) == .nothing)
    #expect(health.availability(nowMs: 1_000, policy) == .trial)
    var lengths: [UInt64] = []
    for _ in 1...5 {
      guard case .paused(_, let pauses) = health else { break }
      health = failing(.trial(pauses: pauses))
      if case .paused(let untilMs, _) = health { lengths.append(untilMs) }
    }
    #expect(lengths == [2_000, 4_000, 5_000, 5_000, 5_000])
    #expect(PassiveHealth.trial(pauses: 1).availability(nowMs: 9_999, policy) == .nothing)
  }

  @Test("failures of requests that were under way do not lengthen a pause")
  func underWay() {
    let paused = PassiveHealth.paused(untilMs: 1_000, pauses: 1)
    #expect(failing(paused, at: 999) == paused)
    #expect(failing(paused, at: 1_000) == .paused(untilMs: 3_000, pauses: 2), "but of those after its end")
  }

  @Test("a pause is a quarter longer or shorter at most")
  func jitter() {
    func end(_ jitter: Int) -> PassiveHealth {
      PassiveHealth.healthy(failures: 2).afterFailure(nowMs: 0, jitter: jitter, policy)
    }
    #expect(end(250) == .paused(untilMs: 1_250, pauses: 1))
    #expect(end(-250) == .paused(untilMs: 750, pauses: 1))
    #expect(end(.max) == end(250))
    #expect(end(.min) == end(-250))
  }

  @Test("after a success its share grows from a tenth to the whole")
  func slowStart() {
    let health = PassiveHealth.trial(pauses: 1).afterSuccess(nowMs: 100, policy)
    #expect(health == .recovering(sinceMs: 100, pauses: 1, failures: 0))
    let shares = [100, 600, 1_100, 5_100, 10_099, 10_100, 99_999].map {
      health.availability(nowMs: $0, policy)
    }
    #expect(
      shares == [.share(100), .share(100), .share(100), .share(500), .share(999), .share(1000), .share(1000)])
    #expect(health.availability(nowMs: 0, policy) == .share(100), "whatever the clocks say")
    var atOnce = policy
    atOnce.slowStartMs = 0
    #expect(health.availability(nowMs: 100, atOnce) == .share(1000))
  }

  @Test("one that fails again soon is paused for longer, one that has held out begins anew")
  func probation() {
    var health = PassiveHealth.recovering(sinceMs: 0, pauses: 2, failures: 0)
    for _ in 1...3 { health = failing(health, at: 9_999) }
    #expect(health == .paused(untilMs: 9_999 + 4_000, pauses: 3))
    health = .recovering(sinceMs: 0, pauses: 2, failures: 0)
    for _ in 1...3 { health = failing(health, at: 10_000) }
    #expect(health == .paused(untilMs: 10_000 + 1_000, pauses: 1))
    #expect(
      PassiveHealth.recovering(sinceMs: 0, pauses: 2, failures: 0).afterSuccess(nowMs: 10_000, policy)
        == .healthy(failures: 0))
  }

  @Test("a success ends a pause, whoever's it is")
  func successWhilePaused() {
    #expect(
      PassiveHealth.paused(untilMs: 9_000, pauses: 3).afterSuccess(nowMs: 5, policy)
        == .recovering(sinceMs: 5, pauses: 3, failures: 0))
  }

  @Test("checks that find it up again end a pause, but the next one is longer all the same")
  func recovery() {
    let ended = PassiveHealth.recovering(sinceMs: 5, pauses: 3, failures: 0)
    #expect(PassiveHealth.paused(untilMs: 9_000, pauses: 3).afterRecovery(nowMs: 5) == ended)
    #expect(PassiveHealth.trial(pauses: 3).afterRecovery(nowMs: 5) == ended)
    #expect(ended.afterRecovery(nowMs: 99) == ended)
    #expect(
      PassiveHealth.healthy(failures: 2).afterRecovery(nowMs: 5)
        == .recovering(sinceMs: 5, pauses: 0, failures: 0))
  }

  @Test("a check that passes ends a pause only where checks had found the server down")
  func checksAndPauses() throws {
    var once = policy
    once.failures = 1
    once.pauseMs = 3_600_000
    once.pauseMaxMs = 3_600_000
    let origin = try makeOrigin(policy: once)
    origin.setChecked(.up)
    origin.requestFailed()
    origin.setChecked(.up)
    #expect(origin.status.condition == .paused)
    origin.setChecked(.down)
    #expect(origin.status.condition == .down)
    origin.setChecked(.up)
    #expect(origin.status.condition == .slowStart)
  }

  @Test("the failure that begins a pause says so, with its length; others are of a row or change nothing")
  func effects() throws {
    var policy = policy
    policy.pauseMs = 40_000
    policy.pauseMaxMs = 40_000
    let origin = try makeOrigin(policy: policy)
    for _ in 1...2 { #expect(origin.requestFailed() == .counted) }
    guard case .paused(let ms) = origin.requestFailed() else {
      Issue.record("the third failure begins no pause")
      return
    }
    #expect((30_000...50_000).contains(ms))
    #expect(origin.requestFailed() == .wasPaused)
  }

  @Test("every state comes back from its word, counts only as far as there is room")
  func words() {
    let states: [PassiveHealth] = [
      .healthy(failures: 0), .healthy(failures: 99), .paused(untilMs: 1 << 48 - 1, pauses: 63),
      .paused(untilMs: 0, pauses: 1), .trial(pauses: 5), .recovering(sinceMs: 123, pauses: 0, failures: 7),
    ]
    for state in states { #expect(PassiveHealth(word: state.word) == state) }
    #expect(states[0].word == 0)
    #expect(PassiveHealth(word: PassiveHealth.trial(pauses: 1000).word) == .trial(pauses: 63))
    #expect(PassiveHealth(word: PassiveHealth.healthy(failures: 1000).word) == .healthy(failures: 255))
  }

  @Test("of all who ask at once one gets the trial, and gives it back if it finds out nothing")
  func oneTrial() throws {
    var atOnce = policy
    atOnce.failures = 1
    atOnce.pauseMs = 0
    let origin = try makeOrigin(policy: atOnce)
    #expect(origin.requestFailed() == .paused(ms: 0))
    let nowMs = UInt64.max >> 16
    #expect(origin.availability(nowMs: nowMs) == .trial)
    #expect(origin.beginTrial(nowMs: nowMs))
    #expect(!origin.beginTrial(nowMs: nowMs))
    #expect(origin.status.condition == .paused)
    origin.endTrial()
    #expect(origin.beginTrial(nowMs: nowMs))
    #expect(origin.requestSucceeded(), "that ends the pause")
    #expect(!origin.requestSucceeded())
    #expect(origin.status.condition == .slowStart)
    origin.endTrial()
    #expect(origin.status.condition == .slowStart, "a trial that has succeeded takes nothing back")
  }

  @Test(
    "a server that comes back by the operator or the checks begins with a small share, one that was drained does not"
  )
  func broughtBack() throws {
    let origin = try makeOrigin(policy: policy)
    origin.setMode(.drain)
    origin.setMode(.ready)
    #expect(origin.status.condition == .up)
    origin.setMode(.off)
    #expect(origin.status.condition == .off)
    origin.setMode(.ready)
    #expect(origin.status.condition == .slowStart)
    let checked = try makeOrigin(policy: policy)
    checked.setChecked(.up)
    #expect(checked.status.condition == .up)
    checked.setChecked(.down)
    checked.setChecked(.up)
    #expect(checked.status.condition == .slowStart)
  }
}
