import Foundation
import Testing

/// What counts as a miss, what is learned, and what the key of the map is.
@Suite("Misses, learning and keys")
struct DecisionFlagsTests {
  @Test("--fallback-on names the answers that are misses", arguments: [404, 410, 403, 503])
  func fallbackOn(status: Int) throws {
    try withSite(
      new: .always(status, "new"), old: .always(200, "old"), "--fallback-on", "404,410,403,5xx"
    ) { (site) throws in
      #expect(try site.get("/page").text == "old")
    }
    try withSite(new: .always(status, "new"), old: .always(200, "old"), "--fallback-on", "405") {
      (site) throws in
      #expect(try site.get("/page").text == "new")
    }
  }

  @Test("--learn-on names the answers that are learned")
  func learnOn() throws {
    let old = try ScriptedOrigin { exchange in
      try exchange.answer(exchange.target == "/found" ? 200 : 302, "old", ["Location: /x"])
    }
    try withSite(new: .pages([:]), old: old, "--learn-on", "2xx", "--debug-headers") { site in
      for target in ["/found", "/moved"] { _ = try site.get(target) }
      site.settle()
      #expect(try site.get("/found")["X-Relevo-Route"] == "old-map")
      #expect(try site.get("/moved")["X-Relevo-Route"] == "old-fallback")
    }
  }

  @Test("--old-miss-on names the answers of the old server that are misses")
  func oldMissOn() throws {
    let old = try ScriptedOrigin { exchange in
      try exchange.answer(exchange.target == "/410" ? 410 : 403, "old")
    }
    try withSite(new: .always(404, "new"), old: old, "--old-miss-on", "403") { site in
      #expect(try site.get("/403").text == "new")
      let gone = try site.get("/410")
      #expect(gone.status == 410)
      #expect(gone.text == "old")
    }
  }

  @Test("a query never speaks for its bare path, nor the other way round")
  func queryIsKey() throws {
    try withSite(new: .pages([:]), old: .always(200, "old"), "--debug-headers") { site in
      for target in ["/?p=7", "/a?x=1", "/b"] { try site.learn(target) }
      for target in [
        "/", "/a", "/a?x=2", "/a?X=1", "/b?x=1", "/b/", "/B", "/a?x=1&y=2", "/b%2F", "//b", "/./b",
      ] {
        #expect(try site.get(target)["X-Relevo-Route"] == "old-fallback", "\(target)")
      }
      for target in ["/?p=7", "/a?x=1", "/b"] {
        #expect(try site.get(target)["X-Relevo-Route"] == "old-map", "\(target)")
      }
    }
  }

  @Test("tracking parameters are no part of the key, and reach the server all the same")
  func tracking() throws {
    try withSite(new: .pages([:]), old: .always(200, "old"), "--debug-headers") { site in
      try site.learn("/a?utm_source=mail&utm_medium=x")
      try site.learn("/b?x=1")
      for target in [
        "/a", "/a?gclid=1", "/a?fbclid=2&utm_campaign=z", "/b?x=1&utm_source=y", "/b?utm_source=y&x=1",
      ] {
        #expect(try site.get(target)["X-Relevo-Route"] == "old-map", "\(target)")
        #expect(site.old.targets.last == target)
      }
      #expect(try site.get("/a?utmost=1")["X-Relevo-Route"] == "old-fallback")
    }
  }

  @Test(
    "URLs that differ in their percent-encoding alone share a key, and reach the server as they were sent")
  func encodings() throws {
    try withSite(new: .pages([:]), old: .always(200, "old"), "--debug-headers") { site in
      try site.learn("/%7euser/caf%c3%a9?q=%2f")
      for target in ["/~user/caf%C3%A9?q=%2F", "/%7Eus%65r/caf%C3%a9?q=%2f"] {
        #expect(try site.get(target)["X-Relevo-Route"] == "old-map", "\(target)")
        #expect(site.old.targets.last == target)
      }
      for target in ["/~user/caf%C3%A9?q=/", "/~user//caf%C3%A9?q=%2F", "/~user/x/../caf%C3%A9?q=%2F"] {
        #expect(try site.get(target)["X-Relevo-Route"] == "old-fallback", "\(target)")
      }
    }
  }

  @Test("--ignore-query names what is no part of the key, and reaches the servers all the same")
  func ignoreQuery() throws {
    try withSite(
      new: .pages([:]), old: .always(200, "old"), "--debug-headers", "--ignore-query", "sid,s_*",
      "--ignore-query", "t"
    ) { site in
      try site.learn("/a?sid=1&p=2")
      for target in ["/a?p=2", "/a?p=2&s_x=3&t", "/a?t=1&p=2&sid"] {
        #expect(try site.get(target)["X-Relevo-Route"] == "old-map", "\(target)")
        #expect(site.old.targets.last == target)
      }
      for target in ["/a", "/a?p=2&utm_source=x", "/a?"] {
        #expect(try site.get(target)["X-Relevo-Route"] == "old-fallback", "\(target)")
        #expect(site.new.targets.last == target)
        #expect(site.old.targets.last == target)
      }
    }
  }

  @Test("with --map-key host-path-query hosts do not speak for each other, and ports and case do not count")
  func hostKey() throws {
    try withSite(
      new: .pages([:]), old: .always(200, "old"), "--debug-headers", "--map-key", "host-path-query"
    ) { (site) throws in
      func route(_ target: String, host: String) throws -> String? {
        let client = try site.client()
        try client.send("GET \(target) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
        return try client.answer()["X-Relevo-Route"]
      }
      #expect(try route("/a", host: "www.example.com") == "old-fallback")
      site.settle()
      #expect(try route("/a", host: "WWW.example.com:8080") == "old-map")
      #expect(try route("http://www.example.com:81/a", host: "other.example") == "old-map")
      #expect(try route("/a", host: "other.example") == "old-fallback")
      #expect(try route("/a?x", host: "www.example.com") == "old-fallback")
    }
  }

  @Test("http://host without a path is the root")
  func emptyPath() throws {
    try withSite(new: .pages([:]), old: .always(200, "old"), "--debug-headers") { (site) throws in
      #expect(try site.get("http://example.test")["X-Relevo-Route"] == "old-fallback")
      site.settle()
      #expect(try site.get("/")["X-Relevo-Route"] == "old-map")
    }
  }

  @Test("--map-key path takes every query of a path together")
  func pathKey() throws {
    try withSite(
      new: .pages([:]), old: .always(200, "old"), "--map-key", "path", "--debug-headers"
    ) { site in
      try site.learn("/a?x=1")
      for target in ["/a", "/a?x=2", "/a?y"] {
        #expect(try site.get(target)["X-Relevo-Route"] == "old-map", "\(target)")
        #expect(site.old.targets.last == target)
      }
      #expect(try site.get("/a/")["X-Relevo-Route"] == "old-fallback")
    }
  }

  @Test(
    "the method is passed on as it is, fallback included, and no redirect is made of it",
    arguments: ["POST", "PUT", "PATCH", "DELETE", "PROPFIND", "PURGE", "M-SEARCH", "get"])
  func methods(method: String) throws {
    try withSite(new: .pages([:]), old: .always(200, "old")) { site in
      let answer = try site.get("/page", method: method, body: Bytes(text: "b"))
      #expect(answer.status == 200)
      #expect(answer.text == "old")
      #expect(answer["Set-Cookie"] == nil)
      #expect(site.new.requests.map(\.line) == ["\(method) /page HTTP/1.1"])
      #expect(site.old.requests.map(\.line) == ["\(method) /page HTTP/1.1"])
    }
  }

  @Test("HEAD learns for GET")
  func head() throws {
    try withSite(new: .pages([:]), old: .pages(["/page": "old"]), "--debug-headers") { site in
      let head = try site.get("/page", method: "HEAD")
      #expect(head.status == 200)
      #expect(head["Content-Length"] == "3")
      site.settle()
      let get = try site.get("/page")
      #expect(get["X-Relevo-Route"] == "old-map")
      #expect(get.text == "old")
    }
  }

  @Test("OPTIONS and TRACE never learn", arguments: ["OPTIONS", "TRACE"])
  func neverLearn(method: String) throws {
    try withSite(new: .pages([:]), old: .always(200, "old"), "--debug-headers") { (site) throws in
      for _ in 1...2 {
        #expect(try site.get("/page", method: method)["X-Relevo-Route"] == "old-fallback")
        site.settle()
      }
      #expect(try site.get("/page")["X-Relevo-Route"] == "old-fallback")
    }
  }

  @Test("a fallback adds no redirect, no cookie and no field to the old server's answer")
  func noTrace() throws {
    try withSite(
      new: .always(404, "new", ["Set-Cookie: new=1", "X-New: 1", "Link: </n>", "Vary: New"]),
      old: .always(200, "old", ["X-Old: 1"])
    ) { (site) throws in
      let expected = "HTTP/1.1 200 Status\r\nX-Old: 1\r\nContent-Length: 3\r\n\r\nold"
      #expect(try site.get("/page").exact == expected)
      #expect(try site.get("/page").exact == expected)
    }
  }
}
