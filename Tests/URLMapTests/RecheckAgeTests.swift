import Testing

@testable import URLMap

@Suite("when a known URL is asked of the new site again")
struct RecheckAgeTests {
  private let learnedAt: UInt32 = 1_772_368_496

  private func isDue(_ key: String, age: Int64, mean: UInt32) -> Bool {
    let now = UInt32(clamping: Int64(learnedAt) + age)
    let entry = MapEntry(learnedAt: learnedAt, lastUsedAt: now, hits: 3)
    return RecheckAge(meanSeconds: mean).isDue(entry, key: Array(key.utf8).span.bytes, at: now)
  }

  /// The first second at which the key is due.
  private func dueAge(_ key: String, mean: UInt32) -> Int64 {
    var (young, due): (Int64, Int64) = (-1, Int64(mean) * 2)
    while due - young > 1 {
      let middle = (young + due) / 2
      if isDue(key, age: middle, mean: mean) { due = middle } else { young = middle }
    }
    return due
  }

  @Test("no URL is due before three quarters of the age, each is by five quarters")
  func bounds() {
    for number in 0..<200 {
      let due = dueAge("/page/\(number).html", mean: 86_400)
      #expect((64_800...108_000).contains(due))
    }
  }

  @Test("URLs learned in one second are asked all over the half of the age that lies between")
  func spread() {
    var counts = [Int](repeating: 0, count: 10)
    for number in 0..<2_000 {
      let due = dueAge("/archive/2019/\(number)", mean: 86_400)
      counts[min(9, Int(due - 64_800) * 10 / 43_200)] += 1
    }
    #expect(counts.allSatisfy { (150...250).contains($0) }, "\(counts)")
  }

  @Test("keys that differ in their last byte only have ages of their own")
  func lastByte() {
    let ages = Set("0123456789".map { dueAge("/very/long/shared/path/\($0)", mean: 31_536_000) })
    #expect(ages.count == 10)
  }

  @Test("the age of a URL is the same in every process")
  func isStable() {
    #expect(["/", "/noexiste.html", "/?p=7"].map { dueAge($0, mean: 86_400) } == [103_642, 107_340, 78_875])
  }

  @Test("a URL learned in the future is not due; with an age of 0 every other is")
  func edges() {
    #expect(!isDue("/", age: -1, mean: 0))
    #expect(!isDue("/", age: -1_000_000, mean: 86_400))
    #expect(isDue("/", age: 0, mean: 0))
    #expect(!isDue("/", age: 0, mean: 1))
    #expect(!isDue("/", age: 1_000_000_000, mean: .max))
    #expect(isDue("/", age: 2_000_000_000, mean: 31_536_000))
  }
}
