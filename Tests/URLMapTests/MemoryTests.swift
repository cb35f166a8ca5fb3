import Testing

@testable import URLMap

@Suite("The map's memory and its bounds")
struct MemoryTests {
  private func page(_ number: Int) -> [UInt8] { Array("/seccion/\(number % 7)/pagina-\(number).html".utf8) }

  @Test("what is forgotten gives its memory back, and learning again takes hardly more")
  func forgettingGivesBack() {
    let map = URLMap()
    var most = 0
    for round in 0..<6 {
      for number in 0..<3000 { map.learnPatiently(page(number)) }
      map.waitUntilApplied()
      if round == 0 { most = map.statistics.arenaBytes }
      #expect(map.statistics.arenaBytes <= most + most / 8)
      for number in 0..<3000 { while !map.forget(page(number)) { map.waitUntilApplied() } }
      map.waitUntilApplied()
      #expect(map.count == 0)
      #expect(map.statistics.arenaBytesInUse == ArenaMemory.headerBytes)
    }
  }

  @Test("memory stays bounded when ever other URLs are learned and forgotten")
  func churn() {
    var random = SeededGenerator(seed: 5)
    let map = URLMap()
    var known: [[UInt8]] = []
    for number in 0..<12_000 {
      let key = page(number * 7919) + [UInt8](repeating: 0x78, count: Int.random(in: 0...60, using: &random))
      map.learnPatiently(key)
      known.append(key)
      if known.count > 1000 {
        let gone = known.remove(at: Int.random(in: 0..<known.count, using: &random))
        while !map.forget(gone) { map.waitUntilApplied() }
      }
    }
    map.waitUntilApplied()
    let statistics = map.statistics
    #expect(statistics.urls == 1000)
    #expect(statistics.arenaBytes < 2 * statistics.arenaBytesInUse + (64 << 10))
  }

  @Test("keys that are each other's beginnings, 16 KiB deep, are found, walked and forgotten")
  func deepNesting() {
    let map = URLMap(.init(maxKeyBytes: 16_384))
    let deepest = [UInt8](repeating: 0x61, count: 16_384)
    let lengths = Array(stride(from: 1, through: 16_384, by: 7))
    for length in lengths { map.learnPatiently(Array(deepest[..<length])) }
    map.waitUntilApplied()
    #expect(map.count == lengths.count)
    #expect(map.allEntries.map(\.key.count) == lengths)
    let reader = map.makeReader()
    #expect(lengths.allSatisfy { reader.lookup(Array(deepest[..<$0])) != nil })
    #expect(reader.lookup(Array(deepest[..<2])) == nil)
    // One byte more a node than its part of the key, and a node's fixed part: not the sum of the keys' lengths.
    #expect(map.statistics.arenaBytesInUse < lengths.count * 40)
    for length in lengths.reversed() {
      while !map.forget(Array(deepest[..<length])) { map.waitUntilApplied() }
    }
    map.waitUntilApplied()
    #expect(map.statistics.arenaBytesInUse == ArenaMemory.headerBytes)
  }

  @Test("long URLs that share their beginning store it once")
  func sharedPrefixIsStoredOnce() {
    let map = URLMap(.init(maxKeyBytes: 16_384))
    let shared = [UInt8](repeating: 0x62, count: 16_000)
    for number in 0..<500 { map.learnPatiently(shared + Array("\(number)".utf8)) }
    map.waitUntilApplied()
    #expect(map.count == 500)
    #expect(map.statistics.arenaBytesInUse < 16_000 + 500 * 40)
  }

  @Test("at its memory's limit the map evicts, stays usable, and never passes the limit")
  func memoryLimit() {
    let map = URLMap(.init(memoryLimitBytes: 2 << 20))
    var random = SeededGenerator(seed: 9)
    for number in 0..<1500 {
      let tail = (0..<4000).map { _ in UInt8.random(in: 0x61...0x7A, using: &random) }
      map.learnPatiently(Array("/\(number)/".utf8) + tail, at: UInt32(number))
      if number % 50 == 0 { map.waitUntilApplied() }
    }
    map.waitUntilApplied()
    #expect(map.count > 100)
    #expect(map.statistics.arenaBytes <= 2 << 20)
    #expect(map.statistics.evicted > 500)
    map.learn("/after", at: 2000)
    map.waitUntilApplied()
    #expect(map.lookup("/after") != nil)
  }

  @Test("the bound holds, for any size", arguments: [1, 2, 10, 63, 1000])
  func bound(maxURLs: Int) {
    let map = URLMap(.init(maxURLs: maxURLs))
    for number in 0..<(maxURLs * 3 + 20) {
      map.learnPatiently(page(number), at: UInt32(number))
      if number % 64 == 0 {
        map.waitUntilApplied()
        #expect(map.count <= maxURLs)
      }
    }
    map.waitUntilApplied()
    #expect(map.count <= maxURLs)
    #expect(map.count >= maxURLs - maxURLs / 32 - 1)
    #expect(map.allEntries.count == map.count)
    #expect(Int(map.statistics.learned) - Int(map.statistics.evicted) == map.count)
  }

  @Test(
    "URLs with visits survive a scan of one-time URLs, wherever in the order either stand",
    arguments: ["/a", "/zz", "/p"])
  func scanResistance(scanned: String) {
    let map = URLMap(.init(maxURLs: 2000))
    let reader = map.makeReader()
    let visited = (0..<1500).map { Array("/pagina/\($0)".utf8) }
    for key in visited { map.learnPatiently(key, at: 1000) }
    map.waitUntilApplied()
    for key in visited { _ = reader.lookup(key, countingHitAt: 1500) }
    for number in 0..<12_000 {
      map.learnPatiently(Array("\(scanned)\(number)".utf8), at: UInt32(2000 + number / 100))
    }
    map.waitUntilApplied()
    #expect(map.count <= 2000)
    #expect(visited.filter { reader.lookup($0) != nil }.count == visited.count)
  }

  @Test("among URLs never visited again the oldest go first")
  func oldestFirst() {
    let map = URLMap(.init(maxURLs: 1000))
    let old = (0..<500).map { Array("/pagina/\($0)/old".utf8) }
    let fresh = (0..<480).map { Array("/pagina/\($0)/new".utf8) }
    for key in old { map.learnPatiently(key, at: 1000) }
    for key in fresh { map.learnPatiently(key, at: 900_000) }
    for number in 0..<300 { map.learnPatiently(Array("/pagina/\(number)/scan".utf8), at: 1_000_000) }
    map.waitUntilApplied()
    let reader = map.makeReader()
    #expect(fresh.allSatisfy { reader.lookup($0) != nil })
    #expect(old.filter { reader.lookup($0) != nil }.count < 300)
  }

  @Test("warmth: visits before none, recent before old, and visits fade over weeks")
  func warmth() {
    let week: UInt32 = 7 * 86_400
    let now = 100 * week
    func warmth(_ hits: UInt32, age: UInt32) -> Int {
      ColdSweep.warmth(MapEntry(learnedAt: 0, lastUsedAt: now - age, hits: hits), at: now)
    }
    #expect(warmth(0, age: 10 * week) < warmth(0, age: week))
    #expect(warmth(0, age: week) < warmth(0, age: 0))
    #expect(warmth(0, age: 0) < warmth(1, age: 60))
    #expect(warmth(1, age: 60) < warmth(100, age: 60))
    #expect(warmth(100, age: 5 * week) < warmth(8, age: 60))
    #expect(warmth(100, age: 40 * week) < warmth(0, age: 0))
    #expect(ColdSweep.warmth(MapEntry(learnedAt: 9, lastUsedAt: .max, hits: .max), at: 0) < 64)
  }
}
