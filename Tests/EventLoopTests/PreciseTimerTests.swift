import Glibc
import Testing

@testable import EventLoop

@Suite("a precise timer")
struct PreciseTimerTests {
  @Test("is due at even distances, and is called no earlier")
  func fires() throws {
    let loop = try EventLoop()
    var firings: [PreciseTimer.Firing] = []
    let timer = try PreciseTimer(loop: loop) { firings.append($0) }
    let startUs = EventLoop.monotonicUs()
    timer.startIfStopped(everyMs: 5)
    #expect(timer.isRunning)
    try #require(try run(loop) { firings.count >= 4 })
    var dueUs = firings[0].dueUs
    #expect(dueUs >= startUs + 5_000)
    for firing in firings {
      #expect(firing.dueUs == dueUs)
      #expect(firing.nowUs >= firing.dueUs + (firing.count - 1) * 5_000)
      dueUs += firing.count * firing.everyUs
    }
  }

  @Test("tells how long the loop was busy when it was due, and how often it was")
  func late() throws {
    let loop = try EventLoop()
    var firings: [PreciseTimer.Firing] = []
    let timer = try PreciseTimer(loop: loop) {
      firings.append($0)
      if firings.count == 1 { usleep(50_000) }
    }
    timer.startIfStopped(everyMs: 20)
    try #require(try run(loop) { firings.count >= 2 })
    let endOfSleepUs = firings[0].nowUs + 50_000
    #expect(firings[1].nowUs >= endOfSleepUs)
    #expect(firings[1].dueUs == firings[0].dueUs + firings[0].count * 20_000)
    #expect(firings[1].count >= 2)
  }

  @Test("tells less than a millisecond where nothing holds the loop up")
  func idle() throws {
    let loop = try EventLoop()
    var leastUs = UInt64.max
    let timer = try PreciseTimer(loop: loop) { leastUs = min(leastUs, $0.nowUs - $0.dueUs) }
    timer.startIfStopped(everyMs: 3)
    try #require(try run(loop) { leastUs < 1_000 })
  }

  @Test("is silent once stopped, and can be started anew with another interval")
  func stops() throws {
    let loop = try EventLoop()
    var firings: [PreciseTimer.Firing] = []
    let timer = try PreciseTimer(loop: loop) { firings.append($0) }
    timer.startIfStopped(everyMs: 1)
    usleep(5_000)
    timer.stop()
    timer.stop()
    #expect(!timer.isRunning)
    #expect(try !run(loop, patienceMs: 60) { !firings.isEmpty })
    timer.startIfStopped(everyMs: 5)
    timer.startIfStopped(everyMs: 60_000)
    try #require(try run(loop) { !firings.isEmpty })
    #expect(firings[0].everyUs == 5_000)
  }
}
