import Foundation
import Testing

/// The program as an operator starts it.
@Suite("The command line")
struct CommandLineTests {
  static let serve = [
    "serve", "--listen", "127.0.0.1:0", "--new", "http://127.0.0.1:1", "--old", "http://127.0.0.1:1",
  ]

  /// Starts the program, which must refuse to run: this exit status, and one line that names the cause.
  func refuses(
    _ arguments: [String], _ code: Int32, naming words: String..., environment: [String: String] = [:],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let process = try ChildProcess(Relevo.binary, arguments, environment: environment)
    #expect(try process.wait() == .code(code), sourceLocation: sourceLocation)
    let lines = try process.errors.untilEnd()
    let problems = lines.filter { !$0.contains(" info ") && !$0.contains(" warning ") }
    #expect(problems.count == 1, "\(lines)", sourceLocation: sourceLocation)
    for word in words {
      #expect(problems.first?.contains(word) == true, "\(lines)", sourceLocation: sourceLocation)
    }
    #expect(try process.output.untilEnd() == [], sourceLocation: sourceLocation)
  }

  @Test(
    "a bad flag is one line and 64",
    arguments: [["--nonsense"], ["--listen", "nonsense"], ["--idle-timeout", "-1s"], ["stray"]])
  func badFlag(flags: [String]) throws {
    try refuses(Self.serve + flags, 64, naming: flags[0])
  }

  @Test("a missing --new or --old is one line and 64", arguments: ["--new", "--old"])
  func missing(flag: String) throws {
    let other = flag == "--new" ? "--old" : "--new"
    try refuses(["serve", other, "http://127.0.0.1:1"], 64, naming: flag)
  }

  @Test("an unknown command is one line and 64")
  func unknownCommand() throws {
    try refuses(["dance"], 64, naming: "dance")
  }

  @Test("a bad value in the environment is one line that names the variable, and 64")
  func badEnvironment() throws {
    try refuses(
      Self.serve, 64, naming: "RELEVO_IDLE_TIMEOUT", environment: ["RELEVO_IDLE_TIMEOUT": "soon"])
  }

  @Test("an address in use is one line that names it, and 69")
  func inUse() throws {
    let other = try ScriptedOrigin.always(200)
    try refuses(
      ["serve", "--listen", other.authority, "--new", "http://127.0.0.1:1", "--old", "http://127.0.0.1:1"],
      69, naming: other.authority)
    #expect(try Client(other.port).get("/").status == 200)
  }

  @Test("an origin that does not resolve is one line that names it, and 69")
  func unresolved() throws {
    try refuses(
      ["serve", "--listen", "127.0.0.1:0", "--new", "http://nowhere.invalid", "--old", "http://127.0.0.1:1"],
      69, naming: "nowhere.invalid")
  }

  @Test(
    "an origin that does not resolve beside one that does is a warning with the remedy, and the other serves")
  func partlyUnresolved() throws {
    let new = try ScriptedOrigin.always(200, "new")
    try withRelevo(new: [new], old: [new], "--new", "http://nowhere.invalid:8080") { relevo in
      for _ in 1...4 { #expect(try Client(relevo.port).get("/").text == "new") }
      let line = try relevo.process.errors.wait("a warning") { $0.contains("does not resolve") }[0]
      #expect(
        line.contains(" warning an origin's name does not resolve: the others of its site serve without it"))
      #expect(line.contains("origin=nowhere.invalid:8080") && line.contains("site=new"))
      #expect(line.contains("it is looked up again every --resolve-every"))
    }
  }

  @Test("an unreadable map file is one line that names it, and 78")
  func unreadableMap() throws {
    let folder = try TemporaryFolder()
    try refuses(Self.serve + ["--map-file", folder.path], 78, naming: folder.path)
  }

  @Test("a map file that can't be kept says what is wrong with its place and what would be right")
  func oddMapPlaces() throws {
    let folder = try TemporaryFolder()
    try folder.write("file", "")
    let places = [
      ("/nonexistent/urls.map", "No such file or directory; make the folder, where that user may write"),
      (folder.path("file/urls.map"), "Not a directory; name a file in a folder"),
      (folder.path, "Is a directory; name a file in that folder"),
      ("/dev/null", "is no regular file: name one, as in /var/lib/relevo/urls.map"),
    ]
    for (place, remedy) in places {
      try refuses(Self.serve + ["--map-file", place], 78, naming: remedy)
      try refuses(["map", "add", "/a", "--map-file", place], 74, naming: remedy)
    }
  }

  @Test("an access log that cannot be opened is one line that names it, and 78")
  func unwritableLog() throws {
    try refuses(Self.serve + ["--access-log", "/nonexistent/log"], 78, naming: "/nonexistent/log")
  }

  @Test("every flag can be a variable, and the flag wins")
  func environment() throws {
    let new = try ScriptedOrigin { exchange in
      try exchange.answer(exchange.target == "/miss" ? 410 : 200, "new")
    }
    let old = try ScriptedOrigin.always(200, "old")
    let relevo = try Relevo(
      new: [new], old: [old], flags: ["--max-header-fields", "10"],
      environment: [
        "RELEVO_FALLBACK_ON": "410", "RELEVO_DEBUG_HEADERS": "true", "RELEVO_MAX_HEADER_BYTES": "2k",
        "RELEVO_MAX_HEADER_FIELDS": "3", "RELEVO_VIA": "false", "RELEVO_WORKERS": "2",
      ])
    #expect(try Client(relevo.port).get("/miss")["X-Relevo-Route"] == "old-fallback")
    #expect(try new.request()["Via"] == nil)
    #expect(try Client(relevo.port).get("/", ["X: \(String(repeating: "a", count: 3_000))"]).status == 431)
    #expect(try Client(relevo.port).get("/", (1...8).map { "X-\($0): a" }).status == 200)
    #expect(try relevo.terminate() == .code(0))
  }

  @Test("origins and listeners can come from the environment alone")
  func originsFromEnvironment() throws {
    let (new, old) = try (ScriptedOrigin.pages(["/": "new"]), ScriptedOrigin.always(200, "old"))
    let process = try ChildProcess(
      Relevo.binary, ["serve"],
      environment: [
        "RELEVO_LISTEN": "127.0.0.1:0", "RELEVO_NEW": "\(new.url),weight=2,id=a http://127.0.0.1:1",
        "RELEVO_OLD": old.url,
        "RELEVO_WORKERS": "1",
      ])
    let port = try process.listeningPort()
    #expect(try Client(port).get("/").text == "new")
    #expect(try Client(port).get("/x").text == "old")
    process.signal(SIGTERM)
    #expect(try process.wait() == .code(0))
  }

  @Test("SIGTERM lets what is under way finish, and accepts nothing more", arguments: [SIGTERM, SIGINT])
  func stops(signal: Int32) throws {
    let release = Gate()
    let new = try ScriptedOrigin { exchange in
      if exchange.target == "/slow" { try release.wait() }
      try exchange.answer(200, "new")
    }
    let relevo = try Relevo(new: [new], old: [RefusedPort()])
    let client = try Client(relevo.port)
    let idle = try Client(relevo.port)
    #expect(try idle.get("/").text == "new")
    try client.request("/slow")
    _ = try new.request(2)
    relevo.process.signal(signal)
    #expect(idle.isClosed(), "a connection that waits for nothing ends")
    #expect(eventually { (try? Client(relevo.port)) == nil })
    release.open()
    let answer = try client.answer()
    #expect(answer.text == "new")
    #expect(answer["Connection"]?.lowercased() == "close")
    #expect(try relevo.process.wait() == .code(0))
  }

  @Test("a map that lives in memory only is said at the start")
  func memoryOnly() throws {
    try withRelevo(new: [RefusedPort()], old: [RefusedPort()]) { relevo in
      _ = try relevo.process.errors.wait("a line about it") { $0.contains("memory only") }
    }
  }

  @Test("help is documentation: every flag of serve is in it", arguments: [["--help"], ["serve", "--help"]])
  func help(arguments: [String]) throws {
    let process = try ChildProcess(Relevo.binary, arguments)
    #expect(try process.wait() == .code(0))
    let text = try process.output.untilEnd().joined(separator: "\n")
    #expect(try process.errors.untilEnd() == [])
    guard arguments.count == 2 else { return #expect(text.contains("serve") && text.contains("demo")) }
    for flag in [
      "listen", "new", "old", "workers", "fallback-on", "learn-on", "old-miss-on", "map-file",
      "map-snapshot-every", "map-max-urls", "map-key", "map-recheck-after", "miss-ttl", "replay-memory",
      "replay-limit", "header-timeout", "connect-timeout", "response-timeout", "idle-timeout",
      "tunnel-timeout", "max-connections", "max-header-bytes", "max-header-fields", "access-log", "log-level",
      "forwarded-for", "via", "old-host", "debug-headers", "resolve-every",
    ] { #expect(text.contains("--\(flag)"), "\(flag)") }
  }

  @Test("relevo demo serves two sites and itself, and says what to try")
  func demo() throws {
    let port = try Ports.free()
    let process = try ChildProcess(Relevo.binary, ["demo", "--port", "\(port)"])
    #expect(eventually(within: .after(10)) { (try? Client(port)) != nil })
    #expect(eventually { (process.output.text + process.errors.text).contains("curl") })
    #expect((process.output.text + process.errors.text).contains("/noexiste.html"))
    let client = try Client(port)
    #expect(try client.get("/").status == 200)
    for _ in 1...2 { #expect(try client.get("/noexiste.html").status == 200) }
    #expect(try client.get("/nowhere").status == 404)
    client.close()
    process.signal(SIGTERM)
    #expect(try process.wait() == .code(0))
  }

  @Test("several workers share one port and one map")
  func workers() throws {
    try withSite(new: .pages([:]), old: .always(200, "old"), "--workers", "2", "--debug-headers") { site in
      try site.learn("/page")
      for _ in 1...20 { #expect(try site.get("/page")["X-Relevo-Route"] == "old-map") }
      #expect(site.new.requests.count == 1)
    }
  }
}
