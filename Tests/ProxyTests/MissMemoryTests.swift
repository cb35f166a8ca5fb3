import EventLoop
import Testing

@testable import Proxy

@Suite("the memory of double misses")
struct MissMemoryTests {
  private func fingerprint(_ key: String, isRead: Bool = true) -> UInt64 {
    MissMemory.fingerprint(of: Array(key.utf8).span.bytes, isRead: isRead)
  }

  @Test("knows a URL until its lifetime is over, and no longer than a tick of 16 ms past it")
  func expires() {
    let misses = MissMemory(count: 1024, lifetimeMs: 60_000)
    #expect(!misses.contains(fingerprint("/a"), nowMs: 0))
    misses.insert(fingerprint("/a"), nowMs: 1_000)
    #expect(misses.contains(fingerprint("/a"), nowMs: 1_000))
    #expect(misses.contains(fingerprint("/a"), nowMs: 60_983))
    #expect(!misses.contains(fingerprint("/a"), nowMs: 61_016))
    #expect(!misses.contains(fingerprint("/b"), nowMs: 1_000))
  }

  @Test("goes on over the end of its clock, and a longest lifetime is not mistaken for a past one")
  func clockComesRound() {
    let dayMs: UInt64 = 24 * 3_600_000
    for startMs: UInt64 in [0, (1 << 28) - 16, (1 << 28) - 1, 1 << 28, 1 << 40] {
      let misses = MissMemory(count: 16, lifetimeMs: dayMs)
      misses.insert(fingerprint("/a"), nowMs: startMs)
      for ageMs: UInt64 in [0, 1, dayMs / 2, dayMs - 16] {
        #expect(misses.contains(fingerprint("/a"), nowMs: startMs + ageMs), "\(startMs), \(ageMs)")
      }
      for ageMs: UInt64 in [dayMs + 16, dayMs * 2, dayMs * 3] {
        #expect(!misses.contains(fingerprint("/a"), nowMs: startMs + ageMs), "\(startMs), \(ageMs)")
      }
    }
  }

  @Test("is renewed by another miss")
  func renews() {
    let misses = MissMemory(count: 1024, lifetimeMs: 1_000)
    misses.insert(fingerprint("/a"), nowMs: 0)
    misses.insert(fingerprint("/a"), nowMs: 900)
    #expect(misses.contains(fingerprint("/a"), nowMs: 1_500))
    #expect(!misses.contains(fingerprint("/a"), nowMs: 1_920))
  }

  @Test("keeps what is read and what is written at a URL apart")
  func tellsMethodsApart() {
    let misses = MissMemory(count: 1024, lifetimeMs: 1_000)
    misses.insert(fingerprint("/a", isRead: true), nowMs: 0)
    #expect(misses.contains(fingerprint("/a", isRead: true), nowMs: 1))
    #expect(!misses.contains(fingerprint("/a", isRead: false), nowMs: 1))
    #expect(fingerprint("/a") == fingerprint("/a"))
  }

  @Test("remembers nothing without a lifetime")
  func canBeOff() {
    let misses = MissMemory(count: 1024, lifetimeMs: 0)
    misses.insert(fingerprint("/a"), nowMs: 5)
    #expect(!misses.contains(fingerprint("/a"), nowMs: 5))
    #expect(!misses.contains(fingerprint("/a"), nowMs: 0))
  }

  @Test(
    "at its default size knows 99.9 % of 100,000 URLs, and takes none that it has not seen for one of them")
  func holdsAScan() {
    let misses = MissMemory(count: 262_144, lifetimeMs: 60_000)
    let urls = (0..<100_000).map { fingerprint("/scan/\($0).php") }
    for url in urls { misses.insert(url, nowMs: 1_000) }
    #expect(urls.count { misses.contains($0, nowMs: 2_000) } >= 99_900)
    #expect((0..<100_000).count { misses.contains(fingerprint("/page/\($0)"), nowMs: 2_000) } == 0)
  }

  @Test("forgets the one that ends first when a set is full, and one that has ended before that")
  func replaces() {
    let misses = MissMemory(count: 16, lifetimeMs: 1_000)
    let urls = (0..<17).map { fingerprint("/\($0)") }
    for (number, url) in urls.enumerated() { misses.insert(url, nowMs: UInt64(number) * 32) }
    #expect(urls.map { misses.contains($0, nowMs: 600) } == [false] + Array(repeating: true, count: 16))
    misses.insert(fingerprint("/later"), nowMs: 1_040)
    #expect(urls[2...].allSatisfy { misses.contains($0, nowMs: 1_040) })
    #expect(!misses.contains(urls[1], nowMs: 1_040))
  }

  @Test("is shared by threads: what one has inserted another finds")
  func isShared() throws {
    let misses = MissMemory(count: 65_536, lifetimeMs: 60_000)
    let insert = { @Sendable (part: Int) in
      for number in 0..<5_000 { misses.insert(fingerprint("/\(part)/\(number)"), nowMs: 1_000) }
    }
    let other = try LoopThread(name: "scan") { insert(1) }
    insert(0)
    other.join()
    let found = (0..<2).map { part in
      (0..<5_000).count { misses.contains(fingerprint("/\(part)/\($0)"), nowMs: 1_000) }
    }
    #expect(found.reduce(0, +) >= 9_990)
  }
}
