import Testing

@testable import URLMap

@Suite("The record of what has moved")
struct MigrationTests {
  let folder = TemporaryFolder()
  private var mapPath: String { folder["urls.map"] }
  private var file: MigrationFile { MigrationFile(mapPath: mapPath) }

  /// The keys and times that the record holds.
  private func read() throws -> [String: UInt32] {
    let map = URLMap()
    try file.read(into: map)
    return Dictionary(
      uniqueKeysWithValues: map.allEntries.map {
        (String(decoding: $0.key, as: UTF8.self), $0.entry.learnedAt)
      })
  }

  @Test("a URL that is forgotten because it has moved is written down by the keeper, and no other")
  func kept() throws {
    let map = URLMap()
    let keeper = MapKeeper(map: map, file: SnapshotFile(path: mapPath), every: .seconds(3600)) { _ in }
    keeper.start()
    for key in ["/moved", "/gone", "/stays"] { map.learn(key) }
    map.forget("/gone")
    let isTaken = map.forget(Array("/moved".utf8).span.bytes, because: .migrated)
    #expect(isTaken)
    map.shutdown()
    keeper.stop()
    let moved = try read()
    #expect(moved.keys.sorted() == ["/moved"])
    #expect(moved["/moved"] ?? 0 > 1_763_912_535)
  }

  @Test("a map that is kept in no file notes nothing")
  func notKept() {
    let map = URLMap()
    map.learn("/moved")
    let isTaken = map.forget(Array("/moved".utf8).span.bytes, because: .migrated)
    let noted = map.core.migrations.withLock { $0.take() }
    #expect(isTaken)
    #expect(noted == [])
  }

  @Test("of a URL that has moved twice the last time holds")
  func twice() throws {
    try file.append(Array("10 /a\n11 /b\n".utf8))
    try file.append(Array("12 /a\n".utf8))
    #expect(try read() == ["/a": 12, "/b": 11])
  }

  @Test("no record is an empty one")
  func none() throws {
    #expect(try read() == [:])
  }

  @Test("a line that a kill has cut off, and lines that are none, are passed over")
  func torn() throws {
    writeFile(
      file.path, Array("10 /a\nnonsense\n 11 /x\n12  /x\n99999999999 /x\n13 #x\n14 /\u{7F}\n15 /to".utf8))
    try file.append(Array("20 /b\n".utf8))
    #expect(try read() == ["/a": 10, "/b": 20])
    writeFile(file.path, Array(repeating: UInt8(ascii: "1"), count: 600_000) + Array("\n30 /c\n".utf8))
    #expect(try read() == ["/c": 30])
  }

  @Test("the file has a bound, and the one before it is kept")
  func bound() throws {
    for (time, key) in [(1, "/a"), (2, "/b"), (3, "/c")] {
      try file.append(Array("\(time) \(key)\n".utf8), limitBytes: 12)
    }
    #expect(readFile(file.previousPath) == Array("1 /a\n2 /b\n".utf8))
    #expect(try read() == ["/a": 1, "/b": 2, "/c": 3])
    for time in 4...8 { try file.append(Array("\(time) /d\n".utf8), limitBytes: 12) }
    #expect(try read() == ["/d": 8])
  }

  @Test("what the disk does not take is kept for the next time, up to a bound")
  func notes() {
    var notes = MigrationNotes()
    notes.isOn = true
    notes.append(Array("/a".utf8).span.bytes, at: 1)
    let taken = notes.take()
    #expect(notes.take() == [])
    notes.append(Array("/b".utf8).span.bytes, at: 2)
    notes.giveBack(taken)
    #expect(notes.take() == Array("1 /a\n2 /b\n".utf8))
    let long = [UInt8](repeating: UInt8(ascii: "/"), count: 8192)
    for _ in 0..<1000 { notes.append(long.span.bytes, at: 3) }
    let most = notes.take()
    #expect(most.count <= MigrationNotes.limitBytes)
    #expect(most.count > MigrationNotes.limitBytes - 2 * 8192)
  }
}
