import Foundation
import Testing

/// The design's table, row by row: what the client gets, and what the URL map becomes.
@Suite("What a request does")
struct DesignTableTests {
  // MARK: not in the map

  /// Answers `/status` with that status.
  private static func statuses(_ text: String) throws -> ScriptedOrigin {
    try ScriptedOrigin { exchange in
      try exchange.answer(Int(exchange.target.dropFirst()) ?? 0, text, ["Location: /elsewhere"])
    }
  }

  @Test("an answer of the new pool that is no miss goes to the client, and the old server hears nothing")
  func newAnswers() throws {
    try withSite(new: Self.statuses("new"), old: .always(200, "old"), "--debug-headers") { site in
      for status in [200, 201, 204, 301, 302, 304, 400, 401, 403, 405, 410, 500, 502, 503] {
        for count in 1...2 {
          let answer = try site.get("/\(status)")
          #expect(answer.status == status)
          #expect(answer.text == (status == 204 || status == 304 ? "" : "new"))
          #expect(answer["X-Relevo-Route"] == "new")
          #expect(try site.log("/\(status)", count: count).route == "new")
        }
      }
      #expect(site.new.requests.count == 28)
      #expect(site.old.connections == 0)
    }
  }

  @Test("what the new pool misses and the old server has comes from the old server, and is learned")
  func learned() throws {
    try withSite(new: .pages([:]), old: Self.statuses("old"), "--debug-headers") { site in
      for status in [200, 201, 204, 206, 301, 302, 303, 304, 307, 308, 401] {
        let page = "/\(status)"
        let first = try site.get(page)
        #expect(first.status == status)
        #expect(first.text == (status == 204 || status == 304 ? "" : "old"))
        #expect(first["Location"] == "/elsewhere")
        #expect(first["X-Relevo-Route"] == "old-fallback")
        let log = try site.log(page)
        #expect(log.route == "old-fallback")
        #expect(log.notes.contains("learned"))
        #expect(log.new?[1] == "404")
        #expect(log.old?[1] == "\(status)")
        site.settle()

        let second = try site.get(page)
        #expect(second.status == status)
        #expect(second["X-Relevo-Route"] == "old-map")
        let secondLog = try site.log(page, count: 2)
        #expect(secondLog.route == "old-map")
        #expect(secondLog.new == nil)
        #expect(
          site.new.targets.count { $0 == page } == 1, "the second visit does not ask the new pool")
        #expect(site.old.targets.count { $0 == page } == 2)
      }
    }
  }

  @Test(
    "a redirect of the old server to its home page is delivered and not learned",
    arguments: ["/", "http://example.test/", "http://example.test", "old:/"])
  func homePage(location: String) throws {
    let old = try ScriptedOrigin { exchange in
      let own = location == "old:/" ? "http://127.0.0.1:\(exchange.stream.socket.localPort)/" : location
      try exchange.answer(302, "", ["Location: \(own)"])
    }
    try withSite(new: .pages([:]), old: old, "--debug-headers") { site in
      for count in 1...2 {
        let answer = try site.get("/gone")
        #expect(answer.status == 302)
        #expect(answer["Location"] == (location == "old:/" ? "http://example.test/" : location))
        #expect(answer["X-Relevo-Route"] == "old-fallback")
        #expect(try !site.log("/gone", count: count).notes.contains("learned"))
      }
      #expect(site.new.requests.count == 2)
    }
  }

  @Test("a refusal of the old server that is no miss is delivered and not learned")
  func oldRefuses() throws {
    try withSite(new: .pages([:]), old: Self.statuses("no"), "--debug-headers") { site in
      for status in [400, 403, 405, 406, 429, 451] {
        for _ in 1...2 {
          let answer = try site.get("/\(status)")
          #expect(answer.status == status)
          #expect(answer.text == "no")
          #expect(answer["X-Relevo-Route"] == "old-fallback")
          site.settle()
        }
      }
      #expect(site.new.requests.count == 12)
      #expect(site.old.requests.count == 12)
    }
  }

  @Test("when both miss, the client gets the new site's 404 as it came", arguments: [404, 410])
  func bothMiss(oldStatus: Int) throws {
    try withSite(
      new: .always(404, "the new site's 404", ["X-New: 1", "Set-Cookie: a=b"]),
      old: .always(oldStatus, "the old site's", ["X-Old: 1"])
    ) { site in
      let answer = try site.get("/nowhere")
      #expect(
        answer.exact
          == "HTTP/1.1 404 Status\r\nX-New: 1\r\nSet-Cookie: a=b\r\nContent-Length: 18\r\n\r\nthe new site's 404"
      )
      let log = try site.log("/nowhere")
      #expect(log.route == "held")
      #expect(!log.notes.contains("learned"))
      #expect(log.old?[1] == "\(oldStatus)")
    }
  }

  @Test("a double miss is remembered: the old server is not asked again for a while")
  func doubleMiss() throws {
    try withSite(new: .always(404, "new"), old: .always(404, "old"), "--debug-headers") { site in
      #expect(try site.get("/nowhere")["X-Relevo-Route"] == "held")
      for count in 2...4 {
        let answer = try site.get("/nowhere")
        #expect(answer.status == 404)
        #expect(answer.text == "new")
        #expect(answer["X-Relevo-Route"] == "new")
        let log = try site.log("/nowhere", count: count)
        #expect(log.notes.contains("double-miss"))
        #expect(log.old == nil)
      }
      #expect(site.new.requests.count == 4)
      #expect(site.old.requests.count == 1)
      #expect(try site.get("/elsewhere").text == "new")
      #expect(site.old.requests.count == 2, "another URL is another miss")
    }
  }

  @Test("a double miss is forgotten after --miss-ttl")
  func doubleMissEnds() throws {
    try withSite(new: .pages([:]), old: .pages([:]), "--miss-ttl", "500ms") { (site) throws in
      #expect(try site.get("/nowhere").status == 404)
      #expect(
        try eventually(within: .after(10)) {
          usleep(100_000)
          return try site.get("/nowhere").status == 404 && site.old.requests.count > 1
        })
    }
  }

  @Test("--miss-ttl 0s asks the old server every time")
  func noDoubleMiss() throws {
    try withSite(new: .pages([:]), old: .pages([:]), "--miss-ttl", "0s") { (site) throws in
      for _ in 1...3 { #expect(try site.get("/nowhere").status == 404) }
      #expect(site.old.requests.count == 3)
    }
  }

  @Test("the old server being down leaves the new site's 404, and is noted")
  func oldDown() throws {
    let new = try ScriptedOrigin.always(404, "new", ["X-New: 1"])
    try withRelevo(new: [new], old: [RefusedPort()]) { relevo in
      let answer = try Client(relevo.port).get("/page")
      #expect(answer.exact == "HTTP/1.1 404 Status\r\nX-New: 1\r\nContent-Length: 3\r\n\r\nnew")
      let log = try relevo.log("/page")
      #expect(log.route == "held")
      #expect(log.notes.contains("old-down"))
    }
  }

  @Test("the old server being too slow leaves the new site's 404, and is noted")
  func oldSlow() throws {
    let old = try ScriptedOrigin { try $0.waitForClose(.after(10)) }
    try withSite(new: .always(404, "new"), old: old, "--response-timeout", "400ms") { site in
      let answer = try site.get("/page")
      #expect(answer.exact == "HTTP/1.1 404 Status\r\nContent-Length: 3\r\n\r\nnew")
      let log = try site.log("/page")
      #expect(log.route == "held")
      #expect(log.notes.contains("old-timeout"))
    }
  }

  @Test("the old server's 5xx leaves the new site's 404, and is noted", arguments: [500, 502, 503, 504])
  func oldFails(status: Int) throws {
    try withSite(new: .always(404, "new"), old: .always(status, "broken")) { site in
      let answer = try site.get("/page")
      #expect(answer.exact == "HTTP/1.1 404 Status\r\nContent-Length: 3\r\n\r\nnew")
      let log = try site.log("/page")
      #expect(log.route == "held")
      #expect(log.notes.contains("old-error"))
      #expect(log.old?[1] == "\(status)")
    }
  }

  @Test("a failure of the old server is no double miss: it is asked again at the next visit")
  func failureIsNoMiss() throws {
    let old = try ScriptedOrigin { exchange in
      try exchange.number == 1 && exchange.connection == 1
        ? exchange.answer(500) : exchange.answer(200, "old")
    }
    try withSite(new: .pages([:]), old: old) { (site) throws in
      #expect(try site.get("/page").status == 404)
      #expect(try site.get("/page").text == "old")
    }
  }

  // MARK: in the map

  @Test("a known URL goes to the old server only, whatever that answers", arguments: [200, 304, 403, 302])
  func known(status: Int) throws {
    let old = try ScriptedOrigin { exchange in
      try exchange.head["X-Later"] == nil
        ? exchange.answer(200, "old") : exchange.answer(status, "later", ["Location: /x"])
    }
    try withSite(new: .pages([:]), old: old, "--debug-headers") { site in
      try site.learn("/page")
      let answer = try site.get("/page", ["X-Later: 1"])
      #expect(answer.status == status)
      #expect(answer["X-Relevo-Route"] == "old-map")
      #expect(site.new.requests.count == 1)
    }
  }

  @Test(
    "a known URL that the old server no longer has is forgotten, and the client gets what new says now",
    arguments: [404, 410], [200, 404, 500])
  func forgotten(oldStatus: Int, newStatus: Int) throws {
    let old = try ScriptedOrigin { exchange in
      try exchange.connection == 1 && exchange.number == 1
        ? exchange.answer(200, "old") : exchange.answer(oldStatus, "old miss")
    }
    let new = try ScriptedOrigin { exchange in
      try exchange.connection == 1 && exchange.number == 1
        ? exchange.answer(404, "first") : exchange.answer(newStatus, "now")
    }
    try withSite(new: new, old: old, "--debug-headers") { site in
      try site.learn("/page")
      let answer = try site.get("/page")
      #expect(answer.status == newStatus)
      #expect(answer.text == "now")
      #expect(try site.log("/page", count: 2).notes.contains("forgotten"))
      #expect(site.new.requests.count == 2)
      #expect(site.old.requests.count == 2)

      #expect(try site.get("/page")["X-Relevo-Route"] != "old-map")
      #expect(site.new.requests.count == 3, "the URL is known no more")
    }
  }

  @Test("a known URL while the old server is down is what new says, and stays known")
  func knownAndDown() throws {
    let new = try ScriptedOrigin { exchange in
      try exchange.head["X-Now"] == nil ? exchange.answer(404, "miss") : exchange.answer(200, "moved")
    }
    try withSite(new: new, old: .always(200, "old"), "--debug-headers") { site in
      try site.learn("/page")
      try site.old.stop()
      let answer = try site.get("/page", ["X-Now: 1"])
      #expect(answer.status == 200)
      #expect(answer.text == "moved")
      #expect(try site.log("/page", count: 2).notes.contains("old-down"))
      try site.old.start()
      #expect(
        try eventually(within: .after(15)) {
          usleep(100_000)
          return try site.get("/page", ["X-Now: 1"])["X-Relevo-Route"] == "old-map"
        }, "the URL is still known once the old server is back")
    }
  }

  @Test("a known URL while the old server is down and new misses is 503 with Retry-After")
  func knownDownAndMissed() throws {
    try withSite(new: .pages([:]), old: .always(200, "old")) { site in
      try site.learn("/page")
      try site.old.stop()
      let answer = try site.get("/page")
      #expect(answer.status == 503)
      #expect(Int(answer["Retry-After"] ?? "") ?? 0 > 0)
      #expect(answer["Content-Type"]?.hasPrefix("text/plain") == true)
      #expect(site.new.requests.count == 2)
    }
  }

  @Test("a known URL while the old server is too slow is what new says")
  func knownAndSlow() throws {
    let old = try ScriptedOrigin { exchange in
      if exchange.head["X-Slow"] == nil { return try exchange.answer(200, "old") }
      try exchange.waitForClose(.after(10))
    }
    let new = try ScriptedOrigin { exchange in
      try exchange.head["X-Slow"] == nil ? exchange.answer(404, "miss") : exchange.answer(200, "moved")
    }
    try withSite(new: new, old: old, "--response-timeout", "400ms") { site in
      try site.learn("/page")
      #expect(try site.get("/page", ["X-Slow: 1"]).text == "moved")
      #expect(try site.log("/page", count: 2).notes.contains("old-timeout"))
    }
  }

  @Test("past the recheck age new is asked first, and takes the URL over if it has the page")
  func recheckMigrated() throws {
    let new = try ScriptedOrigin { exchange in
      try exchange.head["X-Now"] == nil ? exchange.answer(404, "miss") : exchange.answer(200, "moved")
    }
    try withSite(new: new, old: .always(200, "old"), "--map-recheck-after", "1s", "--debug-headers") { site in
      try site.learn("/page")
      #expect(
        try eventually(within: .after(10)) {
          usleep(200_000)
          return try site.get("/page", ["X-Now: 1"]).text == "moved"
        })
      let lines = try site.relevo.process.output.wait("a line about it") { $0.contains("note=migrated") }
      #expect(LogLine(lines[0]).route == "new")
      site.settle()
      #expect(try site.get("/page")["X-Relevo-Route"] == "old-fallback", "the URL was forgotten")
    }
  }

  @Test("past the recheck age an outage of the new site does not cost a known page its visitors")
  func recheckWhileNewFails() throws {
    let new = try ScriptedOrigin { exchange in
      try exchange.answer(exchange.head["X-Down"] == nil ? 404 : 503, "new")
    }
    try withSite(
      new: new, old: .always(200, "old"), "--map-recheck-after", "10ms", "--debug-headers"
    ) { site in
      try site.learn("/page")
      #expect(try site.get("/page", ["X-Down: 1"]).exact.hasSuffix("X-Relevo-Route: old-map\r\n\r\nold"))
      try site.new.stop()
      #expect(try site.get("/page").exact.hasSuffix("X-Relevo-Route: old-map\r\n\r\nold"))
      #expect(try site.log("/page", count: 3).notes == ["new-down"])
    }
  }

  @Test("past the recheck age a known page is never a 404 since the old server is down")
  func recheckWhileOldFails() throws {
    let old = try ScriptedOrigin { exchange in
      try exchange.answer(exchange.head["X-Down"] == nil ? 200 : 503, "old")
    }
    try withSite(new: .pages([:]), old: old, "--map-recheck-after", "10ms") { site in
      try site.learn("/page")
      let broken = try site.get("/page", ["X-Down: 1"])
      #expect(broken.status == 503 && broken.text == "old")
      try site.old.stop()
      let own = try site.get("/page")
      #expect(own.status == 503)
      #expect(own["Retry-After"] == "10")
      #expect(try site.log("/page", count: 3).notes == ["old-down"])
    }
  }

  @Test("a page that has moved to the new site is named in the log")
  func migrationIsLogged() throws {
    let new = try ScriptedOrigin { exchange in
      try exchange.answer(exchange.head["X-Now"] == nil ? 404 : 200, "new")
    }
    try withSite(new: new, old: .always(200, "old"), "--map-recheck-after", "10ms") { site in
      try site.learn("/page?x=1")
      #expect(try site.get("/page?x=1", ["X-Now: 1"]).text == "new")
      _ = try site.relevo.process.errors.wait("a line that names the page") {
        $0.contains(" info migrated: ") && $0.hasSuffix(" url=\"/page?x=1\"")
      }
      #expect(try site.log("/page?x=1", count: 2).notes == ["migrated"])
    }
  }

  @Test("past the recheck age a page that new still misses comes from old, and is known anew")
  func recheckRenewed() throws {
    try withSite(
      new: .pages([:]), old: .always(200, "old"), "--map-recheck-after", "2s", "--debug-headers"
    ) { site in
      try site.learn("/page")
      #expect(try site.get("/page")["X-Relevo-Route"] == "old-map", "young enough")
      sleep(3)
      let answer = try site.get("/page")
      #expect(answer.status == 200)
      #expect(answer.text == "old")
      #expect(site.new.requests.count == 2, "new was asked first")
      site.settle()
      #expect(try site.get("/page")["X-Relevo-Route"] == "old-map", "asked once")
      #expect(site.new.requests.count == 2)
    }
  }
}
