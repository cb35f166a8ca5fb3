import Glibc
import Testing

@testable import EventLoop

@Suite("a pipe between two sockets")
struct SplicePipeTests {
  private let loop: EventLoop

  init() throws {
    // As the program does; see ``SplicePipe``.
    signal(SIGPIPE, SIG_IGN)
    loop = try EventLoop()
  }

  private func connected() throws -> (Witness, Descriptor) {
    let (end, peer) = try loopbackPair()
    let socket = try Witness(loop: loop, descriptor: end)
    try #require(try run(loop) { socket.isWritable })
    return (socket, peer)
  }

  @Test("takes as many bytes as it is told to, and gives them on")
  func moves() throws {
    let (source, sender) = try connected()
    let (target, receiver) = try connected()
    #expect(sender.send([1, 2, 3, 4, 5]) == 5)
    try #require(try run(loop) { source.isReadable })
    let pipe = try #require(SplicePipe())
    #expect(source.receive(into: pipe, atMost: 3) == .bytes(3))
    #expect(pipe.count == 3)
    #expect(target.send(pipe) == .all)
    #expect(pipe.count == 0)
    #expect(source.receive(into: pipe, atMost: 100) == .bytes(2))
    #expect(target.send(pipe) == .all)
    #expect(receiver.receiveAll() == [1, 2, 3, 4, 5])
    #expect(source.receive(into: pipe, atMost: 100) == .wouldBlock)
    #expect(!source.isReadable, "the next bytes are a new edge")
  }

  @Test("tells the peer's end, and a peer that is gone")
  func ends() throws {
    let (source, sender) = try connected()
    let (target, receiver) = try connected()
    #expect(sender.send([1]) == 1)
    shutdown(sender.number, Int32(SHUT_WR))
    try #require(try run(loop) { source.isReadable })
    let pipe = try #require(SplicePipe())
    #expect(source.receive(into: pipe, atMost: 100) == .bytes(1))
    shutdown(target.descriptor, Int32(SHUT_WR))
    #expect(target.send(pipe) == .failed)
    #expect(pipe.count == 1)
    _ = receiver.number
    let another = try #require(SplicePipe())
    #expect(source.receive(into: another, atMost: 100) == .end)
  }

  @Test("keeps what a full socket does not take until there is room")
  func waits() throws {
    let (source, sender) = try connected()
    let (target, receiver) = try connected()
    let pipe = try #require(SplicePipe())
    let part = [UInt8](repeating: 7, count: 32 << 10)
    var moved = 0
    var state = Flushed.all
    while state == .all {
      try #require(sender.send(part) == part.count)
      try #require(try run(loop) { source.isReadable })
      guard case .bytes(let count) = source.receive(into: pipe, atMost: part.count) else { break }
      moved += count
      state = target.send(pipe)
    }
    #expect(state == .blocked)
    #expect(pipe.count > 0 && !target.isWritable)
    var received = 0
    while received < moved {
      // All of it: the kernel calls a socket writable once a third of its buffer is free.
      received += receiver.receiveAll().count
      if pipe.count > 0, try run(loop, patienceMs: 50, until: { target.isWritable }) {
        _ = target.send(pipe)
      }
    }
    #expect(received == moved)
    #expect(pipe.count == 0)
  }

  @Test("waits for the next use when it is empty, and is closed when it is not")
  func pool() throws {
    let (source, sender) = try connected()
    var pipes = SplicePipes(keptPipes: 1)
    let (taken, other) = (pipes.take(), pipes.take())
    let (first, second) = (try #require(taken), try #require(other))
    #expect(sender.send([1]) == 1)
    try #require(try run(loop) { source.isReadable })
    #expect(source.receive(into: second, atMost: 1) == .bytes(1))
    pipes.giveBack(second)
    pipes.giveBack(first)
    let (third, fourth) = (pipes.take(), pipes.take())
    #expect(third === first)
    #expect(fourth !== second && fourth?.count == 0)
  }
}
