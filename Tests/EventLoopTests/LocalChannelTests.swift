import Glibc
import Testing

@testable import EventLoop

@Suite("a channel between two processes")
struct LocalChannelTests {
  private let listener: LocalListener
  private let here: LocalChannel
  private let there: LocalChannel

  init() throws {
    listener = try LocalListener(name: "relevo-test-\(getpid())-\(UInt32.random(in: 0...(.max)))")
    here = try LocalChannel(to: listener.name)
    there = try #require(listener.accept())
  }

  private func message(_ received: LocalChannel.Received) -> ([UInt8], [HandedDescriptor])? {
    if case .message(let bytes, let descriptors) = received { (bytes, descriptors) } else { nil }
  }

  /// Reading and writing end, which nobody waits for.
  private func pipe() throws -> [Int32] {
    var ends: [Int32] = [0, 0]
    try #require(Glibc.pipe(&ends) == 0)
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    return ends
  }

  private func isEnd(_ received: LocalChannel.Received) -> Bool {
    if case .end = received { true } else { false }
  }

  @Test("tells who is at the other end, at both")
  func peers() {
    let me = LocalChannel.Peer(processID: getpid(), userID: geteuid())
    #expect(here.peer == me && there.peer == me)
  }

  @Test("brings each message whole, with its descriptors, which no child inherits")
  func messages() throws {
    let ends = try pipe()
    try here.send([1, 2, 3])
    try here.send([4], [ends[0], ends[1]])
    for end in ends { close(end) }
    #expect(try message(there.receive(atMostMs: 1000))?.0 == [1, 2, 3])
    let (bytes, descriptors) = try #require(message(try there.receive(atMostMs: 1000)))
    #expect(bytes == [4])
    let numbers = descriptors.compactMap { $0.take() }
    try #require(numbers.count == 2)
    for number in numbers { #expect(fcntl(number, F_GETFD) & FD_CLOEXEC != 0) }
    #expect(write(numbers[1], [9], 1) == 1)
    var byte: UInt8 = 0
    #expect(read(numbers[0], &byte, 1) == 1 && byte == 9)
    for number in numbers { close(number) }
  }

  @Test("closes a descriptor that nobody takes")
  func untaken() throws {
    let ends = try pipe()
    try here.send([1], [ends[1]])
    close(ends[1])
    _ = try there.receive(atMostMs: 1000)
    var byte: UInt8 = 0
    // A child of another test may have it for a moment.
    var count = -1
    for _ in 0..<1000 where count != 0 {
      count = read(ends[0], &byte, 1)
      usleep(1000)
    }
    #expect(count == 0)
    close(ends[0])
  }

  @Test("refuses a message that is longer than any may be, and goes on with the next")
  func tooLong() throws {
    try here.send([UInt8](repeating: 7, count: LocalChannel.limitBytes + 1))
    try here.send([1])
    #expect(throws: EventLoopError.system(call: "recvmsg", errno: EMSGSIZE)) {
      try there.receive(atMostMs: 1000)
    }
    #expect(try message(there.receive(atMostMs: 1000))?.0 == [1])
  }

  @Test("brings what was said before an end, whatever the other left unread, and then the end")
  func unread() throws {
    let caller = try LocalChannel(to: listener.name)
    try caller.send([1])
    try answerAndHangUp([2])
    #expect(try message(caller.receive(atMostMs: 1000))?.0 == [2])
    #expect(try isEnd(caller.receive(atMostMs: 1000)))
  }

  private func answerAndHangUp(_ bytes: [UInt8]) throws {
    try #require(listener.accept()).send(bytes)
  }

  @Test("waits no longer than asked, and nobody answers at a name that nobody has")
  func nobody() throws {
    if case .nothing = try here.receive(atMostMs: 10) {} else { Issue.record("something came") }
    #expect(throws: EventLoopError.system(call: "connect", errno: ECONNREFUSED)) {
      try LocalChannel(to: listener.name + "-other")
    }
    #expect(throws: EventLoopError.system(call: "bind", errno: EADDRINUSE)) {
      try LocalListener(name: listener.name)
    }
  }

  @Test("a listener that came from another process is at once this one's")
  func inherited() throws {
    let copy = try LocalListener(
      inheriting: fcntl(listener.descriptor, F_DUPFD_CLOEXEC, 0), name: listener.name)
    let caller = try LocalChannel(to: listener.name)
    try #require(copy.accept()).send([5])
    #expect(try message(caller.receive(atMostMs: 1000))?.0 == [5])
    #expect(throws: NotAListener.self) { try LocalListener(inheriting: here.descriptor, name: "x") }
  }
}
