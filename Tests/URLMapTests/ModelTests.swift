import Testing

@testable import URLMap

@Suite("The trie against a dictionary")
struct ModelTests {
  /// A key of a kind that a trie finds hard: shared beginnings, prefixes of each other, last bytes that differ, single
  /// bytes, and a few of 8 KiB.
  private func hardKey(_ random: inout SeededGenerator) -> [UInt8] {
    let allowed: ClosedRange<UInt8> = 0x24...0x7E
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<5: return [UInt8.random(in: allowed, using: &random)]
    case 5..<25: return [UInt8](repeating: 0x61, count: Int.random(in: 1...40, using: &random))
    case 25..<45: return Array("/seccion/".utf8) + [UInt8.random(in: allowed, using: &random)]
    case 45..<65:
      let digits = (0..<Int.random(in: 1...4, using: &random)).map { _ in
        UInt8.random(in: 0x30...0x33, using: &random)
      }
      return Array("/noticias/2014/".utf8) + digits
    case 65:
      var key = [UInt8](repeating: 0x7A, count: 8000)
      for _ in 0..<Int.random(in: 0...3, using: &random) {
        key[Int.random(in: 0..<key.count, using: &random)] = UInt8.random(in: allowed, using: &random)
      }
      return key + [UInt8](repeating: 0x79, count: Int.random(in: 0...192, using: &random))
    default:
      return (0..<Int.random(in: 1...6, using: &random)).map { _ in
        UInt8.random(in: 0x61...0x66, using: &random)
      }
    }
  }

  @Test(
    "learning, forgetting, visiting and walking agree with a dictionary",
    arguments: 1...4 as ClosedRange<UInt64>)
  func agreesWithDictionary(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let map = URLMap()
    let reader = map.makeReader()
    var model: [[UInt8]: MapEntry] = [:]
    for round in 0..<60 {
      let forgetShare = round % 12 < 6 ? 20 : 75
      for step in 0..<200 {
        let key = hardKey(&random)
        let now = UInt32(round * 200 + step)
        if Int.random(in: 0..<100, using: &random) < forgetShare {
          while !map.forget(key) { map.waitUntilApplied() }
          model[key] = nil
        } else {
          map.learnPatiently(key, at: now)
          model[key, default: MapEntry(learnedAt: now)].learnedAt = now
        }
      }
      map.waitUntilApplied()
      #expect(map.count == model.count)
      for _ in 0..<100 {
        let key = hardKey(&random)
        let now = UInt32(round * 200 + 200)
        #expect(reader.lookup(key, countingHitAt: now) == model[key])
        model[key]?.hits += 1
        model[key]?.lastUsedAt = now
      }
      let walked = map.allEntries
      let expected = model.sorted { isBelow($0.key, $1.key) }
      #expect(walked.map(\.key) == expected.map(\.key))
      #expect(walked.map(\.entry) == expected.map(\.value))
    }
  }

  @Test(
    "a walk from any key on begins with the first entry that is not below it",
    arguments: [11, 12] as [UInt64])
  func seekAgrees(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let map = URLMap()
    var keys: Set<[UInt8]> = []
    for _ in 0..<600 {
      let key = hardKey(&random)
      keys.insert(key)
      map.learnPatiently(key)
    }
    map.waitUntilApplied()
    let sorted = keys.sorted(by: isBelow)
    for _ in 0..<600 {
      let start = hardKey(&random)
      var walk = TrieWalk(map.core.memory)
      walk.seek(start.span, after: false)
      #expect((walk.next() == nil ? nil : walk.key) == sorted.first { !isBelow($0, start) })
      walk.seek(start.span, after: true)
      #expect((walk.next() == nil ? nil : walk.key) == sorted.first { isBelow(start, $0) })
    }
  }

  @Test("a trie built aside equals one that learned, in order or not", arguments: [true, false])
  func builderAgrees(sorted: Bool) {
    var random = SeededGenerator(seed: 21)
    var model: [[UInt8]: MapEntry] = [:]
    for number in 0..<1500 { model[hardKey(&random)] = MapEntry(learnedAt: UInt32(number)) }
    var entries = Array(model).sorted { isBelow($0.key, $1.key) }
    if !sorted { entries.shuffle(using: &random) }
    let map = URLMap()
    map.core.writer.withLock { writer in
      writer.beginLoad()
      var outOfOrder = 0
      for (key, entry) in entries {
        switch key.withUnsafeBytes({ writer.addLoaded($0, entry) }) {
        case .added: break
        case .addedOutOfOrder: outOfOrder += 1
        case .duplicate, .outOfMemory: Issue.record("not added")
        }
      }
      #expect(outOfOrder == (sorted ? 0 : 1), "the first one")
      let isPublished = writer.publishLoad()
      #expect(isPublished)
    }
    let expected = model.sorted { isBelow($0.key, $1.key) }
    #expect(map.allEntries.map(\.key) == expected.map(\.key))
    #expect(map.allEntries.map(\.entry) == expected.map(\.value))
    let reader = map.makeReader()
    #expect(expected.allSatisfy { reader.lookup($0.key) == $0.value })
  }
}
