import Foundation
import Testing

/// Paths that are always one site's, and URLs that neither has.
@Suite("Rules, and the memory of misses")
struct RulesTests {
  private func route(_ site: Site, _ target: String, method: String = "GET", body: Bytes? = nil) throws
    -> String?
  {
    try site.get(target, method: method, body: body)["X-Relevo-Route"]
  }

  @Test("always-old asks the old server first, and learns nothing")
  func alwaysOld() throws {
    try withSite(
      new: .always(200, "new"), old: .always(200, "old"), "--always-old", "/css/", "/img", "--debug-headers"
    ) { (site) throws in
      for target in ["/css/a.css", "/css", "/css/a.css?v=2", "/img.png"] {
        for _ in 1...2 {
          let answer = try site.get(target)
          #expect(answer.text == "old")
          #expect(answer["X-Relevo-Route"] == "always-old")
        }
      }
      #expect(site.new.requests.isEmpty)
      #expect(try site.log("/css", count: 2).notes == [])
      #expect(try site.log("/css", count: 2).route == "always-old")
      #expect(try site.get("/css2").text == "new")
    }
  }

  @Test("always-old with a query takes the old site's numbered pages, and leaves the home page alone")
  func alwaysOldQuery() throws {
    try withSite(
      new: .always(200, "new"), old: .always(200, "old"), "--always-old", "/?p=", "--always-new", "/",
      "--debug-headers"
    ) { (site) throws in
      #expect(try site.get("/?p=7").text == "old")
      #expect(try site.log("/?p=7").route == "always-old")
      for target in ["/", "/?q=7", "/a?p=7"] { #expect(try site.get(target).text == "new", "\(target)") }
    }
  }

  @Test(
    "what always-old does not find the new site is asked for, with the same request, and nothing is forgotten or learned"
  )
  func alwaysOldMisses() throws {
    let old = try ScriptedOrigin { exchange in
      try exchange.readBody()
      try exchange.answer(exchange.target == "/css/gone" ? 404 : 200, "old")
    }
    try withSite(new: .always(200, "new"), old: old, "--always-old", "/css/", "--debug-headers") {
      (site) throws in
      let answer = try site.get("/css/gone", method: "POST", body: Bytes(text: "body"))
      #expect(answer.text == "new")
      #expect(answer["X-Relevo-Route"] == "new")
      #expect(site.new.requests.map(\.body) == [Bytes(text: "body")])
      #expect(try site.log("/css/gone").notes == [])
    }
  }

  @Test("while the old server cannot be reached, always-old gets the new site's page, or 503 if it has none")
  func alwaysOldUnreachable() throws {
    let new = try ScriptedOrigin.pages(["/css/both": "new"])
    try withRelevo(new: [new], old: [RefusedPort()], "--always-old", "/css/") { relevo in
      #expect(try Client(relevo.port).get("/css/both").text == "new")
      let answer = try Client(relevo.port).get("/css/old")
      #expect(answer.status == 503)
      #expect(answer["Retry-After"] != nil)
    }
  }

  @Test("always-new never asks the old server, though the map knows the URL, and delivers the new site's 404")
  func alwaysNew() throws {
    let folder = try TemporaryFolder()
    let (new, old) = (try ScriptedOrigin.always(404, "new"), try ScriptedOrigin.always(200, "old"))
    let flags = ["--map-file", folder.path("urls.map"), "--debug-headers"]
    let first = Site(new: new, old: old, relevo: try Relevo(new: [new], old: [old], flags: flags))
    for target in ["/wp-admin/known", "/other"] { try first.learn(target) }
    #expect(try first.relevo.terminate() == .code(0))
    let count = old.requests.count
    let second = Site(
      new: new, old: old,
      relevo: try Relevo(new: [new], old: [old], flags: flags + ["--always-new", "/wp-admin/"]))
    for target in ["/wp-admin/known", "/wp-admin/unknown", "/wp-admin"] {
      let answer = try second.get(target)
      #expect(answer.status == 404)
      #expect(answer.text == "new")
      #expect(answer["X-Relevo-Route"] == "always-new")
    }
    #expect(old.requests.count == count)
    #expect(try second.get("/other").text == "old")
    #expect(try second.relevo.terminate() == .code(0))
  }

  @Test("always-new is not evaded: no writing of the path reaches the old server")
  func evasions() throws {
    let targets = [
      "/wp-admin", "/wp-admin/", "/wp-admin?x=y", "/WP-ADMIN/", "/wp%2Dadmin/", "/%77p-admin/", "//wp-admin/",
      "/./wp-admin/", "/x/../wp-admin/", "/x/%2e%2E/wp-admin/", "/x%2f..%2fwp-admin/", "/wp-admin%2fx",
      "/wp-admin\\x",
      "/wp-admin%5cx", "/\\wp-admin/", "/wp-admin;a=b/x", "/..;/wp-admin/", "//wp-admin/..;/x",
      "/wp-admin/../x",
      "/wp-admin%00", "/wp-admin%3fx", "/wp-admin./", "/wp-admin%20/", "http://example.test/wp-admin/",
      "http://other.test//Wp-Admin/x", "https://example.test/x/..%2fwp-admin",
    ]
    try withSite(
      new: .always(404, "new"), old: .always(200, "old"), "--always-new", "/wp-admin/",
      "--old-assets-by-referer",
      "--always-old", "/css/"
    ) { (site) throws in
      try site.learn("/page")
      let before = site.old.requests.count
      for target in targets {
        for method in ["GET", "POST", "OPTIONS"] {
          #expect(try site.get(target, method: method).text == "new", "\(method) \(target)")
        }
      }
      for target in ["/wp-admin/a.css", "/css/../wp-admin/a.css"] {
        #expect(try site.get(target, ["Referer: http://example.test/page"]).text == "new", "\(target)")
        #expect(try site.get(target, ["Referer: http://example.test/css/a.css"]).text == "new", "\(target)")
      }
      #expect(site.old.requests.count == before)
      #expect(try site.get("/wp-admin2").text == "old")
    }
  }

  @Test("rules come from a file and from flags, and the longest prefix holds")
  func fromFile() throws {
    let folder = try TemporaryFolder()
    try folder.write("rules", "# both sites\n\nalways-old /a/\t# a comment\r\n  always-new\t/a/b/\n")
    try withSite(
      new: .always(200, "new"), old: .always(200, "old"), "--rules-file", folder.path("rules"),
      "--always-old",
      "/a/b/c/"
    ) { (site) throws in
      let answers = try ["/a/x", "/a/b/x", "/a/b/c/x", "/x"].map { try site.get($0).text }
      #expect(answers == ["old", "new", "old", "new"])
    }
  }

  @Test(
    "a wrong line of the rules' file is one line that names file, line and reason, and 78",
    arguments: [
      ("always-old /a\nalways-both /b\n", ":2: 'always-both' is no rule"),
      ("always-new\n", ":1: after always-new"),
      ("always-old a\n", ":1: a path begins with a slash"),
      ("#\n\n\nalways-old /a b\n", ":4: after always-old"),
      ("always-old /a/\nalways-new /A/\n", "say different things about /A/"),
      (
        "always-new /a?b",
        ":1: always-new is about paths, whatever their queries: leave out what follows the ?"
      ),
    ])
  func brokenFile(text: String, reason: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("rules", text)
    let process = try ChildProcess(
      Relevo.binary, CommandLineTests.serve + ["--rules-file", folder.path("rules")])
    #expect(try process.wait() == .code(78))
    let lines = try process.errors.untilEnd()
    #expect(lines.count == 1)
    #expect(
      lines.first?.contains(folder.path("rules") + (reason.hasPrefix(":") ? reason : ":")) == true, "\(lines)"
    )
    #expect(lines.first?.contains(reason) == true, "\(lines)")
  }

  @Test(
    "a scan of URLs that neither site has costs the old server one request each, whichever worker gets the second ask"
  )
  func scan() throws {
    let count = 2_000
    try withSite(
      new: .always(404, "new"), old: .always(404, "old"), "--workers", "2", "--access-log", "off",
      "--debug-headers"
    ) { (site) throws in
      for round in 1...2 {
        // Connections of its own for each round: the kernel spreads them over the workers.
        for part in 0..<8 {
          let client = try site.client()
          let numbers = stride(from: part, to: count, by: 8)
          try client.send(numbers.reduce(into: Bytes()) { $0 += Client.bytes("/scan/\($1).php") })
          for number in numbers {
            let answer = try client.answer(to: "GET", .after(30))
            guard answer.text == "new", answer["X-Relevo-Route"] == (round == 1 ? "held" : "new") else {
              throw HarnessError.malformed("\(number) in round \(round): \(answer)")
            }
          }
          client.close()
        }
      }
      #expect(site.old.requests.count == count)
      #expect(site.new.requests.count == 2 * count)
    }
  }
}
