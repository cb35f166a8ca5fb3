import Testing

@testable import URLMap

@Suite("Keys of a file that are not as today's flags make them")
struct KeyRemakingTests {
  private let folder = TemporaryFolder()
  private var file: SnapshotFile { SnapshotFile(path: folder["m"]) }

  private func map(
    _ parts: KeyScheme.Parts = .pathQuery, ignoring names: [String] = ["ref"], maxURLs: Int = 1000
  ) throws -> URLMap {
    URLMap(.init(maxURLs: maxURLs, keys: KeyScheme(parts, ignoring: try IgnoredQuery(names: names))))
  }

  private func write(_ keys: [String: MapEntry], mapKey: String = "path-query") throws {
    let map = URLMap(.init(mapKey: mapKey))
    for (key, entry) in keys {
      map.learn(key, at: entry.learnedAt)
      map.waitUntilApplied()
      let bytes = Array(key.utf8)
      for _ in 0..<entry.hits {
        _ = map.makeReader().lookup(bytes.span.bytes, countingHitAt: entry.lastUsedAt)
      }
    }
    try file.write(map)
  }

  @Test("are made anew, and those that become one are joined: the later times and the sum of the visits hold")
  func joined() throws {
    try write([
      "/a": MapEntry(learnedAt: 10, lastUsedAt: 20, hits: 2),
      "/a?ref=1": MapEntry(learnedAt: 15, lastUsedAt: 18, hits: 3),
      "/a?ref=2&x=1": MapEntry(learnedAt: 11, lastUsedAt: 11, hits: 0),
      "/%62.html": MapEntry(learnedAt: 12, lastUsedAt: 12, hits: 0),
      "/z?x=1": MapEntry(learnedAt: 13, lastUsedAt: 13, hits: 0),
    ])
    let map = try map()
    let report = try file.load(into: map)
    #expect(map.allKeys == ["/a", "/a?x=1", "/b.html", "/z?x=1"])
    #expect(map.lookup("/a") == MapEntry(learnedAt: 15, lastUsedAt: 20, hits: 5))
    #expect(report.urls == 4)
    #expect(report.remade == 3)
    #expect(report.unorderedLine == nil)
    #expect(map.count == 4)
  }

  @Test(
    "are left as they are by those who only look, and by flags that ignore less than those of the file did")
  func leftAlone() throws {
    try write(["/a?ref=1": MapEntry(learnedAt: 1, lastUsedAt: 1, hits: 0)])
    for map in [URLMap(), try map(ignoring: [])] {
      #expect(try file.load(into: map).remade == 0)
      #expect(map.allKeys == ["/a?ref=1"])
    }
  }

  @Test("have their host, and no request has a key without a path")
  func hosts() throws {
    let entry = MapEntry(learnedAt: 1, lastUsedAt: 1, hits: 0)
    try write(
      ["WWW.x:80/a?ref=1": entry, "www.x/b": entry, "nowhere": entry, "www.x/%63": entry],
      mapKey: "host-path-query")
    let map = try map(.hostPathQuery)
    #expect(try file.load(into: map).remade == 2)
    #expect(map.allKeys == ["nowhere", "www.x/a", "www.x/b", "www.x/c"])
  }

  @Test("are counted as one for the map's bound when they become one")
  func bound() throws {
    let entry = MapEntry(learnedAt: 1, lastUsedAt: 1, hits: 0)
    try write(["/a": entry, "/a?ref=1": entry, "/a?ref=2": entry, "/b": entry])
    #expect(try file.load(into: map(maxURLs: 2)).urls == 2)
    #expect(throws: SnapshotError.self) { try file.load(into: map(maxURLs: 1)) }
  }

  @Test("follow what the journal says of the keys as they were")
  func journal() throws {
    let keeping = try Keeping(folder)
    keeping.learn("/a?ref=1", "/b?ref=1", "/c", at: 10)
    keeping.work.takeSnapshot()
    keeping.map.forget("/a?ref=1")
    keeping.learn("/d?ref=1", at: 20)
    keeping.learn("/c?ref=2", at: 30)
    keeping.work.writeJournal()
    let map = try map()
    let report = try file.load(into: map)
    #expect(map.allKeys == ["/b", "/c", "/d"])
    #expect(map.lookup("/c")?.learnedAt == 30)
    #expect(report.urls == 3)
  }

  @Test("are written at once, so that the journal that goes on has the keys of its file")
  func writtenAtOnce() throws {
    try write(["/a?ref=1": MapEntry(learnedAt: 1, lastUsedAt: 1, hits: 0)])
    let events = KeeperEvents()
    let keeper = MapKeeper(map: try map(), file: file, every: .seconds(3600)) { events.add($0) }
    keeper.start()
    #expect(eventually { events.written == 1 })
    keeper.stop()
    let written = URLMap()
    try file.load(into: written)
    #expect(written.allKeys == ["/a"])
  }
}
