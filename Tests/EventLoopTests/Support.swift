import Glibc

@testable import EventLoop

/// Runs `loop` on this thread until `isDone`, which is asked each millisecond; false when that took more than
/// `patienceMs`.
func run(_ loop: EventLoop, patienceMs: UInt64 = 30_000, until isDone: @escaping () -> Bool) throws -> Bool {
  let lastMs = EventLoop.monotonicMs() + patienceMs
  var wasDone = false
  let watch = try LoopTimer(loop: loop) {
    wasDone = isDone()
    if wasDone || EventLoop.monotonicMs() > lastMs { loop.stop() }
  }
  watch.startIfStopped(everyMs: 1)
  loop.run()
  watch.stop()
  return wasDone
}

/// A socket that writes down what happens to it.
final class Witness: StreamSocket {
  var events: [SocketEvents] = []
  /// When its deadlines passed.
  var deadlinesMs: [UInt64] = []
  var onReady: (SocketEvents) -> Void = { _ in }

  override func socketIsReady(_ events: SocketEvents) {
    self.events.append(events)
    onReady(events)
  }

  override func deadlinePassed() { deadlinesMs.append(EventLoop.monotonicMs()) }
}

/// A descriptor of a test; closed with it.
final class Descriptor {
  let number: Int32

  init(_ number: Int32) { self.number = number }
  deinit { close(number) }

  func send(_ bytes: [UInt8]) -> Int { Glibc.send(number, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

  /// What is there, up to `limit` bytes.
  func receive(limit: Int = 65_536) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: limit)
    let count = recv(number, &bytes, limit, Int32(MSG_DONTWAIT))
    return Array(bytes.prefix(max(0, count)))
  }

  /// The bytes that are there, all of them.
  func receiveAll() -> [UInt8] {
    var all: [UInt8] = []
    while true {
      let some = receive()
      if some.isEmpty { return all }
      all += some
    }
  }
}

/// A non-blocking pair of connected stream sockets; the first end belongs to the caller.
func socketPair() throws -> (Int32, Descriptor) {
  var ends: [Int32] = [0, 0]
  let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
  guard socketpair(AF_UNIX, type, 0, &ends) == 0 else {
    throw EventLoopError.system(call: "socketpair", errno: errno)
  }
  return (ends[0], Descriptor(ends[1]))
}

/// The same over TCP and loopback.
func loopbackPair() throws -> (Int32, Descriptor) {
  let listening = try ListeningSocket(address: loopback(), shared: false)
  let client = try beginConnecting(to: listening.address)
  var watched = pollfd(fd: listening.descriptor, events: Int16(POLLIN), revents: 0)
  poll(&watched, 1, 20_000)
  let accepted = accept(listening.descriptor, nil, nil)
  guard accepted >= 0 else { throw EventLoopError.system(call: "accept", errno: errno) }
  return (client, Descriptor(accepted))
}

func loopback(port: UInt16 = 0) throws -> SocketAddress {
  try SocketAddress.resolve(host: "127.0.0.1", port: port)[0]
}

/// Lets this process have `count` descriptors, where the system allows it.
func allowDescriptors(_ count: UInt) {
  var limit = rlimit()
  guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < count else {
    return
  }
  limit.rlim_cur = min(count, limit.rlim_max)
  setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}

/// Waits up to twenty seconds until a descriptor has something to receive.
func waitForBytes(_ descriptor: Int32) -> Bool {
  var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
  return poll(&watched, 1, 20_000) == 1
}

extension Buffer {
  /// A copy of the readable bytes.
  var copy: [UInt8] { Array(readable) }

  mutating func add(_ bytes: [UInt8]) -> Bool { append(bytes.span.bytes) }

  mutating func addBefore(_ bytes: [UInt8]) -> Bool { prepend(bytes.span.bytes) }

  /// Where its block begins, to tell blocks apart.
  var blockAddress: UnsafeMutableRawPointer? { readable.baseAddress.map { $0 - start } }
}
