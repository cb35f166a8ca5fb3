import EventLoop
import HTTP1
import Testing

@testable import Proxy

@Suite("the server that a session lives on")
struct SessionHomeTests {
  private func origins(_ weights: [Int], workers: Int = 1) throws -> [OriginState] {
    var policy = PassiveHealthPolicy()
    policy.failures = 1
    return try weights.enumerated().map { index, weight in
      try makeOrigin(
        port: UInt16(index + 1),
        options: OriginOptions(weight: weight, id: String(UnicodeScalar(UInt8(97 + index)))),
        workers: workers, policy: policy)
    }
  }

  private func pool(_ origins: [OriginState], worker: Int = 0) -> OriginPool {
    OriginPool(origins, worker: worker, balance: .roundRobin, room: .none)
  }

  /// The id of the server for a session that began on the server with this place, nil for none.
  private func home(
    _ pool: OriginPool, _ value: String, began server: Int? = nil, mayTry: Bool = true, laterMs: UInt64 = 0
  ) -> String? {
    let bytes = Array(value.utf8)
    let session = StickyCookie.Session(server: server, value: ByteRange(lower: 0, upper: bytes.count))
    let nowMs = EventLoop.monotonicMs() + laterMs
    return pool.home(of: session, in: bytes.span.bytes, mayTry: mayTry, nowMs: nowMs)?.state.id
  }

  @Test("is the one that it began on, drained or not, until that is off, down or paused")
  func own() throws {
    let origins = try origins([1, 1, 1])
    let pool = pool(origins)
    for value in ["x", "y", "z"] { #expect(home(pool, value, began: 1) == "b") }
    origins[1].setMode(.drain)
    #expect(home(pool, "x", began: 1) == "b")
    origins[1].setMode(.off)
    #expect(home(pool, "x", began: 1) != "b")
    origins[1].setMode(.ready)
    origins[1].setChecked(.down)
    #expect(home(pool, "x", began: 1) != "b")
    origins[1].setChecked(.up)
    #expect(home(pool, "x", began: 1) == "b")
    origins[1].requestFailed()
    #expect(home(pool, "x", began: 1) != "b")
  }

  @Test(
    "is tried by one of its own sessions when its pause is over, and the others stay where they are meanwhile"
  )
  func trial() throws {
    let origins = try origins([1, 1])
    let pool = pool(origins)
    origins[0].requestFailed()
    #expect(home(pool, "x", began: 0) == "b")
    let afterPause: UInt64 = 10_000
    #expect(home(pool, "x", began: 0, laterMs: afterPause) == nil)
    #expect(home(pool, "x", began: 0, mayTry: false, laterMs: afterPause) == "b")
    #expect(home(pool, "x", began: 1, laterMs: afterPause) == "b")
    #expect(origins[0].beginTrial(nowMs: EventLoop.monotonicMs() + afterPause))
    #expect(home(pool, "x", began: 0, laterMs: afterPause) == "b")
    origins[0].requestSucceeded()
    #expect(home(pool, "x", began: 0) == "a")
  }

  @Test("follows from its value where it has none: by weight, the same on every worker and after a restart")
  func byValue() throws {
    let origins = try origins([1, 3], workers: 2)
    let pools = [pool(origins), pool(origins, worker: 1), pool(try self.origins([1, 3]))]
    let homes = (0..<4000).map { home(pools[0], "session-\($0)") }
    for pool in pools { #expect((0..<4000).map { home(pool, "session-\($0)") } == homes) }
    #expect((900...1100).contains(homes.count { $0 == "a" }), "\(homes.count { $0 == "a" })")
    #expect(homes.prefix(12).compactMap(\.self).joined() == "babbabbabbbb")
  }

  @Test("changes only for those whose server goes, and changes back with it")
  func fewMove() throws {
    let origins = try origins([1, 1, 1])
    let pool = pool(origins)
    let before = (0..<900).map { home(pool, "\($0)") }
    origins[2].setMode(.drain)
    let without = (0..<900).map { home(pool, "\($0)") }
    for (one, other) in zip(before, without) { #expect(one == other || one == "c") }
    #expect(Set(zip(before, without).filter { $0.0 == "c" }.map(\.1)) == ["a", "b"])
    origins[2].setMode(.ready)
    #expect((0..<900).map { home(pool, "\($0)") } == before)
  }

  @Test("is left to the balance while no server is up")
  func noneUp() throws {
    let origins = try origins([1, 1])
    for origin in origins { origin.setChecked(.down) }
    #expect(home(pool(origins), "x", began: 0) == nil)
    #expect(home(pool([]), "x", began: 3) == nil)
  }
}
