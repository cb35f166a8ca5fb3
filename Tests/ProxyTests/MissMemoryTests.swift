import Testing

@testable import Proxy

@Suite("the memory of double misses")
struct MissMemoryTests {
  private func fingerprint(_ key: String, isRead: Bool = true) -> UInt64 {
    MissMemory.fingerprint(of: Array(key.utf8).span.bytes, isRead: isRead)
  }

  @Test("knows a URL until its lifetime is over, and no longer")
  func expires() {
    var misses = MissMemory(lifetimeMs: 60_000)
    #expect(!misses.contains(fingerprint("/a"), nowMs: 0))
    misses.insert(fingerprint("/a"), nowMs: 1_000)
    #expect(misses.contains(fingerprint("/a"), nowMs: 1_000))
    #expect(misses.contains(fingerprint("/a"), nowMs: 60_999))
    #expect(!misses.contains(fingerprint("/a"), nowMs: 61_000))
    #expect(!misses.contains(fingerprint("/b"), nowMs: 1_000))
  }

  @Test("is renewed by another miss")
  func renews() {
    var misses = MissMemory(lifetimeMs: 1_000)
    misses.insert(fingerprint("/a"), nowMs: 0)
    misses.insert(fingerprint("/a"), nowMs: 900)
    #expect(misses.contains(fingerprint("/a"), nowMs: 1_500))
    #expect(!misses.contains(fingerprint("/a"), nowMs: 1_900))
  }

  @Test("keeps what is read and what is written at a URL apart")
  func tellsMethodsApart() {
    var misses = MissMemory(lifetimeMs: 1_000)
    misses.insert(fingerprint("/a", isRead: true), nowMs: 0)
    #expect(misses.contains(fingerprint("/a", isRead: true), nowMs: 1))
    #expect(!misses.contains(fingerprint("/a", isRead: false), nowMs: 1))
    #expect(fingerprint("/a") == fingerprint("/a"))
    #expect(fingerprint("") != 0)
  }

  @Test("remembers nothing without a lifetime")
  func canBeOff() {
    var misses = MissMemory(lifetimeMs: 0)
    misses.insert(fingerprint("/a"), nowMs: 5)
    #expect(!misses.contains(fingerprint("/a"), nowMs: 5))
    #expect(!misses.contains(fingerprint("/a"), nowMs: 0))
  }

  @Test("keeps its size through 1,000,000 misses, and forgets the one that ends first")
  func isBounded() {
    var misses = MissMemory(lifetimeMs: 10_000_000)
    let places = 8192 * 4
    var last: [UInt64] = []
    for number in 0..<1_000_000 {
      let one = UInt64(number + 1) &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(number) >> 3
      misses.insert(one, nowMs: UInt64(number))
      if number >= 1_000_000 - 4_096 { last.append(one) }
    }
    #expect(sizes(of: misses) == [places, places])
    // Four to a set: of the last eighth of a table nearly all must still be there.
    let known = last.count { misses.contains($0, nowMs: 1_000_000) }
    #expect(known > last.count * 99 / 100)

    let set = (0..<5).map { UInt64(7 + $0 * 8192) }
    var small = MissMemory(lifetimeMs: 1_000)
    for (number, one) in set.enumerated() { small.insert(one, nowMs: UInt64(number)) }
    #expect(set.map { small.contains($0, nowMs: 5) } == [false, true, true, true, true])
  }

  private func sizes(of misses: MissMemory) -> [Int] {
    Mirror(reflecting: misses).children.compactMap { ($0.value as? [UInt64])?.count }
  }
}
