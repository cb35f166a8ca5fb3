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
          + "route=new time=\(Self.seconds) new=\(site.new.authority),200,\(Self.seconds) old=- note=-")
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
          + "old=\(site.old.authority),200,\(Self.seconds) note=learned")
      site.settle()
      _ = try site.get("/page")
      expect(
        try site.log("/page", count: 2),
        Self.start + #""GET /page HTTP/1\.1" 200 3 "-" "-" "#
          + "route=old-map time=\(Self.seconds) new=- old=\(site.old.authority),200,\(Self.seconds) note=-")
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
          + "old=\(site.old.authority),404,\(Self.seconds) note=-")
    }
  }

  @Test("a malformed request is logged too, and cannot forge a line")
  func malformed() throws {
    try withSite(new: .always(200), old: .always(200)) { site in
      let client = try site.client()
      try client.send("GET /a\"b\u{1B}[31m\r127.0.0.1 - - forged HTTP/1.1\r\nHost: x\r\n\r\n")
      #expect(try client.answer().status == 400)
      let lines = try site.relevo.process.output.wait("a line about it") { $0.contains("bad-request") }
      #expect(lines.count == 1)
      #expect(LogLine(lines[0]).route == "-")
      #expect(lines[0].hasPrefix("127.0.0.1 - - ["))
      #expect(lines[0].contains(" 400 "))
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
    #expect(lines.allSatisfy { $0.hasSuffix(" note=-") })
  }
}
