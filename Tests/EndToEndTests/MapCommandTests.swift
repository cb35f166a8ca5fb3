import Foundation
import Testing

/// `relevo map` on files that a real run has written.
@Suite("relevo map")
struct MapCommandTests {
  /// A map file that a run with these visits has left.
  struct Learned {
    let sites: MapTests.Sites
    var path: String { sites.path }

    init() throws {
      sites = try MapTests.Sites()
      let site = try sites.start()
      for url in ["/docs/a.html", "/docs/b.html", "/shop?id=7", "/<script>alert(1)</script>/'&"] {
        try site.learn(url)
      }
      for _ in 1...3 { #expect(try site.get("/docs/b.html")["X-Relevo-Route"] == "old-map") }
      #expect(try site.get("/shop?id=7")["X-Relevo-Route"] == "old-map")
      #expect(try site.relevo.terminate() == .code(0))
    }

    /// Runs a subcommand in a pipe; its lines and how it ended.
    func map(_ arguments: String...) throws -> (output: [String], errors: [String], exit: Exit) {
      try run(Relevo.binary, ["map"] + arguments + ["--map-file", path])
    }

    /// Runs a shell's command, in which `$relevo` is the program and `$map` the file.
    func shell(_ command: String) throws -> (output: [String], errors: [String], exit: Exit) {
      try run("/bin/sh", ["-c", command], ["relevo": Relevo.binary, "map": path, "LC_ALL": "C.UTF-8"])
    }

    private func run(
      _ program: String, _ arguments: [String], _ environment: [String: String] = [:]
    ) throws -> (output: [String], errors: [String], exit: Exit) {
      let process = try ChildProcess(program, arguments, environment: environment)
      let exit = try process.wait(.after(20))
      return (try process.output.untilEnd(), try process.errors.untilEnd(), exit)
    }
  }

  @Test("list in a pipe: visits, last visit, learned and URL with tabs between, in each order")
  func list() throws {
    let learned = try Learned()
    let result = try learned.map("list")
    #expect(result.exit == .code(0))
    #expect(result.errors == [])
    let rows = result.output.map { $0.components(separatedBy: "\t") }
    #expect(
      rows.map(\.last) == ["/<script>alert(1)</script>/'&", "/docs/a.html", "/docs/b.html", "/shop?id=7"])
    #expect(rows.map { $0.first ?? "" } == ["0", "0", "3", "1"])
    #expect(rows.allSatisfy { $0.count == 4 })
    #expect(rows[1][1] == "-")
    #expect(rows[2][1].wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil)

    let byHits = try learned.map("list", "--sort", "hits", "--limit", "2").output
    #expect(byHits.map { $0.components(separatedBy: "\t").last } == ["/docs/b.html", "/shop?id=7"])
    let prefixed = try learned.map("list", "--prefix", "/docs/", "--limit", "1").output
    #expect(prefixed.map { $0.components(separatedBy: "\t").last } == ["/docs/a.html"])
  }

  @Test("a running Relevo's file can be read, and is refused to be changed with 75")
  func beside() throws {
    let learned = try Learned()
    let site = try learned.sites.start()
    let before = try learned.sites.folder.read("urls.map")
    #expect(try learned.map("lookup", "/shop?id=7").exit == .code(0))
    for refused in [
      try learned.map("add", "/x"), try learned.map("remove", "/shop?id=7"),
      try learned.map("remove", "--prefix", "/", "--yes"),
    ] {
      #expect(refused.exit == .code(75))
      #expect(refused.errors.count == 1)
      #expect(refused.errors.first?.contains("in use by process \(site.relevo.process.pid)") == true)
      #expect(
        refused.errors.first?.contains("through its admin plane (serve --admin; curl -X PUT or DELETE")
          == true)
      #expect(refused.errors.first?.hasSuffix("or stop it first and try again") == true)
    }
    #expect(try learned.sites.folder.read("urls.map") == before)
    #expect(try site.relevo.terminate() == .code(0))
  }

  @Test("lookup ends with 0 for what is known, 1 for what is not, and 64 for what is no URL")
  func lookup() throws {
    let learned = try Learned()
    let known = try learned.map("lookup", "https://www.example.com/shop?id=7&utm_source=mail")
    #expect(known.exit == .code(0))
    #expect(known.output.first == "key       /shop?id=7")
    #expect(known.output.last?.hasPrefix("request   goes to the old site at once") == true)
    #expect(
      try learned.map("lookup", "/shop?id=7", "--map-recheck-after", "10ms").output.last?.contains(
        "once more") == true)
    let unknown = try learned.map("lookup", "/shop")
    #expect(unknown.exit == .code(1))
    #expect(unknown.errors == [])
    #expect(unknown.output.contains("known     no"))
    #expect(try learned.map("lookup", "shop.html").exit == .code(64))
  }

  @Test("lookup says what the rules of serve make of a request, given as flags, in a file or as variables")
  func lookupWithRules() throws {
    let learned = try Learned()
    let file = learned.sites.folder.path("rules")
    try learned.sites.folder.write("rules", "always-new /docs/\nalways-old /docs/b\n")
    let hidden = try learned.map("lookup", "/DOCS/./a.html?x", "--rules-file", file)
    #expect(hidden.exit == .code(1))
    #expect(hidden.output.last?.hasPrefix("request   asks the new site and never the old one") == true)
    let old = try learned.map("lookup", "/docs/b.html", "--rules-file", file)
    #expect(old.exit == .code(0))
    #expect(old.output.last?.hasPrefix("request   asks the old site first") == true)
    #expect(
      try learned.map("lookup", "/docs/a.html", "--always-old", "/docs/").output.last?.hasPrefix(
        "request   asks the old site first") == true)
    #expect(
      try learned.shell("RELEVO_ALWAYS_NEW='/x/ /docs/' $relevo map lookup /docs/a.html --map-file $map")
        .output.last?.hasPrefix("request   asks the new site and never") == true)
    #expect(
      try learned.shell("RELEVO_ALWAYS_NEW=/docs/ RELEVO_MAP_FILE=$map $relevo map lookup -- /docs/a.html")
        .output.last?.hasPrefix("request   asks the new site and never") == true)
    let wrong = try learned.map("lookup", "/docs/a.html", "--always-old", "/a", "--always-new", "/a")
    #expect(wrong.exit == .code(78))
    #expect(wrong.errors.count == 1)
  }

  @Test("what is added goes straight to the old site after a start, and what is removed does not")
  func addAndRemove() throws {
    let learned = try Learned()
    let added = try learned.shell(
      "printf '/l1\\n# no\\n/l%%c3%%b1\\n' | \"$relevo\" map add /new - --map-file \"$map\"")
    #expect(added.output == ["added 3 URLs"], "\(added.errors)")
    #expect(try learned.map("add", "/new", "/newer").output == ["added 1 URL; 1 known already"])
    #expect(try learned.map("remove", "/docs/a.html", "/nope").output == ["removed 1 URL; 1 not known"])
    #expect(try learned.map("remove", "--prefix", "/<script>", "--yes").output == ["removed 1 URL"])

    let site = try learned.sites.start()
    for url in ["/new", "/newer", "/l1", "/l%C3%B1", "/docs/b.html"] {
      #expect(try site.get(url)["X-Relevo-Route"] == "old-map", "\(url)")
    }
    for url in ["/docs/a.html", "/<script>alert(1)</script>/'&"] {
      #expect(try site.get(url)["X-Relevo-Route"] == "old-fallback", "\(url)")
    }
    #expect(try site.relevo.terminate() == .code(0))
    // Visits outlive a change.
    #expect(
      try learned.map("list", "--sort", "hits", "--limit", "1").output.first?.hasSuffix("/docs/b.html")
        == true)
  }

  @Test("a bad URL among good ones changes nothing")
  func allOrNothing() throws {
    let learned = try Learned()
    let before = try learned.sites.folder.read("urls.map")
    #expect(try learned.map("add", "/x", "y").exit == .code(64))
    let refused = try learned.shell("printf '/x\\ny\\n' | \"$relevo\" map add - --map-file \"$map\"")
    #expect(refused.exit == .code(65))
    #expect(refused.errors.first?.contains("standard input, line 2: ") == true)
    #expect(try learned.sites.folder.read("urls.map") == before)
  }

  @Test("a prefix is removed without --yes only where somebody says yes")
  func confirmation() throws {
    let learned = try Learned()
    let pipe = try learned.map("remove", "--prefix", "/docs/")
    #expect(pipe.exit == .code(64))
    #expect(pipe.errors.first?.contains("--yes") == true)
    func onTerminal(_ answer: String) throws -> (output: [String], errors: [String], exit: Exit) {
      try learned.shell(
        "printf '\(answer)\\n' | script -qec '\"$relevo\" map remove --prefix /docs/ --map-file \"$map\"' /dev/null"
      )
    }
    let no = try onTerminal("n")
    #expect(no.exit == .code(1), "\(no)")
    #expect(no.output.joined().contains("Remove 2 URLs that begin with /docs/? [y/N]"))
    #expect(try learned.map("list", "--prefix", "/docs/").output.count == 2)
    let yes = try onTerminal("y")
    #expect(yes.exit == .code(0), "\(yes)")
    #expect(yes.output.joined().contains("removed 2 URLs"))
    #expect(try learned.map("list", "--prefix", "/docs/").output == [])
  }

  @Test("stats counts what was visited, by directory, with bars in the locale's characters")
  func stats() throws {
    let learned = try Learned()
    let unicode = try learned.shell("\"$relevo\" map stats --map-file \"$map\"").output
    #expect(unicode.first?.wholeMatch(of: /URLs +4   learned .*/) != nil, "\(unicode)")
    #expect(unicode.contains { $0.wholeMatch(of: /never visited +2   50 %/) != nil })
    #expect(unicode.contains { $0.wholeMatch(of: /├─ docs\/ +2  █+▏?.* 3  █.*/) != nil }, "\(unicode)")
    let ascii = try learned.shell("LC_ALL=C \"$relevo\" map stats --map-file \"$map\"").output
    #expect(ascii.contains { $0.hasPrefix("|- docs/") }, "\(ascii)")
  }

  @Test("the report of a hostile map holds its URLs as text")
  func report() throws {
    let learned = try Learned()
    let page = learned.sites.folder.path("report.html")
    let result = try learned.map("report", "--html", page)
    #expect(result.exit == .code(0), "\(result.errors)")
    #expect(result.output == [])
    let html = try learned.sites.folder.read("report.html")
    #expect(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;/&#39;&amp;"))
    #expect(!html.contains("<script"))
    #expect(html.hasSuffix("</html>\n"))
    #expect(try learned.map("report", "--html", "-").output.first == "<!DOCTYPE html>")
    #expect(try learned.map("report", "--html", "/nonexistent/report.html").exit == .code(74))
  }

  @Test("verify tells what is good, what is broken, and what a start does about it")
  func verify() throws {
    let learned = try Learned()
    let good = try learned.map("verify")
    #expect(good.exit == .code(0), "\(good)")
    #expect(good.output.last == "A start loads \(learned.path): 4 URLs.")
    #expect(try learned.map("add", "/new").exit == .code(0))
    let text = try learned.sites.folder.read("urls.map")
    try learned.sites.folder.write("urls.map", text.replacingOccurrences(of: "/new old", with: "/new odd"))
    let bad = try learned.map("verify")
    #expect(bad.exit == .code(65))
    #expect(bad.output.first?.contains("broken   line ") == true, "\(bad)")
    #expect(bad.output.last?.hasSuffix("loads \(learned.path).prev: 4 URLs.") == true, "\(bad)")
    // It said what will be, and changed nothing.
    let site = try learned.sites.start()
    #expect(try site.get("/docs/b.html")["X-Relevo-Route"] == "old-map")
    #expect(try site.relevo.terminate() == .code(0))
    #expect(learned.sites.folder.exists("urls.map.refused"))
  }

  @Test("verify knows what a start with another --ignore-query makes of the keys, from the environment too")
  func verifyKeys() throws {
    let learned = try Learned()
    #expect(try learned.map("add", "/a?ref=1", "/a?ref=2", "/a", "/b?ref=1").exit == .code(0))
    #expect(try learned.map("verify").output.last == "A start loads \(learned.path): 8 URLs.")
    let flagged = try learned.map("verify", "--ignore-query", "default,ref")
    #expect(flagged.exit == .code(0), "\(flagged)")
    #expect(
      flagged.output.first?.hasSuffix(
        "; 3 not written as a request's key is, which a start puts right, 2 by joining them with others")
        == true,
      "\(flagged)")
    #expect(flagged.output.last == "A start loads \(learned.path): 6 URLs.")
    let variable = try learned.shell(
      "RELEVO_IGNORE_QUERY=default,ref $relevo map verify --map-file $map | tail -n 1")
    #expect(variable.output == ["A start loads \(learned.path): 6 URLs."])
    let site = try learned.sites.start("--ignore-query", "default,ref")
    _ = try site.relevo.process.errors.wait("what was loaded") {
      $0.contains("loaded 6 URLs of the old site")
    }
    #expect(try site.relevo.terminate() == .code(0))
  }

  @Test("what a kill -9 left in the journal is in every answer")
  func journal() throws {
    let learned = try Learned()
    let site = try learned.sites.start()
    try site.learn("/from-the-journal")
    #expect(eventually { (try? learned.map("lookup", "/from-the-journal").exit) == .code(0) })
    try site.relevo.kill()
    #expect(try learned.map("stats").output.contains { $0.hasPrefix("journal ") })
    let verdict = try learned.map("verify")
    #expect(verdict.exit == .code(0), "\(verdict)")
    #expect(verdict.output.last == "A start loads \(learned.path): 5 URLs.")
    #expect(try learned.map("remove", "/from-the-journal").output == ["removed 1 URL"])
    #expect(try learned.map("lookup", "/from-the-journal").exit == .code(1))
  }

  @Test("the report names what has moved to the new site while Relevo ran")
  func moved() throws {
    let folder = try TemporaryFolder()
    let new = try ScriptedOrigin { exchange in
      try exchange.answer(exchange.head["X-Now"] == nil ? 404 : 200, "new")
    }
    let flags = ["--map-file", folder.path("urls.map"), "--map-recheck-after", "10ms"]
    let old = try ScriptedOrigin.always(200, "old")
    let site = Site(new: new, old: old, relevo: try Relevo(new: [new], old: [old], flags: flags))
    for url in ["/moved", "/stays"] { try site.learn(url) }
    #expect(try site.get("/moved", ["X-Now: 1"]).text == "new")
    #expect(try site.relevo.terminate() == .code(0))
    let report = try ChildProcess(
      Relevo.binary, ["map", "report", "--html", "-", "--map-file", folder.path("urls.map")])
    #expect(try report.wait() == .code(0))
    let html = try report.output.untilEnd().joined(separator: "\n")
    #expect(html.contains("1 URL that only the old server had is on the new site"))
    #expect(html.contains("<code>/moved</code>") && html.contains("<code>/stays</code>"))
  }

  @Test("on a terminal the list has a heading and columns")
  func terminal() throws {
    let learned = try Learned()
    let list = try learned.shell("script -qec '\"$relevo\" map list --map-file \"$map\"' /dev/null").output
    #expect(list.first?.hasPrefix("    VISITS  LAST VISIT") == true, "\(list)")
    #expect(list.count == 5)
  }

  @Test("a file that is not there is one line and 66, a broken one 65, and no file named 64")
  func noFile() throws {
    let folder = try TemporaryFolder()
    try folder.write("broken.map", "/a old 1 1 1\n")
    for subcommand in [["list"], ["stats"], ["lookup", "/a"], ["report", "--html", "-"], ["remove", "/a"]] {
      try CommandLineTests().refuses(
        ["map"] + subcommand + ["--map-file", folder.path("none.map")], 66, naming: "none.map")
      try CommandLineTests().refuses(
        ["map"] + subcommand + ["--map-file", folder.path("broken.map")], 65, naming: "broken.map", "line 1")
      try CommandLineTests().refuses(["map"] + subcommand, 64, naming: "--map-file", "RELEVO_MAP_FILE")
    }
  }

  @Test("the map file may be a variable")
  func variable() throws {
    let learned = try Learned()
    let result = try learned.shell("RELEVO_MAP_FILE=\"$map\" \"$relevo\" map lookup '/shop?id=7'")
    #expect(result.exit == .code(0), "\(result.errors)")
  }
}
