import Foundation
import Testing

/// `--old-mode redirect`: visitors are sent to the old site's own name.
@Suite("Redirects to the old site's own name")
struct OldRedirectTests {
  static let flags = [
    "--old-mode", "redirect", "--old-public-url", "https://old.example.test", "--debug-headers",
  ]

  func withSite(
    new: ScriptedOrigin? = nil, old: ScriptedOrigin? = nil, _ more: String..., test: (Site) throws -> Void
  ) throws {
    let (new, old) = (try new ?? .always(404, "new"), try old ?? .always(200, "old"))
    let relevo = try Relevo(new: [new], old: [old], flags: Self.flags + more)
    try test(Site(new: new, old: old, relevo: relevo))
    #expect(try relevo.terminate() == .code(0))
  }

  static func redirect(_ target: String, status: String = "302 Found", isHead: Bool = false) -> String {
    let body = "This page is on the old site.\n"
    return
      "HTTP/1.1 \(status)\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: \(body.utf8.count)\r\n"
      + "Cache-Control: no-store\r\nLocation: https://old.example.test\(target)\r\nX-Relevo-Route: old-redirect\r\n\r\n"
      + (isHead ? "" : body)
  }

  @Test("a page of the old site is asked for by HEAD once; then the redirect comes from the map alone")
  func once() throws {
    try withSite { (site) throws in
      let client = try site.client()
      for number in 1...4 {
        #expect(try client.get("/noexiste.html").exact == Self.redirect("/noexiste.html"))
        if number > 1 { continue }
        site.settle()
        let first = try site.log("/noexiste.html")
        #expect(first.route == "old-redirect" && first.notes == ["learned"])
        #expect(first.new?[1] == "404" && first.old?[1] == "200")
      }
      #expect(site.new.requests.map(\.line) == ["GET /noexiste.html HTTP/1.1"])
      #expect(site.old.requests.map(\.line) == ["HEAD /noexiste.html HTTP/1.1"])
      let last = try site.log("/noexiste.html", count: 4)
      #expect(last.route == "old-redirect" && last.notes == [] && last.new == nil && last.old == nil)
      site.relevo.process.signal(SIGUSR1)
      _ = try site.relevo.process.errors.wait("the counters") { $0.contains(" old-redirect=4 ") }
    }
  }

  @Test(
    "the client's path and query come whole, whatever is in them",
    arguments: ["/", "//x/../y", "/a?b=/c&d=%20\"<>", "/%0d%0aX:1", "/\\evil", "/?"])
  func targets(target: String) throws {
    try withSite { (site) throws in
      for _ in 1...2 {
        #expect(try site.get(target).exact == Self.redirect(target))
        site.settle()
      }
    }
  }

  @Test("an absolute target is redirected by its path")
  func absolute() throws {
    try withSite { (site) throws in
      #expect(try site.get("http://example.test/a?b").exact == Self.redirect("/a?b"))
    }
  }

  @Test("the client's HEAD gets the redirect's head")
  func head() throws {
    try withSite { (site) throws in
      #expect(try site.get("/page", method: "HEAD").exact == Self.redirect("/page", isHead: true))
    }
  }

  @Test("the question to the old server has the client's fields, but no conditions and no range")
  func probeFields() throws {
    try withSite { (site) throws in
      let fields = [
        "Cookie: a=b", "If-None-Match: \"x\"", "Range: bytes=0-1", "if-range: \"x\"", "Accept: text/html",
        "If-Modified-Since: Mon, 23 Nov 2026 00:00:00 GMT",
      ]
      _ = try site.get("/page", fields)
      let asked = site.old.requests[0].head
      #expect(asked["Cookie"] == "a=b" && asked["Accept"] == "text/html" && asked["Host"] == "example.test")
      for name in ["If-None-Match", "Range", "If-Range", "If-Modified-Since"] {
        #expect(asked[name] == nil)
        #expect(site.new.requests[0].head[name] != nil)
      }
    }
  }

  @Test("a page that neither has is new's 404, and old is asked once", arguments: [404, 410])
  func miss(status: Int) throws {
    try withSite(old: .always(status, "old miss")) { (site) throws in
      for _ in 1...2 {
        let answer = try site.get("/nowhere")
        #expect(answer.status == 404 && answer.text == "new")
      }
      #expect(site.old.requests.map(\.method) == ["HEAD"])
    }
  }

  @Test("a redirect to the page of old's misses is a miss by HEAD too")
  func softMiss() throws {
    let old = try ScriptedOrigin.always(302, "", ["Location: https://old.example.test/"])
    try withSite(old: old, "--old-miss-redirect", "/") { (site) throws in
      #expect(try site.get("/nowhere").text == "new")
      #expect(try site.log("/nowhere").notes == ["soft-miss"])
    }
  }

  @Test("where the body tells, the page itself is asked for after the HEAD, and decides")
  func softMissByBody() throws {
    let old = try ScriptedOrigin { try $0.answer(200, $0.target == "/page" ? "here" : "Not found, sorry") }
    try withSite(old: old, "--old-miss-body", "Not found") { (site) throws in
      #expect(try site.get("/page").exact == Self.redirect("/page"))
      #expect(try site.get("/nowhere").text == "new")
      #expect(site.old.requests.map(\.method) == ["HEAD", "GET", "HEAD", "GET"])
    }
  }

  @Test(
    "an old server that knows no HEAD is asked for the page, whose answer is dropped", arguments: [405, 501])
  func noHead(status: Int) throws {
    let old = try ScriptedOrigin { exchange in
      switch (exchange.method, exchange.target) {
      case ("HEAD", _): try exchange.answer(status)
      case (_, "/page"): try exchange.answer(200, .pattern(300_000))
      default: try exchange.answer(404, "old miss")
      }
    }
    try withSite(old: old) { (site) throws in
      #expect(try site.get("/page").exact == Self.redirect("/page"))
      #expect(try site.get("/nowhere").text == "new")
      #expect(site.old.requests.map(\.method) == ["HEAD", "GET", "HEAD", "GET"])
    }
  }

  @Test("what is no proof of a page is passed on as it is", arguments: [(403, "/x"), (302, "/")])
  func noProof(status: Int, location: String) throws {
    try withSite(old: .always(status, "old", ["Location: \(location)"])) { (site) throws in
      let answer = try site.get("/page")
      #expect(answer.status == status && answer.text == "old")
      #expect(answer["X-Relevo-Route"] == "old-fallback")
      #expect(try site.log("/page").notes == [])
    }
  }

  @Test("the old server's failure is new's 404; of a known page it hides nothing")
  func failure() throws {
    try withSite("--map-recheck-after", "10ms") { (site) throws in
      #expect(try site.get("/page").exact == Self.redirect("/page"))
      site.settle()
      try site.old.stop()
      #expect(try site.get("/page").exact == Self.redirect("/page"))
      #expect(try site.log("/page", count: 2).notes == ["old-down"])
      #expect(try site.get("/other").text == "new")
      try site.new.stop()
      #expect(try site.get("/page").exact == Self.redirect("/page"))
    }
  }

  @Test("past the recheck age new is asked, then old by HEAD")
  func recheck() throws {
    let new = try ScriptedOrigin { try $0.answer($0.head["X-Now"] == nil ? 404 : 200, "new") }
    let old = try ScriptedOrigin { try $0.answer($0.head["X-Gone"] == nil ? 200 : 404, "old") }
    try withSite(new: new, old: old, "--map-recheck-after", "10ms", "--miss-ttl", "0") { (site) throws in
      for _ in 1...2 {
        #expect(try site.get("/page").exact == Self.redirect("/page"))
        site.settle()
      }
      #expect(site.old.requests.map(\.method) == ["HEAD", "HEAD"])
      #expect(try site.get("/page", ["X-Gone: 1"]).text == "new")
      #expect(try site.log("/page", count: 3).notes == ["forgotten"])
      #expect(try site.get("/page").exact == Self.redirect("/page"))
      site.settle()
      #expect(try site.get("/page", ["X-Now: 1"]).text == "new")
      #expect(try site.log("/page", count: 5).notes == ["migrated"])
    }
  }

  @Test("with 301 and 302 a POST is never made a GET: it is passed through", arguments: ["301", "302"])
  func postIsPassed(status: String) throws {
    try withSite("--old-redirect-status", status) { (site) throws in
      for _ in 1...2 {
        let answer = try site.get("/form", method: "POST", body: Bytes(text: "a=1"))
        #expect(answer.status == 200 && answer.text == "old")
        site.settle()
      }
      #expect(site.old.requests.map { "\($0.method) \($0.body.text)" } == ["POST a=1", "POST a=1"])
      #expect(try site.get("/form").head.startLine.contains(" \(status) "))
    }
  }

  @Test(
    "with 307 and 308 a POST is redirected before old gets it",
    arguments: ["307 Temporary Redirect", "308 Permanent Redirect"])
  func postIsRedirected(line: String) throws {
    try withSite("--old-redirect-status", String(line.prefix(3))) { (site) throws in
      let client = try site.client()
      let small = try client.get("/form", method: "POST", body: Bytes(text: "a=1"))
      #expect(small.exact == Self.redirect("/form", status: line))
      site.settle()
      let large = try client.get("/form", method: "POST", body: .pattern(300_000))
      #expect(large["Location"] == "https://old.example.test/form")
      #expect(large["Connection"] == "close", "nobody wants the rest of the body")
      #expect(site.old.requests.map { "\($0.method) \($0.bodyCount)" } == ["HEAD 0"])
      #expect(site.old.requests[0].head["Content-Length"] == nil)
      #expect(site.new.requests.map(\.bodyCount) == [3], "the second was known")
    }
  }

  @Test("a POST that old has got is answered by old, where HEAD proves nothing")
  func postWithoutHead() throws {
    let old = try ScriptedOrigin { try $0.method == "POST" ? $0.answer(200, "thanks") : $0.answer(405) }
    try withSite(old: old, "--old-redirect-status", "308") { (site) throws in
      #expect(try site.get("/form", method: "POST", body: .pattern(100_000)).text == "thanks")
      #expect(site.old.requests.map { "\($0.method) \($0.bodyCount)" } == ["HEAD 0", "POST 100000"])
    }
  }

  @Test("an upgrade, OPTIONS, and a client that came by the old name are passed through")
  func passedThrough() throws {
    try withSite { (site) throws in
      #expect(try site.get("/page", method: "OPTIONS").text == "old")
      #expect(try site.get("/page", ["Connection: upgrade", "Upgrade: x"]).text == "old")
      let client = try site.client()
      try client.send("GET /page HTTP/1.1\r\nHost: OLD.example.test\r\n\r\n")
      #expect(try client.answer().text == "old")
      #expect(!site.old.requests.map(\.method).contains("HEAD"))
    }
  }

  @Test(
    "redirects go out on a connection that a client pipelines on, and kept connections to old that died are replaced"
  )
  func connections() throws {
    let old = try ScriptedOrigin { exchange in
      try exchange.answer(200, "old")
      if exchange.number == 1 { exchange.close() }
    }
    try withSite(old: old) { (site) throws in
      let client = try site.client()
      try client.send(["/a", "/b", "/c"].map { Client.bytes($0) }.reduce([], +))
      for target in ["/a", "/b", "/c"] { #expect(try client.answer().exact == Self.redirect(target)) }
    }
  }
}
