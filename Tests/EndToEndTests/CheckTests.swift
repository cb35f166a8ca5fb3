import Foundation
import Testing

/// `relevo check` before sites of every kind, and the probes of `serve`.
@Suite("Checking both sites before the start")
struct CheckTests {
  struct Outcome {
    let exit: Exit
    /// One line, one blank between words.
    let text: String
  }

  static func check(new: [any Origin], old: [any Origin], _ flags: [String] = []) throws -> Outcome {
    let sites = new.flatMap { ["--new", $0.url] } + old.flatMap { ["--old", $0.url] }
    let output = try Tools.run(Relevo.binary, ["check"] + sites + flags)
    #expect(output.errors == "")
    return Outcome(
      exit: output.exit, text: output.text.split { $0 == " " || $0 == "\n" }.joined(separator: " "))
  }

  /// A site whose home page is fine, and that answers all else as the script says.
  static func site(_ script: @escaping ScriptedOrigin.Script) throws -> ScriptedOrigin {
    try ScriptedOrigin { exchange in
      if exchange.target == "/" {
        let links = "<title>Home</title><a href=\"/about-our-company/\">About</a>"
        return try exchange.answer(200, links, ["Server: test/1"])
      }
      try script(exchange)
    }
  }

  static func fit() throws -> ScriptedOrigin { try site { try $0.answer(404, "not here") } }

  @Test("two fit sites have no problem, and hear who asks")
  func fitSites() throws {
    let (new, old) = (try Self.fit(), try Self.fit())
    let outcome = try Self.check(new: [new], old: [old], ["--public-host", "www.example.test"])
    #expect(outcome.exit == .code(0), "\(outcome.text)")
    for origin in [("new", new), ("old", old)] {
      #expect(outcome.text.contains("\(origin.0) \(origin.1.url) ok answers in "))
      #expect(origin.1.requests.allSatisfy { $0["User-Agent"]?.hasPrefix("relevo/") == true })
      #expect(origin.1.requests.allSatisfy { $0["Host"] == "www.example.test" && $0.method == "GET" })
    }
    #expect(outcome.text.contains("(test/1) ok answers 404 for a page that does not exist"))
    #expect(outcome.text.hasSuffix("no problem"))
  }

  @Test("a path of the health checks that a site does not have is a problem, with the flag that mends it")
  func healthPaths() throws {
    let (new, old) = (try Self.fit(), try Self.fit())
    let good = try Self.check(
      new: [new], old: [old], ["--health-path", "/", "--old-health-path", "/", "--old-host", "old.example"])
    #expect(good.exit == .code(0), "\(good.text)")
    #expect(good.text.ranges(of: "ok answers 200 to the path of its health checks (/)").count == 2)

    let bad = try Self.check(
      new: [new], old: [old], ["--old-health-path", "/alive.txt", "--health-host", "checks.example"])
    #expect(bad.exit == .code(1))
    #expect(
      bad.text.contains(
        "problem answers 404 to the path of its health checks (/alive.txt): it would count as down, and no page be asked "
          + "of it → Serve with --old-health-path /, which it answers with 200, or with another page that it has."
      ),
      "\(bad.text)")
    let asked = old.requests.filter { $0.target == "/alive.txt" }
    #expect(asked.map { $0["Host"] } == ["checks.example"])
    #expect(!new.requests.contains { $0.target == "/alive.txt" })

    let expected = try Self.check(
      new: [new], old: [old], ["--old-health-path", "/alive.txt", "--health-expect", "404"])
    #expect(expected.exit == .code(0), "\(expected.text)")
  }

  static let badNew: [(name: String, expected: [String], script: ScriptedOrigin.Script)] = [
    (
      "catch-all",
      ["problem answers 200 for a page that does not exist (/relevo-check-", "'error_page 404 /404.html'"],
      { try $0.answer(200, "<title>Oops</title>") }
    ),
    (
      "application",
      ["problem answers 200 with its home page", "single-page application", "'try_files $uri =404'"],
      { try $0.answer(200, "<title>Home</title><a href=\"/about-our-company/\">About</a>") }
    ),
    (
      "home", ["problem redirects to its home page from a page that does not exist"],
      { try $0.answer(302, "", ["Location: /"]) }
    ),
    (
      "page", ["problem redirects to /sorry.html from"],
      { try $0.answer(301, "", ["Location: /sorry.html?from=x"]) }
    ),
    (
      "host",
      [
        "problem redirects to www.example.test when it is asked as 127.0.0.1:",
        "--public-host www.example.test",
      ],
      { try $0.answer(301, "", ["Location: https://www.example.test\($0.target)"]) }
    ),
    (
      "https", ["problem redirects everything to https", "X-Forwarded-Proto"],
      { try $0.answer(301, "", ["Location: https://\($0.head["Host"] ?? "")\($0.target)"]) }
    ),
    ("forbidden", ["problem answers 403 for", "--fallback-on 404,403"], { try $0.answer(403) }),
    ("password", ["problem asks for a password"], { try $0.answer(401) }),
    ("error", ["problem answers 500 for", "error log"], { try $0.answer(500) }),
    (
      "guess",
      [
        "problem guesses the page meant: it redirects /about-our-comp/ to /about-our-company/",
        "do_redirect_guess_404_permalink",
        "ok answers 404",
      ],
      { exchange in
        try exchange.target.hasPrefix("/about-our")
          ? exchange.answer(301, "", ["Location: http://\(exchange.head["Host"] ?? "")/about-our-company/"])
          : exchange.answer(404)
      }
    ),
  ]

  @Test("a new site that would defeat the fallback is told so, with the remedy", arguments: 0..<10)
  func badNewSite(index: Int) throws {
    let kind = Self.badNew[index]
    let outcome = try Self.check(new: [Self.site(kind.script)], old: [Self.fit()])
    #expect(outcome.exit == .code(1), "\(kind.name)")
    for part in kind.expected { #expect(outcome.text.contains(part), "\(kind.name): \(outcome.text)") }
  }

  static let badOld:
    [(name: String, exit: Int32, expected: [String], remedy: [String], script: ScriptedOrigin.Script)] = [
      (
        "apology", 1, ["problem answers 200 for a page that does not exist", "every URL would be taken"],
        ["--old-miss-body", "It's not here"],
        { try $0.answer(200, "<title>It's not here</title>\($0.target)") }
      ),
      (
        "home", 0, ["warning redirects to its home page from"], ["--old-miss-redirect", "/"],
        { try $0.answer(302, "", ["Location: /"]) }
      ),
      (
        "page", 1, ["problem redirects to /error.html from"], ["--old-miss-redirect", "/error.html"],
        { try $0.answer(302, "", ["Location: http://\($0.head["Host"] ?? "")/error.html?\($0.target)"]) }
      ),
      (
        "own name", 1, ["problem redirects to its own host name old.example.test when it is asked as"],
        ["--old-host", "old.example.test"],
        { exchange in
          try exchange.head["Host"] == "old.example.test"
            ? exchange.answer(404)
            : exchange.answer(301, "", ["Location: http://old.example.test\(exchange.target)"])
        }
      ),
      (
        "forbidden", 0, ["warning answers 403 for"], ["--old-miss-on", "404,410,403"], { try $0.answer(403) }
      ),
      ("error", 0, ["warning answers 500 for"], ["--old-miss-on", "404,410,500"], { try $0.answer(500) }),
    ]

  @Test("an old server that says no 404 is told so, and the flag of the remedy helps", arguments: 0..<6)
  func badOldServer(index: Int) throws {
    let kind = Self.badOld[index]
    let (new, old) = (try Self.fit(), try Self.site(kind.script))
    let outcome = try Self.check(new: [new], old: [old])
    #expect(outcome.exit == .code(kind.exit), "\(kind.name)")
    let value = kind.remedy[1].contains(" ") ? "'It'\\''s not here'" : kind.remedy[1]
    for part in kind.expected + ["\(kind.remedy[0]) \(value)"] {
      #expect(outcome.text.contains(part), "\(kind.name): \(outcome.text)")
    }
    let again = try Self.check(new: [new], old: [old], kind.remedy)
    #expect(again.exit == .code(0), "\(again.text)")
    #expect(!again.text.contains("warning"), "\(again.text)")
  }

  @Test("servers of the new site that are not alike are told apart")
  func unlikePool() throws {
    let outcome = try Self.check(
      new: [Self.fit(), Self.site { try $0.answer(200, "all") }, Self.fit()], old: [Self.fit()])
    #expect(outcome.exit == .code(1))
    #expect(outcome.text.contains("the new servers do not answer alike"))
  }

  @Test("cookies and well-known paths that both have, and queries that only old knows, are warnings")
  func clashes() throws {
    func site(_ name: String, query: Int) throws -> ScriptedOrigin {
      try ScriptedOrigin { exchange in
        switch exchange.target {
        case "/", "/login":
          try exchange.answer(200, "home", ["Set-Cookie: SID=\(name); path=/", "Set-Cookie: \(name)=1"])
        case "/robots.txt", "/style.css": try exchange.answer(200, name)
        case "/favicon.ico": try exchange.answer(200, "the same")
        case let target where target.hasPrefix("/?p="): try exchange.answer(query, "home")
        default: try exchange.answer(404)
        }
      }
    }
    let outcome = try Self.check(new: [site("new", query: 200)], old: [site("old", query: 404)])
    #expect(outcome.exit == .code(0), "\(outcome.text)")
    #expect(outcome.text.contains("warning set cookies of the same name: SID;"))
    #expect(outcome.text.contains("warning have a /robots.txt of their own"))
    #expect(outcome.text.contains("--old-assets-by-referer"))
    #expect(!outcome.text.contains("/favicon.ico of their own") && !outcome.text.contains("/sitemap.xml of"))
    #expect(outcome.text.contains("--always-old '/?p='"))
    #expect(outcome.text.hasSuffix("no problem, 4 warnings"))
  }

  @Test("a server that is not reached, does not answer, or speaks no HTTP is named with the cause")
  func unreached() throws {
    let silent = try ScriptedOrigin { try $0.waitForClose(.after(5)) }
    let garbage = try ScriptedOrigin.exactly("220 mail.example.test ESMTP\r\n\r\n")
    let outcome = try Self.check(
      new: [RefusedPort(), silent], old: [garbage], ["--timeout", "300ms"])
    #expect(outcome.exit == .code(1))
    #expect(outcome.text.contains("gives no answer: Connection refused"))
    #expect(outcome.text.contains("gives no answer: no whole answer in time"))
    #expect(outcome.text.contains("gives no answer: its answer is no valid HTTP"), "\(outcome.text)")
  }

  @Test("--format json says the same to programs")
  func json() throws {
    let (new, old) = (try Self.site { try $0.answer(200, "all") }, try Self.fit())
    let output = try Tools.run(
      Relevo.binary, ["check", "--new", new.url, "--old", old.url, "--format", "json"])
    #expect(output.exit == .code(1))
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(output.text.utf8)) as? [String: Any])
    #expect(report["problems"] as? Int == 1)
    let findings = try #require(report["findings"] as? [[String: String]])
    #expect(
      findings.contains {
        $0["mark"] == "problem" && $0["subject"] == "new \(new.url)" && $0["remedy"] != nil
      })
  }

  @Test(
    "real servers: nginx as a single-page application and with =200, Apache with an ErrorDocument elsewhere")
  func realServers() throws {
    let home = Bytes(text: "<title>Home</title>")
    let application = try RealServer(
      pages: ["index.html": home], block: "location / { try_files $uri /index.html; }")
    let soft = try RealServer(
      pages: ["index.html": home, "404.html": Bytes(text: "<title>Lost page</title>")],
      block: "error_page 404 =200 /404.html;")
    let apache = try RealApache(
      pages: ["index.html": home, "error.html": Bytes(text: "sorry")]) { port in
        "ErrorDocument 404 http://127.0.0.1:\(port)/error.html"
      }
    let outcome = try Self.check(new: [application], old: [soft, apache])
    #expect(outcome.exit == .code(1))
    for part in [
      "(nginx/", "(Apache/", "problem answers 200 with its home page", "--old-miss-body 'Lost page'",
      "Serve with --old-miss-redirect /error.html",
    ] {
      #expect(outcome.text.contains(part), "\(outcome.text)")
    }
    let fit = try RealServer(pages: ["index.html": home])
    let again = try Self.check(
      new: [fit], old: [soft, apache], ["--old-miss-body", "Lost page", "--old-miss-redirect", "/error.html"])
    #expect(again.exit == .code(0), "\(again.text)")

    let flags = ["--old-miss-body", "Lost page", "--old-miss-redirect", "/error.html", "--debug-headers"]
    for old: any Origin in [soft, apache] {
      let relevo = try Relevo(new: [fit], old: [old], flags: flags)
      let answer = try Client(relevo.port).get("/nowhere.html")
      #expect(answer.status == 404 && answer["X-Relevo-Route"] == "held")
      #expect(try relevo.log("/nowhere.html").notes == ["soft-miss"])
      #expect(try relevo.terminate() == .code(0))
    }
  }

  // MARK: the probes of serve

  @Test(
    "serve asks each server once at its start, warns in the same words, and keeps it out of map and access log"
  )
  func probes() throws {
    let (new, old) = (
      try Self.site { try $0.answer(200, "all") }, try Self.site { try $0.answer(200, "all") }
    )
    try withRelevo(new: [new], old: [old], "--startup-probes") { (relevo) throws in
      let lines = try relevo.process.errors.wait("both warnings", count: 2) {
        $0.contains(" warning ") && $0.contains(" answers 200 for a page that does not exist (/relevo-check-")
      }
      #expect(
        lines.contains {
          $0.contains("new \(new.url) ") && $0.contains("the old server would never be asked")
        })
      #expect(lines.contains { $0.contains("old \(old.url) ") && $0.contains("remedy=") })
      #expect(new.requests.count == 1 && old.requests.count == 1)
      #expect(new.requests[0]["User-Agent"]?.hasPrefix("relevo/") == true)
      #expect(try Client(relevo.port).get("/").status == 200)
      _ = try relevo.log("/")
      #expect(!relevo.process.output.text.contains("relevo-check-"))
    }
  }

  @Test("serve warns of nothing where both answer 404, and asks nobody when it is told not to")
  func noWarning() throws {
    let (new, old) = (try Self.fit(), try Self.fit())
    try withRelevo(new: [new], old: [old], "--startup-probes", "--log-level", "debug") { (relevo) throws in
      _ = try relevo.process.errors.wait("both answers", count: 2) {
        $0.contains(" debug ") && $0.contains("answers 404 for a page that does not exist")
      }
      #expect(!relevo.process.errors.text.contains(" warning "))
    }
    try withRelevo(new: [new], old: [old]) { (relevo) throws in
      #expect(try Client(relevo.port).get("/").status == 200)
      #expect(new.targets.filter { $0.contains("relevo-check-") }.count == 1)
    }
  }

  @Test("a server that does not answer delays neither the start nor the end")
  func silentServer() throws {
    let silent = try ScriptedOrigin { exchange in
      try exchange.target == "/" ? exchange.answer(200, "home") : exchange.waitForClose(.after(20))
    }
    let start = ContinuousClock.now
    try withRelevo(new: [silent], old: [silent], "--startup-probes") { (relevo) throws in
      #expect(try Client(relevo.port).get("/").text == "home")
    }
    #expect(ContinuousClock.now - start < .seconds(5))
  }
}

/// A real Apache that serves a folder of files.
final class RealApache: Origin {
  let port: UInt16
  private let folder: TemporaryFolder
  private let process: ChildProcess

  init(pages: [String: Bytes], _ directives: (UInt16) -> String) throws {
    let port = try Ports.free()
    self.port = port
    folder = try TemporaryFolder()
    for (name, page) in pages { try folder.write("www/\(name)", page) }
    let modules = ["mpm_event", "authz_core", "dir", "mime"]
      .map { "LoadModule \($0)_module /usr/lib/apache2/modules/mod_\($0).so" }
    try folder.write(
      "httpd.conf",
      """
      ServerRoot \(folder.path)
      \(modules.joined(separator: "\n"))
      TypesConfig /etc/mime.types
      Listen 127.0.0.1:\(port)
      ServerName localhost
      PidFile httpd.pid
      ErrorLog error.log
      DocumentRoot \(folder.path)/www
      \(directives(port))
      """)
    process = try ChildProcess(
      "/usr/sbin/apache2", ["-d", folder.path, "-f", folder.path("httpd.conf"), "-DNO_DETACH", "-X"])
    guard eventually(within: .after(10), { (try? Socket.connected(to: port)) != nil }) else {
      throw HarnessError.deadline("Apache: \(process.errors.text)")
    }
  }
}
