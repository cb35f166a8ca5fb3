import EventLoop
import Foundation
import MapQueries
import Proxy
import Testing
import URLMap

@testable import Admin

/// The JSON of an answer, as a dictionary.
private func json(_ answer: String) throws -> [String: Any] {
  let body = try #require(answer.firstRange(of: "\r\n\r\n")).upperBound
  return try #require(try JSONSerialization.jsonObject(with: Data(answer[body...].utf8)) as? [String: Any])
}

private func status(_ answer: String) -> String {
  String(answer.split(separator: " ", maxSplits: 2).dropFirst().first ?? "")
}

extension RawClient {
  func change(_ method: String, _ target: String, body: String = "") throws -> String {
    try exchange(
      "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\nX-Relevo-Admin: 1\r\nConnection: close\r\n"
        + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
  }
}

@Suite("the API's view of the map")
struct MapAPITests {
  private static let keys: [(String, visits: Int)] = [
    ("/a.html", 3), ("/docs/", 0), ("/docs/x.html", 1), ("/docs/y/1", 5), ("/docs/y/2", 0), ("/Z?q=/1/", 2),
  ]

  @Test("lists the URLs in the order of their bytes, page by page")
  func pages() throws {
    try withAdmin(subject: makeSubject(makeMap(Self.keys))) { (client) throws in
      var urls: [String] = []
      var target = "/api/v1/map?limit=4"
      while true {
        let page = try json(client.get(target))
        let entries = try #require(page["entries"] as? [[String: Any]])
        urls += entries.compactMap { $0["url"] as? String }
        guard let next = page["next"] as? String else { break }
        target = "/api/v1/map?limit=4&after=\(next)"
      }
      #expect(urls == ["/Z?q=/1/", "/a.html", "/docs/", "/docs/x.html", "/docs/y/1", "/docs/y/2"])
      let below = try json(client.get("/api/v1/map?prefix=/docs/&after=/a.html"))
      #expect((below["entries"] as? [Any])?.count == 4)
      #expect(below["next"] == nil)
      let past = try json(client.get("/api/v1/map?prefix=/docs/&after=/docz"))
      #expect((past["entries"] as? [Any])?.count == 0)
    }
  }

  @Test("looks a URL up by the key that a request for it has")
  func lookUp() throws {
    try withAdmin(subject: makeSubject(makeMap(Self.keys))) { (client) throws in
      let known = try json(client.get("/api/v1/map/url?url=https://www.example.com/a.html%3Futm_source=x"))
      #expect(known["key"] as? String == "/a.html")
      let entry = try #require(known["entry"] as? [String: Any])
      #expect(entry["visits"] as? Int == 3)
      #expect(entry["learnedAt"] as? Int == 1_000_000_000)
      #expect(entry["lastVisitAt"] as? Int == 2_000_000_000)
      let unknown = try json(client.get("/api/v1/map/url?url=/none"))
      #expect(unknown["key"] as? String == "/none")
      #expect(unknown["entry"] == nil)
      #expect(try status(client.get("/api/v1/map/url?url=nonsense")) == "400")
      #expect(try status(client.get("/api/v1/map/url")) == "400")
    }
  }

  @Test("makes a URL known and unknown, at once for everybody")
  func change() throws {
    let map = makeMap(Self.keys)
    try withAdmin(subject: makeSubject(map)) { (client) throws in
      let put = try client.change("PUT", "/api/v1/map/url?url=/new%20page")
      let entry = try #require(try json(put)["entry"] as? [String: Any])
      #expect(entry["url"] as? String == "/new%20page")
      #expect(map.count == 7)
      #expect(try json(client.change("DELETE", "/api/v1/map/url?url=/new%20page"))["removed"] as? Int == 1)
      #expect(try json(client.change("DELETE", "/api/v1/map/url?url=/new%20page"))["removed"] as? Int == 0)
      #expect(map.count == 6)
    }
  }

  @Test("removes all URLs that begin alike, and everything only when that is said")
  func removePrefix() throws {
    let map = makeMap(Self.keys + (0..<3000).map { ("/many/\($0)", 0) })
    try withAdmin(subject: makeSubject(map)) { (client) throws in
      #expect(
        try json(client.change("DELETE", "/api/v1/map/prefix?prefix=/many/"))["removed"] as? Int == 3000)
      #expect(map.count == 6)
      #expect(try status(client.change("DELETE", "/api/v1/map/prefix?prefix=/")) == "400")
      #expect(try status(client.change("DELETE", "/api/v1/map/prefix")) == "400")
      #expect(map.count == 6)
      #expect(
        try json(client.change("DELETE", "/api/v1/map/prefix?prefix=/&all=true"))["removed"] as? Int == 6)
      #expect(map.count == 0)
    }
  }

  @Test("shows the tree a directory at a time, largest first, and adds up what it leaves out")
  func tree() throws {
    try withAdmin(subject: makeSubject(makeMap(Self.keys))) { (client) throws in
      let root = try json(client.get("/api/v1/map/tree"))
      #expect(root["prefix"] as? String == "/")
      #expect(root["urls"] as? Int == 6)
      #expect(root["visits"] as? Int == 11)
      let children = try #require(root["children"] as? [[String: Any]])
      #expect(children.compactMap { $0["path"] as? String } == ["/docs/", "/a.html", "/Z?q=/1/"])
      #expect(children.map { $0["isDirectory"] as? Bool } == [true, false, false])
      #expect(children[0]["urls"] as? Int == 4)
      #expect(children[0]["lastVisitAt"] as? Int == 2_000_000_000)
      #expect(root["others"] == nil)
      let docs = try json(client.get("/api/v1/map/tree?prefix=/docs/&limit=1"))
      #expect((docs["children"] as? [[String: Any]])?.first?["name"] as? String == "y/")
      let others = try #require(docs["others"] as? [String: Any])
      #expect(others["children"] as? Int == 2)
      #expect(others["urls"] as? Int == 2)
      #expect(others["visits"] as? Int == 1)
      #expect(try status(client.get("/api/v1/map/tree?prefix=/docs")) == "400")
    }
  }

  @Test("finds the most visited and what contains a text, whatever its case")
  func topAndSearch() throws {
    try withAdmin(subject: makeSubject(makeMap(Self.keys + [("/caf%C3%A9", 0)]))) { (client) throws in
      func urls(_ target: String) throws -> [String] {
        let entries = try #require(try json(client.get(target))["entries"] as? [[String: Any]])
        return entries.compactMap { $0["url"] as? String }
      }
      #expect(try urls("/api/v1/map/top?limit=2") == ["/docs/y/1", "/a.html"])
      #expect(try urls("/api/v1/map/top") == ["/docs/y/1", "/a.html", "/Z?q=/1/", "/docs/x.html"])
      #expect(try urls("/api/v1/map/search?q=HTML") == ["/a.html", "/docs/x.html"])
      #expect(try urls("/api/v1/map/search?q=z?Q") == ["/Z?q=/1/"])
      #expect(try urls("/api/v1/map/search?q=caf%C3%A9") == ["/caf%C3%A9"])
      #expect(try json(client.get("/api/v1/map/search?q=docs&limit=1"))["complete"] as? Bool == false)
      #expect(try json(client.get("/api/v1/map/search?q=docs&limit=9"))["complete"] as? Bool == true)
      #expect(try status(client.get("/api/v1/map/search?q=")) == "400")
    }
  }

  @Test("exports in the formats of the command line, as a file")
  func export() throws {
    try withAdmin(subject: makeSubject(makeMap(Self.keys))) { (client) throws in
      let csv = try client.exchange(
        "GET /api/v1/map/export?format=csv&min-hits=3 HTTP/1.0\r\nHost: localhost\r\n\r\n")
      #expect(csv.contains("\r\nContent-Disposition: attachment; filename=\"relevo-urls.csv\"\r\n"))
      #expect(
        csv.hasSuffix(
          "\r\n\r\nurl,learned,last_used,visits\r\n/a.html,2001-09-09T01:46:40Z,2033-05-18T03:33:20Z,3\r\n"
            + "/docs/y/1,2001-09-09T01:46:40Z,2033-05-18T03:33:20Z,5\r\n"))
      for (query, expected) in [
        ("format=nginx-redirects", "400"), ("format=nginx-redirects&to=https://old.example.com", "200"),
        ("format=word", "400"), ("", "400"), ("format=csv&status=301", "400"),
        ("format=csv&to=ftp://x", "400"), ("format=sitemap&to=https://www.example.com", "200"),
      ] {
        #expect(try status(client.get("/api/v1/map/export?\(query)")) == expected, "\(query)")
      }
    }
  }

  @Test("says before it begins that one sitemap does not hold so many URLs")
  func sitemapTooLong() throws {
    let map = makeMap((0..<50_001).map { ("/\($0)", 0) })
    try withAdmin(subject: makeSubject(map)) { (client) throws in
      let whole = try client.get("/api/v1/map/export?format=sitemap&to=https://www.example.com")
      #expect(status(whole) == "400")
      let part = try client.get("/api/v1/map/export?format=sitemap&to=https://www.example.com&prefix=/1")
      #expect(status(part) == "200")
      #expect(part.contains("</urlset>"))
    }
  }

  @Test("has no file to write when the map lives in memory")
  func snapshot() throws {
    try withAdmin { (client) throws in
      #expect(try status(client.change("POST", "/api/v1/map/snapshot")) == "409")
    }
  }
}

@Suite("the API")
struct APITests {
  @Test("tells version, readiness, map and settings")
  func tellsStatus() throws {
    try withAdmin(subject: makeSubject(makeMap([("/a", 0)]))) { (client) throws in
      let answer = try json(client.get("/api/v1/status"))
      #expect(answer["version"] as? String == "1.2.3")
      #expect(answer["ready"] as? Bool == false)
      #expect(answer["notReady"] as? [String] == ["it is starting"])
      let settings = try #require(answer["settings"] as? [String: Any])
      #expect(settings["--miss-ttl"] as? String == "60s")
      #expect(settings["--map-file"] is NSNull, "a flag without a value is there all the same")
      let map = try #require(answer["map"] as? [String: Any])
      #expect(map["state"] as? String == "memory")
      #expect(map["urls"] as? Int == 1)
      #expect(map["key"] as? String == "path-query")
      #expect(try client.get("/readyz").hasSuffix("\r\n\r\nit is starting\n"))
    }
  }

  @Test("says what is wrong with a query, and what there is instead")
  func badQueries() throws {
    try withAdmin { (client) throws in
      for target in [
        "/api/v1/status?x=1", "/api/v1/map?limit=0", "/api/v1/map?limit=1001", "/api/v1/map?limit=1&limit=2",
        "/api/v1/map?prefix=%zz", "/api/v1/map?prefix=%ff", "/api/v1/traffic?hours=25",
        "/api/v1/misses?limit=-1",
      ] {
        let answer = try client.get(target)
        #expect(status(answer) == "400", "\(target)")
        let sentence = try #require(try json(answer)["error"] as? String)
        #expect(!sentence.isEmpty)
      }
    }
  }

  @Test("answers 404 to what is not there and 405 to what cannot be done")
  func notThere() throws {
    try withAdmin { (client) throws in
      for target in ["/api/v1/nothing", "/api/v1/map/", "/api/v1", "//healthz", "/api/v1/origins/"] {
        #expect(try status(client.get(target)) == "404", "\(target)")
      }
      let answer = try client.get("/api/v1/map/prefix")
      #expect(status(answer) == "405")
      #expect(answer.contains("\r\nAllow: DELETE\r\n"))
      #expect(try status(client.exchange("PURGE /api/v1/map HTTP/1.1\r\nHost: localhost\r\n\r\n")) == "405")
      #expect(try status(client.get("http://localhost/api/v1/status")) == "200")
      #expect(try status(client.get("/api/v1/%73tatus")) == "200")
      #expect(try status(client.change("PATCH", "/api/v1/origins/x", body: #"{"mode":"off"}"#)) == "404")
      #expect(try status(client.change("PATCH", "/api/v1/origins/x", body: #"{"mode":"of"}"#)) == "400")
    }
  }

  @Test("changes nothing without the field that no form can set")
  func crossSite() throws {
    let map = makeMap([("/a", 0)])
    try withAdmin(subject: makeSubject(map)) { (client) throws in
      let answer = try client.exchange(
        "DELETE /api/v1/map/url?url=/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
      #expect(status(answer) == "403")
      #expect(map.count == 1)
    }
  }

  @Test(
    "answers those that ask for this machine by its own name or by address, and no other name",
    arguments: [
      ("localhost", "200"), ("LOCALHOST:9000", "200"), ("a.localhost", "200"), ("127.0.0.1:1", "200"),
      ("[::1]:9000", "200"), ("10.0.0.1", "200"), ("evil.example", "403"), ("127.0.0.1.evil.example", "403"),
      ("localhost.evil.example", "403"), ("[::1].evil.example", "403"), ("localhost:x", "403"), ("", "403"),
    ])
  func hosts(host: String, expected: String) throws {
    try withAdmin { (client) throws in
      let answer = try client.exchange(
        "GET /api/v1/status HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n")
      #expect(status(answer) == expected)
      let health = try client.exchange("GET /healthz HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n")
      #expect(status(health) == "200")
    }
  }

  @Test(
    "refuses what is no HTTP, or too long, with the same fields, each once",
    arguments: [
      ("nonsense\r\n\r\n", "400"), ("GET / HTTP/1.1\r\nHost: a\r\nno field\r\n\r\n", "400"),
      ("GET /\(String(repeating: "x", count: 20_000)) HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
      ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 20_000))\r\n\r\n", "400"),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", "400"),
      (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n\(String(repeating: "x", count: 70_000))",
        "413"
      ),
      ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "413"),
      ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: nothing\r\n\r\n", "417"),
      // Behind a good request on its connection.
      ("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n", "400"),
    ])
  func refusedByTheServer(request: String, expected: String) throws {
    try withAdmin { (client) throws in
      let answers = try client.exchange(request)
      let start = try #require(answers.ranges(of: "HTTP/1.1 ").last).lowerBound
      let answer = answers[start...]
      #expect(status(String(answer)) == expected)
      for (name, value) in HTTPServerResponse.securityFields {
        #expect(answer.ranges(of: "\r\n\(name): ").count == 1)
        #expect(answer.contains("\r\n\(name): \(value)\r\n"))
      }
      #expect(answer.contains("\r\nConnection: close\r\n"))
      #expect(try client.get("/metrics").contains("\nrelevo_admin_refused_total{reason=\"malformed\"} 1\n"))
    }
  }

  @Test("tells a client to go on with its body without more words, and then answers as always")
  func continues() throws {
    try withAdmin { (client) throws in
      let connection = try client.begin(
        "PATCH /api/v1/origins/x HTTP/1.1\r\nHost: localhost\r\nX-Relevo-Admin: 1\r\nConnection: close\r\n"
          + "Content-Length: 14\r\nExpect: 100-continue\r\n\r\n")
      usleep(100_000)
      let body = Array("{\"mode\":\"off\"}".utf8)
      #expect(send(connection, body, body.count, Int32(MSG_NOSIGNAL)) == body.count)
      let answer = try client.finish(connection)
      #expect(answer.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 "))
      #expect(answer.ranges(of: "nosniff").count == 1)
    }
  }

  @Test("counts what it refuses, by the reason")
  func refusalCounts() throws {
    let map = makeMap([("/a", 0)])
    try withAdmin(subject: makeSubject(map)) { (client) throws in
      _ = try client.exchange(
        "GET /api/v1/status HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
      for _ in 0..<2 {
        _ = try client.exchange(
          "DELETE /api/v1/map/url?url=/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
      }
      _ = try client.get("/nothing")
      let counts = try client.get("/metrics").matches(
        of: /\nrelevo_admin_refused_total\{reason="(.*)"\} ([1-9].*)/
      )
      .map { "\($0.1) \($0.2)" }
      #expect(counts == ["foreign-host 1", "missing-header 2"])
    }
  }

  @Test("has the fields on every answer that keep browsers from doing more than showing it")
  func securityFields() throws {
    try withAdmin { (client) throws in
      for target in ["/healthz", "/api/v1/status", "/nothing", "/api/v1/map/export?format=json"] {
        let answer = try client.get(target)
        for field in [
          "Cache-Control: no-store", "X-Content-Type-Options: nosniff", "Referrer-Policy: no-referrer",
          "X-Frame-Options: DENY", "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
        ] { #expect(answer.contains("\r\n\(field)"), "\(target) lacks \(field)") }
        #expect(!answer.contains("Access-Control-"))
      }
    }
  }
}
