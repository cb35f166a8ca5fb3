import Foundation
import Testing

extension Relevo {
  /// Sends SIGHUP and waits for the line that says what came of it.
  fileprivate func hangUp() throws -> String {
    func isOutcome(_ line: String) -> Bool { line.contains("SIGHUP: ") && !line.contains(" a restart: ") }
    let before = process.errors.all.count(where: isOutcome)
    process.signal(SIGHUP)
    return try process.errors.wait(
      "what SIGHUP did", count: before + 1, .after(20), where: isOutcome)[before]
  }
}

/// SIGHUP: the file of `--config` is read again while Relevo serves.
@Suite("Reloading")
struct ReloadTests {
  /// Relevo with a configuration file beside its flags.
  private struct Configured {
    let folder: TemporaryFolder
    let relevo: Relevo

    var file: String { folder.path("relevo.yaml") }
    var errors: Lines { relevo.process.errors }
    var admin: AdminPlane { AdminPlane(relevo: relevo) }

    func write(_ lines: String...) throws {
      try folder.write("relevo.yaml", lines.joined(separator: "\n") + "\n")
    }

    /// Writes other settings and waits for what is said of them.
    @discardableResult
    func reload(_ lines: String...) throws -> String {
      try folder.write("relevo.yaml", lines.joined(separator: "\n") + "\n")
      return try relevo.hangUp()
    }
  }

  /// Runs a test against Relevo with this file, which names the servers.
  private func withFile(
    _ lines: String..., flags: [String] = [], _ test: (Configured) throws -> Void
  ) throws {
    let folder = try TemporaryFolder()
    try folder.write("relevo.yaml", lines.joined(separator: "\n") + "\n")
    try withRelevo(
      new: [], old: [], flags: ["--config", folder.path("relevo.yaml"), "--admin", "127.0.0.1:0"] + flags
    ) { relevo in
      try test(Configured(folder: folder, relevo: relevo))
    }
  }

  @Test("servers, statuses, rules, headers and limits of the new file hold for the next request")
  func inPlace() throws {
    let first = try ScriptedOrigin.pages(["/": "first"], missing: "first has it not")
    let second = try ScriptedOrigin.pages(["/": "second"], missing: "second has it not")
    let old = try ScriptedOrigin.pages(["/old": "old", "/css/a": "old style"])
    try withFile("new: \(first.url)", "old: \(old.url)") { site in
      let kept = try Client(site.relevo.port)
      #expect(try kept.get("/").text == "first")
      let line = try site.reload(
        "new: \(second.url)", "old: \(old.url)", "always-old: /css/", "debug-headers: true", "via: false",
        "idle-timeout: 300ms")
      #expect(line.contains("\(site.file) was read again"))
      #expect(line.contains("changed=--new,--always-old,--idle-timeout,--via,--debug-headers"))
      let answer = try kept.get("/")
      #expect(answer.text == "second")
      #expect(answer["X-Relevo-Route"] == "new")
      #expect(try kept.get("/css/a").text == "old style")
      #expect(try second.request().head["Via"] == nil)
      #expect(kept.isClosed(.after(3)), "after --idle-timeout")
      #expect(first.requests.count == 1)
      try first.waitUntilConnectionsAre(0)
      let status = try site.admin.ask("/api/v1/status").body
      #expect(
        status.contains(#""--new":"\#(second.url.replacing("/", with: "\\/"))""#)
          || status.contains(#""--new":"\#(second.url)""#))
      #expect(status.contains(#""--idle-timeout":"300ms""#))
    }
  }

  @Test("what needs a restart is said by name and stays, and the rest holds")
  func needsRestart() throws {
    let new = try ScriptedOrigin.always(200, "new")
    try withFile("new: \(new.url)", "old: http://127.0.0.1:1") { site in
      try site.reload(
        "new: \(new.url)", "old: http://127.0.0.1:1", "map-key: path", "max-header-bytes: 8k",
        "log-format: json",
        "debug-headers: true")
      let line = try site.errors.wait("what needs a restart") { $0.contains("need a restart:") }[0]
      #expect(line.contains("--map-key, --max-header-bytes and --log-format need a restart:"))
      #expect(try Client(site.relevo.port).get("/")["X-Relevo-Route"] == "new")
      let status = try site.admin.ask("/api/v1/status").body
      #expect(status.contains(#""--map-key":"path-query""#))
      #expect(status.contains(#""--max-header-bytes":"16k""#))
    }
  }

  @Test("a broken file changes nothing, and the log and the metrics say so, with file and line")
  func broken() throws {
    let new = try ScriptedOrigin.always(200, "new")
    let sites = ["new: \(new.url)", "old: http://127.0.0.1:1"]
    try withFile(sites[0], sites[1]) { site in
      func metric() throws -> String? {
        try site.admin.ask("/metrics").body.between("\nrelevo_config_last_reload_successful ", "\n")
      }
      #expect(try metric() == "1")
      for (line, message) in [
        ("retries: many", "3: the value 'many' is invalid for retries: "), ("via: [", "3: this is no YAML"),
        ("frob: 1", "3: there is no flag 'frob'"),
        ("replay-memory: 65m", "3: replay-memory is 65m and --replay-limit 64m"),
      ] {
        let said = try site.reload(sites[0], sites[1], line, "debug-headers: true")
        #expect(said.contains("error SIGHUP: \(site.file):\(message)"), "\(said)")
        #expect(said.hasSuffix("; all stays as it was"))
      }
      let said = try site.reload("new: http://no.invalid", sites[1], "debug-headers: true")
      #expect(said.contains("SIGHUP: the origin no.invalid does not resolve"))
      unlink(site.file)
      site.relevo.process.signal(SIGHUP)
      _ = try site.errors.wait("that it is gone") {
        $0.contains("SIGHUP: --config \(site.file) can't be read")
      }
      #expect(try metric() == "0")
      let answer = try Client(site.relevo.port).get("/")
      #expect(answer.text == "new")
      #expect(answer["X-Relevo-Route"] == nil)
      try site.reload(sites[0], sites[1])
      #expect(try metric() == "1")
    }
  }

  @Test("a new server whose name does not resolve is warned of and left out, as at the start")
  func unresolved() throws {
    let new = try ScriptedOrigin.always(200, "new")
    try withFile("new: \(new.url)", "old: http://127.0.0.1:1") { site in
      let line = try site.reload(
        "new: [\"http://no.invalid\", \"\(new.url)\"]", "old: http://127.0.0.1:1", "debug-headers: true")
      #expect(line.contains("\(site.file) was read again"))
      let warning = try site.errors.wait("what is left out") { $0.contains("origin=no.invalid") }[0]
      #expect(
        warning.contains(
          "warning an origin's name does not resolve: the others of its site serve without it"))
      #expect(try Client(site.relevo.port).get("/")["X-Relevo-Route"] == "new")
    }
  }

  @Test(
    "a server that goes finishes what it has under way, loses its idle connections, and is then gone from the API"
  )
  func removed() throws {
    let release = Gate()
    let leaving = try ScriptedOrigin { exchange in
      if exchange.target == "/slow" { try release.wait() }
      try exchange.answer(200, "leaving")
    }
    let staying = try ScriptedOrigin.always(200, "staying")
    let sites = ["new: [\"\(leaving.url),id=a\", \"\(staying.url),id=b\"]", "old: http://127.0.0.1:1"]
    try withFile(sites[0], sites[1]) { site in
      for _ in 0..<4 { _ = try Client(site.relevo.port).get("/") }
      // Two in turn, so that one of them is at the server that goes.
      let slow = try (0..<2).map { _ in try Client(site.relevo.port) }
      for client in slow { try client.request("/slow") }
      #expect(eventually { leaving.targets.contains("/slow") })
      try site.reload("new: \(staying.url),id=b", sites[1])
      try leaving.waitUntilConnectionsAre(1)
      let origins = try site.admin.ask("/api/v1/origins").body
      #expect(origins.contains(#""state":"leaving""#))
      #expect(
        try site.admin.ask("/metrics").body.contains(
          #"relevo_origin_state{origin="a",site="new",state="leaving"} 1"#))
      for _ in 0..<4 { #expect(try Client(site.relevo.port).get("/").text == "staying") }
      release.open()
      #expect(try Set(slow.map { try $0.answer().text }) == ["leaving", "staying"])
      try leaving.waitUntilConnectionsAre(0)
      #expect(try eventually { try !site.admin.ask("/api/v1/origins").body.contains(#""id":"a""#) })
      #expect(try !site.admin.ask("/metrics").body.contains(#"origin="a""#))
    }
  }

  @Test("what an operator has set of a server that stays, and its sessions, outlive a change of its weight")
  func stays() throws {
    let (first, second) = (try ScriptedOrigin.always(200, "first"), try ScriptedOrigin.always(200, "second"))
    func servers(_ weight: Int) -> String {
      "new: [\"\(first.url),id=a,weight=\(weight)\", \"\(second.url),id=b\"]"
    }
    try withFile(servers(1), "old: http://127.0.0.1:1") { site in
      _ = try site.admin.ask(
        "/api/v1/origins/a", "-X", "PATCH", "-H", "X-Relevo-Admin: 1", "--data", #"{"mode": "drain"}"#)
      #expect(try site.reload(servers(9), "old: http://127.0.0.1:1").contains("changed=--new"))
      for _ in 0..<6 { #expect(try Client(site.relevo.port).get("/").text == "second") }
      let origins = try site.admin.ask("/api/v1/origins").body
      #expect(origins.contains(#""mode":"drain""#))
      #expect(origins.contains(#""weight":9"#))
      // The kept connection stays as well.
      #expect(second.connections == 1)
    }
  }

  @Test("max= of a server can be lowered, raised and left out")
  func maximum() throws {
    let release = Gate()
    let new = try ScriptedOrigin { exchange in
      if exchange.target == "/slow" { try release.wait() }
      try exchange.answer(200, "new")
    }
    let old = "old: http://127.0.0.1:1"
    try withFile("new: \(new.url)", old, "queue-length: 0") { site in
      try site.reload("new: \(new.url),max=1", old, "queue-length: 0")
      let slow = try Client(site.relevo.port)
      try slow.request("/slow")
      _ = try new.request()
      #expect(try Client(site.relevo.port).get("/").status == 503)
      try site.reload("new: \(new.url),max=2", old, "queue-length: 0")
      #expect(try Client(site.relevo.port).get("/").status == 200)
      try site.reload("new: \(new.url),max=1", old, "queue-length: 9")
      let waiting = try Client(site.relevo.port)
      try waiting.request("/waits")
      usleep(100_000)
      try site.reload("new: \(new.url)", old)
      #expect(try waiting.answer().text == "new")
      release.open()
      #expect(try slow.answer().text == "new")
    }
  }

  @Test("health checks begin, change and end")
  func health() throws {
    let new = try ScriptedOrigin { try $0.answer($0.target == "/bad" ? 500 : 200, "new") }
    let sites = ["new: \(new.url)", "old: http://127.0.0.1:1"]
    try withFile(sites[0], sites[1]) { site in
      func says(_ check: String) throws -> Bool {
        try eventually { try site.admin.ask("/api/v1/origins").body.contains(#""check":"\#(check)""#) }
      }
      let often = "health-interval: 100ms"
      try site.reload(sites[0], sites[1], "health-path: /good", often)
      #expect(try says("up"))
      try site.reload(sites[0], sites[1], "health-path: /bad", "health-fall: 2", often)
      #expect(try says("down"))
      try site.reload(sites[0], sites[1])
      #expect(try eventually { try !site.admin.ask("/api/v1/origins").body.contains(#""check":"down""#) })
      let count = new.requests.count
      usleep(300_000)
      #expect(new.requests.count == count)
    }
  }

  @Test("a file of rules, and how much is logged, are read again as well")
  func rulesAndLevel() throws {
    let new = try ScriptedOrigin.always(200, "new")
    let old = try ScriptedOrigin.always(200, "old")
    let folder = try TemporaryFolder()
    try folder.write("rules", "always-old /css/\n")
    try withRelevo(new: [new], old: [old], "--rules-file", folder.path("rules")) { relevo in
      #expect(try Client(relevo.port).get("/css/").text == "old")
      try folder.write("rules", "always-old /img/\n")
      #expect(try relevo.hangUp().contains("SIGHUP: \(folder.path("rules")) was read again"))
      #expect(try Client(relevo.port).get("/css/").text == "new")
      #expect(try Client(relevo.port).get("/img/").text == "old")
      try folder.write("rules", "nonsense\n")
      #expect(try relevo.hangUp().contains("SIGHUP: \(folder.path("rules")):1: 'nonsense' is no rule"))
      #expect(try Client(relevo.port).get("/img/").text == "old")
    }
    try withFile("new: \(new.url)", "old: \(old.url)") { site in
      try site.reload("new: \(new.url)", "old: \(old.url)", "log-level: error")
      site.relevo.process.signal(SIGUSR1)
      try site.reload("new: \(new.url)", "old: \(old.url)", "log-level: error", "via: maybe")
      #expect(!site.errors.all.contains { $0.contains("SIGUSR1") })
    }
  }

  @Test("no request fails while SIGHUPs add and remove servers under wrk")
  func underLoad() throws {
    let page = ["page.html": Bytes(text: String(repeating: "x", count: 200))]
    let servers = try (0..<3).map { _ in try RealServer(pages: page) }
    func requests(_ server: RealServer) throws -> Int {
      try server.folder.read("access.log").count { $0 == "\n" }
    }
    func new(_ used: [RealServer]) -> String { "new: [\(used.map(\.url).joined(separator: ", "))]" }
    let old = "old: http://127.0.0.1:1"
    try withFile(new([servers[0], servers[1]]), old, flags: ["--workers", "2"]) { site in
      let port = site.relevo.port
      @Sendable func load(seconds: Int) throws -> String {
        try Tools.wrk("http://127.0.0.1:\(port)/page.html", connections: 16, seconds: seconds).text
      }
      let first = Background { try load(seconds: 3) }
      let sets = [[0, 1, 2], [1, 2], [2], [0, 2], [0], [1]]
      let end = Deadline.after(2.5)
      var reloads = 0
      while !end.hasPassed || reloads < 3 {
        try site.reload(new(sets[reloads % sets.count].map { servers[$0] }), old)
        reloads += 1
      }
      try site.reload(new([servers[2]]), old)
      let output = try first.value(.after(20))
      let before = try servers.map(requests)
      let second = try load(seconds: 1)
      let after = try servers.map(requests)
      for output in [output, second] {
        #expect(!output.contains("Socket errors"), "\(output)")
        #expect(!output.contains("Non-2xx"), "\(output)")
        #expect(output.contains("requests in"), "\(output)")
      }
      #expect(before[0] > 0 && before[1] > 0, "each was asked in its time: \(before)")
      #expect(after[2] > before[2] + 10, "the one that was added has the load")
      #expect(after[0] == before[0] && after[1] == before[1], "those that were removed have none")
    }
  }
}
