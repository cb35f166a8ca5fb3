import Foundation
import Testing
import URLMap

/// The map file as HAProxy and Apache read it: the real servers, started on the file as it stands.
@Suite("The map file in other servers", .serialized)
struct SnapshotInServersTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    chmod(folder.path, 0o755)
  }

  /// What a URL may hold beside letters and digits: all of RFC 3986 and what browsers send besides.
  private static let awkward = [
    "\"", "'", ";", "$", "%20", "&", "=", "+", "%22", "%25", "$1", "${x}", "%{x}", "\\", "\\n", "|", "<", ">",
    "^", "`", "{", "}", "[", "]", "(", ")", "*", "!", "@", ",", ":", "~", "%C3%A9", "?", "??", "//", "/./",
    "/../", "%2F", "%00x",
  ]

  /// URLs with every awkward piece at the beginning, in the middle, at the end and alone.
  private static func urls(_ count: Int) -> [String] {
    var urls = awkward.enumerated().flatMap { index, piece in
      ["/\(piece)", "/\(piece)x\(index)", "/a\(index)\(piece)b", "/page\(index).php?p=\(piece)&q=\(piece)"]
    }
    for number in urls.count..<count {
      let piece = awkward[number % awkward.count]
      urls.append("/section-\(number % 31)/\(number)/\(piece)/index.php?id=\(number)&t=\(piece)")
    }
    return urls
  }

  /// A URL of exactly `count` bytes.
  private static func long(_ count: Int) -> String {
    let start = "/long/\(count)/"
    return start + String(repeating: "abc/def-ghi?jkl=mno&", count: count).prefix(count - start.utf8.count)
  }

  private func snapshot(of urls: [String]) throws -> String {
    let map = URLMap()
    for url in urls {
      let key = Bytes(text: url)
      while !map.learn(key.span.bytes, at: 1_700_000_000) { map.waitUntilApplied() }
    }
    map.waitUntilApplied()
    #expect(map.count == Set(urls).count)
    let path = folder.path("urls.map")
    try SnapshotFile(path: path).write(map)
    chmod(path, 0o644)
    return path
  }

  /// Checks that each URL is answered with `known`, and one that begins like it and is in no map with `unknown`.
  private func expectRouted(_ urls: [String], _ server: Daemon, known: Int, unknown: Int) throws {
    let pipeline = Pipeline(server.port)
    let neighbours = urls.map { $0 + "z" }
    for (asked, status) in [(urls, known), (neighbours, unknown)] {
      let wrong = zip(asked, try pipeline.answers(asked)).filter { $0.1.status != status }
      for (url, answer) in wrong.prefix(20) { Issue.record("\(answer.status) for \(url.prefix(200))") }
      #expect(wrong.isEmpty)
    }
  }

  @Test("HAProxy's map routes every URL of the file, and no neighbour")
  func haproxy() throws {
    let urls = Self.urls(1500) + [990, 1000, 1023, 1024, 1025, 2048, 3000, 8000].map(Self.long)
    let server = try Daemon.haproxy(
      frontend: [
        "http-request return status 204 if { pathq,map_str(\(try snapshot(of: urls))) -m found }",
        "http-request return status 404",
      ], backends: ["unused": "127.0.0.1:1"])
    try expectRouted(urls, server, known: 204, unknown: 404)
  }

  @Test("Apache's RewriteMap routes every URL of the file up to 1019 bytes, and no neighbour")
  func apache() throws {
    // What Apache itself refuses before it looks anywhere: escapes of nothing, zero bytes, a way above the root.
    let refused = ["%{x}", "%00x", "//../"]
    let accepted = Self.urls(1500).filter { url in !refused.contains { url.contains($0) } }
    #expect(accepted.count > 1350)
    let short = accepted + [900, 985, 990, 1000, 1009, 1010, 1018, 1019].map(Self.long)
    let long = (Array(1020..<1100) + [2000, 2048, 4096, 5000]).map(Self.long)
    let server = try Daemon.apache([
      "LimitRequestLine 16384", "AllowEncodedSlashes NoDecode", "MergeSlashes Off", "RewriteEngine on",
      "RewriteMap relevo \"txt:\(try snapshot(of: short + long))\"",
      "RewriteCond %{THE_REQUEST} \"^[^ ]+ ([^ ]+)\"", "RewriteCond \"${relevo:%1|new}\" \"=old\"",
      "RewriteRule ^ - [R=410,L]",
    ])
    try expectRouted(short, server, known: 410, unknown: 406)

    // Apache reads a longer one in pieces: neither the URL is found nor any end of it, which nobody learned.
    let tails = long.flatMap { url in
      url.indices.dropFirst().filter { url[$0] == "/" }.map { String(url[$0...]) }
        .filter { $0.utf8.count < 1024 }
    }
    #expect(try Pipeline(server.port).answers(long + tails).allSatisfy { $0.status == 406 })
  }
}
