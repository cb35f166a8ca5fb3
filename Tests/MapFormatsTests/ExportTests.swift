import Testing
import URLMap

@testable import MapFormats

/// What stands in exported files. Whether other servers read it so is tested with these.
@Suite("Exports")
struct ExportTests {
  let folder = ScratchFolder()

  func map(_ keys: [String], visited: [String] = []) -> URLMap {
    let map = URLMap()
    for key in keys {
      while !map.learn(Array(key.utf8).span.bytes, at: 1_763_912_535) { map.waitUntilApplied() }
    }
    map.waitUntilApplied()
    let reader = map.makeReader()
    for key in visited { _ = reader.lookup(Array(key.utf8).span.bytes, countingHitAt: 1_763_912_600) }
    return map
  }

  func export(
    _ format: ExportFormat, _ map: URLMap, _ options: ExportOptions = ExportOptions()
  ) throws -> (text: String, report: ExportReport) {
    var export = MapExport(format, options)
    let report = try export.write(map, to: ExportOutput(.file(folder["out"])))
    return (String(decoding: folder.read("out") ?? [], as: UTF8.self), report)
  }

  let old = try! Redirect(to: "https://old.example.com/")

  @Test("CSV quotes what RFC 4180 wants quoted")
  func csv() throws {
    let map = map(["/a,b", "/c\"d", "/e"], visited: ["/e", "/e"])
    let times = "2025-11-23T15:42:15Z,2025-11-23T15:42:15Z"
    #expect(
      try export(.csv, map).text
        == "url,learned,last_used,visits\r\n\"/a,b\",\(times),0\r\n\"/c\"\"d\",\(times),0\r\n"
        + "/e,2025-11-23T15:42:15Z,2025-11-23T15:43:20Z,2\r\n")
    #expect(
      try export(.csv, map, ExportOptions(redirect: old, minHits: 1)).text.hasSuffix(
        ",visits,target\r\n/e,2025-11-23T15:42:15Z,2025-11-23T15:43:20Z,2,https://old.example.com/e\r\n"))
  }

  @Test("JSON escapes quotes and backslashes, and is whole without an entry too")
  func json() throws {
    #expect(try export(.json, map([])).text == "{\"key\":\"path-query\",\"urls\":[\n]}\n")
    #expect(
      try export(.json, map(["/a\\\"b"]), ExportOptions(redirect: old)).text == #"""
        {"key":"path-query","urls":[
        {"url":"/a\\\"b","learned":"2025-11-23T15:42:15Z","last_used":"2025-11-23T15:42:15Z","visits":0,"target":"https://old.example.com/a\\\"b"}
        ]}

        """#)
  }

  @Test("a sitemap's addresses are URIs in XML")
  func sitemap() throws {
    let result = try export(
      .sitemap, map(["/a?b&c'd\"<{", "/" + String(repeating: "x", count: 2100)]), ExportOptions(redirect: old)
    )
    #expect(result.text.contains("<url><loc>https://old.example.com/a?b&amp;c&apos;d%22%3C%7B</loc></url>"))
    #expect(result.text.contains("Sitemap: https://old.example.com/sitemap.xml"))
    #expect(result.report == ExportReport(written: 1, leftOut: 1))
  }

  @Test(
    "more URLs than a sitemap holds are several and an index, in a folder; for one file they are too many")
  func sitemaps() throws {
    let map = map((0..<50_001).map { "/\($0)" })
    let options = ExportOptions(redirect: old)
    var export = MapExport(.sitemap, options)
    let report = try export.write(map, to: ExportOutput(.folder(folder.path)))
    #expect(report == ExportReport(written: 50_001, files: 3))
    let texts = ["sitemap-1.xml", "sitemap-2.xml", "sitemap.xml"].map {
      String(decoding: folder.read($0) ?? [], as: UTF8.self)
    }
    #expect(texts[0].split(separator: "<url>").count == 50_001)
    #expect(texts[1].split(separator: "<url>").count == 2)
    #expect(texts[2].contains("<loc>https://old.example.com/sitemap-2.xml</loc>"))
    var single = MapExport(.sitemap, options)
    #expect(throws: ExportError.needsFolder) {
      try single.write(map, to: ExportOutput(.file(folder["one.xml"])))
    }
    #expect(folder.read("one.xml") == nil && folder.read("one.xml.tmp") == nil)
  }

  @Test("only what was asked for is exported")
  func filters() throws {
    let map = map(["/a/1", "/a/2", "/b"], visited: ["/a/2", "/b"])
    let options = ExportOptions(minHits: 1, prefix: Array("/a/".utf8))
    #expect(try export(.haproxy, map, options).text.hasSuffix(".\n/a/2 old\n"))
  }

  @Test("the comment names the file, unless a directive could not hold its name")
  func names() throws {
    let map = map(["/a"])
    #expect(
      try export(.haproxy, map, ExportOptions(file: "/etc/x.map")).text.contains("pathq,map_str(/etc/x.map)"))
    for name in ["/a b", "/a\n}", "/a\"", "/a)"] {
      #expect(
        try export(.nginxMap, map, ExportOptions(file: name)).text.contains("include /path/of/this/file;"))
    }
  }

  @Test(
    "a base is an address of http or https without a query",
    arguments: [
      "old.example.com", "ftp://x", "https://", "https://x/?a", "https://x/$a", "http://x y", "http:///x",
    ])
  func badBase(text: String) {
    #expect(throws: Redirect.BadBase.self) { try Redirect(to: text) }
  }

  @Test("what a format needs is said")
  func problems() {
    #expect(ExportFormat.nginxRedirects.problem(with: ExportOptions()) != nil)
    #expect(ExportFormat.nginxMap.problem(with: ExportOptions(redirect: old)) != nil)
    #expect(ExportFormat.sitemap.problem(with: ExportOptions()) != nil)
    #expect(ExportFormat.sitemap.problem(with: ExportOptions(parts: .hostPath)) == nil)
    #expect(ExportFormat.csv.problem(with: ExportOptions()) == nil)
  }
}
