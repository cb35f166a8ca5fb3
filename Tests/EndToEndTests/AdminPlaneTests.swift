import Foundation
import Testing

/// The admin plane of a running Relevo, asked as operators ask it: with curl.
struct AdminPlane {
  let relevo: Relevo

  /// `127.0.0.1:9000` or `unix:/path`, as the program says it.
  func addresses() throws -> [String] {
    try relevo.process.errors.wait("the line of the admin plane") {
      $0.contains("the admin plane listens on ")
    }
    .compactMap { $0.components(separatedBy: "the admin plane listens on ").last }
  }

  /// The answer's body and status.
  func ask(_ target: String, _ arguments: String...) throws -> (body: String, status: String) {
    let address = try #require(try addresses().first { !$0.hasPrefix("unix:") })
    return try Self.ask("http://\(address)\(target)", arguments)
  }

  static func ask(_ url: String, _ arguments: [String]) throws -> (body: String, status: String) {
    let fixed = ["-sS", "--max-time", "30", "-w", "\n%{http_code}"]
    let output = try Tools.run("/usr/bin/curl", fixed + arguments + [url], .after(40))
    let lines = output.text.components(separatedBy: "\n")
    return (lines.dropLast().joined(separator: "\n"), lines.last ?? "")
  }

  /// A change, with the field that says that it is meant.
  func change(_ method: String, _ target: String, body: String? = nil) throws -> (
    body: String, status: String
  ) {
    let address = try #require(try addresses().first { !$0.hasPrefix("unix:") })
    let data = body.map { ["--data", $0] } ?? []
    return try Self.ask(
      "http://\(address)\(target)", ["-X", method, "-H", "X-Relevo-Admin: 1"] + data)
  }
}

extension Site {
  var admin: AdminPlane { AdminPlane(relevo: relevo) }
}

@Suite("The admin plane")
struct AdminPlaneTests {
  private static let flags = ["--admin", "127.0.0.1:0", "--debug-headers"]

  @Test("is alive and ready beside the proxy, tells its metrics, and shows its page")
  func health() throws {
    try withSite(new: .always(200, "new"), old: .always(200, "old"), "--admin", "127.0.0.1:0") {
      (site) throws in
      #expect(try site.admin.ask("/healthz") == ("ok\n", "200"))
      #expect(try site.admin.ask("/readyz") == ("ready\n", "200"))
      _ = try site.get("/page")
      #expect(try site.admin.ask("/metrics").body.contains("\nrelevo_requests_total{"))
      #expect(try site.admin.ask("/").body.contains("<html"))
      let status = try site.admin.ask("/api/v1/status")
      #expect(status.body.contains("\"--admin\":\"127.0.0.1:0\""))
    }
  }

  @Test("a URL made known or unknown is at once so for every worker")
  func changes() throws {
    let (new, old) = (try ScriptedOrigin.always(404, "missing"), try ScriptedOrigin.always(200, "old"))
    let flags = Self.flags + ["--workers", "3"]
    try withRelevo(new: [new], old: [old], flags: flags) { (relevo) throws in
      let site = Site(new: new, old: old, relevo: relevo)
      func routes() throws -> Set<String> {
        Set(try (0..<12).map { _ in try site.get("/a.html")["X-Relevo-Route"] ?? "" })
      }
      let put = try site.admin.change("PUT", "/api/v1/map/url?url=/a.html")
      #expect(put.status == "200")
      #expect(put.body.contains("\"url\":\"/a.html\""))
      #expect(try routes() == ["old-map"])
      #expect(new.requests.isEmpty)
      #expect(try site.admin.change("DELETE", "/api/v1/map/url?url=/a.html").body == "{\"removed\":1}\n")
      #expect(try site.get("/a.html")["X-Relevo-Route"] == "old-fallback")
      #expect(try site.admin.change("DELETE", "/api/v1/map/prefix?prefix=/a").body == "{\"removed\":1}\n")
      #expect(try site.get("/a.html")["X-Relevo-Route"] == "old-fallback")
    }
  }

  @Test("a server that is taken out gets no request from then on, and its pool is not ready without any")
  func takesOut() throws {
    let (first, second) = (try ScriptedOrigin.always(200, "first"), try ScriptedOrigin.always(200, "second"))
    let old = try ScriptedOrigin.always(200, "old")
    try withRelevo(new: [first, second], old: [old], flags: Self.flags) { (relevo) throws in
      let site = Site(new: first, old: old, relevo: relevo)
      let ids = try site.admin.ask("/api/v1/origins").body.matches(of: /"id":"([^"]+)"/).map { String($0.1) }
      #expect(ids.count == 3)
      #expect(
        try site.admin.change("PATCH", "/api/v1/origins/\(ids[0])", body: #"{"mode":"off"}"#).status == "200")
      #expect(try Set((0..<8).map { _ in try site.get("/").text }) == ["second"])
      _ = try relevo.process.errors.wait("the change in the log, by the server's name") {
        $0.contains("a server of the new site was set to off") && $0.contains("id=\(ids[0])")
      }
      #expect(
        try site.admin.change("PATCH", "/api/v1/origins/\(ids[1])", body: #"{"mode":"off"}"#).status == "200")
      #expect(try site.admin.ask("/readyz") == ("no server of the new site is up\n", "503"))
      #expect(
        try site.admin.change("PATCH", "/api/v1/origins/\(ids[0])", body: #"{"mode":"ready"}"#).status
          == "200")
      #expect(try site.admin.ask("/readyz").status == "200")
      #expect(try Set((0..<8).map { _ in try site.get("/").text }) == ["first"])
    }
  }

  @Test("tells how many requests wait at a site, and counts by the reason those that got no server")
  func queue() throws {
    let release = Gate()
    let server = try ScriptedOrigin { exchange in
      try release.wait(.after(30))
      try exchange.answer(200, exchange.target)
    }
    let flags = Self.flags + ["--queue-length", "1", "--queue-timeout", "30s"]
    try withRelevo(new: [WithOptions(server, "max=1")], old: [RefusedPort()], flags: flags) { relevo in
      let admin = AdminPlane(relevo: relevo)
      let (first, second) = try (Client(relevo.port), Client(relevo.port))
      try first.request("/first")
      _ = try server.request()
      try second.request("/second")
      let sites = #""sites":[{"queued":1,"site":"new"},{"queued":0,"site":"old"}]"#
      #expect(try eventually { try admin.ask("/api/v1/origins").body.contains(sites) })
      #expect(try Client(relevo.port).get("/third").status == 503)
      let metrics = try admin.ask("/metrics").body
      for line in [
        #"relevo_queued_requests{site="new"} 1"#, #"relevo_queued_requests{site="old"} 0"#,
        "relevo_queued_total 1",
        #"relevo_queue_refused_total{reason="full"} 1"#, #"relevo_queue_refused_total{reason="timeout"} 0"#,
      ] { #expect(metrics.contains("\n\(line)\n"), "\(line)") }
      release.open()
      for client in [first, second] { #expect(try client.answer().status == 200) }
      #expect(try eventually { try admin.ask("/api/v1/origins").body.contains(#""sites":[{"queued":0,"#) })
    }
  }

  @Test("reads the token again on SIGHUP, keeps the one that it has when the file is broken, and says so")
  func hangUp() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("token")
    func write(_ token: String) throws {
      try folder.write("token", token)
      chmod(path, 0o600)
    }
    let (first, second) = (String(repeating: "a", count: 32), String(repeating: "b", count: 32))
    try write(first)
    try withSite(
      new: .always(200, "new"), old: .always(200, "old"), "--admin", "127.0.0.1:0", "--admin-token-file", path
    ) { site in
      func status(_ token: String) throws -> String {
        try site.admin.ask("/api/v1/status", "-H", "Authorization: Bearer \(token)").status
      }
      #expect(try status(first) == "200")
      try write(second)
      #expect(try status(second) == "401")
      site.relevo.process.signal(SIGHUP)
      _ = try site.relevo.process.errors.wait("what SIGHUP did") {
        $0.contains("SIGHUP: \(path) was read again")
      }
      #expect(try eventually { try status(second) == "200" })
      #expect(try status(first) == "401")
      let metrics = try site.admin.ask("/metrics", "-H", "Authorization: Bearer \(second)").body
      let refused = try #require(
        metrics.firstMatch(of: /\nrelevo_admin_refused_total\{reason="unauthorized"\} (\d+)/)?.1)
      #expect(Int(refused) ?? 0 >= 2)

      try write("short")
      site.relevo.process.signal(SIGHUP)
      let line = try site.relevo.process.errors.wait("what is wrong") {
        $0.contains("SIGHUP: --admin-token-file")
      }[0]
      #expect(line.contains("\(path) has no token of 16 to 4096 visible characters"))
      #expect(line.hasSuffix("; all stays as it was"))
      #expect(try status(second) == "200")
      #expect(try site.get("/").status == 200)
    }
  }

  @Test("SIGHUP ends nothing where there is nothing to read again")
  func hangUpWithout() throws {
    try withSite(new: .always(200, "new"), old: .always(200, "old")) { site in
      site.relevo.process.signal(SIGHUP)
      _ = try site.relevo.process.errors.wait("that there is nothing") {
        $0.contains("SIGHUP: there is no --config")
      }
      #expect(try site.get("/").text == "new")
    }
  }

  @Test("has the map file written now, and answers on a unix socket")
  func snapshot() throws {
    let folder = try TemporaryFolder()
    try withSite(
      new: .always(404, "missing"), old: .always(200, "old"), "--admin", "127.0.0.1:0",
      "unix:\(folder.path("admin.sock"))", "--map-file", folder.path("urls.map"), "--map-snapshot-every",
      "24h"
    ) { (site) throws in
      try site.learn("/a.html")
      #expect(try site.admin.change("POST", "/api/v1/map/snapshot").body == "{\"asked\":true}\n")
      #expect(eventually { (try? folder.read("urls.map"))?.contains("/a.html") == true })
      #expect(try site.admin.ask("/api/v1/status").body.contains("\"lastSnapshot\":{"))
      let socket = try AdminPlane.ask(
        "http://localhost/healthz", ["--unix-socket", folder.path("admin.sock")])
      #expect(socket == ("ok\n", "200"))
    }
    #expect(!FileManager.default.fileExists(atPath: folder.path("admin.sock")))
  }

  @Test("a long export waits for its client, whole in the end, while all else is told at once")
  func longExport() throws {
    let folder = try TemporaryFolder()
    let count = 6_000
    let tail = String(repeating: "x", count: 1_000)
    let lines = (0..<count).map { "/archive/\($0 / 1000)/page-\($0).html?\(tail)" }
    try lines.joined(separator: "\n").write(
      toFile: folder.path("urls.txt"), atomically: true, encoding: .utf8)
    let imported = try Tools.run(
      Relevo.binary, ["map", "import", folder.path("urls.txt"), "--map-file", folder.path("urls.map")],
      .after(120))
    #expect(imported.exit == .code(0), "\(imported.errors)")
    try withSite(
      new: .always(200, "new"), old: .always(200, "old"), "--admin", "127.0.0.1:0", "--map-file",
      folder.path("urls.map")
    ) { (site) throws in
      // On a busy machine the file is still being loaded.
      #expect(eventually(within: .after(60)) { (try? site.admin.ask("/readyz").status) == "200" })
      let port = try #require(
        try site.admin.addresses().first.flatMap { UInt16($0.split(separator: ":")[1]) })
      let slow = try Client(port, receiveBuffer: 64 << 10)
      try slow.send("GET /api/v1/map/export?format=csv HTTP/1.1\r\nHost: localhost\r\n\r\n")
      let head = try slow.head(.after(30))
      #expect(head.words[1] == "200")
      var body = BodyReader(try Client.framing(head, to: "GET"))
      var exported = Bytes()
      func readSome() throws { exported += try #require(try body.next(slow.stream, .after(30))) }
      for _ in 0..<5 {
        try readSome()
        #expect(try site.admin.ask("/healthz") == ("ok\n", "200"))
      }
      let tree = try site.admin.ask("/api/v1/map/tree?prefix=/archive/")
      #expect(tree.body.contains("\"urls\":\(count)"))
      try readSome()
      #expect(try site.admin.ask("/api/v1/map/search?q=page-0.").body.contains("/archive/0/page-0.html"))
      let readMeanwhile = exported.count
      while let part = try body.next(slow.stream, .after(30)) { exported += part }
      #expect(exported.count - readMeanwhile > 5 << 20, "more than the kernel keeps for who does not read")
      #expect(exported.text.components(separatedBy: "\r\n").count == count + 2)
    }
  }

  @Test("turns away whoever opens connections or sends heads without end, and stays reachable")
  func abuse() throws {
    try withSite(new: .always(200, "new"), old: .always(200, "old"), "--admin", "127.0.0.1:0") {
      (site) throws in
      let address = try #require(try site.admin.addresses().first)
      let port = try #require(UInt16(address.components(separatedBy: ":").last ?? ""))
      let idle = try (0..<400).map { _ in try Socket.connected(to: port) }
      #expect(try site.admin.ask("/healthz") == ("ok\n", "200"))
      let long = String(repeating: "x", count: 20_000)
      #expect(try site.admin.ask("/healthz", "-H", "X-Long: \(long)").status == "400")
      let body = String(repeating: "y", count: 70_000)
      #expect(try site.admin.change("PATCH", "/api/v1/origins/x", body: body).status == "413")
      let metrics = try site.admin.ask("/metrics").body
      #expect(metrics.contains("\nrelevo_admin_refused_total{reason=\"malformed\"} 2\n"))
      let shed = try #require(
        metrics.firstMatch(of: /\nrelevo_admin_refused_total\{reason="connection-limit"\} (\d+)/)?.1)
      #expect(Int(shed) ?? 0 >= 400 - 256)
      withExtendedLifetime(idle) {}
    }
  }

  @Test(
    "does not start where it could not be kept from others, and says what would be right",
    arguments: [
      (["--admin", "0.0.0.0:0"], 64, "--admin-token-file or --admin-user-file, or listen on 127.0.0.1"),
      (["--admin", "127.0.0.1:0", "--admin-token-file", "/nonexistent"], 78, "can't be read"),
      (["--admin", "127.0.0.1:0", "--admin-token-file", "/etc/passwd"], 78, "chmod o-rwx /etc/passwd"),
      (
        ["--admin", "127.0.0.1:0", "--admin-token-file", "/a", "--admin-user-file", "/b"], 64,
        "give one of them"
      ),
      (["--admin-token-file", "/a"], 64, "--admin 127.0.0.1:9000"),
      (["--admin", "http://127.0.0.1:9000"], 64, "host:port"),
    ] as [([String], Int32, String)])
  func refusedStarts(flags: [String], code: Int32, reason: String) throws {
    let run = try Tools.run(
      Relevo.binary,
      ["serve", "--listen", "127.0.0.1:0", "--new", "http://127.0.0.1:1", "--old", "http://127.0.0.1:1"]
        + flags)
    #expect(run.exit == .code(code))
    #expect(run.errors.components(separatedBy: "\n").last?.contains(reason) == true, "\(run.errors)")
  }

  @Test("does what its OpenAPI document says, whatever it is asked")
  func contract() throws {
    let folder = try TemporaryFolder()
    try withSite(
      new: .always(404, "missing"), old: .always(200, "old"), "--admin", "127.0.0.1:0", "--map-file",
      folder.path("urls.map")
    ) { (site) throws in
      try site.learn("/docs/a.html")
      let address = try #require(try site.admin.addresses().first)
      let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
      let document = root.appendingPathComponent("Sources/Admin/OpenAPI/openapi.json").path
      #expect(try site.admin.ask("/openapi.json").body == String(contentsOfFile: document, encoding: .utf8))
      let run = try Tools.run(
        root.appendingPathComponent(".ci/schemathesis").path,
        [
          "run", document, "--url", "http://\(address)", "--no-color", "--generation-deterministic",
          "--max-examples", "15", "--phases", "examples,coverage,fuzzing",
          // What is a URL, and which parameters go together, the document says in words.
          "--exclude-checks", "positive_data_acceptance",
          "--request-timeout", "20", "--suppress-health-check", "all",
        ], .after(300))
      #expect(run.exit == .code(0), "\(run.text)\n\(run.errors)")
    }
  }
}
