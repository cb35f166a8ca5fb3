import Glibc
import Testing

/// Two servers that compare byte for byte: to them, URLs that share a key in the map are different pages.
@Suite("A URL that is written in several ways")
struct SpellingTests {
  private func origin(_ pages: String...) throws -> ScriptedOrigin {
    try .pages(Dictionary(uniqueKeysWithValues: pages.map { ($0, $0) }))
  }

  @Test(
    "a miss of the old server for another spelling leaves the URL known, and the visitor gets what new says")
  func missOfAnotherSpelling() throws {
    let old = try origin("/page.html")
    try withSite(new: .always(404, "new"), old: old, "--debug-headers") { (site) throws in
      try site.learn("/page.html")
      let answer = try site.get("/page%2ehtml?utm_source=x")
      #expect(answer.status == 404 && answer.text == "new")
      #expect(try site.log("/page%2ehtml?utm_source=x").notes == [])
      site.settle()
      #expect(try site.get("/page.html").exact.hasSuffix("X-Relevo-Route: old-map\r\n\r\n/page.html"))
    }
  }

  @Test("a miss of the old server for the URL with a tracking parameter is a miss for the URL")
  func missWithTracking() throws {
    let old = try origin("/page.html")
    try withSite(new: .always(404, "new"), old: old, "--debug-headers") { (site) throws in
      try site.learn("/page.html")
      #expect(try site.get("/page.html?utm_source=x").text == "new")
      #expect(try site.log("/page.html?utm_source=x").notes.contains("forgotten"))
      site.settle()
      #expect(try site.get("/page.html")["X-Relevo-Route"] == "old-fallback")
    }
  }

  @Test(
    "where queries are no part of the key, a miss for one query leaves the others known",
    arguments: [["--map-key", "path"], ["--ignore-query", "*"]])
  func missOfAnotherQuery(flags: [String]) throws {
    let new = try ScriptedOrigin.always(404, "new")
    let relevo = try Relevo(
      new: [new], old: [origin("/index.php?id=7")], flags: ["--debug-headers"] + flags)
    let client = try Client(relevo.port)
    #expect(try client.get("/index.php?id=7")["X-Relevo-Route"] == "old-fallback")
    #expect(try client.get("/index.php?id=8").text == "new")
    #expect(try relevo.log("/index.php?id=8").notes == [])
    #expect(try client.get("/index.php?id=7")["X-Relevo-Route"] == "old-map")
    #expect(try client.get("/index.php").text == "new")
    #expect(try relevo.log("/index.php").notes.contains("forgotten"))
    client.close()
    #expect(try relevo.terminate() == .code(0))
  }

  @Test("what the new site has under another spelling has not moved")
  func anotherSpellingHasMoved() throws {
    let new = try origin("/page%2ehtml")
    try withSite(new: new, old: origin("/page.html"), "--map-recheck-after", "10ms", "--debug-headers") {
      site in
      try site.learn("/page.html")
      usleep(50_000)
      #expect(try site.get("/page%2ehtml").text == "/page%2ehtml")
      #expect(try site.log("/page%2ehtml").notes == [])
      let answer = try site.get("/page.html")
      #expect(answer.text == "/page.html")
      #expect(try site.log("/page.html", count: 2).notes.contains("learned"))
    }
  }

  @Test("a spelling that both sites miss does not keep the others from the old server")
  func doubleMissOfAnotherSpelling() throws {
    try withSite(new: .always(404, "new"), old: origin("/page.html"), "--debug-headers") { (site) throws in
      for route in ["held", "new"] { #expect(try site.get("/page%2ehtml")["X-Relevo-Route"] == route) }
      #expect(try site.get("/page.html").exact.hasSuffix("X-Relevo-Route: old-fallback\r\n\r\n/page.html"))
      #expect(site.old.requests.count == 2)
    }
  }

  @Test("where queries are no part of the key, a query that both sites miss does not stand for the others")
  func doubleMissOfAnotherQuery() throws {
    try withSite(
      new: .always(404, "new"), old: origin("/index.php?id=7"), "--map-key", "path", "--debug-headers"
    ) { (site) throws in
      for route in ["held", "new"] { #expect(try site.get("/index.php?id=8")["X-Relevo-Route"] == route) }
      #expect(try site.get("/index.php?id=7")["X-Relevo-Route"] == "old-fallback")
      #expect(site.old.requests.count == 2)
    }
  }
}
