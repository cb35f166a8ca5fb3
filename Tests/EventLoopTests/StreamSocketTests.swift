import Glibc
import Testing

@testable import EventLoop

@Suite("a socket on a loop")
struct StreamSocketTests {
  private let loop: EventLoop
  private let pool = BufferPool(blockBytes: 4096, keptBlocks: 4)
  private let blockRoom = 4096 - Buffer.headroomBytes

  init() throws { loop = try EventLoop() }

  /// A socket whose first edge, that it is writable, has come.
  private func connected() throws -> (Witness, Descriptor) {
    let (end, peer) = try socketPair()
    let socket = try Witness(loop: loop, descriptor: end)
    try #require(try run(loop) { socket.isWritable })
    socket.events = []
    return (socket, peer)
  }

  @Test("is writable and has nothing to read at first")
  func begins() throws {
    let (end, peer) = try socketPair()
    let socket = try Witness(loop: loop, descriptor: end)
    #expect(!socket.isWritable)
    try #require(try run(loop) { !socket.events.isEmpty })
    #expect(socket.events == [.writable])
    #expect(socket.isWritable)
    #expect(!socket.isReadable)
    _ = peer.number
  }

  @Test("hears of bytes once, and a receive that took less than it could ends that")
  func receivesShort() throws {
    let (socket, peer) = try connected()
    #expect(peer.send([1, 2, 3]) == 3)
    try #require(try run(loop) { socket.isReadable })
    var buffer = Buffer(pool: pool)
    let received = socket.receive(into: &buffer)
    #expect(received == .bytes(3))
    #expect(buffer.copy == [1, 2, 3])
    #expect(!socket.isReadable)
    let count = socket.events.count
    #expect(try !run(loop, patienceMs: 50) { socket.events.count > count })
    #expect(peer.send([4]) == 1)
    try #require(try run(loop) { socket.isReadable })
  }

  @Test("stays readable after a receive that filled the buffer, until one finds nothing")
  func receivesFull() throws {
    let (socket, peer) = try connected()
    let bytes = (0..<2 * blockRoom).map { UInt8(truncatingIfNeeded: $0) }
    #expect(peer.send(bytes) == bytes.count)
    try #require(try run(loop) { socket.isReadable })
    var taken: [UInt8] = []
    for _ in 0..<2 {
      var buffer = Buffer(pool: pool)
      let received = socket.receive(into: &buffer)
      #expect(received == .bytes(blockRoom))
      #expect(socket.isReadable)
      taken += buffer.copy
    }
    #expect(taken == bytes)
    var buffer = Buffer(pool: pool)
    let received = socket.receive(into: &buffer)
    #expect(received == .wouldBlock)
    #expect(!socket.isReadable)
  }

  @Test("receives behind what the buffer holds, and refuses when it is full")
  func receivesIntoFullBuffer() throws {
    let (socket, peer) = try connected()
    #expect(peer.send([9, 9]) == 2)
    try #require(try run(loop) { socket.isReadable })
    var buffer = Buffer(pool: pool)
    _ = buffer.add([UInt8](repeating: 1, count: blockRoom - 1))
    let one = socket.receive(into: &buffer)
    let none = socket.receive(into: &buffer)
    #expect(one == .bytes(1))
    #expect(none == .failed(errno: ENOBUFS))
    #expect(buffer.copy.last == 9)
    #expect(socket.isReadable)
  }

  @Test("sees its peer's end behind the bytes that came before it")
  func seesEndBehindBytes() throws {
    let (socket, peer) = try connected()
    #expect(peer.send([1, 2]) == 2)
    shutdown(peer.number, Int32(SHUT_WR))
    try #require(try run(loop) { socket.peerHasEnded })
    #expect(socket.events.last?.contains(.peerClosed) == true)
    var buffer = Buffer(pool: pool)
    let bytes = socket.receive(into: &buffer)
    #expect(bytes == .bytes(2))
    #expect(socket.isReadable)
    let end = socket.receive(into: &buffer)
    #expect(end == .end)
    #expect(!socket.isReadable)
    #expect(buffer.copy == [1, 2])
  }

  @Test("sends to a peer that has ended but still reads, and tells it the end")
  func sendsAfterPeersEnd() throws {
    let (socket, peer) = try connected()
    shutdown(peer.number, Int32(SHUT_WR))
    try #require(try run(loop) { socket.peerHasEnded })
    #expect(send([5, 6], on: socket) == .bytes(2))
    socket.shutdownWriting()
    #expect(waitForBytes(peer.number))
    #expect(peer.receive() == [5, 6])
    #expect(recv(peer.number, UnsafeMutableRawPointer(bitPattern: 16), 0, 0) == 0)
  }

  @Test("sends two parts as one, and leaves either out")
  func sendsTwoParts() throws {
    let (socket, peer) = try connected()
    #expect(send([1, 2], [3], on: socket) == .bytes(3))
    #expect(send([4], [], on: socket) == .bytes(1))
    #expect(send([], [5], on: socket) == .bytes(1))
    #expect(send([], [], on: socket) == .bytes(0))
    #expect(peer.receiveAll() == [1, 2, 3, 4, 5])
  }

  @Test("is not writable after a send that came back short, and hears when there is room")
  func sendsShort() throws {
    let (socket, peer) = try connected()
    let part = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    var sent = 0
    while socket.isWritable {
      guard case .bytes(let count) = send(part, part, on: socket) else { break }
      if count < 2 * part.count { #expect(!socket.isWritable) }
      sent += count
      #expect(sent < 100_000_000)
    }
    #expect(send([1], on: socket) == .bytes(0))
    #expect(try !run(loop, patienceMs: 30) { socket.isWritable })
    var received: [UInt8] = []
    try #require(
      try run(loop) {
        received += peer.receiveAll()
        return socket.isWritable
      })
    received += peer.receiveAll()
    #expect(received == Array((part + part).prefix(sent)))
    #expect(socket.events.last?.contains(.writable) == true)
  }

  @Test("learns from a send, not from a signal, that its peer is gone")
  func sendsToNobody() throws {
    let socket: Witness
    do {
      let (end, _) = try socketPair()
      socket = try Witness(loop: loop, descriptor: end)
      try #require(try run(loop) { socket.isWritable })
    }
    #expect(send([1], on: socket) == .failed(errno: EPIPE))
    #expect(!socket.isWritable)
  }

  @Test("resets its peer when it is closed abortively")
  func closesAbortively() throws {
    defer { loop.releaseClosed() }
    let (end, peer) = try loopbackPair()
    let socket = try Witness(loop: loop, descriptor: end)
    socket.closeSocket(abortively: true)
    #expect(socket.isClosed)
    #expect(waitForBytes(peer.number))
    var byte: UInt8 = 0
    #expect(recv(peer.number, &byte, 1, 0) == -1)
    #expect(errno == ECONNRESET)
  }

  @Test("ends orderly otherwise, behind all that was sent")
  func closesOrderly() throws {
    defer { loop.releaseClosed() }
    let (end, peer) = try loopbackPair()
    let socket = try Witness(loop: loop, descriptor: end)
    #expect(send([1, 2], on: socket) == .bytes(2))
    socket.closeSocket()
    socket.closeSocket()
    #expect(waitForBytes(peer.number))
    #expect(peer.receive() == [1, 2])
    #expect(waitForBytes(peer.number))
    var byte: UInt8 = 0
    #expect(recv(peer.number, &byte, 1, 0) == 0)
  }

  @Test("is called no more once it is closed, and takes and gives no bytes")
  func isSilentOnceClosed() throws {
    let (socket, peer) = try connected()
    #expect(peer.send([1]) == 1)
    socket.closeSocket()
    #expect(try !run(loop, patienceMs: 30) { !socket.events.isEmpty })
    var buffer = Buffer(pool: pool)
    let received = socket.receive(into: &buffer)
    #expect(received == .failed(errno: EBADF))
    #expect(send([1], on: socket) == .failed(errno: EBADF))
    socket.setDeadline(afterMs: 0)
    socket.comeBack()
    #expect(try !run(loop, patienceMs: 120) { !socket.deadlinesMs.isEmpty || !socket.events.isEmpty })
  }

  @Test("is kept until its callback has returned when that closes and drops it, then let go")
  func outlivesItsCallback() throws {
    let (end, peer) = try socketPair()
    var owned: Witness? = try Witness(loop: loop, descriptor: end)
    weak let weakly = owned
    var wasAlive = false
    owned?.onReady = { [unowned loop] _ in
      owned?.onReady = { _ in }
      owned?.closeSocket()
      owned = nil
      wasAlive = weakly != nil
      loop.stop()
    }
    loop.run()
    #expect(wasAlive)
    #expect(weakly == nil)
    #expect(peer.receive() == [])
  }

  @Test("comes back after the others had their turn when it asks for that, without a new edge")
  func comesBack() throws {
    let (socket, _) = try connected()
    #expect(!socket.isReadable)
    var order: [String] = []
    let (other, otherPeer) = try connected()
    other.onReady = { _ in order.append("other") }
    socket.onReady = { [unowned socket] _ in
      order.append("socket")
      if order.count < 4 { socket.comeBack() }
    }
    #expect(otherPeer.send([1]) == 1)
    socket.comeBack()
    try #require(try run(loop) { order.count >= 4 })
    #expect(order.filter { $0 == "socket" }.count >= 3)
    #expect(order.prefix(3).contains("other"))
  }

  @Test("connects, and says what the kernel holds against a port that nobody listens on")
  func connects() throws {
    let free: SocketAddress
    do { free = try ListeningSocket(address: loopback(), shared: false).address }
    let refused = try Witness(loop: loop, descriptor: beginConnecting(to: free))
    try #require(try run(loop) { !refused.events.isEmpty })
    #expect(refused.takeError() == ECONNREFUSED)
    #expect(refused.takeError() == 0)

    let listening = try ListeningSocket(address: loopback(), shared: false)
    let accepted = try Witness(loop: loop, descriptor: beginConnecting(to: listening.address))
    try #require(try run(loop) { accepted.isWritable })
    #expect(accepted.takeError() == 0)
    #expect(SocketAddress(of: accepted.descriptor, peer: true) == listening.address)
  }

  @Test("refuses a descriptor that cannot be watched, and closes it")
  func refusesFiles() throws {
    defer { loop.releaseClosed() }
    // Its lock goes with its last descriptor; the descriptor's number may be another test's by then.
    let path = "/tmp/relevo-unwatched-\(UInt64.random(in: 0...UInt64.max))"
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    try #require(file >= 0)
    defer { unlink(path) }
    try #require(flock(file, LOCK_EX) == 0)
    #expect(throws: EventLoopError.system(call: "epoll_ctl", errno: EPERM)) {
      try Witness(loop: loop, descriptor: file)
    }
    let second = open(path, O_RDWR | O_CLOEXEC)
    try #require(second >= 0)
    defer { close(second) }
    #expect(flock(second, LOCK_EX | LOCK_NB) == 0)
  }

  private func send(_ first: [UInt8], _ second: [UInt8] = [], on socket: StreamSocket) -> Sent {
    first.withUnsafeBytes { first in second.withUnsafeBytes { socket.send(first, $0) } }
  }
}
