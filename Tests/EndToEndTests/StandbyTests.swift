import Foundation
import Testing

/// `--fallback-on 404,unreachable`: what the whole new pool cannot answer.
@Suite("The old server stands in")
struct StandbyTests {
  static let flags = ["--fallback-on", "404,unreachable", "--debug-headers"]

  /// Runs a test with a new pool that refuses every connection.
  private func withoutNew(
    old: [any Origin], _ more: String..., sourceLocation: SourceLocation = #_sourceLocation,
    _ test: (Relevo) throws -> Void
  ) throws {
    try withRelevo(
      new: [RefusedPort(), RefusedPort()], old: old, flags: Self.flags + more, sourceLocation: sourceLocation,
      test)
  }

  @Test("while the new pool refuses, the old server answers with what it has, and nothing is learned")
  func standsIn() throws {
    let old = try ScriptedOrigin.pages(["/page": "old"])
    try withoutNew(old: [old]) { (relevo) throws in
      for count in 1...2 {
        let answer = try Client(relevo.port).get("/page")
        #expect(answer.status == 200)
        #expect(answer.text == "old")
        #expect(answer["X-Relevo-Route"] == "old-standby")
        let log = try relevo.log("/page", count: count)
        #expect(log.route == "old-standby")
        #expect(log.notes.contains("new-down") && !log.notes.contains("learned"))
        #expect(log.new?[1] == "-" && log.old?[1] == "200")
        usleep(50_000)
      }
      _ = try relevo.process.errors.wait("the event with its remedy") {
        $0.contains("so the old server is asked in its place: see to the servers of --new")
      }
    }
  }

  @Test("without the word the answer is 502, and the old server hears nothing")
  func isOptIn() throws {
    let old = try ScriptedOrigin.always(200, "old")
    try withRelevo(new: [RefusedPort()], old: [old], "--fallback-on", "404") { (relevo) throws in
      #expect(try Client(relevo.port).get("/page").status == 502)
      #expect(old.connections == 0)
    }
  }

  @Test(
    "a page that the old server does not have is 503, never a 404 that it is gone, and old is left alone about it",
    arguments: [404, 410])
  func missing(status: Int) throws {
    let old = try ScriptedOrigin.always(status, "old miss")
    try withoutNew(old: [old]) { (relevo) throws in
      for _ in 1...3 {
        let answer = try Client(relevo.port).get("/page")
        #expect(answer.status == 503)
        #expect(answer["Retry-After"] == "10")
        #expect(answer["Cache-Control"] == "no-store")
        #expect(answer.text == "The site's servers cannot be reached at the moment.\n")
      }
      #expect(old.requests.count == 1)
    }
  }

  @Test("what does not say that old has the page is 503 too", arguments: [400, 403, 405, 429])
  func refusals(status: Int) throws {
    let old = try ScriptedOrigin.always(status, "no")
    try withoutNew(old: [old]) { (relevo) throws in
      for _ in 1...2 { #expect(try Client(relevo.port).get("/page").status == 503) }
      #expect(old.requests.count == 2)
    }
  }

  @Test("a redirect to the old home page is 503, other redirects and a login are the old server's")
  func redirects() throws {
    let old = try ScriptedOrigin { exchange in
      switch exchange.target {
      case "/gone": try exchange.answer(301, "", ["Location: /"])
      case "/moved": try exchange.answer(301, "", ["Location: /there"])
      case "/same": try exchange.answer(304)
      default: try exchange.answer(401, "", ["WWW-Authenticate: Basic"])
      }
    }
    try withoutNew(old: [old]) { (relevo) throws in
      let client = try Client(relevo.port)
      #expect(try client.get("/gone").status == 503)
      #expect(try client.get("/moved")["Location"] == "/there")
      #expect(try client.get("/same").status == 304)
      #expect(try client.get("/login").status == 401)
    }
  }

  @Test("when the old server fails as well, the client gets the new pool's failure")
  func bothFail() throws {
    try withoutNew(old: [RefusedPort()]) { (relevo) throws in
      #expect(try Client(relevo.port).get("/page").status == 502)
      #expect(try relevo.log("/page").notes == ["old-down", "new-down", "retried"])
    }
    try withoutNew(old: [ScriptedOrigin.always(500, "broken")]) { (relevo) throws in
      let answer = try Client(relevo.port).get("/page")
      #expect(answer.status == 502)
      #expect(answer.text == "The site's server refused the connection.\n")
      #expect(try relevo.log("/page").notes == ["old-error", "new-down", "retried"])
    }
    let silent = try ScriptedOrigin { try $0.waitForClose(.after(10)) }
    try withRelevo(
      new: [silent], old: [RefusedPort()], flags: Self.flags + ["--response-timeout", "300ms"]
    ) { (relevo) throws in
      #expect(try Client(relevo.port).get("/page").status == 504)
    }
  }

  @Test("a new pool that does not answer in time is unreachable too")
  func slow() throws {
    let new = try ScriptedOrigin { try $0.waitForClose(.after(10)) }
    try withSite(
      new: new, old: .always(200, "old"), "--fallback-on", "404,unreachable", "--response-timeout", "300ms"
    ) { (site) throws in
      #expect(try site.get("/page").text == "old")
      let log = try site.log("/page")
      #expect(log.route == "old-standby")
      #expect(log.notes == ["new-timeout"])
    }
  }

  @Test("a body of which nothing has reached the new pool goes to the old server, byte for byte")
  func upload() throws {
    let old = try ScriptedOrigin.always(200, "taken")
    try withoutNew(old: [old]) { (relevo) throws in
      let body = Bytes.pattern(300_000)
      #expect(try Client(relevo.port).get("/form", method: "POST", body: body).text == "taken")
      #expect(try old.request().body == body)
    }
  }

  @Test("a POST that the new pool may have acted on goes nowhere else")
  func actedOn() throws {
    let new = try ScriptedOrigin { exchange in
      try exchange.readBody()
      exchange.close()
    }
    try withSite(new: new, old: .always(200, "old"), "--fallback-on", "404,unreachable") { (site) throws in
      #expect(try site.get("/form", method: "POST", body: Bytes(text: "body")).status == 502)
      #expect(site.old.connections == 0)
      #expect(try site.get("/page").text == "old", "a GET may be repeated")
    }
  }

  @Test("a known URL is the old server's as ever, and what is not to be asked of old is not")
  func othersUnchanged() throws {
    try withSite(
      new: .pages([:]), old: .always(200, "old"), "--fallback-on", "404,unreachable", "--debug-headers",
      "--always-new", "/admin/"
    ) { (site) throws in
      try site.learn("/page")
      try site.new.stop()
      #expect(try site.get("/page")["X-Relevo-Route"] == "old-map")
      #expect(try site.get("/admin/").status == 502)
      #expect(try site.get("*", method: "OPTIONS").status == 502)
      #expect(try site.get("/other")["X-Relevo-Route"] == "old-standby")
      #expect(site.old.requests.count == 3)
    }
  }

  @Test("the new pool's first answer ends the standby")
  func back() throws {
    try withSite(
      new: .always(200, "new"), old: .always(200, "old"), "--fallback-on", "404,unreachable"
    ) { (site) throws in
      #expect(try site.get("/page").text == "new")
      try site.new.stop()
      #expect(try site.get("/page").text == "old")
      try site.new.start()
      #expect(
        try eventually(within: .after(30)) {
          usleep(50_000)
          return try site.get("/page").text == "new"
        })
    }
  }

  @Test("where readers are sent to the old site, a page that it only stands in for is passed on")
  func redirectMode() throws {
    try withoutNew(
      old: [ScriptedOrigin.always(200, "old")], "--old-mode", "redirect", "--old-public-url",
      "https://old.example.com"
    ) { (relevo) throws in
      let answer = try Client(relevo.port).get("/page")
      #expect(answer.status == 200)
      #expect(answer.text == "old")
    }
  }

  @Test("a 5xx in --fallback-on is an outage as well: old stands in unlearned, and its miss shows the error")
  func errors() throws {
    try withSite(
      new: .always(503, "new is busy", ["Retry-After: 7"]), old: .pages(["/page": "old"]), "--fallback-on",
      "404,503", "--debug-headers"
    ) { (site) throws in
      for _ in 1...2 {
        let answer = try site.get("/page")
        #expect(answer.text == "old")
        #expect(answer["X-Relevo-Route"] == "old-standby")
        site.settle()
      }
      for _ in 1...2 {
        let answer = try site.get("/other")
        #expect(answer.status == 503)
        #expect(answer["Retry-After"] == "7")
        #expect(answer.text == "new is busy")
      }
      #expect(site.old.requests.count == 3)
    }
  }
}
