import Testing

@testable import Proxy

@Suite("the newest events")
struct EventRingTests {
  private let ring = EventRing<Int>(capacity: 4, limits: [8, 3])

  private func keep(_ numbers: ClosedRange<Int>) {
    for number in numbers {
      ring.keep(number, atUs: UInt64(number) * 10) { texts in
        texts.set(0, "text \(number)".utf8)
        if number % 2 == 0 { texts.set(1, "long".utf8) }
      }
    }
  }

  @Test("come newest first, no more than are asked for")
  func order() {
    #expect(ring.newest(10).isEmpty)
    keep(1...3)
    #expect(ring.newest(10).map(\.facts) == [3, 2, 1])
    #expect(ring.newest(2).map(\.facts) == [3, 2])
    #expect(ring.newest(0).isEmpty)
    #expect(ring.newest(-1).isEmpty)
    #expect(ring.newest(1).map(\.atUs) == [30])
  }

  @Test("take the place of the oldest, their texts with them")
  func bound() {
    keep(1...10)
    let newest = ring.newest(10)
    #expect(newest.map(\.facts) == [10, 9, 8, 7])
    #expect(newest.map { $0.texts[0] } == ["text 10", "text 9", "text 8", "text 7"])
    #expect(newest.map { $0.texts[1] } == ["lon", nil, "lon", nil])
  }

  @Test("texts are cut at their room, within a letter too")
  func cuts() {
    ring.keep(1, atUs: 0) { texts in
      texts.set(0, "0123456789".utf8)
      texts.set(1, "eñe".utf8)
    }
    ring.keep(2, atUs: 0) { $0.set(1, "aañ".utf8) }
    #expect(ring.newest(2).map(\.texts) == [[nil, "aa\u{FFFD}"], ["01234567", "eñ"]])
  }

  @Test("of several workers are merged by their time")
  func merge() {
    let rings = [EventRing<Int>(capacity: 4, limits: []), EventRing<Int>(capacity: 4, limits: [])]
    for number in 1...6 { rings[number % 2].keep(number, atUs: UInt64(number)) { _ in } }
    let newest = rings.newest(4) { ring in ring.newest(4).map { ($0.atUs, $0.facts) } }
    #expect(newest == [6, 5, 4, 3])
  }
}
