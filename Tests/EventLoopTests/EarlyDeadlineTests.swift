import Testing

@testable import EventLoop

@Suite("Deadlines between two ticks", .serialized)
struct EarlyDeadlineTests {
  private let loop: EventLoop

  init() throws { loop = try EventLoop() }

  private func socket() throws -> Witness {
    let (end, _) = try socketPair()
    return try Witness(loop: loop, descriptor: end)
  }

  @Test("a deadline is never early, wherever between two ticks it is set")
  func isNotEarly() throws {
    let keeper = try socket()
    keeper.setDeadline(afterMs: 60_000)
    var set: [(socket: Witness, dueMs: UInt64)] = []
    let setting = try LoopTimer(loop: loop) {
      guard set.count < 60, let socket = try? socket() else { return }
      let afterMs = UInt64(100 + set.count % 50)
      set.append((socket, EventLoop.monotonicMs() + afterMs))
      socket.setDeadline(afterMs: afterMs)
    }
    setting.startIfStopped(everyMs: 7)
    #expect(try run(loop) { set.count == 60 && set.allSatisfy { !$0.socket.deadlinesMs.isEmpty } })
    #expect(set.allSatisfy { $0.socket.deadlinesMs[0] >= $0.dueMs })
  }
}
