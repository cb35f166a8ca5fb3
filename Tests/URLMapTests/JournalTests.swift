import Glibc
import Testing

@testable import URLMap

@Suite("The journal")
struct JournalTests {
  let folder = TemporaryFolder()

  private func text(_ path: String) -> String { String(decoding: readFile(path) ?? [], as: UTF8.self) }

  @Test(
    "a change is a line: the sign, the time, the URL and the checksum of all above; the head says what it continues"
  )
  func format() throws {
    let keeping = try Keeping(folder)
    keeping.learn("/noexiste.html", at: 1_763_912_535)
    keeping.learn("/gone.html", at: 1_763_912_536)
    keeping.map.forget("/gone.html")
    keeping.work.writeJournal()
    #expect(folder.segments == [folder["m.journal.1"]])
    let lines = text(folder["m.journal.1"]).split(separator: "\n", omittingEmptySubsequences: false)
    let head = /# relevo url journal 1 number=1 id=0{16} after=0{16} map-key=path-query crc32=[0-9a-f]{8}/
    #expect(lines[0].wholeMatch(of: head) != nil)
    #expect(lines[1].wholeMatch(of: /\+ 1763912535 \/noexiste.html [0-9a-f]{8}/) != nil)
    #expect(lines[2].wholeMatch(of: /\+ 1763912536 \/gone.html [0-9a-f]{8}/) != nil)
    #expect(lines[3].wholeMatch(of: /- [0-9]{10} \/gone.html [0-9a-f]{8}/) != nil)
    #expect(lines.dropFirst(4) == [""])
    let sum = lines[1].suffix(8)
    var checksum = CRC32()
    checksum.update(Array((lines[0] + "\n" + lines[1].dropLast(8)).utf8).span)
    #expect(String(checksum.value, radix: 16) == String(sum.drop { $0 == "0" }))
  }

  @Test("what was journalled is there after a kill: learned, renewed, forgotten, evicted")
  func replay() throws {
    let first = try Keeping(folder)
    first.learn("/a", "/b", "/c", "/d", at: 10)
    _ = first.map.lookup("/a", countingHitAt: 11)
    first.work.takeSnapshot()
    first.learn("/a", at: 20)
    first.map.forget("/b")
    first.map.forget("/c")
    first.learn("/c", "/e", at: 30)
    first.work.writeJournal()
    let (map, report) = try loaded(folder)
    #expect(map.allKeys == ["/a", "/c", "/d", "/e"])
    #expect(map.lookup("/a") == MapEntry(learnedAt: 20, lastUsedAt: 11, hits: 1))
    #expect(map.lookup("/c") == MapEntry(learnedAt: 30, lastUsedAt: 30, hits: 0))
    #expect(map.lookup("/d")?.learnedAt == 10)
    #expect(report.urls == 4)
    #expect(report.journal.changes == 5)
    #expect(report.source == .current)
  }

  @Test("URLs that went because the map was full do not come back")
  func evicted() throws {
    let keeping = try Keeping(folder, maxURLs: 50)
    keeping.work.takeSnapshot()
    for number in 0..<400 { keeping.learn("/\(number)", at: UInt32(number)) }
    keeping.work.writeJournal()
    let (map, _) = try loaded(folder)
    #expect(map.count == keeping.map.count)
    #expect(map.allKeys == keeping.map.allKeys)
  }

  @Test("what the journal adds to the file and takes from it counts before the map's bound does")
  func bound() throws {
    let keeping = try Keeping(folder)
    for number in 0..<10 { keeping.learn("/\(number)") }
    keeping.work.takeSnapshot()
    keeping.map.forget("/1")
    keeping.learn("/a", "/b", "/2")
    keeping.work.writeJournal()
    #expect(throws: SnapshotError.tooManyURLs(path: folder["m"], urls: 11, limit: 10)) {
      try Keeping(folder, maxURLs: 10)
    }
    #expect(throws: SnapshotError.tooManyURLs(path: folder["m"], urls: 11, limit: 3)) {
      try Keeping(folder, maxURLs: 3)
    }
    #expect(try Keeping(folder, maxURLs: 11).map.count == 11)
    for number in 2..<9 { keeping.map.forget("/\(number)") }
    keeping.map.waitUntilApplied()
    keeping.work.writeJournal()
    #expect(try Keeping(folder, maxURLs: 4).map.allKeys == ["/0", "/9", "/a", "/b"])
  }

  @Test("a snapshot begins a segment; those that neither it nor the one before needs go")
  func segments() throws {
    let keeping = try Keeping(folder)
    for number in 1...6 {
      keeping.learn("/\(number)")
      keeping.work.writeJournal()
      keeping.work.takeSnapshot()
    }
    keeping.learn("/last")
    keeping.work.writeJournal()
    // The last snapshot needs the segment behind it, the one before that and the one between.
    #expect(folder.segments == [folder["m.journal.6"], folder["m.journal.7"]])
    #expect(try loaded(folder).map.count == 7)
    // A map that is visited and not changed makes no files.
    for _ in 1...3 { keeping.work.takeSnapshot() }
    #expect(folder.segments.count <= 2)
  }

  @Test("when the snapshot is broken, the one before and the segments of both give all")
  func previousHasAll() throws {
    let keeping = try Keeping(folder)
    keeping.learn("/1")
    keeping.work.takeSnapshot()
    keeping.learn("/2")
    keeping.work.takeSnapshot()
    keeping.learn("/3")
    keeping.work.writeJournal()
    writeFile(folder["m"], Array("broken\n".utf8))
    let again = try Keeping(folder)
    #expect(again.events.loaded?.source == .previous)
    #expect(again.map.allKeys == ["/1", "/2", "/3"])
    // A whole snapshot is due at once, and the journal goes on until then.
    again.learn("/4")
    again.work.writeJournal()
    #expect(try loaded(folder).map.allKeys == ["/1", "/2", "/3", "/4"])
    again.work.doWhatIsDue()
    #expect(again.events.written == 1)
    let last = try loaded(folder)
    #expect(last.report.source == .current)
    #expect(last.map.allKeys == ["/1", "/2", "/3", "/4"])
  }

  @Test(
    "cut off anywhere, what is whole above the cut is there, and only that; and the journal goes on behind it"
  )
  func torn() throws {
    let keeping = try Keeping(folder)
    for number in 1...6 { keeping.learn("/\(number)") }
    keeping.work.writeJournal()
    let whole = try #require(readFile(folder["m.journal.1"]))
    for cut in whole.indices {
      let other = TemporaryFolder()
      other.write(["m.journal.1": Array(whole[..<cut])])
      let lines = whole[..<cut].count { $0 == 10 }
      let again = try Keeping(other)
      let report = try #require(again.events.loaded)
      #expect(again.map.count == max(0, lines - 1), "cut at \(cut)")
      #expect(report.journal.refused == [] && report.journal.foreign == [])
      let isCut = cut > 0 && whole[cut - 1] != 10
      #expect((report.journal.tornBytes > 0) == isCut)
      again.learn("/after")
      again.work.writeJournal()
      #expect(try loaded(other).map.count == max(0, lines - 1) + 1, "cut at \(cut)")
    }
  }

  @Test("zeros at its end, as a power cut leaves them, are cut off too")
  func zeros() throws {
    let keeping = try Keeping(folder)
    keeping.learn("/a")
    keeping.work.writeJournal()
    let whole = try #require(readFile(folder["m.journal.1"]))
    writeFile(folder["m.journal.1"], whole.dropLast(3) + [UInt8](repeating: 0, count: 700_000))
    let (map, report) = try loaded(folder)
    #expect(map.count == 0)
    #expect(report.journal.refused == [])
    #expect(report.journal.tornBytes > 700_000)
  }

  @Test("one byte altered anywhere: named with file and line, what is above is kept, the file is kept aside")
  func everyByte() throws {
    let keeping = try Keeping(folder)
    for number in 1...5 { keeping.learn("/\(number)") }
    keeping.work.writeJournal()
    let good = try #require(readFile(folder["m.journal.1"]))
    for index in good.indices {
      for flip in [0x01, 0x20, 0xFF] as [UInt8] {
        var bad = good
        bad[index] ^= flip
        let other = TemporaryFolder()
        other.write(["m.journal.1": bad])
        let line = good[..<index].count { $0 == 10 } + 1
        let (map, report) = try loaded(other)
        #expect(map.allKeys == (1...5).prefix(max(0, line - 2)).map { "/\($0)" }, "byte \(index)")
        let path = other["m.journal.1"]
        if index == good.count - 1 {
          #expect(report.journal.tornBytes > 0, "the last line's end: it looks cut off")
        } else if case .journalBroken(path, let found, _)? = report.journal.refused.first {
          #expect(found == line)
          #expect(readFile(path + ".refused") == bad)
        } else {
          Issue.record("byte \(index) altered: \(report)")
        }
      }
    }
  }

  @Test("a line that is missing, twice, or in another's place is found, though each is right in itself")
  func order() throws {
    let keeping = try Keeping(folder)
    for number in 1...5 { keeping.learn("/\(number)") }
    keeping.work.writeJournal()
    let lines = text(folder["m.journal.1"]).split(separator: "\n").map { $0 + "\n" }
    for changed in [
      lines[..<2] + lines[3...], lines[..<3] + lines[2...], lines[..<2] + [lines[3], lines[2]] + lines[4...],
    ] {
      let other = TemporaryFolder()
      other.write(["m.journal.1": Array(changed.joined().utf8)])
      let (_, report) = try loaded(other)
      guard case .journalBroken(_, let line, _)? = report.journal.refused.first else {
        Issue.record("\(report)")
        continue
      }
      #expect(line == 3 || line == 4)
    }
  }

  @Test("behind a broken segment the next ones still count, and a snapshot is due at once")
  func afterBroken() throws {
    let first = try Keeping(folder)
    first.learn("/1", "/2")
    first.work.writeJournal()
    let second = try Keeping(folder)
    second.learn("/3")
    second.work.writeJournal()
    var bad = try #require(readFile(folder["m.journal.1"]))
    bad[bad.count - 5] ^= 1
    writeFile(folder["m.journal.1"], bad)
    let third = try Keeping(folder)
    #expect(third.map.allKeys == ["/1", "/3"])
    third.work.doWhatIsDue()
    #expect(third.events.written == 1)
    #expect(exists(folder["m.journal.1.refused"]))
  }

  @Test(
    "a copy from elsewhere or long ago that is put in place is not changed by the journal, which is put aside"
  )
  func foreign() throws {
    let keeping = try Keeping(folder)
    keeping.learn("/old")
    keeping.work.takeSnapshot()
    let backup = try #require(readFile(folder["m"]))
    for number in 1...3 {
      keeping.learn("/\(number)")
      keeping.work.takeSnapshot()
    }
    keeping.learn("/4")
    keeping.work.writeJournal()
    writeFile(folder["m"], backup)
    let segments = folder.segments
    let again = try Keeping(folder)
    #expect(again.map.allKeys == ["/old"])
    #expect(again.events.loaded?.journal.foreign == segments)
    #expect(segments.allSatisfy { exists($0 + ".refused") && !exists($0) })
    again.learn("/new")
    again.work.writeJournal()
    let last = try loaded(folder)
    #expect(last.map.allKeys == ["/new", "/old"])
    #expect(last.report.journal.foreign == [])
  }

  @Test("a journal whose snapshot is gone is no empty map: it is said, with the way out")
  func snapshotMissing() throws {
    let keeping = try Keeping(folder)
    for number in 1...3 {
      keeping.learn("/\(number)")
      keeping.work.takeSnapshot()
    }
    keeping.learn("/b")
    keeping.work.writeJournal()
    unlink(folder["m"])
    unlink(folder["m.prev"])
    let before = folder.files
    let error = #expect(throws: SnapshotError.self) { try loaded(folder) }
    #expect(error == .snapshotMissing(path: folder["m"], journal: folder["m.journal.3"]))
    #expect(folder.files == before)
  }

  @Test("a map written by a tool has all that the journal had, and is not continued by it")
  func writtenByTool() throws {
    let keeping = try Keeping(folder)
    keeping.learn("/a", "/b")
    keeping.work.writeJournal()
    let (map, _) = try loaded(folder)
    map.forget("/a")
    map.waitUntilApplied()
    try SnapshotFile(path: folder["m"]).write(map)
    let again = try Keeping(folder)
    #expect(again.map.allKeys == ["/b"])
    again.learn("/c")
    again.work.writeJournal()
    #expect(try loaded(folder).map.allKeys == ["/b", "/c"])
  }

  @Test("keys of another kind in a journal are refused as in a snapshot")
  func otherMapKey() throws {
    let keeping = try Keeping(folder)
    keeping.learn("/a")
    keeping.work.writeJournal()
    let path = folder["m.journal.1"]
    #expect(throws: SnapshotError.otherMapKey(path: path, file: "path-query", map: "path")) {
      try SnapshotFile(path: folder["m"]).load(into: URLMap(.init(mapKey: "path")))
    }
    let report = try SnapshotFile(path: folder["m"]).read(into: URLMap(.init(mapKey: "path")))
    #expect(report.mapKey == "path-query")
  }

  @Test("who reads beside the owner sees a whole map each time, and changes nothing")
  func readBeside() throws {
    let map = URLMap()
    let file = SnapshotFile(path: folder["m"])
    let keeper = MapKeeper(map: map, file: file, every: .milliseconds(1)) { _ in }
    keeper.start()
    map.learn("/stays")
    #expect(eventually { keeper.statistics.snapshots > 0 })
    let end = ContinuousClock.now + .milliseconds(700)
    var number = 0
    var reads = 0
    while ContinuousClock.now < end {
      number += 1
      map.learn("/\(number)")
      if number > 5 { map.forget("/\(number - 5)") }
      let seen = URLMap()
      let report = try file.read(into: seen)
      reads += 1
      #expect(report.source == .current)
      #expect(report.journal.refused == [] && report.journal.foreign == [])
      #expect(seen.lookup("/stays") != nil)
    }
    keeper.stop()
    #expect(reads > 10)
  }
}
