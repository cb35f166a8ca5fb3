import Foundation
import Testing

/// `--old-cookie-prefix`: the cookies of both sites do not meet, whichever way a request takes.
@Suite("The old server's cookies under a prefix")
struct OldCookieTests {
  static let cookies = "Cookie: sid=n; old_sid=o; _ga=1; __Host-old_t=2"
  static let ofNew = ["sid=n; _ga=1"]
  static let ofOld = ["sid=o; _ga=1; __Host-t=2"]
  static let set = [
    "Set-Cookie: sid=1; Path=/; HttpOnly", "set-cookie:  b=2;Domain=127.0.0.1",
    "Set-Cookie: __Host-t=3; Secure",
  ]
  static let setByOld = [
    "Set-Cookie: old_sid=1; Path=/; HttpOnly", "set-cookie:  old_b=2", "Set-Cookie: __Host-old_t=3; Secure",
  ]

  func withSite(
    new: ScriptedOrigin? = nil, old: ScriptedOrigin? = nil, _ flags: String..., test: (Site) throws -> Void
  ) throws {
    let new = try new ?? .always(404, "missing", ["Set-Cookie: held=1"])
    let old = try old ?? .always(200, "old", Self.set)
    let relevo = try Relevo(new: [new], old: [old], flags: ["--old-cookie-prefix", "old_"] + flags)
    try test(Site(new: new, old: old, relevo: relevo))
    #expect(try relevo.terminate() == .code(0))
  }

  /// The Set-Cookie lines of an answer, byte for byte.
  func set(_ answer: Answer) -> [String] {
    answer.head.fieldLines.filter { $0.lowercased().hasPrefix("set-cookie:") }
  }

  @Test(
    "after a miss of the new site each gets its own of one request, and the client the old one's under the prefix"
  )
  func fallbackAndMap() throws {
    try withSite { (site) throws in
      let first = try site.get("/page", [Self.cookies])
      #expect(first.text == "old" && set(first) == Self.setByOld)
      #expect(try site.new.request()["Cookie"] == Self.ofNew[0])
      #expect(try site.old.request().head.values("Cookie") == Self.ofOld)
      site.settle()
      let second = try site.get("/page", [Self.cookies])
      #expect(set(second) == Self.setByOld)
      #expect(try site.old.request(2).head.values("Cookie") == Self.ofOld)
      #expect(site.new.requests.count == 1, "the second came from the map")
    }
  }

  @Test("a body is replayed under the old server's cookies, a whole one and one that still comes")
  func replay() throws {
    try withSite { (site) throws in
      let body = Bytes.pattern(200_000)
      #expect(try site.get("/form", [Self.cookies], method: "POST", body: body).text == "old")
      #expect(try site.new.request().head.values("Cookie") == Self.ofNew)
      let request = try site.old.request()
      #expect(request.head.values("Cookie") == Self.ofOld)
      expectSame(request.body, body)
    }
  }

  @Test(
    "a rule, and an asset by its referer, lead there as well, and back to the new site when the old one misses"
  )
  func rules() throws {
    let old = try ScriptedOrigin { exchange in
      let here = exchange.target.hasSuffix(".css") || exchange.target == "/page"
      try exchange.answer(here ? 200 : 404, "old", Self.set)
    }
    let new = try ScriptedOrigin {
      try $0.answer($0.target == "/page" ? 404 : 200, "new", ["Set-Cookie: sid=9"])
    }
    try withSite(new: new, old: old, "--always-old", "/css/", "--old-assets-by-referer") { (site) throws in
      #expect(set(try site.get("/css/a.css", [Self.cookies])) == Self.setByOld)
      #expect(try site.old.request().head.values("Cookie") == Self.ofOld)
      #expect(set(try site.get("/css/none", [Self.cookies])) == ["Set-Cookie: sid=9"])
      #expect(try site.new.request().head.values("Cookie") == Self.ofNew)
      try site.learn("/page")
      #expect(
        set(try site.get("/img/a.css", [Self.cookies, "Referer: http://example.test/page"])) == Self.setByOld)
      #expect(site.old.requests.last?.head.values("Cookie") == Self.ofOld)
    }
  }

  @Test("when both miss the client gets the new site's cookies, and none of the old one's")
  func held() throws {
    try withSite(old: .always(404, "", Self.set)) { (site) throws in
      let answer = try site.get("/nowhere", [Self.cookies])
      #expect(answer.status == 404 && answer.text == "missing" && set(answer) == ["Set-Cookie: held=1"])
      #expect(try site.old.request().head.values("Cookie") == Self.ofOld)
    }
  }

  @Test("an answer that is looked into for a soft 404 has them too")
  func examined() throws {
    try withSite("--old-miss-body", "Page not found") { (site) throws in
      let answer = try site.get("/page", [Self.cookies])
      #expect(answer.text == "old" && set(answer) == Self.setByOld)
    }
  }

  @Test("the question by HEAD in redirect mode carries the old server's own")
  func probe() throws {
    try withSite("--old-mode", "redirect", "--old-public-url", "https://old.example.test") { (site) throws in
      let answer = try site.get("/page", [Self.cookies])
      #expect(answer.status == 302 && set(answer) == [])
      #expect(try site.old.request().method == "HEAD")
      #expect(try site.old.request().head.values("Cookie") == Self.ofOld)
    }
  }

  @Test("a cookie that the old server deletes is deleted under its prefix")
  func deletion() throws {
    let deletions = [
      "Set-Cookie: sid=; Max-Age=0",
      "Set-Cookie: b=deleted; expires=Thu, 01-Jan-1970 00:00:01 GMT; path=/",
    ]
    try withSite(old: .always(302, "", ["Location: /"] + deletions), "--always-old", "/logout") {
      (site) throws in
      let expected = deletions.map { $0.replacingOccurrences(of: "Set-Cookie: ", with: "Set-Cookie: old_") }
      #expect(set(try site.get("/logout")) == expected)
    }
  }

  @Test("an upgrade goes there with them, and its answer sets them")
  func upgrade() throws {
    let old = try ScriptedOrigin { exchange in
      try exchange.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSet-Cookie: sid=1\r\n\r\n"
      )
      exchange.close()
    }
    try withSite(old: old, "--always-old", "/chat") { (site) throws in
      let client = try site.client()
      try client.request("/chat", ["Connection: Upgrade", "Upgrade: websocket", Self.cookies])
      #expect(try client.head().values("Set-Cookie") == ["old_sid=1"])
      #expect(try old.request().head.values("Cookie") == Self.ofOld)
    }
  }

  @Test("requests in a row on one connection do not mix theirs")
  func pipelined() throws {
    let new = try ScriptedOrigin { exchange in
      let isNew = exchange.target.hasPrefix("/new")
      try exchange.answer(
        isNew ? 200 : 404, exchange.head["Cookie"] ?? "-", ["Set-Cookie: n\(exchange.target.dropFirst(4))=1"])
    }
    let old = try ScriptedOrigin {
      try $0.answer(200, $0.head["Cookie"] ?? "-", ["Set-Cookie: o\($0.target.dropFirst(4))=1"])
    }
    try withSite(new: new, old: old) { (site) throws in
      let client = try site.client()
      let requests = (1...30).map { number in
        Client.bytes("/\(number % 3 == 0 ? "old" : "new")\(number)", ["Cookie: a=\(number); old_b=\(number)"])
      }
      try client.send(requests.flatMap { $0 })
      for number in 1...30 {
        let answer = try client.answer()
        let isOld = number % 3 == 0
        #expect(answer.text == (isOld ? "a=\(number); b=\(number)" : "a=\(number)"))
        #expect(set(answer) == ["Set-Cookie: \(isOld ? "old_o" : "n")\(number)=1"])
      }
    }
  }

  @Test("what the new pool has set stays away from the old server from then on, for every client and worker")
  func ofNewOnly() throws {
    let new = try ScriptedOrigin { exchange in
      try exchange.answer(
        exchange.target == "/" ? 200 : 404, "new",
        exchange.target == "/" ? ["Set-Cookie: sid=n; HttpOnly"] : [])
    }
    let old = try ScriptedOrigin.always(200, "old")
    try withSite(new: new, old: old, "--workers", "4") { (site) throws in
      let before = "Cookie: sid=from-before; _ga=1"
      _ = try site.get("/a", [before])
      #expect(try old.request()["Cookie"] == "sid=from-before; _ga=1", "nobody has set that name yet")
      _ = try site.get("/")
      for number in 2...9 {
        _ = try site.get("/b\(number)", ["Cookie: sid=n; _ga=1"])
        #expect(try old.request(number)["Cookie"] == "_ga=1")
        #expect(new.requests.last { $0.target == "/b\(number)" }?["Cookie"] == "sid=n; _ga=1")
      }
      _ = try site.get("/c", ["Cookie: sid=n"])
      #expect(try old.request(10).head.values("Cookie") == [], "a field of which nothing is left is left out")
    }
  }

  @Test(
    "without the flag all cookies go both ways as they came, but for a domain that is the old server's own")
  func off() throws {
    try EndToEndTests.withSite(new: .always(404, "missing"), old: .always(200, "old", Self.set)) {
      (site) throws in
      let answer = try site.get("/page", [Self.cookies])
      #expect(
        set(answer) == [
          "Set-Cookie: sid=1; Path=/; HttpOnly", "set-cookie:  b=2", "Set-Cookie: __Host-t=3; Secure",
        ])
      let sent = String(Self.cookies.dropFirst("Cookie: ".count))
      #expect(try site.new.request()["Cookie"] == sent && site.old.request()["Cookie"] == sent)
    }
  }
}
