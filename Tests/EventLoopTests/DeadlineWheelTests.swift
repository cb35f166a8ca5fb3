import Glibc
import Testing

@testable import EventLoop

/// The wheel itself, with times made up. A tick has 50 ms, a round 25.6 s.
@Suite("the wheel of deadlines")
struct DeadlineWheelTests {
  private let loop: EventLoop
  private let tickMs = DeadlineWheel.tickMs

  init() throws { loop = try EventLoop() }

  private func sockets(_ count: Int) throws -> [Witness] {
    try (0..<count).map { _ in
      let (end, _) = try socketPair()
      return try Witness(loop: loop, descriptor: end)
    }
  }

  /// The first of the times, a tick apart, at which `wheel` gives `socket` back.
  private func due(_ socket: Witness, of wheel: inout DeadlineWheel, from: UInt64, upTo: UInt64) -> UInt64? {
    for now in stride(from: from, through: upTo, by: Int(tickMs)) {
      if wheel.advance(toMs: now).contains(where: { $0 === socket }) { return now }
    }
    return nil
  }

  @Test(
    "gives a socket back after its deadline, at most two ticks later",
    arguments: [0, 1, 49, 50, 51, 999, 1_000, 24_999, 25_549, 25_599, 25_600, 25_601, 60_000, 3_600_000])
  func isPunctual(afterMs: UInt64) throws {
    for phase: UInt64 in [0, 1, 25, 49] {
      let socket = try sockets(1)[0]
      var wheel = DeadlineWheel()
      let startMs = 1_000_000 + phase
      wheel.nowMs = startMs
      wheel.set(socket, deadlineMs: startMs + afterMs)
      let at = due(socket, of: &wheel, from: startMs, upTo: startMs + afterMs + 10 * tickMs)
      let late = try #require(at) - startMs
      #expect(late >= afterMs && late <= afterMs + 2 * tickMs, "phase \(phase)")
      #expect(wheel.isEmpty)
    }
  }

  @Test("honours a deadline that was put off, and looks at it once")
  func isPutOff() throws {
    let socket = try sockets(1)[0]
    var wheel = DeadlineWheel()
    wheel.nowMs = 10_000
    wheel.set(socket, deadlineMs: 10_500)
    wheel.set(socket, deadlineMs: 11_200)
    let at = try #require(due(socket, of: &wheel, from: 10_000, upTo: 13_000))
    #expect(at >= 11_200 && at <= 11_300)
    #expect(due(socket, of: &wheel, from: at, upTo: 40_000) == nil)
  }

  @Test("honours a deadline that was brought forward")
  func isBroughtForward() throws {
    let socket = try sockets(1)[0]
    var wheel = DeadlineWheel()
    wheel.nowMs = 10_000
    wheel.set(socket, deadlineMs: 90_000)
    wheel.set(socket, deadlineMs: 10_500)
    let at = try #require(due(socket, of: &wheel, from: 10_000, upTo: 13_000))
    #expect(at >= 10_500 && at <= 10_600)
    #expect(wheel.isEmpty)
  }

  @Test("never gives back a socket whose deadline was cleared, and lets it go when its slot comes round")
  func isCleared() throws {
    let socket = try sockets(1)[0]
    var wheel = DeadlineWheel()
    wheel.nowMs = 10_000
    wheel.set(socket, deadlineMs: 10_500)
    socket.clearDeadline()
    #expect(due(socket, of: &wheel, from: 10_000, upTo: 60_000) == nil)
    #expect(wheel.isEmpty)
  }

  @Test("takes a cleared deadline that is set again before its slot came round")
  func isSetAgain() throws {
    let socket = try sockets(1)[0]
    var wheel = DeadlineWheel()
    wheel.nowMs = 10_000
    wheel.set(socket, deadlineMs: 10_500)
    socket.clearDeadline()
    wheel.set(socket, deadlineMs: 10_700)
    let at = try #require(due(socket, of: &wheel, from: 10_000, upTo: 13_000))
    #expect(at >= 10_700 && at <= 10_800)
  }

  @Test("lets go of a socket that is removed, wherever in its slot it stands", arguments: 0..<3)
  func removes(_ place: Int) throws {
    let all = try sockets(3)
    var wheel = DeadlineWheel()
    wheel.nowMs = 10_000
    for socket in all { wheel.set(socket, deadlineMs: 10_500) }
    wheel.remove(all[place])
    wheel.remove(all[place])
    let due = wheel.advance(toMs: 10_600)
    #expect(due.count == 2)
    #expect(!due.contains { $0 === all[place] })
    #expect(wheel.isEmpty)
  }

  @Test("gives every socket back once after the loop stood still for longer than a round")
  func catchesUp() throws {
    let all = try sockets(200)
    var wheel = DeadlineWheel()
    wheel.nowMs = 10_000
    for (index, socket) in all.enumerated() { wheel.set(socket, deadlineMs: 10_000 + UInt64(index) * 500) }
    let due = wheel.advance(toMs: 500_000)
    #expect(Set(due.map(ObjectIdentifier.init)).count == 200)
    #expect(due.count == 200)
    #expect(wheel.isEmpty)
  }

  @Test("keeps thousands of deadlines apart, whatever order they were set, moved and cleared in")
  func keepsThousandsApart() throws {
    allowDescriptors(8_192)
    let all = try sockets(4_000)
    var random = Numbers(seed: 5)
    var wheel = DeadlineWheel()
    wheel.nowMs = 777_777
    for _ in 0..<3 {
      for socket in all {
        wheel.set(socket, deadlineMs: 777_777 + .random(in: 0...60_000, using: &random))
        if Bool.random(using: &random) {
          wheel.set(socket, deadlineMs: 777_777 + .random(in: 0...60_000, using: &random))
        }
      }
    }
    for socket in all.prefix(500) { wheel.remove(socket) }
    var given = Set<ObjectIdentifier>()
    for now in stride(from: UInt64(777_777), through: 777_777 + 61_000, by: Int(tickMs)) {
      for socket in wheel.advance(toMs: now) {
        #expect(socket.deadlineMs <= now && now - socket.deadlineMs <= 2 * tickMs)
        #expect(given.insert(ObjectIdentifier(socket)).inserted)
      }
    }
    #expect(given == Set(all.dropFirst(500).map(ObjectIdentifier.init)))
    #expect(wheel.isEmpty)
  }
}

@Suite("a socket's deadline on a running loop")
struct SocketDeadlineTests {
  private let loop: EventLoop

  init() throws { loop = try EventLoop() }

  private func socket() throws -> Witness {
    let (end, _) = try socketPair()
    return try Witness(loop: loop, descriptor: end)
  }

  @Test("passes once, not before its time")
  func passes() throws {
    let socket = try socket()
    let startMs = EventLoop.monotonicMs()
    socket.setDeadline(afterMs: 120)
    try #require(try run(loop) { !socket.deadlinesMs.isEmpty })
    let tookMs = socket.deadlinesMs[0] - startMs
    #expect(tookMs >= 120 && tookMs < 2_000)
    #expect(try !run(loop, patienceMs: 200) { socket.deadlinesMs.count > 1 })
  }

  @Test("is put off by each new one")
  func isPutOff() throws {
    let socket = try socket()
    let startMs = EventLoop.monotonicMs()
    socket.setDeadline(afterMs: 60)
    socket.setDeadline(afterMs: 260)
    try #require(try run(loop) { !socket.deadlinesMs.isEmpty })
    #expect(socket.deadlinesMs[0] - startMs >= 260)
    #expect(socket.deadlinesMs.count == 1)
  }

  @Test("does not pass when it is cleared or its socket closed")
  func isCleared() throws {
    let (cleared, closed, witness) = try (socket(), socket(), socket())
    cleared.setDeadline(afterMs: 60)
    closed.setDeadline(afterMs: 60)
    witness.setDeadline(afterMs: 160)
    cleared.clearDeadline()
    closed.closeSocket()
    try #require(try run(loop) { !witness.deadlinesMs.isEmpty })
    #expect(cleared.deadlinesMs.isEmpty)
    #expect(closed.deadlinesMs.isEmpty)
  }

  @Test("may set the next one and may close sockets whose deadline passes at the same tick")
  func passesTogether() throws {
    final class Closer: StreamSocket {
      var others: [StreamSocket] = []
      override func deadlinePassed() { for other in others { other.closeSocket() } }
    }
    let (end, _) = try socketPair()
    let closer = try Closer(loop: loop, descriptor: end)
    let (before, after) = try (socket(), socket())
    closer.others = [before, after]
    for socket in [before, closer, after] { socket.setDeadline(afterMs: 60) }
    try #require(try run(loop) { before.isClosed && after.isClosed })
    #expect(before.deadlinesMs.count + after.deadlinesMs.count <= 1)
  }
}
