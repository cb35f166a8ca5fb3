import Foundation
import Testing

/// The file of the URL map, as the tests read it.
struct MapFile {
  let lines: [String]

  init(_ text: String) { lines = text.split(separator: "\n").map(String.init) }

  /// The words of each entry: the URL, `old`, when it was learned and last used, and its visits.
  var entries: [[String]] {
    lines.filter { !$0.hasPrefix("#") }.map { $0.split(separator: " ").map(String.init) }
  }
  var urls: [String] { entries.map { $0[0] }.sorted() }

  /// The text with its entries changed and its end line made right again.
  static func rewriting(_ text: String, _ change: (String) -> String) -> String {
    let lines = text.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("# end ") }
    let changed = lines.map { $0.hasPrefix("#") ? $0 : change($0) }
    let start = changed.joined(separator: "\n") + "\n"
    let count = changed.count { !$0.hasPrefix("#") }
    return start + "# end urls=\(count) crc32=\(checksum(Bytes(text: start)))\n"
  }

  /// CRC-32 as in zlib, eight hexadecimal digits.
  static func checksum(_ bytes: Bytes) -> String {
    var sum: UInt32 = .max
    for byte in bytes {
      sum ^= UInt32(byte)
      for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
    }
    let digits = String(~sum, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}

/// The memory of URLs over the life of the program and past it.
@Suite("The URL map and its file")
struct MapTests {
  /// A new site without pages and an old one with all but `/none…`, and a folder for the map.
  final class Sites {
    let new: ScriptedOrigin
    let old: ScriptedOrigin
    let folder: TemporaryFolder

    init() throws {
      new = try .pages([:])
      old = try ScriptedOrigin { exchange in
        try exchange.target.hasPrefix("/none") ? exchange.answer(404) : exchange.answer(200, "old")
      }
      folder = try TemporaryFolder()
    }

    var path: String { folder.path("urls.map") }

    func start(_ flags: String...) throws -> Site {
      let flags = ["--map-file", path, "--debug-headers"] + flags
      return Site(new: new, old: old, relevo: try Relevo(new: [new], old: [old], flags: flags))
    }

    var file: MapFile { get throws { MapFile(try folder.read("urls.map")) } }

    /// Makes a file that knows these URLs, by visiting them and ending the program.
    func make(_ urls: String...) throws {
      let site = try start()
      for url in urls { try site.learn(url) }
      #expect(try site.relevo.terminate() == .code(0))
    }

    /// Whether a program that starts now knows the URL.
    func knows(_ url: String) throws -> Bool {
      let site = try start()
      let route = try site.get(url)["X-Relevo-Route"]
      try site.relevo.kill()
      return route == "old-map"
    }
  }

  @Test("SIGTERM writes what was learned: one URL a line, comments, counts and a checksum at the end")
  func format() throws {
    let sites = try Sites()
    let site = try sites.start()
    let before = Int(Date().timeIntervalSince1970)
    for url in ["/b", "/a?x=1&y=%20", "/noexiste.html"] { try site.learn(url) }
    for _ in 1...4 { #expect(try site.get("/b")["X-Relevo-Route"] == "old-map") }
    #expect(try site.get("/none").status == 404)
    #expect(try site.get("/c", method: "OPTIONS").status == 200)
    site.settle()
    #expect(try site.relevo.terminate() == .code(0))
    let after = Int(Date().timeIntervalSince1970)

    let text = try sites.folder.read("urls.map")
    let file = MapFile(text)
    #expect(file.urls == ["/a?x=1&y=%20", "/b", "/noexiste.html"])
    for entry in file.entries {
      try #require(entry.count == 5)
      #expect(entry[1] == "old")
      let (learned, used) = (Int(entry[2]) ?? 0, Int(entry[3]) ?? 0)
      #expect((before...after).contains(learned))
      #expect((learned...after).contains(used))
    }
    let visits = file.entries.filter { $0[0] == "/b" }.map { Int($0[4]) ?? 0 }
    #expect(visits == [4] || visits == [5])
    let end = try #require(text.range(of: "# end "))
    #expect(
      text[end.lowerBound...]
        == "# end urls=3 crc32=\(MapFile.checksum(Bytes(text: String(text[..<end.lowerBound]))))\n")
    #expect(!sites.folder.exists("urls.map.tmp"))
  }

  @Test("the next start knows what the last one learned, and the new pool is not asked")
  func restart() throws {
    let sites = try Sites()
    try sites.make("/page", "/?p=7")
    let site = try sites.start()
    for url in ["/page", "/?p=7"] { #expect(try site.get(url)["X-Relevo-Route"] == "old-map") }
    #expect(try site.get("/")["X-Relevo-Route"] == "old-fallback")
    #expect(sites.new.requests.count == 3)
    try site.relevo.terminate()
    #expect(try sites.file.urls == ["/", "/?p=7", "/page"])
  }

  @Test("kill -9 and restart keep what was learned, but for the last second")
  func killed() throws {
    let sites = try Sites()
    let site = try sites.start()
    try site.learn("/before")
    site.relevo.process.signal(SIGUSR1)
    #expect(eventually { (try? sites.file.urls) == ["/before"] })
    try site.learn("/after")
    sleep(1)
    try site.relevo.kill()
    #expect(try sites.file.urls == ["/before"])
    #expect(try sites.knows("/before"))
    #expect(try sites.knows("/after"))
  }

  @Test("a snapshot is taken at the interval when something changed, and only then")
  func interval() throws {
    let sites = try Sites()
    let site = try sites.start("--map-snapshot-every", "300ms")
    try site.learn("/one")
    #expect(eventually { (try? sites.file.urls) == ["/one"] })
    let written = { try FileManager.default.attributesOfItem(atPath: sites.path)[.systemFileNumber] as? Int }
    sleep(1)
    let number = try written()
    sleep(1)
    #expect(try written() == number, "nothing changed, nothing was written")
    try site.learn("/two")
    #expect(eventually { (try? sites.file.urls) == ["/one", "/two"] })
    try site.relevo.kill()
  }

  @Test("SIGUSR1 takes a snapshot at once, and again, while requests go on")
  func onSignal() throws {
    let sites = try Sites()
    let site = try sites.start()
    for number in 1...3 {
      try site.learn("/\(number)")
      site.relevo.process.signal(SIGUSR1)
      #expect(eventually { (try? sites.file.urls.count) == number })
    }
    #expect(try site.relevo.terminate() == .code(0))
  }

  @Test("the snapshot before is kept")
  func previous() throws {
    let sites = try Sites()
    try sites.make("/one")
    try sites.make("/two")
    #expect(try sites.file.urls == ["/one", "/two"])
    #expect(MapFile(try sites.folder.read("urls.map.prev")).urls == ["/one"])
  }

  @Test("a URL that was forgotten is not in the file")
  func forgotten() throws {
    let sites = try Sites()
    try sites.make("/page", "/gone")
    let old = try ScriptedOrigin.pages(["/page": "old"])
    let relevo = try Relevo(new: [sites.new], old: [old], flags: ["--map-file", sites.path])
    #expect(try Client(relevo.port).get("/gone").status == 404)
    #expect(try relevo.log("/gone").notes.contains("forgotten"))
    #expect(try relevo.terminate() == .code(0))
    #expect(try sites.file.urls == ["/page"])
  }

  static let damages: [(name: String, damage: @Sendable (String) -> String)] = [
    ("nothing in it", { _ in "" }),
    ("cut off", { String($0.dropLast(10)) }),
    ("cut off at a line", { $0.components(separatedBy: "\n").dropLast(2).joined(separator: "\n") + "\n" }),
    ("another byte in a URL", { $0.replacingOccurrences(of: "/second", with: "/secomd") }),
    (
      "an entry less",
      { $0.components(separatedBy: "\n").filter { !$0.hasPrefix("/second") }.joined(separator: "\n") }
    ),
    ("something after its end", { $0 + "/more old 1 1 1\n" }),
    ("another file's text", { _ in "hello\n" }),
    ("half of it twice", { $0 + $0 }),
    (
      "a wrong line, with a right checksum",
      { MapFile.rewriting($0) { $0.hasPrefix("/second") ? "/second" : $0 } }
    ),
    (
      "letters for a number", { MapFile.rewriting($0) { $0.hasPrefix("/second") ? "/second old x 1 1" : $0 } }
    ),
  ]

  /// The files after one URL was learned, and then another.
  private static let twoStarts = Result<[String: String], any Error> {
    let sites = try Sites()
    try sites.make("/first")
    try sites.make("/second")
    let names = try FileManager.default.contentsOfDirectory(atPath: sites.folder.path)
    return Dictionary(uniqueKeysWithValues: try names.map { ($0, try sites.folder.read($0)) })
  }

  @Test(
    "a broken file is refused with the line that is wrong, and the one before it is used", arguments: damages)
  func broken(name: String, damage: @Sendable (String) -> String) throws {
    let sites = try Sites()
    for (name, text) in try Self.twoStarts.get() { try sites.folder.write(name, text) }
    try sites.folder.write("urls.map", damage(try sites.folder.read("urls.map")))
    let site = try sites.start()
    #expect(site.relevo.process.errors.text.contains("line "), "\(name)")
    #expect(site.relevo.process.errors.text.contains(sites.path))
    #expect(try site.get("/first")["X-Relevo-Route"] == "old-map")
    #expect(try site.get("/second")["X-Relevo-Route"] == "old-map", "the journal has what came after it")
    #expect(try site.get("/third")["X-Relevo-Route"] == "old-fallback")
    try site.relevo.terminate()
    #expect(try sites.file.urls == ["/first", "/second", "/third"])
    #expect(sites.folder.exists("urls.map.refused"))
  }

  @Test("a broken file without one before it is one line and 78: never silently empty", arguments: damages)
  func brokenAlone(name: String, damage: @Sendable (String) -> String) throws {
    let sites = try Sites()
    let text = damage(try #require(try Self.twoStarts.get()["urls.map"]))
    try sites.folder.write("urls.map", text)
    let process = try ChildProcess(Relevo.binary, CommandLineTests.serve + ["--map-file", sites.path])
    #expect(try process.wait() == .code(78), "\(name)")
    let lines = try process.errors.untilEnd()
    #expect(lines.count == 1, "\(lines)")
    #expect(lines.first?.contains(sites.path) == true)
    #expect(lines.first?.contains("line ") == true)
    #expect(try sites.folder.read("urls.map") == text, "left for inspection")
  }

  @Test("a file written by hand with the right checksum is read")
  func byHand() throws {
    let sites = try Sites()
    try sites.make("/page")
    let now = Int(Date().timeIntervalSince1970)
    try sites.folder.write(
      "urls.map",
      MapFile.rewriting(try sites.folder.read("urls.map")) { _ in
        "/x?y=z old \(now) \(now) 3"
      })
    #expect(try sites.knows("/x?y=z"))
    #expect(try !sites.knows("/page"))
  }

  @Test(
    "a file with more URLs than --map-max-urls keeps is one line that says what to do, and 78; nothing is lost"
  )
  func tooManyURLs() throws {
    let sites = try Sites()
    try sites.make("/a", "/b", "/c")
    let before = try sites.folder.read("urls.map")
    let process = try ChildProcess(
      Relevo.binary, CommandLineTests.serve + ["--map-file", sites.path, "--map-max-urls", "2"])
    #expect(try process.wait() == .code(78))
    #expect(
      try process.errors.untilEnd() == [
        "relevo: --map-file \(sites.path) holds 3 URLs and --map-max-urls keeps 2: start with --map-max-urls 3 or more, "
          + "or take some out first with relevo map remove"
      ])
    #expect(try sites.folder.read("urls.map") == before)
    let site = try sites.start("--map-max-urls", "3")
    #expect(try site.get("/a")["X-Relevo-Route"] == "old-map")
    #expect(try site.relevo.terminate() == .code(0))
    #expect(try sites.file.urls == ["/a", "/b", "/c"])
  }

  @Test("the age of a URL outlives a restart: past the recheck age new is asked first")
  func ageIsKept() throws {
    let sites = try Sites()
    try sites.make("/page")
    let now = Int(Date().timeIntervalSince1970)
    try sites.folder.write(
      "urls.map",
      MapFile.rewriting(try sites.folder.read("urls.map")) { _ in "/page old \(now - 7200) \(now - 7200) 1" })
    let site = try sites.start("--map-recheck-after", "1h")
    #expect(try site.get("/page").text == "old")
    #expect(sites.new.requests.count == 2, "asked first, once")
    site.settle()
    #expect(try site.get("/page")["X-Relevo-Route"] == "old-map")
    try site.relevo.kill()
  }

  @Test("a start with another --ignore-query finds what the last one learned")
  func otherIgnoredQuery() throws {
    let sites = try Sites()
    try sites.make("/page?ref=mail", "/page?ref=news&x=1")
    let site = try sites.start("--ignore-query", "default,ref")
    for url in ["/page?ref=other", "/page", "/page?x=1"] {
      #expect(try site.get(url)["X-Relevo-Route"] == "old-map", "\(url)")
    }
    _ = try site.relevo.process.errors.wait("a line about it") {
      $0.contains("2 of them were kept by keys of other flags")
    }
    #expect(try site.relevo.terminate() == .code(0))
    #expect(try sites.file.urls == ["/page", "/page?x=1"])
  }

  @Test("past --map-max-urls the coldest URLs go, and a warm one stays")
  func bound() throws {
    let sites = try Sites()
    let site = try sites.start("--map-max-urls", "100")
    try site.learn("/warm")
    let client = try site.client()
    for number in 1...400 {
      #expect(try client.get("/cold/\(number)").text == "old")
      if number % 10 == 0 { #expect(try client.get("/warm").text == "old") }
    }
    client.close()
    try site.relevo.terminate()
    let urls = try sites.file.urls
    #expect(urls.count <= 100)
    #expect(urls.count > 20)
    #expect(urls.contains("/warm"))
  }

  @Test("a snapshot that cannot be written is said, and the site goes on")
  func unwritable() throws {
    let sites = try Sites()
    try FileManager.default.createDirectory(
      atPath: sites.folder.path("sub"), withIntermediateDirectories: false)
    let relevo = try Relevo(
      new: [sites.new], old: [sites.old], flags: ["--map-file", sites.folder.path("sub/map")])
    #expect(try Client(relevo.port).get("/page").text == "old")
    try FileManager.default.removeItem(atPath: sites.folder.path("sub"))
    relevo.process.signal(SIGUSR1)
    _ = try relevo.process.errors.wait("an error about the file") {
      $0.contains("error") && $0.contains(sites.folder.path("sub"))
    }
    #expect(try Client(relevo.port).get("/page").text == "old")
    try relevo.kill()
  }

  @Test("ten thousand learned URLs come back whole")
  func many() throws {
    let sites = try Sites()
    let site = try sites.start("--access-log", "off")
    let port = site.relevo.port
    let count = 10_000
    let work = (0..<4).map { part in
      Background {
        let client = try Client(port)
        for number in stride(from: part, to: count, by: 4) {
          guard try client.get("/many/\(number % 97)/page-\(number).html").text == "old" else {
            throw HarnessError.malformed("page \(number)")
          }
        }
      }
    }
    for piece in work { try piece.value(.after(60)) }
    #expect(try site.relevo.terminate() == .code(0))
    #expect(try sites.file.entries.count == count)
    let asked = sites.new.requests.count
    let again = try sites.start("--access-log", "off")
    _ = try again.relevo.process.errors.wait("the end of the load", .after(60)) {
      $0.contains("loaded \(count) URLs")
    }
    let client = try again.client()
    for number in stride(from: 0, to: count, by: 50) {
      #expect(try client.get("/many/\(number % 97)/page-\(number).html")["X-Relevo-Route"] == "old-map")
    }
    #expect(sites.new.requests.count == asked)
    try again.relevo.kill()
  }
}
