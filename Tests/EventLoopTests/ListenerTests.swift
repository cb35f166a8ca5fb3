import Glibc
import Testing

@testable import EventLoop

@Suite("a listener")
struct ListenerTests {
  private let loop: EventLoop

  init() throws { loop = try EventLoop() }

  @Test("names the port that the kernel chose, and hands each connection over")
  func accepts() throws {
    let socket = try ListeningSocket(address: loopback(), shared: false)
    #expect(socket.address.port != 0)
    var accepted: [Int32] = []
    let listener = try Listener(loop: loop, socket: socket) {
      guard case .connection(let descriptor, let peer) = $0 else { return }
      accepted.append(descriptor)
      #expect(peer == SocketAddress(of: descriptor, peer: true))
    }
    let clients = try (0..<100).map { _ in try beginConnecting(to: listener.address) }
    try #require(try run(loop) { accepted.count == 100 })
    #expect(fcntl(accepted[0], F_GETFL) & O_NONBLOCK != 0)
    #expect(fcntl(accepted[0], F_GETFD) & FD_CLOEXEC != 0)
    #expect(noDelay(accepted[0]))
    for descriptor in clients + accepted { close(descriptor) }
  }

  @Test("leaves connections in the backlog while it is paused, and takes them when it goes on")
  func pauses() throws {
    var accepted: [Int32] = []
    let listener = try Listener(loop: loop, socket: ListeningSocket(address: loopback(), shared: false)) {
      if case .connection(let descriptor, _) = $0 { accepted.append(descriptor) }
    }
    listener.pause()
    let clients = try (0..<3).map { _ in try beginConnecting(to: listener.address) }
    #expect(try !run(loop, patienceMs: 100) { !accepted.isEmpty })
    for client in clients { #expect(isConnected(client)) }
    listener.resume()
    try #require(try run(loop) { accepted.count == 3 })
    for descriptor in clients + accepted { close(descriptor) }
  }

  @Test("stops in the middle of a burst when its handler pauses it")
  func pausesInHandler() throws {
    var accepted: [Int32] = []
    var listener: Listener?
    listener = try Listener(loop: loop, socket: ListeningSocket(address: loopback(), shared: false)) {
      if case .connection(let descriptor, _) = $0 { accepted.append(descriptor) }
      if accepted.count == 2 { listener?.pause() }
    }
    let address = try #require(listener?.address)
    let clients = try (0..<5).map { _ in try beginConnecting(to: address) }
    #expect(try !run(loop, patienceMs: 100) { accepted.count > 2 })
    #expect(accepted.count == 2)
    listener?.resume()
    try #require(try run(loop) { accepted.count == 5 })
    for descriptor in clients + accepted { close(descriptor) }
    listener = nil
  }

  @Test("accepts at the last all who wait, whose bytes arrive, and nobody connects after them")
  func acceptsLast() throws {
    var accepted: [Int32] = []
    let listener = try Listener(loop: loop, socket: ListeningSocket(address: loopback(), shared: false)) {
      if case .connection(let descriptor, _) = $0 { accepted.append(descriptor) }
    }
    let clients = try (0..<40).map { _ in try beginConnecting(to: listener.address) }
    listener.acceptLast()
    #expect(accepted.count == 40)
    let late = try beginConnecting(to: listener.address)
    usleep(50_000)
    #expect(!isConnected(late))
    #expect(send(clients[39], [7], 1, 0) == 1)
    #expect(waitForBytes(accepted[39]))
    for descriptor in clients + accepted + [late] { close(descriptor) }
  }

  @Test("an address is free until somebody listens there, and the look at it takes nobody's connection")
  func isFree() throws {
    let address: SocketAddress
    do {
      let socket = try ListeningSocket(address: loopback(), shared: true)
      address = socket.address
      #expect(throws: EventLoopError.system(call: "bind", errno: EADDRINUSE)) {
        try ListeningSocket.checkIsFree(address)
      }
    }
    try ListeningSocket.checkIsFree(address)
    _ = try ListeningSocket(address: address, shared: false)
  }

  @Test("frees its port when it goes")
  func freesItsPort() throws {
    let address: SocketAddress
    do {
      let listener = try Listener(loop: loop, socket: ListeningSocket(address: loopback(), shared: false)) {
        _ in
      }
      address = listener.address
    }
    _ = try ListeningSocket(address: address, shared: false)
  }

  @Test("refuses an address in use, unless both sides share it")
  func refusesAddressInUse() throws {
    let alone = try ListeningSocket(address: loopback(), shared: false)
    #expect(inUse(alone.address, shared: false))
    #expect(inUse(alone.address, shared: true))

    let shared = try ListeningSocket(address: loopback(), shared: true)
    #expect(inUse(shared.address, shared: false))
    #expect(!inUse(shared.address, shared: true))
  }

  @Test("accepts on a unix socket, and a second one shares it")
  func acceptsOnUnixSocket() throws {
    let path = "/tmp/relevo-test-\(getpid())-\(UInt32.random(in: 0...(.max)))"
    defer { unlink(path) }
    let address = try #require(SocketAddress(unixPath: path))
    let socket = try ListeningSocket(address: address, shared: false)
    let copy = try ListeningSocket(sharing: socket)
    #expect(copy.address == address)
    #expect(copy.descriptor != socket.descriptor)
    var accepted: [Int32] = []
    let one = try Listener(loop: loop, socket: socket) { _ in Issue.record("it was paused") }
    one.pause()
    let other = try Listener(loop: loop, socket: copy) {
      if case .connection(let descriptor, _) = $0 { accepted.append(descriptor) }
    }
    let client = try beginConnecting(to: address)
    try #require(try run(loop) { accepted.count == 1 })
    withExtendedLifetime((one, other)) {}
    for descriptor in accepted + [client] { close(descriptor) }
  }

  private func inUse(_ address: SocketAddress, shared: Bool) -> Bool {
    do throws(EventLoopError) {
      _ = try ListeningSocket(address: address, shared: shared)
      return false
    } catch {
      return error == .system(call: "bind", errno: EADDRINUSE)
    }
  }

  private func isConnected(_ descriptor: Int32) -> Bool {
    SocketAddress(of: descriptor, peer: true) != nil
  }

  private func noDelay(_ descriptor: Int32) -> Bool {
    var value: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &value, &size)
    return value != 0
  }
}
