import Testing

@testable import URLMap

@Suite("The URL map")
struct URLMapTests {
  @Test("an unknown URL is nil, a learned one tells when it was learned")
  func learnAndLookup() {
    let map = URLMap()
    #expect(map.lookup("/noexiste.html") == nil)
    #expect(map.learn("/noexiste.html", at: 7))
    map.waitUntilApplied()
    #expect(map.lookup("/noexiste.html") == MapEntry(learnedAt: 7, lastUsedAt: 7, hits: 0))
    #expect(map.count == 1)
  }

  @Test("neither a URL's beginning nor its continuation is known because it is")
  func neighbours() {
    let map = URLMap()
    map.learn("/a/b?p=7")
    map.waitUntilApplied()
    for other in ["/", "/a", "/a/", "/a/b", "/a/b?p=", "/a/b?p=6", "/a/b?p=70", "/a/b?P=7", "a/b?p=7"] {
      #expect(map.lookup(other) == nil, "\(other)")
    }
  }

  @Test("a counted visit adds one and sets the time; the answer is what was known before it")
  func countsVisits() {
    let map = URLMap()
    map.learn("/a", at: 10)
    map.waitUntilApplied()
    #expect(map.lookup("/a", countingHitAt: 20) == MapEntry(learnedAt: 10, lastUsedAt: 10, hits: 0))
    #expect(map.lookup("/a", countingHitAt: 30) == MapEntry(learnedAt: 10, lastUsedAt: 20, hits: 1))
    #expect(map.lookup("/a") == MapEntry(learnedAt: 10, lastUsedAt: 30, hits: 2))
    #expect(map.statistics.hits == 2)
  }

  @Test("learning a known URL renews when it was learned, and keeps its visits")
  func renews() {
    let map = URLMap()
    map.learn("/a", at: 10)
    map.waitUntilApplied()
    _ = map.lookup("/a", countingHitAt: 20)
    map.learn("/a", at: 30)
    map.waitUntilApplied()
    #expect(map.lookup("/a") == MapEntry(learnedAt: 30, lastUsedAt: 20, hits: 1))
    #expect(map.statistics.learned == 1)
    #expect(map.statistics.renewed == 1)
  }

  @Test("visits survive when neighbours are learned and forgotten around a URL")
  func visitsSurviveChanges() {
    let map = URLMap()
    map.learn("/abcdef", at: 10)
    map.waitUntilApplied()
    for _ in 0..<5 { _ = map.lookup("/abcdef", countingHitAt: 11) }
    let neighbours = ["/abcdefgh", "/abc", "/abcxyz", "/abcdeX", "/", "/abcdefgi"]
    let expected = MapEntry(learnedAt: 10, lastUsedAt: 11, hits: 5)
    for neighbour in neighbours {
      map.learn(neighbour, at: 12)
      map.waitUntilApplied()
      #expect(map.lookup("/abcdef") == expected)
    }
    for neighbour in neighbours {
      map.forget(neighbour)
      map.waitUntilApplied()
      #expect(map.lookup("/abcdef") == expected)
    }
    #expect(map.count == 1)
  }

  @Test("a forgotten URL is unknown; its neighbours stay")
  func forgets() {
    let map = URLMap()
    for key in ["/a", "/ab", "/abc", "/b"] { map.learn(key) }
    map.forget("/ab")
    map.forget("/never-known")
    map.waitUntilApplied()
    #expect(map.allKeys == ["/a", "/abc", "/b"])
    #expect(map.lookup("/ab") == nil)
    #expect(map.statistics.forgotten == 1)
  }

  @Test(
    "keys that no request target has are refused",
    arguments: [
      "", " ", "/a b", "/a\n", "/a\u{7F}", "/\u{e9}", "/a\0", "\t", "#a", String(repeating: "x", count: 8193),
    ])
  func refusesKeys(key: String) {
    let map = URLMap()
    #expect(!map.learn(key))
    #expect(!map.forget(key))
    #expect(map.lookup(key) == nil)
    #expect(map.statistics.refusedKeys == 2)
  }

  @Test("every byte of 0x21...0x7E may stand in a key, and a look-up may ask for any byte")
  func allBytes() {
    let map = URLMap()
    let allowed = (0x21...0x7E).map { UInt8($0) }
    for byte in allowed { map.learnPatiently([0x2F, byte]) }
    map.waitUntilApplied()
    #expect(map.count == 94)
    let reader = map.makeReader()
    for byte in UInt8.min...UInt8.max {
      #expect((reader.lookup([0x2F, byte]) != nil) == allowed.contains(byte))
    }
    #expect(map.allEntries.map(\.key) == allowed.map { [0x2F, $0] })
  }

  @Test("the longest key is learned whole, one byte more is refused")
  func longestKey() {
    let map = URLMap(.init(maxKeyBytes: 8192))
    let longest = [UInt8](repeating: 0x61, count: 8192)
    #expect(map.learn(longest))
    #expect(!map.learn(longest + [0x61]))
    map.waitUntilApplied()
    let reader = map.makeReader()
    #expect(reader.lookup(longest) != nil)
    #expect(reader.lookup(longest.dropLast()) == nil)
  }

  @Test("entries are walked in the order of their bytes, a prefix alone if asked for")
  func walksInOrder() {
    let map = URLMap()
    for key in ["/b", "/a/2", "/a", "/a/10", "/a/1", "/Z", "/a0"] { map.learn(key) }
    map.waitUntilApplied()
    #expect(map.allKeys == ["/Z", "/a", "/a/1", "/a/10", "/a/2", "/a0", "/b"])
    for (prefix, expected) in [
      ("/a/", ["/a/1", "/a/10", "/a/2"]), ("/a/1", ["/a/1", "/a/10"]), ("/b", ["/b"]), ("/c", []),
      ("/a/100", []), ("/Y", []),
    ] {
      var keys: [String] = []
      map.forEachEntry(withPrefix: Array(prefix.utf8)) { key, _ in
        keys.append(String(decoding: key.array, as: UTF8.self))
      }
      #expect(keys == expected, "below \(prefix)")
    }
  }

  @Test("a walk that throws ends with what it threw")
  func walkThrows() {
    struct Enough: Error {}
    let map = URLMap()
    for number in 0..<300 { map.learn("/\(number)") }
    map.waitUntilApplied()
    var seen = 0
    #expect(throws: Enough.self) {
      try map.forEachEntry { _, _ throws(Enough) in
        seen += 1
        if seen == 200 { throw Enough() }
      }
    }
    #expect(seen == 200)
  }

  @Test("after shutdown all that was queued is applied, look-ups go on, and nothing more is learned")
  func shutdown() {
    let map = URLMap()
    for number in 0..<1000 { map.learn("/\(number)") }
    map.shutdown()
    #expect(map.count == 1000)
    #expect(!map.learn("/late"))
    #expect(map.lookup("/999") != nil)
    map.waitUntilApplied()
    map.shutdown()
  }

  @Test("a reader outlives its map")
  func readerOutlivesMap() {
    var map: URLMap? = URLMap()
    map?.learn("/a")
    map?.waitUntilApplied()
    guard let reader = map?.makeReader() else { return }
    map = nil
    #expect(reader.lookup(Array("/a".utf8)) != nil)
  }

  @Test("a full queue refuses, counts, and takes changes again once the writer has been there")
  func fullQueue() {
    let map = URLMap(.init(maxKeyBytes: 56, queueLimit: 8), startingWriter: false)
    let accepted = map.core.writer.withLock { _ in (0..<10).filter { map.learn("/\($0)") } }
    #expect(accepted == Array(0..<8))
    #expect(map.count == 0)
    #expect(map.statistics.droppedByFullQueue == 2)
    map.startWriter()
    map.waitUntilApplied()
    #expect(map.count == 8)
    #expect(map.learn("/8"))
    map.waitUntilApplied()
    #expect(map.allKeys == (0..<9).map { "/\($0)" })
  }

  @Test("a URL is known when learn returns, unless somebody else is changing the map")
  func learnedAtOnce() {
    let map = URLMap(.init(), startingWriter: false)
    let reader = map.makeReader()
    map.learn("/a")
    #expect(reader.lookup(Array("/a".utf8)) != nil)
    map.forget(Array("/a".utf8))
    #expect(reader.lookup(Array("/a".utf8)) == nil)
  }

  @Test("changes are applied in the order of their calls, whatever their lengths")
  func queueOrder() {
    let map = URLMap(.init(queueLimit: 512))
    let keys = (0..<40).map { number in
      Array("/\(number)/".utf8) + [UInt8](repeating: 0x78, count: number * 97)
    }
    for round in 0..<200 {
      for key in keys {
        map.learnPatiently(key, at: UInt32(round))
        while !map.forget(key) { map.waitUntilApplied() }
        map.learnPatiently(key, at: UInt32(round + 1))
      }
    }
    map.waitUntilApplied()
    #expect(map.allEntries.map(\.key) == keys.sorted(by: isBelow))
    #expect(map.allEntries.allSatisfy { $0.entry.learnedAt == 200 })
  }
}
