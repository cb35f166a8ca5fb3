import Glibc
import Testing
import URLMap

@testable import MapFormats

/// What becomes of files, told by the map that they are read into.
@Suite("Imports")
struct ImportTests {
  let folder = ScratchFolder()

  struct Outcome {
    var entries: [String: MapEntry] = [:]
    var report = MapImport.Report()
    var problems: [String] = []
    var keys: [String] { entries.keys.sorted() }
  }

  static let now: UInt32 = 1_000

  /// Imports these files, in their order, into an empty map.
  func read(
    _ files: [(name: String, content: [UInt8])], only: String? = nil, parts: KeyScheme.Parts = .pathQuery,
    hosts: [String] = [], format: ImportFormat? = nil, isStrict: Bool = false, maxUnpacked: Int = 1 << 30
  ) throws -> Outcome {
    for file in files { folder.write(file.name, file.content) }
    let map = URLMap()
    var problems: [String] = []
    let options = MapImport.Options(
      scheme: KeyScheme(parts), hosts: hosts, format: format, isStrict: isStrict,
      maxUnpackedBytes: maxUnpacked,
      now: Self.now)
    var result = Outcome()
    var reading = MapImport(into: map, options, onProblem: { problems.append($0.description) })
    for file in only.map({ [$0] }) ?? files.map(\.name) { try reading.read(folder[file]) }
    result.report = reading.report
    result.problems = problems.map { $0.replacing(folder.path + "/", with: "") }
    map.forEachEntry { key, entry in
      result.entries[key.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }] = entry
    }
    return result
  }

  func read(
    _ text: String, parts: KeyScheme.Parts = .pathQuery, hosts: [String] = [], format: ImportFormat? = nil
  ) throws -> Outcome {
    try read([("file", Array(text.utf8))], parts: parts, hosts: hosts, format: format)
  }

  // MARK: Lists and maps

  @Test("a list has a path or a URL a line; the host and the fragment go")
  func list() throws {
    let result = try read(
      "# a comment\n/a\r\n\nhttp://www.example.com/b?x=1#part\n  HTTPS://u:p@Example.com:8443\n/a\n/%7ea?utm_source=z"
    )
    #expect(result.keys == ["/", "/a", "/b?x=1", "/~a"])
    #expect(result.report == .init(added: 4, known: 1))
    #expect(result.entries["/a"] == MapEntry(learnedAt: Self.now, lastUsedAt: Self.now, hits: 0))
  }

  @Test("what a browser would encode is encoded")
  func encodes() throws {
    #expect(try read("/caf\u{E9}/\u{20AC}").keys == ["/caf%C3%A9/%E2%82%AC"])
  }

  @Test("a line that is no URL is told with its number, and the rest is taken")
  func problems() throws {
    let long = "/" + String(repeating: "a", count: 9000)
    let endless = "/" + String(repeating: "b", count: 300_000)
    let result = try read("/a\nftp://x/\n/b\n\(long)\nhttp:///x\n/c\u{7}\n\(endless)\n/d")
    #expect(result.keys == ["/a", "/b", "/d"])
    #expect(
      result.problems == [
        "file, line 2: it is neither a path nor a URL of http or https",
        "file, line 4: the URL is longer than 8192 bytes",
        "file, line 5: the URL has no host",
        "file, line 6: there is a control character in the URL",
        "file, line 7: the line is longer than 65536 bytes",
      ])
    #expect(result.report.refused == 5)
  }

  @Test("a strict import ends at the first problem")
  func strict() throws {
    #expect(
      throws: ImportError.refused(
        ImportProblem(file: folder["f"], line: 2, reason: "it is neither a path nor a URL of http or https"))
    ) { try read([("f", Array("/a\nb\n/c\n".utf8))], isStrict: true) }
  }

  @Test("a map of HAProxy has a value behind the URL")
  func haproxy() throws {
    let result = try read("\u{FEFF}# map\n/a old\n  /b\tbackend-2 x\n/c\n")
    #expect(result.keys == ["/a", "/b"])
    #expect(result.problems == ["file, line 4: behind the URL there is no value, as a map of HAProxy has it"])
  }

  @Test("keys with a host keep it, and paths get the one that was named")
  func hosts() throws {
    let lines = "http://WWW.example.com:80/a\nother.example.com/b\n/c\n"
    let result = try read(lines, parts: .hostPath, hosts: ["www.example.com"])
    #expect(result.keys == ["www.example.com/a", "www.example.com/c"])
    #expect(result.report.otherHosts == 1)
    let open = try read(lines, parts: .hostPathQuery)
    #expect(open.keys == ["other.example.com/b", "www.example.com/a"])
    #expect(open.problems == ["file, line 3: the map's keys have a host and the path has none: give --host"])
  }

  // MARK: Access logs

  @Test("a log gives the pages that were there, with their times and visits")
  func log() throws {
    let result = try read(
      #"""
      192.0.2.7 - - [10/Oct/2026:13:55:36 +0200] "GET /a?x=1 HTTP/1.1" 200 2326 "-" "agent [1] \" \\"
      192.0.2.7 - ann [x [10/Oct/2026:13:55:30 +0200] "HEAD /a?x=1 HTTP/1.1" 304 - "-" "-"
      192.0.2.7 - - [10/Oct/2026:06:55:40 -0500] "GET /a?x=1 HTTP/1.1" 200 2326
      192.0.2.7 - - [10/Oct/2026:13:55:36 +0200] "GET /gone HTTP/1.1" 404 12 "-" "-"
      192.0.2.7 - - [10/Oct/2026:13:55:36 +0200] "POST /form HTTP/1.1" 200 12 "-" "-"
      192.0.2.7 - - [10/Oct/2026:13:55:36 +0200] "-" 408 0 "-" "-"
      192.0.2.7 - - [29/Feb/2028:00:00:00 +0000] "GET /q\"\x22\\\xC3\xA9 HTTP/1.1" 206 5 "-" "-"
      192.0.2.7 - - [10/Oct/2026:13:55:36 +0200] "GET http://h/abs HTTP/1.1" 200 5 "-" "-"
      """#)
    let noon: UInt32 = 1_791_633_336
    #expect(result.entries["/a?x=1"] == MapEntry(learnedAt: noon, lastUsedAt: noon + 4, hits: 3))
    #expect(
      result.entries[#"/q""\%C3%A9"#]
        == MapEntry(learnedAt: 1_835_395_200, lastUsedAt: 1_835_395_200, hits: 1))
    #expect(result.keys == ["/a?x=1", "/abs", #"/q""\%C3%A9"#])
    #expect(result.report == .init(added: 3, known: 2, noPages: 3))
  }

  @Test(
    "a broken line of a log is told",
    arguments: [
      (#"x"#, "there is no [time]"),
      (#"h - - [99/Oct/2026:13:55:36 +0200] "GET / HTTP/1.1" 200 1"#, "the time is not like"),
      (#"h - - [10/Oct/2026:13:55:36 *0200] "GET / HTTP/1.1" 200 1"#, "the time is not like"),
      (#"h - - [10/Oct/2026:13:55:36 +0200"#, "behind the time there is no request"),
      (#"h - - [10/Oct/2026:13:55:36 +0200] "GET / \""#, "no closing quote"),
      (#"h - - [10/Oct/2026:13:55:36 +0200] "GET /" 20"#, "there is no status"),
      (#"h - - [10/Oct/2026:13:55:36 +0200] "GET x HTTP/1.1" 200 1"#, "neither a path nor a URL"),
    ])
  func brokenLog(line: String, reason: String) throws {
    let result = try read(line, format: .accessLog)
    #expect(result.problems.count == 1 && result.problems[0].contains(reason), "\(result.problems)")
  }

  // MARK: Sitemaps

  static func document(_ locations: String...) -> String {
    #"<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">"#
      + locations.map { "<url><loc>\($0)</loc><lastmod>2026-01-01</lastmod></url>" }.joined(separator: "\n")
      + "</urlset>"
  }

  @Test("a sitemap gives its addresses, and not those of its images")
  func sitemap() throws {
    let result = try read(
      """
      <?xml version="1.0"?>
      <urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
      <url><loc>
        https://www.example.com/a?x=1&amp;y=&#50;
      </loc><image:image><image:loc>https://www.example.com/a.png</image:loc></image:image></url>
      <url><loc><![CDATA[https://www.example.com/b]]></loc></url>
      <url><loc>https://other.example.com/c</loc></url>
      <url><loc>mailto:x</loc></url>
      </urlset>
      """, hosts: ["www.example.com"])
    #expect(result.keys == ["/a?x=1&y=2", "/b"])
    #expect(result.problems == ["file, line 8: it is neither a path nor a URL of http or https"])
    #expect(result.report.otherHosts == 1)
  }

  @Test("an index leads to the sitemaps beside it, packed or not, and tells what to fetch")
  func index() throws {
    let index = """
      <sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
      <sitemap><loc>https://www.example.com/maps/one.xml</loc></sitemap>
      <sitemap><loc>https://www.example.com/maps/two.xml.gz?v=2</loc></sitemap>
      <sitemap><loc>https://www.example.com/maps/three.xml</loc></sitemap>
      <sitemap><loc>https://www.example.com/maps/index.xml</loc></sitemap>
      </sitemapindex>
      """
    let result = try read(
      [
        ("index.xml", Array(index.utf8)), ("one.xml", Array(Self.document("https://www.example.com/1").utf8)),
        ("two.xml.gz", gzip(Array(Self.document("https://www.example.com/2").utf8))),
      ], only: "index.xml")
    #expect(result.keys == ["/1", "/2"])
    #expect(result.problems.count == 5)
    #expect(
      result.problems.first
        == "index.xml, line 4: three.xml is not beside the index: fetch https://www.example.com/maps/three.xml into "
        + "this folder and import it too")
    #expect(
      result.problems.last == "index.xml, line 5: an index of sitemaps names another index, which none may")
  }

  @Test(
    "what is broken or hostile in XML ends the file, and what came before is taken",
    arguments: [
      (document("/a") + "<x>", "it is no XML"),
      ("<urlset><url><loc>/a</loc></url>", "it is no XML"),
      ("<urlset><url><loc>/a</loc></url><b></c>", "it is no XML"),
      (
        "<urlset><url><loc>/a</loc></url>" + String(repeating: "<x>", count: 100),
        "its elements lie more than 32 deep"
      ),
      (
        "<urlset><url><loc>/a</loc></url><url><loc>\(String(repeating: "x", count: 50_000))</loc></url></urlset>",
        "an address is longer than any URL"
      ),
    ])
  func hostile(xml: String, reason: String) throws {
    let result = try read(xml)
    #expect(result.keys == ["/a"])
    #expect(result.problems.count == 1 && result.problems[0].contains(reason), "\(result.problems)")
  }

  @Test("entities are not blown up: a document type is refused")
  func entities() throws {
    let bomb = """
      <?xml version="1.0"?><!DOCTYPE urlset [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>
      <urlset><url><loc>/&b;</loc></url></urlset>
      """
    let result = try read(bomb)
    #expect(result.keys.isEmpty)
    #expect(result.problems == ["file, line 1: it has a document type declaration, which no sitemap has"])
    #expect(
      try read("<html><body/></html>").problems.first?.contains("neither a sitemap nor an index") == true)
  }

  // MARK: Compression

  @Test("a compressed file is unpacked, and its parts as well")
  func packed() throws {
    let lines = (0..<20_000).map { "/page/\($0)\n" }.joined()
    let result = try read([("a.gz", gzip(Array(lines.utf8)) + gzip(Array("/last".utf8)))])
    #expect(result.report == .init(added: 20_001))
  }

  @Test("a damaged, cut or blown up file is told, and what came before is taken")
  func damaged() throws {
    let lines = Array((0..<12_000).map { "/page/\($0)\n" }.joined().utf8)
    let whole = gzip(lines)
    let cut = try read([("cut.gz", Array(whole.dropLast(whole.count / 2)))])
    #expect(cut.problems == ["cut.gz: its end is missing"])
    #expect(cut.report.added > 1_000 && cut.report.added < 12_000)
    var bytes = whole
    bytes[whole.count - 5] ^= 0xFF
    #expect(try read([("bad.gz", bytes)]).problems == ["bad.gz: its compressed data is damaged"])
    #expect(
      try read([("more.gz", whole + [1, 2, 3])]).problems
        == ["more.gz: something else follows the compressed data"])
    let bomb = gzip([UInt8](repeating: 10, count: 500_000))
    #expect(
      try read([("bomb.gz", bomb)], maxUnpacked: 300_000).problems
        == ["bomb.gz: it unpacks to more than 300000 bytes: give --max-unpacked"])
  }

  @Test("a file that is not there is an error")
  func missing() {
    #expect(
      throws: ImportError.system(path: folder["none"], action: "open the file", code: ENOENT)
    ) { try read([], only: "none") }
  }

  @Test(
    "many URLs come into an empty map and into one that is not, in order or not, twice or not, all the same",
    arguments: [true, false], [true, false])
  func many(inOrder: Bool, isEmpty: Bool) throws {
    var urls = (0..<3000).map { "/a/\($0 % 7)/page-\($0)" }.sorted()
    urls += inOrder ? [] : urls.prefix(500).shuffled()
    if !inOrder { urls.shuffle() }
    folder.write("list", Array(urls.map { $0 + "\n" }.joined().utf8))
    folder.write("log", Array(#"h - - [10/Oct/2026:13:55:36 +0200] "GET /a/0/page-0 HTTP/1.1" 200 1"#.utf8))
    let map = URLMap()
    let before = Array("/z".utf8)
    if !isEmpty { map.learn(before.span.bytes, at: 1) }
    map.waitUntilApplied()
    var reading = MapImport(into: map, MapImport.Options(scheme: KeyScheme(), now: 5))
    try reading.read(folder["list"])
    try reading.read(folder["log"])
    #expect(reading.report.added == 3000)
    #expect(reading.report.known == (inOrder ? 1 : 501))
    var found: [String: MapEntry] = [:]
    map.forEachEntry { key, entry in
      found[key.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }] = entry
    }
    #expect(Set(found.keys) == Set(urls + (isEmpty ? [] : ["/z"])))
    #expect(found["/a/1/page-1"] == MapEntry(learnedAt: 5))
    #expect(found["/a/0/page-0"]?.hits == 1)
  }

  @Test("a strict import that ends at a wrong line has changed nothing")
  func strictIntoEmpty() throws {
    folder.write("list", Array("/a\n/b\nno url\n".utf8))
    let map = URLMap()
    var reading = MapImport(into: map, MapImport.Options(scheme: KeyScheme(), isStrict: true, now: 1))
    #expect(throws: ImportError.self) { try reading.read(folder["list"]) }
    #expect(map.count == 0)
    #expect(map.statistics.urls == 0)
  }

  @Test("a map that is full is an error, and no loss in silence")
  func full() throws {
    folder.write("list", Array((0..<200).map { "/\($0)\n" }.joined().utf8))
    let map = URLMap(URLMap.Configuration(maxURLs: 100))
    var reading = MapImport(into: map, MapImport.Options(scheme: KeyScheme(), now: 1))
    #expect(throws: ImportError.outOfMemory) { try reading.read(folder["list"]) }
  }

  // MARK: Any bytes

  @Test("no bytes trap", arguments: ImportFormat.allCases)
  func anyBytes(format: ImportFormat) throws {
    let seeds = [
      Array(Self.document("/a").utf8), gzip(Array("/a\n".utf8)), Array("/a old\nhttp://h/%4\n".utf8),
      Array(#"h - - [10/Oct/2026:13:55:36 +0200] "GET /\x2 HTTP/1.1" 200 1"#.utf8),
    ]
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<50 {
      var bytes = seeds.randomElement(using: &generator) ?? []
      for _ in 0..<Int.random(in: 1...8) where !bytes.isEmpty {
        let index = Int.random(in: 0..<bytes.count)
        if Bool.random() { bytes[index] = .random(in: 0...255) } else { bytes.removeSubrange(index...) }
      }
      _ = try read([("f", bytes)], format: format)
      _ = try read([("f", bytes)], parts: .hostPath)
    }
  }
}
