import EventLoop
import Testing

@testable import Proxy

/// A place that is kept.
final class KeptPlace {
  let server: OriginServer
  private let slot: OriginSlot

  init(_ slot: consuming OriginSlot) {
    server = slot.server
    self.slot = consume slot
  }
}

/// What a pool said.
enum Said: Equatable {
  case server(String)
  case full
  case none
}

@Suite("how a site's servers share its requests")
struct BalanceTests {
  /// Servers named a, b, c … of these weights.
  private func origins(
    _ weights: [Int], max: Int? = nil, policy: PassiveHealthPolicy = PassiveHealthPolicy(), workers: Int = 1
  ) throws -> [OriginState] {
    try weights.enumerated().map { index, weight in
      try makeOrigin(
        port: UInt16(index + 1),
        options: OriginOptions(weight: weight, max: max, id: String(UnicodeScalar(UInt8(97 + index)))),
        workers: workers, policy: policy)
    }
  }

  private func pool(_ origins: [OriginState], _ balance: Balance = .roundRobin) -> OriginPool {
    OriginPool(origins, worker: 0, balance: balance, room: .none)
  }

  private func say(
    _ pool: OriginPool, _ request: OriginRequest = OriginRequest(), nowMs: UInt64 = 0
  ) -> Said {
    switch pool.choose(for: request, nowMs: nowMs) {
    case .server(let slot): .server(slot.server.state.id)
    case .full: .full
    case .none: .none
    }
  }

  /// The servers of so many requests in turn, none of them under way for longer.
  private func sequence(_ pool: OriginPool, _ count: Int, nowMs: UInt64 = 0) -> String {
    (0..<count).map { _ in
      if case .server(let id) = say(pool, nowMs: nowMs) { id } else { "-" }
    }.joined()
  }

  private func place(_ pool: OriginPool, _ request: OriginRequest = OriginRequest()) throws -> KeptPlace {
    switch pool.choose(for: request, nowMs: 0) {
    case .server(let slot): return KeptPlace(slot)
    case .full: throw NoPlace()
    case .none: throw NoPlace()
    }
  }
  private struct NoPlace: Error {}

  @Test(
    "in turn by weight, without runs",
    arguments: [
      ([1], "aaa"), ([1, 1], "abab"), ([1, 1, 1], "abcabc"), ([5, 1, 1], "aabacaaaabacaa"),
      ([3, 1], "aabaaaba"), ([1, 2], "bab" + "bab"),
    ])
  func roundRobin(weights: [Int], expected: String) throws {
    #expect(sequence(pool(try origins(weights)), expected.count) == expected)
  }

  @Test(
    "over any round each server has exactly its weight", arguments: [[7, 3, 5, 1], [256, 1], [2, 2, 9]])
  func shares(weights: [Int]) throws {
    let pool = pool(try origins(weights))
    let round = weights.reduce(0, +)
    for _ in 1...3 {
      let ids = sequence(pool, round)
      for (index, weight) in weights.enumerated() {
        #expect(ids.utf8.count { $0 == 97 + UInt8(index) } == weight)
      }
    }
  }

  @Test("the least busy for its weight gets the next request, equals in turn")
  func leastConnections() throws {
    let pool = pool(try origins([1, 1, 2]), .leastConnections)
    #expect(sequence(pool, 8) == "cabccabc", "idle ones share by weight")
    var kept: [KeptPlace] = []
    for _ in 1...8 { kept.append(try place(pool)) }
    let counts = ["a", "b", "c"].map { id in kept.count { $0.server.state.id == id } }
    #expect(counts == [2, 2, 4])
    kept.removeAll { $0.server.state.id == "b" }
    #expect(sequence(pool, 3) == "bbb")
  }

  @Test("what other workers have under way counts too")
  func otherWorkers() throws {
    let origins = try origins([1, 1], workers: 2)
    let pool = pool(origins, .leastConnections)
    origins[0].tallies[1].requestBegan()
    #expect(sequence(pool, 3) == "bbb")
  }

  @Test("the operator's drain and off keep requests away; when nothing is left there is no server")
  func modes() throws {
    let origins = try origins([1, 1, 1])
    let pool = pool(origins)
    origins[0].setMode(.drain)
    #expect(sequence(pool, 4) == "bcbc")
    origins[1].setMode(.off)
    #expect(sequence(pool, 2) == "cc")
    origins[2].setMode(.off)
    #expect(say(pool) == .none)
    origins[0].setMode(.ready)
    #expect(sequence(pool, 2) == "aa")
  }

  @Test("those that were tried are left out")
  func tried() throws {
    let pool = pool(try origins([1, 1]))
    var request = OriginRequest()
    request.tried.insert(pool.servers[0])
    #expect(say(pool, request) == .server("b"))
    #expect(pool.hasOther(than: request.tried))
    request.tried.insert(pool.servers[1])
    #expect(say(pool, request) == .none)
    #expect(!pool.hasOther(than: request.tried))
  }

  /// Failures pause at once, for a second.
  private var brittle: PassiveHealthPolicy {
    var policy = PassiveHealthPolicy()
    policy.failures = 1
    policy.slowStartMs = 0
    return policy
  }

  @Test("when all are down a request gets what its last resort allows")
  func lastResort() throws {
    var once = PassiveHealthPolicy()
    once.failures = 1
    let origins = try origins([1, 1], policy: once)
    let pool = pool(origins)
    origins[0].setChecked(.down)
    origins[1].requestFailed()
    let nowMs = EventLoop.monotonicMs()
    func said(_ resort: LastResort) -> Set<String> {
      Set((0..<4).map { _ in "\(say(pool, OriginRequest(lastResort: resort), nowMs: nowMs))" })
    }
    #expect(said(.none) == ["none"])
    #expect(said(.unpaused) == ["server(\"a\")"])
    #expect(said(.all) == ["server(\"a\")", "server(\"b\")"])
    origins[0].setChecked(.up)
    #expect(said(.none) == ["server(\"a\")"])
  }

  @Test("down or paused servers get nothing while another is up, and all of it when none is")
  func allDown() throws {
    let origins = try origins([1, 2, 1], policy: brittle)
    let pool = pool(origins)
    origins[0].requestFailed()
    origins[1].setChecked(.down)
    #expect(sequence(pool, 3) == "ccc")
    origins[2].requestFailed()
    let ids = sequence(pool, 4)
    #expect(ids.contains("a") && ids.contains("b") && ids.contains("c"))
    origins[0].setMode(.off)
    origins[1].setMode(.off)
    origins[2].setMode(.drain)
    #expect(say(pool) == .none)
  }

  @Test("one request tries a paused server when it is time, and only one that may be sent twice")
  func trial() throws {
    let origins = try origins([1, 1], policy: brittle)
    let pool = pool(origins)
    origins[0].requestFailed()
    let later = EventLoop.monotonicMs() + 2_000
    #expect(say(pool, OriginRequest(mayTry: false), nowMs: later) == .server("b"))
    switch pool.choose(for: OriginRequest(), nowMs: later) {
    case .full: Issue.record("no place")
    case .none: Issue.record("no server")
    case .server(let slot):
      let trial = KeptPlace(slot)
      #expect(trial.server.state.id == "a")
      #expect(sequence(pool, 3, nowMs: later) == "bbb", "the others go on where it works")
    }
    #expect(say(pool, nowMs: later) == .server("a"), "the trial has found out nothing: the next one tries")
    origins[0].requestSucceeded()
    #expect(sequence(pool, 4, nowMs: later).utf8.count { $0 == UInt8(ascii: "a") } == 2)
  }

  @Test("a server that is back begins with a tenth of its share")
  func slowStart() throws {
    var policy = brittle
    policy.slowStartMs = 10_000
    let origins = try origins([1, 1], policy: policy)
    let pool = pool(origins)
    origins[0].requestFailed()
    origins[0].requestSucceeded()
    let nowMs = EventLoop.monotonicMs()
    #expect(sequence(pool, 110, nowMs: nowMs).utf8.count { $0 == UInt8(ascii: "a") } == 10)
    #expect(
      (48...52).contains(sequence(pool, 150, nowMs: nowMs + 5_000).utf8.count { $0 == UInt8(ascii: "a") }))
    #expect(sequence(pool, 100, nowMs: nowMs + 11_000).utf8.count { $0 == UInt8(ascii: "a") } == 50)
  }

  @Test("the only server of its site is not throttled by its slow start, nor by its pause")
  func onlyServer() throws {
    let origins = try origins([1])
    let pool = pool(origins)
    for _ in 1...3 { origins[0].requestFailed() }
    #expect(origins[0].status.condition == .paused)
    #expect(sequence(pool, 50) == String(repeating: "a", count: 50))
    origins[0].requestSucceeded()
    #expect(origins[0].status.condition == .slowStart)
    #expect(sequence(pool, 50, nowMs: EventLoop.monotonicMs()) == String(repeating: "a", count: 50))
  }

  @Test(
    "a request goes to its own server, drained or not, and waits for it; elsewhere when it is off or down")
  func preferred() throws {
    let origins = try origins([1, 1], max: 1, policy: brittle)
    let pool = pool(origins)
    let own = OriginRequest(preferred: pool.servers[1])
    for _ in 1...3 { #expect(say(pool, own) == .server("b")) }
    origins[1].setMode(.drain)
    #expect(say(pool, own) == .server("b"))
    var place: KeptPlace? = try self.place(pool, own)
    #expect(place?.server.state.id == "b")
    #expect(say(pool, own) == .full)
    place = nil
    #expect(say(pool, own) == .server("b"))
    origins[1].setMode(.off)
    #expect(say(pool, own) == .server("a"))
    origins[1].setMode(.ready)
    origins[1].setChecked(.down)
    #expect(say(pool, own) == .server("a"))
    origins[1].setChecked(.up)
    origins[1].requestFailed()
    #expect(say(pool, own) == .server("a"))
  }

  @Test("a server serves its maximum and no more; when all do, the request has to wait")
  func maxima() throws {
    let origins = try origins([1, 1], max: 2)
    let pool = pool(origins)
    var kept = try (1...4).map { _ in try place(pool) }
    #expect(origins.map(\.status.inFlight) == [2, 2])
    #expect(say(pool) == .full)
    kept.removeLast()
    #expect(say(pool) == .server("b"))
    kept.removeAll()
    #expect(origins.map(\.status.inFlight) == [0, 0])
    origins[0].setMode(.off)
    kept = try (1...2).map { _ in try place(pool) }
    #expect(say(pool) == .full, "the one that is off does not count")
    kept.removeAll()
  }
}
