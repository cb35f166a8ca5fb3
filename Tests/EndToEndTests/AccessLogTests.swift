import Foundation
import Testing

/// One line a request: the combined format, and what Relevo did.
@Suite("The access log")
struct AccessLogTests {
  static let address = #"127\.0\.0\.1:[0-9]+"#
  static let seconds = #"[0-9]+\.[0-9]+"#
  static let start =
    #"127\.0\.0\.1 - - \[[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}\] "#

  /// Expects a whole line to match a regular expression.
  func expect(_ line: LogLine, _ pattern: String, sourceLocation: SourceLocation = #_sourceLocation) {
    let found = line.text.range(of: "^\(pattern)$", options: .regularExpression)
    #expect(found != nil, "\(line.text)\n\(pattern)", sourceLocation: sourceLocation)
  }

  @Test("an answer of the new pool")
  func new() throws {
    try withSite(new: .always(200, "four"), old: .always(200)) { site in
      _ = try site.get("/page?x", ["Referer: http://from.test/", "User-Agent: curl/8 (x)"])
      expect(
        try site.log("/page?x"),
        Self.start + #""GET /page\?x HTTP/1\.1" 200 4 "http://from\.test/" "curl/8 \(x\)" "#
          + "route=new time=\(Self.seconds) new=\(site.new.authority),200,\(Self.seconds) old=- note=- tls=-")
    }
  }

  @Test("a fallback that is learned shows both attempts, and the next visit one")
  func fallback() throws {
    try withSite(new: .pages([:]), old: .always(200, "old")) { site in
      _ = try site.get("/page", method: "POST", body: Bytes(text: "x"))
      expect(
        try site.log("/page"),
        Self.start + #""POST /page HTTP/1\.1" 200 3 "-" "-" "#
          + "route=old-fallback time=\(Self.seconds) new=\(site.new.authority),404,\(Self.seconds) "
          + "old=\(site.old.authority),200,\(Self.seconds) note=learned tls=-")
      site.settle()
      _ = try site.get("/page")
      expect(
        try site.log("/page", count: 2),
        Self.start + #""GET /page HTTP/1\.1" 200 3 "-" "-" "#
          + "route=old-map time=\(Self.seconds) new=- old=\(site.old.authority),200,\(Self.seconds) note=- tls=-"
      )
    }
  }

  @Test("a held 404")
  func held() throws {
    try withSite(new: .pages([:]), old: .pages([:])) { site in
      _ = try site.get("/page")
      expect(
        try site.log("/page"),
        Self.start + #""GET /page HTTP/1\.1" 404 8 "-" "-" "#
          + "route=held time=\(Self.seconds) new=\(site.new.authority),404,\(Self.seconds) "
          + "old=\(site.old.authority),404,\(Self.seconds) note=- tls=-")
    }
  }

  @Test("a malformed request is logged too, and cannot forge a line")
  func malformed() throws {
    try withSite(new: .always(200), old: .always(200)) { site in
      let client = try site.client()
      try client.send("GET /a\"b\u{1B}[31m\r127.0.0.1 - - forged HTTP/1.1\r\nHost: x\r\n\r\n")
      let answer = try client.answer()
      #expect(answer.status == 400)
      let lines = try site.relevo.process.output.wait("a line about it") { $0.contains("bad-request") }
      #expect(lines.count == 1)
      #expect(LogLine(lines[0]).route == "-")
      #expect(lines[0].hasPrefix("127.0.0.1 - - ["))
      #expect(lines[0].contains("\" 400 \(answer.body.count) \""), "with the bytes of its answer")
      #expect(lines[0].utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F })
      #expect(site.relevo.process.output.all.count == 1)
    }
  }

  @Test("quotes and control bytes of a client's fields cannot forge a line")
  func forged() throws {
    try withSite(new: .always(200), old: .always(200)) { site in
      _ = try site.get("/page", ["User-Agent: a\" route=old-map note=learned \"b", "Referer: \u{E4}\\\""])
      let line = try site.log("/page")
      #expect(line.route == "new")
      let unescaped = line.text.replacingOccurrences(of: "\\\\", with: "").replacingOccurrences(
        of: "\\\"", with: "")
      #expect(unescaped.filter { $0 == "\"" }.count == 6, "three quoted parts: \(line.text)")
    }
  }

  @Test("to a file, which is opened again on SIGUSR1 as logrotate wants it")
  func file() throws {
    let folder = try TemporaryFolder()
    try withSite(new: .always(200), old: .always(200), "--access-log", folder.path("log")) { site in
      #expect(try site.get("/one").status == 200)
      #expect(try eventually { try folder.read("log").contains("/one") })
      try FileManager.default.moveItem(atPath: folder.path("log"), toPath: folder.path("log.1"))
      site.relevo.process.signal(SIGUSR1)
      #expect(eventually { folder.exists("log") })
      #expect(try site.get("/two").status == 200)
      #expect(try eventually { try folder.read("log").contains("/two") })
      #expect(try !folder.read("log.1").contains("/two"))
      #expect(site.relevo.process.output.all == [])
    }
    #expect(try folder.read("log").split(separator: "\n").count == 1)
  }

  @Test("no line is lost while logrotate moves the file away under load")
  func logrotate() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("access.log")
    try withSite(new: .always(200), old: .always(200), "--workers", "2", "--access-log", path) { site in
      // As README has it, but for the signal, which systemctl would send.
      try folder.write(
        "logrotate.conf",
        """
        \(path) {
          rotate 50
          missingok
          notifempty
          nocompress
          create 0640
          postrotate
            kill -USR1 \(site.relevo.process.pid)
          endscript
        }

        """)
      chmod(folder.path("logrotate.conf"), 0o644)
      let port = site.relevo.port
      let clients = (0..<3).map { number in
        Background<[String]> {
          let client = try Client(port)
          var targets: [String] = []
          while !folder.exists("stop") {
            targets.append("/\(number)-\(targets.count)")
            #expect(try client.get(targets[targets.count - 1]).status == 200)
          }
          return targets
        }
      }
      for _ in 0..<8 {
        let rotation = try Tools.run(
          "/usr/sbin/logrotate", ["--force", "--state", folder.path("state"), folder.path("logrotate.conf")])
        #expect(rotation.exit == .code(0), "\(rotation.errors)")
        usleep(50_000)
      }
      try folder.write("stop", "")
      let asked = try clients.flatMap { try $0.value() }.sorted()
      #expect(asked.count > 50)
      func lines() throws -> [Substring] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        return try names.filter { $0.hasPrefix("access.log") }.flatMap {
          try folder.read($0).split(separator: "\n")
        }
      }
      #expect(try eventually { try lines().count >= asked.count })
      let written = try lines()
      #expect(written.allSatisfy { $0.hasPrefix("127.0.0.1 - - [") && $0.hasSuffix("note=- tls=-") })
      #expect(written.map { String($0.split(separator: " ")[6]) }.sorted() == asked)
      #expect(folder.exists("access.log.3"))
    }
  }

  @Test("a pipe whose reader stops, or goes, stops neither the service nor its end")
  func pipes() throws {
    for goes in [false, true] {
      let folder = try TemporaryFolder()
      let path = folder.path("pipe")
      try #require(mkfifo(path, 0o600) == 0)
      let reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
      try #require(reader >= 0)
      try withSite(new: .always(200, "new"), old: .always(200), "--access-log", path) { site in
        if goes { close(reader) }
        let client = try site.client()
        // More than a pipe holds.
        let target = "/" + String(repeating: "x", count: 4_000)
        for _ in 0..<50 { #expect(try client.get(target).text == "new") }
        if goes {
          _ = try site.relevo.process.errors.wait("what became of the reader") {
            $0.contains("has no reader any more")
          }
        }
      }
      if !goes { close(reader) }
    }
  }

  @Test("--log-format json")
  func json() throws {
    try withSite(
      new: .pages([:]), old: .always(200, "old"), "--log-format", "json", "--trusted-proxies", "127.0.0.1"
    ) { site in
      _ = try site.get(
        "/page", ["X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https", "User-Agent: \u{E9}\"x\""],
        method: "POST",
        body: Bytes(text: "four"))
      let line = try site.relevo.process.output.wait("a line") { $0.contains("/page") }[0]
      let entry = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      func attempt(_ name: String) -> [String: Any]? { entry[name] as? [String: Any] }
      #expect(entry["client"] as? String == "203.0.113.9")
      #expect(entry["peer"] as? String == "127.0.0.1")
      #expect(entry["scheme"] as? String == "https")
      #expect(entry["host"] as? String == "example.test")
      #expect(entry["route"] as? String == "old-fallback")
      #expect(entry["status"] as? Int == 200)
      #expect(entry["bytes"] as? Int == 3)
      #expect(entry["requestBytes"] as? Int == 4)
      #expect(entry["notes"] as? [String] == ["learned"])
      #expect(entry["userAgent"] as? String == "\u{E9}\"x\"")
      #expect(attempt("new")?["status"] as? Int == 404)
      #expect(attempt("old")?["origin"] as? String == site.old.authority)
      let seconds = try #require(entry["seconds"] as? Double)
      let parts = [attempt("new"), attempt("old")].compactMap { $0?["seconds"] as? Double }
      #expect(parts.count == 2 && parts.reduce(0, +) <= seconds && seconds < 60)
      let time = try #require(entry["time"] as? String)
      let pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}Z$"
      #expect(time.range(of: pattern, options: .regularExpression) != nil)
    }
  }

  @Test("without --access-log it goes to standard output")
  func standard() throws {
    let new = try ScriptedOrigin.always(200)
    let process = try ChildProcess(
      Relevo.binary,
      ["serve", "--listen", "127.0.0.1:0", "--new", new.url, "--old", new.url, "--no-startup-probes"])
    #expect(try Client(process.listeningPort()).get("/one").status == 200)
    #expect(try process.output.wait("a line") { $0.contains("GET /one ") }.count == 1)
    process.signal(SIGTERM)
    #expect(try process.wait() == .code(0))
  }

  @Test("--access-log off writes none")
  func off() throws {
    let relevo = try Relevo(
      new: [ScriptedOrigin.always(200)], old: [RefusedPort()], flags: ["--access-log", "off"])
    #expect(try Client(relevo.port).get("/one").status == 200)
    #expect(try relevo.terminate() == .code(0))
    #expect(try relevo.process.output.untilEnd() == [])
  }

  @Test("what was served before SIGTERM is in the log, every line whole")
  func flushed() throws {
    let site = try (ScriptedOrigin.always(200), RefusedPort())
    let relevo = try Relevo(new: [site.0], old: [site.1])
    let client = try Client(relevo.port)
    for number in 1...500 { #expect(try client.get("/\(number)").status == 200) }
    client.close()
    #expect(try relevo.terminate() == .code(0))
    let lines = try relevo.process.output.untilEnd()
    #expect(lines.count == 500)
    #expect(lines.allSatisfy { $0.hasSuffix(" note=- tls=-") })
  }
}
