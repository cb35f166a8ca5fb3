import Foundation
import Testing
import URLMap

/// Each export in the server that it is for, started with the directives of the file's own comment.
@Suite("Exported maps in other servers", .serialized)
struct MapExportTests {
  let folder: TemporaryFolder
  let sites: TwoSites

  init() throws {
    folder = try TemporaryFolder()
    chmod(folder.path, 0o755)
    sites = try TwoSites()
  }

  static let awkward = [
    "\"", "'", ";", "$", "%20", "&", "=", "+", "%22", "%25", "$1", "${x}", "$request_uri", "\\", "\\n",
    "\\\"", "|",
    "^", "`", "{", "}", "{}", "[", "]", "(", ")", "*", "!", "@", ",", ":", "~", "%C3%A9", "%E2%82%AC", "?",
    "??", "//",
    "%23", "%2F", "<", ">", "~x", "default", "a;b{c}\"d\"$e\\f",
  ]

  /// More than 10,000, with every awkward piece at the beginning, in the middle, at the end and in the query.
  static let urls: [String] = {
    var urls: [String] = []
    for (index, piece) in awkward.enumerated() {
      urls += [
        "/\(piece)", "/\(piece)x\(index)", "/a\(index)\(piece)b", "/p\(index).php?p=\(piece)&q=\(piece)",
      ]
    }
    for number in urls.count..<10_100 {
      urls.append("/s\(number % 31)/\(number)/\(awkward[number % awkward.count])/?id=\(number)")
    }
    return urls
  }()

  static func long(_ count: Int) -> String {
    let start = "/long/\(count)/"
    return start + String(repeating: "abc/def-ghi?jkl=mno&", count: count).prefix(count - start.utf8.count)
  }

  /// Writes a map of these URLs and exports it. The file's text, and what the command said.
  func export(
    _ urls: [String], _ format: String, key: String = "path-query", _ flags: String...
  ) throws -> (path: String, comment: [String], errors: String) {
    let map = URLMap()
    for url in urls {
      let key = Bytes(text: url)
      while !map.learn(key.span.bytes, at: 1_700_000_000) { map.waitUntilApplied() }
    }
    map.waitUntilApplied()
    try SnapshotFile(path: folder.path("urls.map")).write(map, mapKey: key)
    let path = folder.path("urls.\(format)")
    let run = try Tools.run(
      Relevo.binary,
      ["map", "export", "--map-file", folder.path("urls.map"), "--format", format, "--output", path] + flags)
    try #require(run.exit == .code(0), "\(run.errors)")
    let lines = try folder.read("urls.\(format)").split(separator: "\n", omittingEmptySubsequences: false)
    return (path, lines.prefix { $0.hasPrefix("#") }.map(String.init), run.errors)
  }

  /// The directives below the line of the comment that begins so: indented, up to the next that is not.
  func directives(_ comment: [String], below heading: String) -> [String] {
    comment.drop { !$0.hasPrefix("# \(heading)") }.dropFirst().prefix { $0.hasPrefix("#   ") }
      .map { String($0.dropFirst(4)) }
  }

  static func neighbour(_ url: String) -> String { url + "z" }

  /// Each URL reaches the old site as it was sent, and each one's neighbour does not.
  func expectRouted(_ urls: [String], _ server: Daemon) throws {
    let pipeline = Pipeline(server.port)
    var wrong = 0
    for (url, answer) in zip(urls, try pipeline.answers(urls))
    where answer.field("X-Site") != "old" || answer.field("X-Asked") != url {
      wrong += 1
      if wrong < 20 { Issue.record("\(url.prefix(100)): \(answer)") }
    }
    let neighbours = urls.map(Self.neighbour)
    for (url, answer) in zip(neighbours, try pipeline.answers(neighbours))
    where answer.field("X-Site") == "old" || ![204, 406].contains(answer.status) {
      wrong += 1
      if wrong < 20 { Issue.record("\(url.prefix(100)): \(answer)") }
    }
    #expect(wrong == 0)
  }

  static let target = "https://old.example.com"

  /// Each URL is redirected to itself on the other site, and each one's neighbour is not redirected. Apache
  /// drops the mark of an empty query, and an ampersand at the end of one.
  func expectRedirected(
    _ urls: [String], _ server: Daemon, dropsEndOfQuery: Bool = false
  ) throws {
    let pipeline = Pipeline(server.port)
    var wrong = 0
    for (url, answer) in zip(urls, try pipeline.answers(urls))
    where answer.status != 301
      || answer.field("Location") != Self.target
        + (dropsEndOfQuery && isDropped(url) ? String(url.dropLast()) : url)
    {
      wrong += 1
      if wrong < 20 { Issue.record("\(url.prefix(100)): \(answer)") }
    }
    let neighbours = urls.map(Self.neighbour)
    for (url, answer) in zip(neighbours, try pipeline.answers(neighbours))
    where ![204, 404, 406].contains(answer.status) {
      wrong += 1
      if wrong < 20 { Issue.record("\(url.prefix(100)): \(answer)") }
    }
    #expect(wrong == 0)
  }

  private func isDropped(_ url: String) -> Bool {
    url.firstIndex(of: "?").map { $0 == url.indices.last || url.last == "&" } ?? false
  }

  // MARK: HAProxy

  func haproxy(_ comment: [String]) throws -> Daemon {
    try .haproxy(
      frontend: directives(comment, below: "In the frontend"),
      backends: ["new": "127.0.0.1:\(sites.newPort)", "old": "127.0.0.1:\(sites.oldPort)"])
  }

  @Test("HAProxy routes every URL, and no neighbour")
  func haproxyRoutes() throws {
    let urls = Self.urls + [1020, 1024, 2048, 8000].map(Self.long)
    try expectRouted(urls, haproxy(export(urls, "haproxy").comment))
  }

  @Test("HAProxy redirects every URL, and no neighbour")
  func haproxyRedirects() throws {
    let urls = Self.urls + [1020, 1024, 2048, 7000].map(Self.long)
    try expectRedirected(urls, haproxy(export(urls, "haproxy", "--to", Self.target).comment))
  }

  // MARK: Apache

  func apache(_ comment: [String]) throws -> Daemon {
    for command in directives(comment, below: "First") {
      let run = try Tools.run("/bin/sh", ["-c", command])
      try #require(run.exit == .code(0), "\(run.errors)")
    }
    chmod(folder.path("urls.apache-dbm.dbm"), 0o644)
    return try .apache(
      directives(comment, below: "In the virtual host").map {
        $0.replacingOccurrences(of: "http://old.example.com", with: "http://127.0.0.1:\(sites.oldPort)")
      })
  }

  @Test("Apache routes every URL, and no neighbour", arguments: ["apache-txt", "apache-dbm"])
  func apacheRoutes(format: String) throws {
    let (fit, long) = (
      [1000, 1018, 1019].map(Self.long), [1020, 1021, 1023, 1024, 2048, 5000].map(Self.long)
    )
    // Apache reads a map the same way whatever its size.
    let urls = Array(Self.urls.prefix(2_000))
    let file = try export(urls + fit + long, format)
    #expect(file.errors.contains("6 of \(urls.count + 9) URLs"), "\(file.errors)")
    #expect(file.comment.contains { $0.contains("Left out: 6 URLs") })
    let server = try apache(file.comment)
    try expectRouted(urls + fit, server)
    // Neither the long ones are found nor any end of them, which nobody learned.
    let tails = long.flatMap { url in
      url.indices.filter { url[$0] == "/" }.map { String(url[$0...]) }.filter { $0.utf8.count < 4000 }
    }
    #expect(try Pipeline(server.port).answers(tails).allSatisfy { $0.status == 406 })
  }

  @Test("Apache redirects every URL, and no neighbour", arguments: ["apache-txt", "apache-dbm"])
  func apacheRedirects(format: String) throws {
    let urls = Array(Self.urls.prefix(500) + Self.urls.suffix(500))
    try expectRedirected(
      urls, apache(export(urls, format, "--to", Self.target).comment), dropsEndOfQuery: true)
  }

  // MARK: nginx

  func nginx(_ comment: [String]) throws -> Daemon {
    try .nginx(
      http: directives(comment, below: "In http") + [
        "upstream new { server 127.0.0.1:\(sites.newPort); keepalive 8; }",
        "upstream old { server 127.0.0.1:\(sites.oldPort); keepalive 8; }",
        "proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_buffer_size 32k; proxy_buffers 8 32k;",
      ], server: directives(comment, below: "In server"))
  }

  @Test("nginx routes every URL, and no neighbour")
  func nginxRoutes() throws {
    let urls = Self.urls + [1020, 1024, 2048, 4000, 4080].map(Self.long)
    let file = try export(urls + [4081, 5000].map(Self.long), "nginx-map")
    #expect(file.errors.contains("2 of \(urls.count + 2) URLs"), "\(file.errors)")
    let server = try nginx(file.comment)
    #expect(
      !(try server.folder.read("error.log")).contains("[warn]"), "the hash fits the sizes of the comment")
    try expectRouted(urls, server)
  }

  @Test("nginx redirects every URL, and no neighbour")
  func nginxRedirects() throws {
    let urls = Self.urls + [1020, 1024, 2048, 4000, 4070, 4080].map(Self.long)
    let server = try nginx(export(urls, "nginx-redirects", "--to", Self.target).comment)
    try expectRedirected(urls, server)
  }

  @Test("nginx takes URLs that differ in their case, and redirects each to itself")
  func nginxCase() throws {
    let urls = ["/Page", "/page", "/PAGE", "/Other", "/a", "/B"]
    let file = try export(urls, "nginx-redirects", "--to", Self.target, "--status", "308")
    let server = try nginx(file.comment)
    let answers = try Pipeline(server.port).answers(urls)
    #expect(answers.map(\.status) == Array(repeating: 308, count: urls.count))
    #expect(answers.map { $0.field("Location") } == urls.map { Self.target + $0 })
  }

  // MARK: Keys of other kinds

  static let kinds = ["path", "host-path", "host-path-query"]

  func keys(_ kind: String) -> (keys: [String], urls: [String]) {
    let paths = Self.awkward.enumerated().map {
      "/\($0.element.replacingOccurrences(of: "?", with: ""))\($0.offset)"
    }
    let urls = kind.hasSuffix("query") ? paths.flatMap { [$0, "\($0)?a=\($0)"] } : paths
    return (kind.hasPrefix("host") ? urls.map { "www.example.com\($0)" } : urls, urls)
  }

  @Test("the directives fit the map's kind of keys, and keep the query", arguments: kinds)
  func routesByOtherKeys(kind: String) throws {
    let (keys, urls) = keys(kind)
    let host = "WWW.Example.COM:8080"
    let asked = kind.hasSuffix("query") ? urls : urls.map { "\($0)?x=1&y=2" }
    func expect(_ server: Daemon) throws {
      let found = try Pipeline(server.port).answers(asked, host: host)
      #expect(found.map { $0.field("X-Site") } == Array(repeating: "old", count: asked.count))
      #expect(found.map { $0.field("X-Asked") } == asked)
      for answer in try Pipeline(server.port).answers(urls.map(Self.neighbour), host: host) {
        #expect(answer.field("X-Site") != "old", "\(answer)")
      }
      guard kind.hasPrefix("host") else { return }
      for answer in try Pipeline(server.port).answers(urls, host: "other.example.com") {
        #expect(answer.field("X-Site") != "old", "\(answer)")
      }
    }
    try expect(haproxy(export(keys, "haproxy", key: kind).comment))
    try expect(apache(export(keys, "apache-txt", key: kind).comment))
    try expect(nginx(export(keys, "nginx-map", key: kind).comment))
  }

  @Test("redirects by other keys keep the query", arguments: kinds)
  func redirectsByOtherKeys(kind: String) throws {
    let (keys, urls) = keys(kind)
    let host = "www.example.com"
    let asked = kind.hasSuffix("query") ? urls : urls.map { "\($0)?x=1&y=2" }
    func expect(_ server: Daemon) throws {
      for targets in [urls, asked] {
        let answers = try Pipeline(server.port).answers(targets, host: host)
        #expect(answers.map(\.status) == Array(repeating: 302, count: targets.count))
        #expect(answers.map { $0.field("Location") } == targets.map { Self.target + $0 })
      }
    }
    let flags = (to: "--to", status: "--status")
    try expect(
      haproxy(export(keys, "haproxy", key: kind, flags.to, Self.target, flags.status, "302").comment))
    try expect(
      apache(export(keys, "apache-dbm", key: kind, flags.to, Self.target, flags.status, "302").comment))
    try expect(
      nginx(export(keys, "nginx-redirects", key: kind, flags.to, Self.target, flags.status, "302").comment))
  }
}
