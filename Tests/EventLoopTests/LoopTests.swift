import Glibc
import Testing

@testable import EventLoop

@Suite("a mailbox")
struct MailboxTests {
  @Test("brings the messages of eight threads, each thread's in its order")
  func brings() throws {
    let loop = try EventLoop()
    let mailbox = try Mailbox<(sender: Int, number: Int)>()
    var arrived = Array(repeating: [Int](), count: 8)
    let receiver = try mailbox.attach(to: loop) { arrived[$0.sender].append($0.number) }
    for sender in 0..<8 {
      try LoopThread(name: "sender-\(sender)") {
        for number in 0..<1_000 { mailbox.send((sender, number)) }
      }.detach()
    }
    try #require(try run(loop) { arrived.allSatisfy { $0.count >= 1_000 } })
    #expect(arrived.allSatisfy { $0 == Array(0..<1_000) })
    withExtendedLifetime(receiver) {}
  }

  @Test("keeps what is sent before it is attached, and what its handler sends")
  func keepsEarlyMessages() throws {
    let loop = try EventLoop()
    let mailbox = try Mailbox<Int>()
    mailbox.send(1)
    mailbox.send(2)
    var arrived: [Int] = []
    let receiver = try mailbox.attach(to: loop) {
      arrived.append($0)
      if $0 < 3 { mailbox.send($0 + 2) }
    }
    try #require(try run(loop) { arrived.count == 4 })
    #expect(arrived == [1, 2, 3, 4])
    withExtendedLifetime(receiver) {}
  }

  @Test("brings nothing once the receiver is gone")
  func endsWithReceiver() throws {
    let loop = try EventLoop()
    let mailbox = try Mailbox<Int>()
    var arrived: [Int] = []
    var receiver: MailboxReceiver? = try mailbox.attach(to: loop) { arrived.append($0) }
    withExtendedLifetime(receiver) {}
    receiver = nil
    mailbox.send(1)
    #expect(try !run(loop, patienceMs: 50) { !arrived.isEmpty })
  }

  @Test("wakes a loop that waits for nothing else")
  func wakes() throws {
    let loop = try EventLoop()
    let mailbox = try Mailbox<Bool>()
    let receiver = try mailbox.attach(to: loop) { _ in loop.stop() }
    let sender = try LoopThread(name: "sender") {
      usleep(20_000)
      mailbox.send(true)
    }
    loop.run()
    sender.join()
    withExtendedLifetime(receiver) {}
  }
}

@Suite("a timer")
struct LoopTimerTests {
  @Test("fires again and again, each time after its interval")
  func fires() throws {
    let loop = try EventLoop()
    var firedMs: [UInt64] = []
    let timer = try LoopTimer(loop: loop) { firedMs.append(EventLoop.monotonicMs()) }
    let startMs = EventLoop.monotonicMs()
    #expect(!timer.isRunning)
    timer.startIfStopped(everyMs: 30)
    #expect(timer.isRunning)
    try #require(try run(loop) { firedMs.count >= 4 })
    // The loop reads its clock once a turn and rounds to milliseconds.
    #expect(firedMs[0] >= startMs + 28)
    #expect(firedMs[3] >= startMs + 112)
  }

  @Test("keeps its interval when it is started again while it runs")
  func isStartedOnce() throws {
    let loop = try EventLoop()
    var count = 0
    let timer = try LoopTimer(loop: loop) { count += 1 }
    timer.startIfStopped(everyMs: 20)
    timer.startIfStopped(everyMs: 60_000)
    try #require(try run(loop) { count >= 2 })
  }

  @Test("is silent once stopped, and can be started anew with another interval")
  func stops() throws {
    let loop = try EventLoop()
    var count = 0
    let timer = try LoopTimer(loop: loop) { count += 1 }
    timer.startIfStopped(everyMs: 10)
    timer.stop()
    timer.stop()
    #expect(!timer.isRunning)
    #expect(try !run(loop, patienceMs: 60) { count > 0 })
    timer.startIfStopped(everyMs: 5)
    try #require(try run(loop) { count > 0 })
  }

  @Test("may stop itself")
  func stopsItself() throws {
    let loop = try EventLoop()
    var count = 0
    var timer: LoopTimer?
    timer = try LoopTimer(loop: loop) {
      count += 1
      timer?.stop()
    }
    timer?.startIfStopped(everyMs: 5)
    #expect(try !run(loop, patienceMs: 60) { count > 1 })
    #expect(count == 1)
    timer = nil
  }
}

@Suite("a loop's clocks and threads")
struct LoopTests {
  @Test("the monotonic clock goes forward with real time")
  func monotonic() {
    let before = EventLoop.monotonicMs()
    usleep(20_000)
    let tookMs = EventLoop.monotonicMs() - before
    #expect(tookMs >= 19 && tookMs < 30_000)
  }

  @Test("the wall clock is the system's")
  func wallClock() throws {
    let loop = try EventLoop()
    let before = time(nil)
    let loops = Int(loop.wallClock.seconds)
    #expect(loops >= before - 1 && loops <= time(nil) + 1)
  }

  @Test("the coarse clock follows while a socket has a deadline")
  func coarseClock() throws {
    let loop = try EventLoop()
    let (end, _) = try socketPair()
    let socket = try Witness(loop: loop, descriptor: end)
    socket.setDeadline(afterMs: 60_000)
    let first = loop.coarseMs
    #expect(EventLoop.monotonicMs() - first < 30_000)
    try #require(try run(loop) { loop.coarseMs > first })
    #expect(loop.coarseMs <= EventLoop.monotonicMs())
  }

  @Test("a loop that was stopped runs again")
  func runsAgain() throws {
    let loop = try EventLoop()
    var count = 0
    let timer = try LoopTimer(loop: loop) {
      count += 1
      loop.stop()
    }
    timer.startIfStopped(everyMs: 1)
    loop.run()
    loop.run()
    #expect(count == 2)
  }

  @Test("a thread runs its closure under its name, and join waits for it")
  func threads() throws {
    let shared = Names()
    let thread = try LoopThread(name: "a-name-past-fifteen") {
      let file = open("/proc/thread-self/comm", O_RDONLY | O_CLOEXEC)
      var text = [UInt8](repeating: 0, count: 64)
      let count = read(file, &text, text.count)
      close(file)
      usleep(20_000)
      shared.text.withLock { $0 = String(decoding: text.prefix(max(0, count)), as: UTF8.self) }
    }
    thread.join()
    #expect(shared.text.withLock { $0 } == "a-name-past-fif\n")
  }

  @Test("an error says which call failed and why")
  func describesErrors() {
    #expect(EventLoopError.system(call: "bind", errno: EACCES).description == "bind: Permission denied")
    #expect(EventLoopError.noBase.description.contains("libevent"))
    #expect(systemMessage(ENOENT) == "No such file or directory")
  }
}

private final class Names: Sendable {
  let text = Locked("")
}

@Suite("a signal on a loop")
struct SignalSourceTests {
  /// In a process of its own: libevent delivers signals to one loop of a process.
  @Test("calls its handler on the loop, once for each signal, and its end gives the signal back")
  func calls() async {
    await #expect(processExitsWith: .success) {
      alarm(10)
      let loop = try EventLoop()
      var count = 0
      do {
        let source = try SignalSource(loop: loop, signal: SIGUSR2) { count += 1 }
        kill(getpid(), SIGUSR2)
        guard count == 0, try run(loop, until: { count == 1 }) else { exit(2) }
        kill(getpid(), SIGUSR2)
        guard try run(loop, until: { count == 2 }) else { exit(3) }
        withExtendedLifetime(source) {}
      }
      var action = sigaction()
      sigaction(SIGUSR2, nil, &action)
      guard action.__sigaction_handler.sa_handler == nil else { exit(4) }
      exit(0)
    }
  }
}
