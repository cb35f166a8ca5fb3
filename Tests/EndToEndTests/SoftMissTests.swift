import Foundation
import Testing

/// An old server that says "not here" without a status that says so.
@Suite("Soft 404s of the old server")
struct SoftMissTests {
  static let body = "--old-miss-body"
  static let text = "Page not found"
  static let softPage = "<html><title>Page not found</title><p>Sorry."
  static let page = "<html><title>A page</title><p>Here."

  /// An old server that redirects `/a/number` to the place of that number.
  static func redirecting(_ locations: [String]) throws -> ScriptedOrigin {
    try ScriptedOrigin { exchange in
      try exchange.answer(302, "", ["Location: \(locations[Int(exchange.target.dropFirst(3)) ?? 0])"])
    }
  }

  // MARK: redirects

  @Test("a redirect to the named page is a miss, whichever way it names its own site")
  func redirect() throws {
    let locations = [
      "/error.html", "/error.html?url=/a/page", "http://example.test/error.html",
      "HTTPS://EXAMPLE.test:443/error.html",
      "//example.test/error.html", "../error.html", "/a/../error.html#top",
    ]
    try withSite(
      new: .always(404, "new"), old: Self.redirecting(locations), "--old-miss-redirect", "/error.html"
    ) { (site) throws in
      for (number, location) in locations.enumerated() {
        let answer = try site.get("/a/\(number)")
        #expect(answer.exact == "HTTP/1.1 404 Status\r\nContent-Length: 3\r\n\r\nnew", "\(location)")
        let log = try site.log("/a/\(number)")
        #expect(log.route == "held", "\(location)")
        #expect(log.notes == ["soft-miss"], "\(location)")
        #expect(log.old?[1] == "302", "\(location)")
      }
    }
  }

  @Test("a redirect elsewhere is passed on and learned")
  func otherRedirect() throws {
    let locations = [
      "/other.html", "error.html", "http://elsewhere.test/error.html", "mailto:error.html", "/?p=7",
    ]
    try withSite(
      new: .always(404, "new"), old: Self.redirecting(locations), "--old-miss-redirect", "/error.html", "/"
    ) { (site) throws in
      for (number, location) in locations.enumerated() {
        #expect(try site.get("/a/\(number)")["Location"] == location)
        #expect(try site.log("/a/\(number)").notes == ["learned"], "\(location)")
      }
    }
  }

  @Test("a redirect that names the old server's own address is its own site's")
  func internalName() throws {
    let old = try ScriptedOrigin { exchange in
      try exchange.answer(302, "", ["Location: http://\(exchange.head["Host"] ?? "")/"])
    }
    try withSite(new: .always(404, "new"), old: old, "--old-miss-redirect=/", "--old-host", "intern.test") {
      (site) throws in
      #expect(try site.get("/page").text == "new")
    }
  }

  @Test("a known URL that old redirects to the page of its misses is forgotten, and new's answer counts")
  func forgottenByRedirect() throws {
    let old = try ScriptedOrigin { exchange in
      try exchange.head["X-Gone"] == nil
        ? exchange.answer(200, "old") : exchange.answer(301, "", ["Location: /"])
    }
    try withSite(new: .always(404, "new"), old: old, "--old-miss-redirect", "/", "--debug-headers") {
      (site) throws in
      try site.learn("/page")
      #expect(try site.get("/page", ["X-Gone: 1"]).text == "new")
      #expect(try site.log("/page", count: 2).notes == ["forgotten", "soft-miss"])
      #expect(try site.get("/page")["X-Relevo-Route"] == "old-fallback")
    }
  }

  // MARK: bodies

  /// The answers in which a page may come, each with the fields that frame it.
  static let framings: [@Sendable (OriginExchange, Bytes) throws -> Void] = [
    { try $0.answer(200, $1, ["Content-Type: text/html; charset=utf-8"]) },
    { exchange, body in
      try exchange.send("HTTP/1.1 200 Status\r\nTransfer-Encoding: chunked\r\n\r\n")
      for start in stride(from: 0, to: body.count, by: 7_001) {
        try exchange.send(Bytes(body[start...].prefix(7_001)).asChunk)
      }
      try exchange.send("0\r\n\r\n")
    },
    { exchange, body in
      try exchange.send("HTTP/1.1 200 Status\r\nContent-Type: application/xhtml+xml\r\n\r\n")
      try exchange.send(body)
      exchange.close()
    },
  ]

  @Test(
    "a 200 with the text is a miss: the client gets new's 404, and old is left alone about it",
    arguments: 0..<3)
  func bodyMiss(framing: Int) throws {
    let old = try ScriptedOrigin { try Self.framings[framing]($0, Bytes(text: Self.softPage)) }
    try withSite(new: .always(404, "new"), old: old, Self.body, "Nowhere", Self.body, Self.text) {
      (site) throws in
      let client = try site.client()
      for _ in 1...3 {
        #expect(try client.get("/page").exact == "HTTP/1.1 404 Status\r\nContent-Length: 3\r\n\r\nnew")
      }
      #expect(site.old.requests.count == 1, "a double miss, by body")
      let lines = try site.relevo.process.output.wait("a line for each", count: 3) { $0.contains(" /page ") }
      #expect(lines.map { LogLine($0).notes } == [["soft-miss"], ["double-miss"], ["double-miss"]])
    }
  }

  @Test(
    "a page without the text comes byte for byte and is learned, whatever its size and framing",
    arguments: 0..<3, [0, 4_000, 65_536, 65_537, 400_000])
  func bodyPage(framing: Int, count: Int) throws {
    let page = Bytes.pattern(count)
    let old = try ScriptedOrigin { try Self.framings[framing]($0, page) }
    try withSite(new: .always(404, "new"), old: old, Self.body, Self.text, "--debug-headers") {
      (site) throws in
      for route in ["old-fallback", "old-map", "old-map"] {
        let answer = try site.get("/page")
        #expect(answer.status == 200)
        #expect(answer["X-Relevo-Route"] == route)
        expectSame(answer.body, page)
        site.settle()
      }
      let old = try Client(site.relevo.port)
      try old.send("GET /page HTTP/1.0\r\nHost: example.test\r\n\r\n")
      expectSame(try old.answer().body, page)
    }
  }

  @Test("the text is found across the boundaries of chunks and receives")
  func boundaries() throws {
    let old = try ScriptedOrigin { exchange in
      try exchange.send("HTTP/1.1 200 Status\r\nTransfer-Encoding: chunked\r\n\r\n")
      for part in ["<title>Pa", "ge no", "t", " found</title>"] {
        for half in [part.asChunk.prefix(2), part.asChunk.dropFirst(2)] {
          try exchange.send(Bytes(half))
          usleep(5_000)
        }
      }
      try exchange.send("0\r\n\r\n")
    }
    try withSite(new: .always(404, "new"), old: old, Self.body, Self.text) { (site) throws in
      #expect(try site.get("/page").text == "new")
      site.settle()
      #expect(try site.get("/other").text == "new")
      #expect(site.old.connections == 1, "what was dropped was read, and its connection used again")
    }
  }

  @Test("a known URL whose page has become a soft 404 is forgotten, and new's answer counts")
  func forgottenByBody() throws {
    let old = try ScriptedOrigin { try $0.answer(200, $0.head["X-Gone"] == nil ? Self.page : Self.softPage) }
    try withSite(new: .always(404, "new"), old: old, Self.body, Self.text, "--debug-headers") {
      (site) throws in
      try site.learn("/page")
      #expect(try site.get("/page").text == Self.page)
      #expect(try site.get("/page", ["X-Gone: 1"]).text == "new")
      #expect(try site.log("/page", count: 3).notes == ["forgotten", "soft-miss"])
      #expect(try site.get("/page")["X-Relevo-Route"] == "old-fallback")
    }
  }

  @Test("a POST answered by a soft 404 gets new's 404")
  func post() throws {
    try withSite(new: .always(404, "new"), old: .always(200, Self.softPage), Self.body, Self.text) {
      (site) throws in
      #expect(try site.get("/page", method: "POST", body: .pattern(200_000)).text == "new")
      #expect(site.old.requests.map(\.bodyCount) == [200_000])
    }
  }

  @Test("what does not show the whole page is passed on and teaches nothing", arguments: 0..<4)
  func unexamined(kind: Int) throws {
    let kinds: [(method: String, fields: [String], status: Int, answerFields: [String])] = [
      ("HEAD", [], 200, ["Content-Type: text/html"]),
      ("GET", ["Range: bytes=0-3"], 206, ["Content-Type: text/html", "Content-Range: bytes 0-3/9"]),
      ("GET", ["If-None-Match: \"x\""], 304, ["ETag: \"x\""]),
      ("GET", [], 200, ["Content-Type: text/html", "Content-Encoding: gzip"]),
    ]
    let (method, fields, status, answerFields) = kinds[kind]
    try withSite(
      new: .always(404, "new"), old: .always(status, "page", answerFields), Self.body, Self.text,
      "--debug-headers"
    ) { (site) throws in
      for _ in 1...2 {
        let answer = try site.get("/page", fields, method: method)
        #expect(answer.status == status)
        #expect(answer["X-Relevo-Route"] == "old-fallback")
        site.settle()
      }
      let warned = site.relevo.process.errors.text.contains("--old-miss-body can't look into it")
      #expect(warned == (kind == 3))
    }
  }

  @Test(
    "what no soft 404 is made of is not kept back, and is learned",
    arguments: ["image/png", "text/event-stream"])
  func otherTypes(type: String) throws {
    let hasCome = DispatchSemaphore(value: 0)
    let old = try ScriptedOrigin { exchange in
      try exchange.send("HTTP/1.1 200 Status\r\nContent-Type: \(type)\r\nTransfer-Encoding: chunked\r\n\r\n")
      try exchange.send(Self.text.asChunk)
      _ = hasCome.wait(timeout: .now() + 10)
      try exchange.send("0\r\n\r\n")
    }
    try withSite(new: .always(404, "new"), old: old, Self.body, Self.text) { (site) throws in
      let client = try site.client()
      try client.request("/page")
      #expect(try client.head(.after(1)).words[1] == "200")
      hasCome.signal()
      #expect(try site.log("/page").notes == ["learned"])
    }
  }

  @Test("an answer that trickles is passed on after two seconds, and teaches nothing")
  func trickle() throws {
    let old = try ScriptedOrigin { exchange in
      try exchange.send("HTTP/1.1 200 Status\r\nContent-Type: text/html\r\nContent-Length: 80\r\n\r\n")
      for number in 0..<80 {
        try exchange.send(number < 40 ? "a" : "b")
        usleep(40_000)
      }
    }
    try withSite(new: .always(404, "new"), old: old, Self.body, Self.text) { (site) throws in
      let client = try site.client()
      let start = ContinuousClock.now
      try client.request("/page")
      #expect(try client.head().words[1] == "200")
      #expect((.seconds(1.8)..<(.seconds(3))).contains(ContinuousClock.now - start))
      #expect(try site.log("/page").notes == [])
    }
  }

  @Test("an old server that breaks off before the verdict leaves new's 404")
  func breaksOff() throws {
    let old = try ScriptedOrigin { exchange in
      try exchange.send("HTTP/1.1 200 Status\r\nContent-Type: text/html\r\nContent-Length: 80\r\n\r\n<html>")
      exchange.close()
    }
    try withSite(new: .always(404, "new"), old: old, Self.body, Self.text) { (site) throws in
      #expect(try site.get("/page").exact == "HTTP/1.1 404 Status\r\nContent-Length: 3\r\n\r\nnew")
      #expect(try site.log("/page").notes == ["old-down"])
    }
  }

  @Test("old is asked for pages without compression; new, and old without the flag, as the client wished")
  func identity() throws {
    let asked = ["accept-encoding: gzip", "Accept-Encoding: br"]
    try withSite(new: .always(404, "new"), old: .always(200, Self.page), Self.body, Self.text) {
      (site) throws in
      _ = try site.get("/page", asked)
      #expect(site.new.requests[0].head.values("Accept-Encoding") == ["gzip", "br"])
      #expect(site.old.requests[0].head.values("Accept-Encoding") == ["identity"])
    }
    try withSite(new: .always(404, "new"), old: .always(200, Self.softPage)) { (site) throws in
      #expect(try site.get("/page", asked).text == Self.softPage)
      #expect(site.old.requests[0].head.values("Accept-Encoding") == ["gzip", "br"])
    }
  }
}
