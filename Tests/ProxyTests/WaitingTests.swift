import EventLoop
import Glibc
import Synchronization
import Testing

@testable import Proxy

@Suite("requests that wait for a server")
struct WaitingTests {
  @Test("a line gives back in order what has not left")
  func order() {
    var line = WaitingLine<String>()
    let tickets = ["a", "b", "c", "d"].map { line.append($0) }
    #expect(line.remove(tickets[1]) == "b")
    #expect(line.remove(tickets[1]) == nil)
    #expect(line.next(from: 0)?.waiter == "a")
    #expect(line.next(from: tickets[0] + 1)?.waiter == "c")
    for ticket in tickets { line.remove(ticket) }
    #expect(line.isEmpty)
    #expect(line.next(from: 0) == nil)
    #expect(line.append("e") == tickets[3] + 1)
  }

  @Test("a room lets so many wait over all workers")
  func limit() {
    let room = WaitingRoom(limit: 2, workers: 2) { _, _ in }
    #expect(room.enter(0))
    #expect(room.enter(1))
    #expect(!room.enter(0))
    #expect(room.count == 2)
    room.leave(1)
    #expect(room.enter(0))
    #expect(!WaitingRoom(limit: 0, workers: 1) { _, _ in }.enter(0))
  }

  @Test("a free place wakes the workers in turn, each once")
  func turns() {
    let woken = Locked<[[Int]]>([])
    let room = WaitingRoom(limit: 9, workers: 4) { worker, others in
      woken.withLock { $0.append([worker, others]) }
    }
    func wakes(_ work: () -> Void) -> [[Int]] {
      woken.withLock { $0 = [] }
      work()
      return woken.withLock { $0 }
    }
    #expect(wakes { room.slotIsFree(besides: 1, others: 4) } == [])
    for worker in [0, 1, 3] { _ = room.enter(worker) }
    #expect(wakes { room.slotIsFree(besides: 1, others: 4) } == [[3, 2]])
    #expect(wakes { room.slotIsFree(besides: 3, others: 2) } == [[0, 1]])
    #expect(wakes { room.slotIsFree(besides: 0, others: 1) } == [[1, 0]])
    #expect(wakes { room.slotIsFree(besides: 1, others: 0) } == [])
    #expect(wakes { room.slotIsFree(besides: 3, others: 1) } == [[0, 0]])
  }

  @Test("who waits longest is first, but one with a server of its own does not hold up the others")
  func particular() throws {
    let origins = try ["a", "b"].enumerated().map { index, id in
      try makeOrigin(port: UInt16(index + 1), options: OriginOptions(max: 1, id: id))
    }
    let room = WaitingRoom(limit: 9, workers: 1) { _, _ in }
    let pool = OriginPool(origins, worker: 0, balance: .roundRobin, room: room)
    let holders = try (0..<2).map { _ in try Asker(pool).take() }
    let pinned = Asker(pool, preferred: pool.servers[0])
    let (first, second) = (Asker(pool), Asker(pool))
    for asker in [pinned, first, second] { asker.ask() }
    #expect(room.count == 3)
    #expect(holders.map { $0.place?.server.state.id } == ["a", "b"])
    holders[1].place = nil
    pool.serveLine(nowMs: 0)
    #expect(first.place?.server.state.id == "b")
    #expect(pinned.place == nil && second.place == nil)
    holders[0].place = nil
    pool.serveLine(nowMs: 0)
    #expect(pinned.place?.server.state.id == "a")
    pinned.place = nil
    first.place = nil
    pool.serveLine(nowMs: 0)
    #expect(second.place != nil)
    #expect(room.count == 0 && !pool.hasLine)
  }

  @Test("those who wait are told when the operator leaves no server")
  func noServer() throws {
    let origin = try makeOrigin(options: OriginOptions(max: 1))
    let pool = OriginPool(
      [origin], worker: 0, balance: .roundRobin, room: WaitingRoom(limit: 9, workers: 1) { _, _ in })
    let holder = try Asker(pool).take()
    let asker = Asker(pool)
    asker.ask()
    origin.setMode(.off)
    pool.serveLine(nowMs: 0)
    #expect(asker.isRefused)
    #expect(holder.place != nil, "what is under way ends as it would")
  }

  /// Threads in place of workers, each with its own pool before the same servers. Nobody looks at a line from time to
  /// time: a wake-up that got lost leaves a thread waiting for ever.
  @Test("no server ever has more than its maximum, and nobody waits for ever", arguments: [1, 2, 5])
  func threads(maximum: Int) throws {
    let workers = 4
    let origins = try (1...2).map {
      try makeOrigin(port: UInt16($0), options: OriginOptions(max: maximum), workers: workers)
    }
    let inboxes = (0..<workers).map { _ in Inbox() }
    let room = WaitingRoom(limit: 40, workers: workers) { worker, others in inboxes[worker].send(others) }
    let (excess, turnedAway, served, running) = (Tracker(), Tracker(), Tracker(), Tracker())
    _ = running.add(workers)
    let under = origins.map { _ in Tracker() }
    for worker in 0..<workers {
      try LoopThread(name: "model-\(worker)") {
        let pool = OriginPool(origins, worker: worker, balance: .roundRobin, room: room)
        var random = SplitMix(seed: UInt64(maximum * 10 + worker))
        var toStart = 4_000
        var waiting: [Asker] = []
        var held: [Asker] = []
        var isDone = false
        while running.current > 0 {
          for others in inboxes[worker].take(waits: isDone || (toStart == 0 && held.isEmpty)) {
            pool.placeIsFree(others: others, nowMs: 0)
          }
          if toStart > 0 {
            toStart -= 1
            let asker = Asker(pool, preferred: random.next() % 4 == 0 ? pool.servers[0] : nil)
            asker.ask()
            waiting.append(asker)
          }
          for asker in waiting where asker.place != nil || asker.isRefused {
            if let place = asker.place {
              let index = origins[0] === place.server.state ? 0 : 1
              if under[index].add(1) > maximum { _ = excess.add(1) }
              held.append(asker)
            } else {
              _ = turnedAway.add(1)
            }
          }
          waiting.removeAll { $0.place != nil || $0.isRefused }
          if !waiting.isEmpty, random.next() % 64 == 0 {
            waiting.remove(at: Int(random.next() % UInt64(waiting.count))).leave()
            _ = turnedAway.add(1)
          }
          if !held.isEmpty, random.next() % 2 == 0 {
            let asker = held.remove(at: Int(random.next() % UInt64(held.count)))
            if let place = asker.place { _ = under[origins[0] === place.server.state ? 0 : 1].add(-1) }
            asker.place = nil
            _ = served.add(1)
          }
          if !isDone, toStart == 0, waiting.isEmpty, held.isEmpty {
            isDone = true
            _ = running.add(-1)
          }
        }
      }.detach()
    }
    #expect(waits { running.current == 0 })
    #expect(excess.current == 0)
    #expect(served.current + turnedAway.current == workers * 4_000)
    #expect(served.current > workers * 100)
    #expect(origins.map { $0.gate.current } == [0, 0])
    #expect(origins.map(\.status.inFlight) == [0, 0])
    #expect(room.count == 0)
  }
}

/// Stands for an exchange.
private final class Asker: WaitingRequest {
  private let pool: OriginPool
  let originRequest: OriginRequest
  var place: KeptPlace?
  private(set) var isRefused = false
  private var ticket: UInt64?

  init(_ pool: OriginPool, preferred: OriginServer? = nil) {
    self.pool = pool
    originRequest = OriginRequest(preferred: preferred)
  }

  func take() throws -> Asker {
    ask()
    if place == nil { throw Refused() }
    return self
  }
  struct Refused: Error {}

  /// As an exchange does.
  func ask() {
    if pool.hasLine { pool.serveLine(nowMs: 0) }
    switch pool.choose(for: originRequest, nowMs: 0) {
    case .server(let slot): place = KeptPlace(slot)
    case .none: isRefused = true
    case .full:
      ticket = pool.wait(self)
      if ticket == nil { isRefused = true } else { pool.serveLine(nowMs: 0) }
    }
  }

  func leave() {
    if let ticket { pool.leave(ticket) }
  }

  func hasPlace(_ slot: consuming OriginSlot) {
    ticket = nil
    place = KeptPlace(slot)
  }

  func hasNoServer() {
    ticket = nil
    isRefused = true
  }
}

/// Wake-ups for one thread.
private final class Inbox: Sendable {
  private let messages = Locked<[Int]>([])

  func send(_ others: Int) { messages.withLock { $0.append(others) } }

  /// - Parameter waits: gives the others the processor when there is nothing.
  func take(waits: Bool) -> [Int] {
    let taken = messages.withLock { messages in
      defer { messages = [] }
      return messages
    }
    if taken.isEmpty, waits { usleep(100) }
    return taken
  }
}

/// A number that all threads change.
private final class Tracker: Sendable {
  private let count = Atomic(0)
  var current: Int { count.load(ordering: .sequentiallyConsistent) }
  func add(_ number: Int) -> Int { count.add(number, ordering: .sequentiallyConsistent).newValue }
}

/// Numbers that are the same in every run.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
