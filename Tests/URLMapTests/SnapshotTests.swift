import Glibc
import Testing

@testable import URLMap

@Suite("The snapshot file")
struct SnapshotTests {
  let folder = TemporaryFolder()
  var file: SnapshotFile { SnapshotFile(path: folder["urls.map"]) }

  private func map(_ keys: String...) -> URLMap { map(keys) }

  private func map(_ keys: [String]) -> URLMap {
    let map = URLMap()
    for key in keys { map.learnPatiently(Array(key.utf8), at: 1_763_912_535) }
    map.waitUntilApplied()
    return map
  }

  private func write(_ text: String, to path: String? = nil) {
    writeFile(path ?? file.path, Array(text.utf8))
  }

  /// The text of a whole file with these lines between the first and the end line.
  private func whole(_ lines: [String], urls: Int? = nil) -> String {
    let body = ([SnapshotFormat.firstLine] + lines).map { $0 + "\n" }.joined()
    var checksum = CRC32()
    let bytes = Array(body.utf8)
    checksum.update(bytes.span)
    var end: [UInt8] = []
    SnapshotFormat.appendEnd(urls: urls ?? lines.count, checksum: checksum.value, to: &end)
    return body + String(decoding: end, as: UTF8.self)
  }

  private func refusal(_ text: String) -> (line: Int, reason: String)? {
    write(text)
    let map = URLMap()
    do {
      try file.load(into: map)
    } catch {
      #expect(map.count == 0)
      guard case .noneUsable(.refused(_, let line, let reason), _) = error else { return nil }
      return (line, reason)
    }
    return nil
  }

  @Test("the progress of a load rises to the bytes of the file")
  func progress() throws {
    let written = map((0..<20_000).map { "/\($0)" })
    let bytes = try file.write(written).bytes
    var loaded: [Int] = []
    try file.load(into: URLMap()) { loaded.append($0) }
    var read: [Int] = []
    try file.read(into: URLMap()) { read.append($0) }
    for seen in [loaded, read] {
      #expect(seen.count > 2)
      #expect(seen == seen.sorted())
      #expect(seen.last == bytes)
    }
  }

  @Test("for a check each of the two files can be read alone, and nothing is renamed")
  func copies() throws {
    try file.write(map("/old"))
    try file.write(map("/old", "/new"))
    #expect(try file.read(.current, into: URLMap()).urls == 2)
    #expect(try file.read(.previous, into: URLMap()).urls == 1)
    write("nonsense\n")
    #expect(throws: SnapshotError.self) { try file.read(.current, into: URLMap()) }
    #expect(try file.read(.previous, into: URLMap()).urls == 1)
    #expect(readFile(file.path) == Array("nonsense\n".utf8))
  }

  @Test("the checksum is the CRC-32 that gzip and zlib compute")
  func checksum() {
    for (text, expected) in [("", 0), ("123456789", 0xCBF4_3926), ("a", 0xE8B7_BE43)] as [(String, UInt32)] {
      var checksum = CRC32()
      checksum.update(Array(text.utf8).span)
      #expect(checksum.value == expected)
    }
    var inPieces = CRC32()
    for piece in ["1", "2345", "6789"] { inPieces.update(Array(piece.utf8).span) }
    #expect(inPieces.value == 0xCBF4_3926)
  }

  @Test(
    "each entry is a line: the URL, old, learned, last used, visits; the last line has the count and the checksum"
  )
  func format() throws {
    let map = map("/noexiste.html")
    for _ in 0..<5 { _ = map.lookup("/noexiste.html", countingHitAt: 1_763_912_601) }
    let report = try file.write(map)
    let text = String(decoding: try #require(readFile(file.path)), as: UTF8.self)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.first == "# relevo url map 1")
    #expect(lines[1] == "# map-key path-query")
    #expect(lines[2].wholeMatch(of: /# journal 1 [0-9a-f]{16} after 0{16}/) != nil)
    #expect(lines[lines.count - 3] == "/noexiste.html old 1763912535 1763912601 5")
    #expect(lines[lines.count - 2].wholeMatch(of: /# end urls=1 crc32=[0-9a-f]{8}/) != nil)
    #expect(lines.last == "")
    #expect(report.urls == 1)
    #expect(report.bytes == text.utf8.count)
  }

  @Test(
    "what was written is what is loaded: keys, times and visits, of any length", arguments: [0, 1, 7, 3000])
  func roundTrip(count: Int) throws {
    let map = URLMap()
    for number in 0..<count {
      let tail = [UInt8](
        repeating: 0x24 + UInt8(number % 90), count: number % 41 == 0 ? 900 + number * 2 % 7000 : number % 17)
      map.learnPatiently(Array("/\(number % 13)/\(number)".utf8) + tail, at: UInt32(number))
    }
    map.waitUntilApplied()
    let reader = map.makeReader()
    for (index, known) in map.allEntries.enumerated() where index % 3 == 0 {
      for visit in 0...index % 5 { _ = reader.lookup(known.key, countingHitAt: .max - UInt32(visit)) }
    }
    let written = try file.write(map)
    let loaded = URLMap()
    let report = try file.load(into: loaded)
    #expect(written.urls == count)
    #expect(report.urls == count)
    #expect(report.source == .current)
    #expect(loaded.count == count)
    #expect(loaded.allEntries.map(\.key) == map.allEntries.map(\.key))
    #expect(loaded.allEntries.map(\.entry) == map.allEntries.map(\.entry))
  }

  @Test("lines may come in any order")
  func unsorted() throws {
    write(whole(["/b old 1 2 3", "/a old 4 5 6", "# a comment", "/c old 7 8 4294967295"], urls: 3))
    let map = URLMap()
    #expect(try file.load(into: map).urls == 3)
    #expect(map.allKeys == ["/a", "/b", "/c"])
    #expect(map.lookup("/c") == MapEntry(learnedAt: 7, lastUsedAt: 8, hits: .max))
  }

  @Test("what was learned before the load stays, with the later times and the sum of the visits")
  func loadJoins() throws {
    write(whole(["/a old 10 20 3", "/c old 1 1 1"]))
    let map = map("/b")
    map.learn("/a", at: 15)
    map.waitUntilApplied()
    _ = map.lookup("/a", countingHitAt: 16)
    try file.load(into: map)
    #expect(map.allKeys == ["/a", "/b", "/c"])
    #expect(map.lookup("/a") == MapEntry(learnedAt: 15, lastUsedAt: 20, hits: 4))
    #expect(map.count == 3)
  }

  @Test("no file is an empty map")
  func noFile() throws {
    let map = URLMap()
    let report = try file.load(into: map)
    #expect(report.source == .none)
    #expect(report.urls == 0)
    #expect(map.count == 0)
  }

  @Test(
    "a broken line is named with what is wrong",
    arguments: [
      ("/a", "a space"), ("/a new 1 2 3", "`old`"), ("/a old", "`old`"), ("/a old x 2 3", "learning"),
      ("/a old 1 -2 3", "last use"), ("/a old 1 2", "last use"), ("/a old 1 2 ", "visits"),
      ("/a old 1 2 4294967296", "visits"), ("/a old 1 2 99999999999999999999", "visits"),
      ("/a old 1 2 03", "visits"), ("/a old 1 2 3 4", "follows"), ("/a old 1  2 3", "last use"),
      ("/a\told 1 2 3", "a space"), ("/\u{e9} old 1 2 3", "a space"), ("", "no URL"),
      ("#a old 1 2 3", "no URL"),
      ("/a old 1 2 3\r", "follows"), ("/ok old 1 2 3", "twice"),
      ("# end urls=0 crc32=00000000", "counts"), ("# end urls=1 crc32=00000000", "checksum"),
      ("# end urls=1 crc32=0000000", "eight"), ("# end urls=1 crc32=0000000G", "hexadecimal"),
      ("# end urls=1", "number of URLs"),
    ])
  func brokenLines(line: String, reason: String) throws {
    let found = try #require(refusal(whole(["/ok old 1 2 3", line])))
    #expect(found.line == 3)
    #expect(found.reason.contains(reason), "\(found.reason)")
  }

  @Test("a line is no longer than one with the longest URL, and begins with no more spaces than Apache needs")
  func tooLong() {
    let x = { String(repeating: "x", count: $0) }
    #expect(refusal(whole([x(8193) + " old 1 2 3"]))?.reason.contains("longer") == true)
    #expect(refusal(whole([x(300_000)]))?.reason.contains("longer") == true)
    #expect(
      refusal(whole([String(repeating: " ", count: 1024) + "/a old 1 2 3"]))?.reason.contains("spaces")
        == true)
    #expect(refusal(whole([String(repeating: " ", count: 1023) + x(8192) + " old 1 2 3"])) == nil)
  }

  @Test("a foreign first line, a missing end, and lines after the end are refused")
  func brokenEnds() throws {
    #expect(refusal("/a old 1 2 3\n")?.line == 1)
    #expect(refusal("")?.line == 1)
    #expect(refusal(whole([]) + "/a old 1 2 3\n")?.line == 3)
    #expect(refusal(whole([]) + "x")?.line == 3)
    #expect(refusal(SnapshotFormat.firstLine + "\n")?.reason.contains("end line") == true)
  }

  @Test("a file with any one byte altered, or cut off anywhere, is refused whole")
  func everyByte() throws {
    let map = map("/a", "/ab?x=1", "/b/c")
    try file.write(map)
    let good = try #require(readFile(file.path))
    let loaded = URLMap()
    var loads = 0
    for index in good.indices {
      for flip in [0x01, 0x20, 0xFF] as [UInt8] {
        var bad = good
        bad[index] ^= flip
        writeFile(file.path, bad)
        if (try? file.load(into: loaded)) != nil { loads += 1 }
      }
      writeFile(file.path, Array(good[..<index]))
      if (try? file.load(into: loaded)) != nil { loads += 1 }
    }
    #expect(loads == 0)
    #expect(loaded.count == 0)
    writeFile(file.path, good)
    #expect(try file.load(into: loaded).urls == 3)
  }

  @Test("refusing a file gives its memory back")
  func refusalLeaksNothing() throws {
    let lines = (0..<3000).map { "/seccion/\($0 % 7)/\($0) old 1 2 3" }
    write(whole(lines, urls: 1))
    let map = URLMap()
    #expect(throws: SnapshotError.self) { try file.load(into: map) }
    let first = map.statistics.arenaBytes
    for _ in 0..<5 { #expect(throws: SnapshotError.self) { try file.load(into: map) } }
    #expect(map.statistics.arenaBytes < first + first / 8)
    #expect(map.statistics.arenaBytesInUse == ArenaMemory.headerBytes)
  }

  @Test("the snapshot before is kept, and taken when the present one is broken or gone")
  func previous() throws {
    try file.write(map("/first"))
    let first = readFile(file.path)
    try file.write(map("/second"))
    #expect(readFile(file.previousPath) == first)

    write("# relevo url map 1\n/second\n")
    let map = URLMap()
    let report = try file.load(into: map)
    #expect(report.source == .previous)
    #expect(report.path == file.previousPath)
    #expect(map.allKeys == ["/first"])
    guard case .refused(file.path, 2, _) = report.refused else {
      Issue.record("\(String(describing: report.refused))")
      return
    }
    #expect(exists(file.refusedPath))

    // The refused file is out of the way: the next snapshot does not push the good one out.
    try file.write(map)
    #expect(readFile(file.previousPath) == first)
    unlink(file.path)
    let gone = URLMap()
    #expect(try file.load(into: gone).source == .previous)
    #expect(gone.allKeys == ["/first"])
  }

  @Test("what the keys consist of stands in the file, and a map for other keys does not load it")
  func mapKey() throws {
    let map = URLMap(.init(mapKey: "host-path"))
    map.learn("www.example.com/a")
    map.waitUntilApplied()
    try file.write(map)
    #expect(try file.load(into: URLMap(.init(mapKey: "host-path"))).mapKey == "host-path")
    let other = URLMap()
    #expect(throws: SnapshotError.otherMapKey(path: file.path, file: "host-path", map: "path-query")) {
      try file.load(into: other)
    }
    #expect(other.count == 0)
    #expect(try file.read(into: other).mapKey == "host-path")
    try file.write(other, mapKey: "path")
    #expect(try file.read(into: URLMap()).mapKey == "path")
  }

  @Test(
    "a file that does not say what its keys consist of has path and query; one that says it late is refused")
  func mapKeyUnsaid() throws {
    write(whole(["/a?b old 1 2 3"]))
    #expect(try file.load(into: URLMap(.init(mapKey: "path-query"))).mapKey == "path-query")
    #expect(throws: SnapshotError.self) { try file.load(into: URLMap(.init(mapKey: "path"))) }
    #expect(
      refusal(whole(["/a old 1 2 3", "# map-key path"], urls: 1))?.reason.contains("top of the file") == true)
    #expect(refusal(whole(["# map-key "], urls: 0))?.line == 2)
  }

  @Test("who only reads renames nothing and takes no lock")
  func readOnly() throws {
    try file.write(map("/first"))
    try file.write(map("/second"))
    write("broken\n")
    let lock = try MapLock(mapPath: file.path)
    let seen = URLMap()
    let report = try file.read(into: seen)
    withExtendedLifetime(lock) {}
    #expect(report.source == .previous)
    #expect(report.refused != nil)
    #expect(exists(file.path))
    #expect(!exists(file.refusedPath))
  }

  @Test("when both are broken, one sentence names both, and both stay")
  func bothBroken() throws {
    write("x\n")
    write("y\n", to: file.previousPath)
    let map = URLMap()
    let error = #expect(throws: SnapshotError.self) { try file.load(into: map) }
    let sentence = try #require(error).description
    #expect(sentence.contains("\(file.path), line 1"))
    #expect(sentence.contains("\(file.previousPath), line 1"))
    #expect(exists(file.path) && exists(file.previousPath))
  }

  @Test("a file that cannot be opened or read is an error, not an empty map")
  func unreadable() {
    mkdir(file.path, 0o755)
    #expect(throws: SnapshotError.self) { try file.load(into: URLMap()) }
  }

  @Test("a snapshot that cannot be written leaves the present one and no temporary file")
  func cannotWrite() throws {
    try file.write(map("/a"))
    let present = readFile(file.path)
    mkdir(file.previousPath, 0o755)
    #expect(throws: SnapshotError.self) { try file.write(map("/b")) }
    #expect(readFile(file.path) == present)
    #expect(!exists(file.temporaryPath))
    #expect(!exists(file.previousPath + ".tmp"))
    rmdir(file.previousPath)
    #expect(try file.write(map("/b")).urls == 1)
  }

  @Test(
    "a folder that is not there, one where nothing may be created, and a full disk are named in the error")
  func namesErrors() throws {
    let elsewhere = SnapshotFile(path: folder["none/urls.map"])
    #expect(
      throws: SnapshotError.system(
        path: elsewhere.temporaryPath, action: "create the new URL map", code: ENOENT)
    ) {
      try elsewhere.write(map("/a"))
    }
    let error = #expect(throws: SnapshotError.self) {
      try SnapshotFile(path: "/sys/urls.map").write(map("/a"))
    }
    #expect(try #require(error).description.hasPrefix("/sys/urls.map.tmp: cannot create the new URL map: "))
    #expect(throws: SnapshotError.system(path: "/dev/full", action: "write the URL map", code: ENOSPC)) {
      try FileDescriptor(opening: "/dev/full", O_WRONLY, to: "open").write([1].span)
    }
  }

  @Test("a file that does not fit into the map's memory is refused whole")
  func doesNotFit() {
    write(whole((0..<400).map { "/\($0)" + String(repeating: "x", count: 7000) + " old 1 1 1" }))
    let map = URLMap(.init(memoryLimitBytes: 2 << 20))
    #expect(throws: SnapshotError.outOfMemory(path: file.path, limitBytes: 2 << 20)) {
      try file.load(into: map)
    }
    #expect(map.count == 0)
    #expect(map.statistics.arenaBytesInUse == ArenaMemory.headerBytes)
  }

  @Test("the first line that is out of order is in the report, and all of them are loaded")
  func unorderedLine() throws {
    write(whole(["/a old 1 1 0", "/c old 1 1 0", "/d old 1 1 0"]))
    #expect(try file.load(into: URLMap()).unorderedLine == nil)
    for (keys, line) in [(["/b", "/a", "/d", "/c"], 3), (["/a", "/ab", "/a%"], 4)] {
      write(whole(keys.map { "\($0) old 1 1 0" }))
      let map = URLMap()
      #expect(try file.load(into: map).unorderedLine == line)
      #expect(map.allKeys == keys.sorted())
    }
  }

  @Test("a file with more URLs than the bound is refused whole, and the one before it is not taken for it")
  func tooMany() throws {
    write(whole((0..<1000).map { "/\($0) old 1 1 0" }))
    try file.write(map("/small"))
    writeFile(file.path, try #require(readFile(file.previousPath)))
    let bounded = URLMap(.init(maxURLs: 999))
    #expect(throws: SnapshotError.tooManyURLs(path: file.path, urls: 1000, limit: 999)) {
      try file.load(into: bounded)
    }
    #expect(bounded.count == 0)
    #expect(bounded.statistics.arenaBytesInUse == ArenaMemory.headerBytes)
    #expect(try file.load(into: URLMap(.init(maxURLs: 1000))).urls == 1000)
    writeFile(file.path, Array("broken".utf8))
    #expect(throws: SnapshotError.tooManyURLs(path: file.previousPath, urls: 1000, limit: 999)) {
      try file.load(into: bounded)
    }
  }

  @Test("when what was learned during the load is too much with the file, the coldest go")
  func loadIsBounded() throws {
    write(whole((0..<600).map { "/\($0) old 1 \($0 % 2 == 0 ? "500000 9" : "1 0")" }))
    let map = URLMap(.init(maxURLs: 600))
    for number in 0..<200 { map.learn("/meanwhile/\(number)", at: 500_000) }
    map.waitUntilApplied()
    #expect(try file.load(into: map).urls == 600)
    #expect(map.count == 600)
    #expect(map.allEntries.filter { $0.entry.hits == 9 }.count == 300)
    #expect(map.statistics.evicted == 200)
  }
}
