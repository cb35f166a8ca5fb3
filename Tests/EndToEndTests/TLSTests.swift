import Foundation
import Testing

/// Clients that speak TLS: curl and openssl.
@Suite("TLS with clients")
struct TLSTests {
  private static let cipher = "ECDHE-RSA-AES128-GCM-SHA256"

  private var authority: Authority { get throws { try Authority.shared.get() } }

  @Test(
    "pages, fallback and map work as without, and the origins are told https",
    arguments: [["--tlsv1.3"], ["--tls-max", "1.2"]])
  func pages(version: [String]) throws {
    let new = try ScriptedOrigin.pages(["/": "home"])
    let old = try ScriptedOrigin.pages(["/old": "old page"])
    try withTLS(new: new, old: old, "--debug-headers") { relevo in
      let page = try Tools.curl(tls: relevo.tlsPort, "/", "-i", "--http1.1", version[0], version.last ?? "")
      #expect(page.text.hasPrefix("HTTP/1.1 200 ") && page.text.hasSuffix("home"), "\(page)")
      for route in ["old-fallback", "old-map"] {
        let answer = try Tools.curl(tls: relevo.tlsPort, "/old", "-i", "--http1.1")
        #expect(answer.text.contains("X-Relevo-Route: \(route)") && answer.text.hasSuffix("old page"))
        usleep(50_000)
      }
      #expect(try new.request()["X-Forwarded-Proto"] == "https")
      #expect(try old.request()["X-Forwarded-Proto"] == "https")
      let spoken = version == ["--tlsv1.3"] ? "TLSv1.3/TLS_" : "TLSv1.2/ECDHE-ECDSA-"
      #expect(try relevo.log("/").text.contains(" tls=\(spoken)"))
      #expect(try Client(relevo.port).get("/").text == "home", "the listener without TLS stays")
      #expect(try relevo.log("/", count: 2).text.hasSuffix(" tls=-"))
      #expect(try new.request(3)["X-Forwarded-Proto"] == "http")
    }
  }

  @Test("long bodies pass whole both ways, and are replayed to the old server")
  func long() throws {
    let image = Bytes.pattern(10_000_000)
    let folder = try TemporaryFolder()
    try folder.write("upload", image)
    let new = try ScriptedOrigin { exchange in
      if exchange.target == "/image" { try exchange.answer(200, image) } else { try exchange.answer(404) }
    }
    let old = try ScriptedOrigin { exchange in
      let body = try exchange.readBody()
      try exchange.answer(200, body == image ? "whole" : "\(body.count) other bytes")
    }
    try withTLS(new: new, old: old) { relevo in
      let answer = try Tools.curl(tls: relevo.tlsPort, "/image", "-o", folder.path("image"))
      #expect(answer.exit == .code(0), "\(answer)")
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path("image"))) == Data(image))
      let posted = try Tools.curl(tls: relevo.tlsPort, "/form", "--data-binary", "@\(folder.path("upload"))")
      #expect(posted.text == "whole")
    }
  }

  @Test("a client that reads slowly gets all of a long page, and little of it waits in memory")
  func slow() throws {
    let image = Bytes.pattern(60_000_000)
    let new = try ScriptedOrigin { exchange in
      try exchange.readBody()
      try exchange.send("HTTP/1.1 200 OK\r\nContent-Length: \(image.count)\r\n\r\n")
      try exchange.send(image, .after(60))
    }
    try withTLS(new: new) { relevo in
      let client = try Client(tls: relevo.tlsPort)
      try client.request("/image")
      usleep(500_000)
      #expect(try relevo.process.peakMB < Memory.limitMB)
      let answer = try client.answer(.after(60))
      #expect(answer.body == image)
      #expect(try relevo.process.peakMB < Memory.limitMB)
    }
  }

  @Test("requests on one connection, one after the other and pipelined, keep their order")
  func kept() throws {
    let new = try ScriptedOrigin { try $0.answer(200, $0.target) }
    try withTLS(new: new) { relevo in
      let client = try Client(tls: relevo.tlsPort)
      for number in 1...5 { #expect(try client.get("/\(number)").text == "/\(number)") }
      try client.send(
        Client.bytes("/a") + Client.bytes("/b", method: "POST", body: Bytes(text: "x")) + Client.bytes("/c"))
      #expect(try [client.answer().text, client.answer().text, client.answer().text] == ["/a", "/b", "/c"])
      #expect(new.connections == 1)
    }
  }

  @Test("an upgraded connection is a tunnel, and each end's close reaches the other")
  func tunnel() throws {
    let origin = try UpgradeTests.echo()
    try withTLS(new: origin) { relevo in
      let client = try Client(tls: relevo.tlsPort)
      try client.send(UpgradeTests.request)
      #expect(try client.head().startLine == "HTTP/1.1 101 Switching Protocols")
      try client.send("word")
      #expect(try client.stream.exactly(4).text == "WORD")
      origin.dropConnections()
      #expect(client.isClosed())
    }
  }

  @Test(
    "the name that a client asks for chooses the certificate, its key type too; the first is for all others")
  func names() throws {
    let one = try authority.sign(["one.test"])
    let rsa = try authority.sign(["one.test"], type: .rsa)
    let wild = try authority.sign(["*.two.test", "two.test"])
    try withTLS(new: .always(200, "page"), certificates: [one, rsa, wild], "--workers", "2") { relevo in
      for name in ["one.test", "two.test", "a.two.test", "A.TWO.test"] {
        #expect(try Tools.curl(tls: relevo.tlsPort, "/", name: name).text == "page", "\(name)")
      }
      let other = try Tools.curl(tls: relevo.tlsPort, "/", name: "a.b.two.test")
      #expect(other.exit == .code(60), "a wildcard is for one label")
      for (suites, key) in [
        (Self.cipher, "rsaEncryption"), ("ECDHE-ECDSA-AES128-GCM-SHA256", "id-ecPublicKey"),
      ] {
        let shown = try Tools.handshake(
          relevo.tlsPort, "-servername", "one.test", "-tls1_2", "-cipher", suites, "-showcerts")
        #expect(shown.text.contains("a:PKEY: \(key)"), "\(shown.text)")
        #expect(shown.text.contains("Verify return code: 0 (ok)"))
      }
      let unnamed = try Tools.handshake(relevo.tlsPort, "-noservername")
      #expect(unnamed.text.contains("subject=CN = one.test"))
    }
  }

  @Test(
    "sessions go on by ticket, on whichever worker, and after the certificates were read again",
    arguments: ["-tls1_2", "-tls1_3"])
  func resumption(version: String) throws {
    let folder = try TemporaryFolder()
    try withTLS(new: .always(200, "page"), "--workers", "2") { relevo in
      func handshake(_ way: String) throws -> String {
        let pipe = try Tools.run(
          "/bin/sh",
          [
            "-c",
            "printf 'GET / HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n' | openssl s_client -connect 127.0.0.1:\(relevo.tlsPort) -servername localhost \(version) \(way) \(folder.path("session")) -ign_eof",
          ])
        return pipe.text
      }
      #expect(try handshake("-sess_out").contains("New, TLSv1."))
      for _ in 1...6 { #expect(try handshake("-sess_in").contains("Reused, TLSv1.")) }
      relevo.process.signal(SIGHUP)
      _ = try relevo.process.errors.wait("the new certificates") {
        $0.contains("SIGHUP: ") && $0.contains("were read again")
      }
      #expect(try handshake("-sess_in").contains("Reused, TLSv1."))
    }
  }

  @Test("nothing weak is spoken, and no handshake begins anew within a connection")
  func strength() throws {
    try withTLS(new: .always(200, "page")) { relevo in
      for old in ["-tls1", "-tls1_1"] {
        let output = try Tools.handshake(relevo.tlsPort, old, "-cipher", "ALL:@SECLEVEL=0")
        #expect(output.exit != .code(0) && output.text.contains("Cipher is (NONE)"), "\(old)")
      }
      for weak in [
        "AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES256-SHA384", "DHE-RSA-AES128-GCM-SHA256",
        "NULL", "aNULL", "3DES", "RC4",
      ] {
        let output = try Tools.handshake(relevo.tlsPort, "-tls1_2", "-cipher", "\(weak):@SECLEVEL=0")
        #expect(output.exit != .code(0), "\(weak)")
      }
      let shown = try Tools.handshake(relevo.tlsPort, "-tls1_2")
      #expect(
        shown.text.contains("Compression: NONE") && shown.text.contains("Secure Renegotiation IS supported"))
      let again = try Tools.run(
        "/bin/sh",
        [
          "-c",
          "(sleep 0.3; echo R; sleep 1) | openssl s_client -connect 127.0.0.1:\(relevo.tlsPort) -tls1_2 2>&1",
        ])
      #expect(
        again.text.contains("no renegotiation") || again.text.contains("handshake failure"), "\(again.text)")
      #expect(try Tools.curl(tls: relevo.tlsPort, "/").text == "page")
    }
    try withTLS(new: .always(200, "page"), "--tls-min-version", "1.3") { relevo in
      let older = try Tools.handshake(relevo.tlsPort, "-tls1_2")
      #expect(older.exit != .code(0))
      let page = try Tools.curl(tls: relevo.tlsPort, "/", "--tlsv1.3")
      #expect(page.text == "page")
    }
  }

  @Test("testssl.sh finds no old version, no weak cipher and none of the weaknesses that it knows")
  func testssl() throws {
    struct Finding: Decodable {
      let id, severity, finding: String
    }
    let pairs = [try authority.sign(["localhost"]), try authority.sign(["localhost"], type: .rsa)]
    let folder = try TemporaryFolder()
    try withTLS(new: .always(200, "page"), certificates: pairs) { relevo in
      let run = try Tools.run(
        "/usr/bin/testssl",
        [
          "--quiet", "--color", "0", "--warnings", "off", "--nodns", "none", "--jsonfile",
          folder.path("found.json"), "--protocols", "--std", "--pfs", "--vulnerable",
          "127.0.0.1:\(relevo.tlsPort)",
        ], .after(300))
      #expect(run.exit == .code(0), "\(run)")
      let found = try JSONDecoder().decode([Finding].self, from: Data(folder.read("found.json").utf8))
      // What is worse has a word of its own.
      #expect(found.filter { !["OK", "INFO"].contains($0.severity) }.isEmpty, "\(found)")
      let told = Dictionary(found.map { ($0.id, $0.finding) }) { first, _ in first }
      for old in ["SSLv2", "SSLv3", "TLS1", "TLS1_1", "cipherlist_3DES_IDEA", "cipherlist_AVERAGE"] {
        #expect(told[old]?.hasPrefix("not offered") == true, "\(old)")
      }
      #expect(told["secure_client_renego"] == "not vulnerable" && told["CRIME_TLS"] == "not vulnerable")
      #expect(found.count > 30)
    }
  }

  @Test("HTTP without TLS on the port is answered 400 in plain text; what is nothing at all disturbs nobody")
  func plain() throws {
    try withTLS(new: .always(200, "page")) { relevo in
      let client = try Client(relevo.tlsPort)
      try client.request("/")
      let answer = try client.answer()
      #expect(
        answer.exact == """
          HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 57\r\n\
          Cache-Control: no-store\r\nConnection: close\r\n\r\n\
          This port speaks TLS: write https:// instead of http://.

          """)
      #expect(client.isClosed())
      let kept = try Client(tls: relevo.tlsPort)
      #expect(try kept.get("/").text == "page")
      for garbage: Bytes in [
        Bytes(text: "\u{16}\u{3}\u{1}"), Bytes(repeating: 0, count: 600),
        Bytes(repeating: 0x16, count: 70_000),
        [0x16, 3, 1, 0x40, 0, 1, 0, 0x3F, 0xFC] + Bytes(repeating: 3, count: 0x3FFC),
      ] {
        let other = try Client(relevo.tlsPort)
        other.trySend(garbage)
        other.halfClose()
        _ = try? other.stream.untilClose()
      }
      for cut in 0..<8 {
        let other = try Client(relevo.tlsPort)
        other.trySend(Bytes(repeating: 0x16, count: cut))
        if cut.isMultiple(of: 2) { other.reset() } else { other.close() }
      }
      #expect(try kept.get("/").text == "page")
      _ = try relevo.process.errors.wait("a line about TLS") {
        $0.contains("TLS with a client could not be opened")
      }
    }
  }

  @Test("a client that says nothing, or only begins, is gone after the header timeout")
  func silent() throws {
    try withTLS(new: .always(200), "--header-timeout", "300ms") { relevo in
      let silent = try Client(relevo.tlsPort)
      let halfway = try Client(relevo.tlsPort)
      try halfway.send(Bytes(text: "\u{16}\u{3}\u{1}\u{2}"))
      let elapsed = seconds {
        #expect(silent.isClosed() && halfway.isClosed())
      }
      #expect(elapsed < 3)
    }
  }

  @Test(
    "SIGHUP reads certificates again: open connections go on, new ones get the new; a broken pair changes nothing"
  )
  func reload() throws {
    let first = try authority.sign(["localhost"], subject: "/CN=first")
    let second = try authority.sign(["localhost"], subject: "/CN=second", days: 10)
    let folder = try TemporaryFolder()
    func install(_ certificate: String, _ key: String) throws {
      try folder.write("pair.pem", Bytes(try Data(contentsOf: URL(fileURLWithPath: certificate))))
      try folder.write("pair.key", Bytes(try Data(contentsOf: URL(fileURLWithPath: key))))
    }
    try install(first.certificate, first.key)
    let pair = Authority.Pair(certificate: folder.path("pair.pem"), key: folder.path("pair.key"))
    try withTLS(new: .always(200, "page"), certificates: [pair], "--admin", "127.0.0.1:0") { relevo in
      let series =
        "relevo_tls_certificate_expiry_timestamp_seconds{name=\"localhost\",file=\"\(pair.certificate)\"} "
      func daysLeft() throws -> Int? {
        try AdminPlane(relevo: relevo).ask("/metrics").body.between(series, "\n").flatMap(Int.init).map {
          // To the nearest day.
          ($0 - time(nil) + 43_200) / 86_400
        }
      }
      #expect(try daysLeft() == 20)
      let kept = try Client(tls: relevo.tlsPort)
      #expect(try kept.get("/").text == "page")
      func subject() throws -> String {
        try Tools.handshake(relevo.tlsPort).text.between("subject=CN = ", "\n") ?? ""
      }
      #expect(try subject() == "first")

      try install(second.certificate, first.key)
      relevo.process.signal(SIGHUP)
      let line = try relevo.process.errors.wait("what is wrong") { $0.contains("SIGHUP: ") }[0]
      #expect(
        line.contains(
          "the key in \(pair.key) is not that of the first certificate in \(pair.certificate): give each certificate its own; all stays as it was"
        ))
      #expect(try subject() == "first")

      try install(second.certificate, second.key)
      relevo.process.signal(SIGHUP)
      _ = try relevo.process.errors.wait("the new certificate") {
        $0.contains("SIGHUP: ") && $0.contains("were read again")
      }
      #expect(try eventually { try subject() == "second" })
      #expect(try daysLeft() == 10)
      #expect(try kept.get("/").text == "page")
    }
  }

  @Test(
    "clients without TLS are sent to the same URL with it, but for ACME's challenges; those with are told to stay"
  )
  func redirect() throws {
    let new = try ScriptedOrigin.always(200, "page", ["Strict-Transport-Security: max-age=1"])
    try withTLS(
      new: new, "--tls-redirect", "--tls-redirect-port", "8443", "--tls-hsts", "365d", "--trusted-proxies",
      "127.0.0.1"
    ) { relevo in
      let client = try Client(relevo.port)
      for (method, target, location) in [
        ("GET", "/a?b=c", "https://example.test:8443/a?b=c"),
        ("POST", "http://other.test:80/x", "https://other.test:8443/x"),
        ("HEAD", "/.well-known/acme", "https://example.test:8443/.well-known/acme"),
      ] {
        let answer = try client.get(target, method: method)
        #expect(answer.status == 308 && answer["Location"] == location, "\(answer)")
        #expect(answer["Strict-Transport-Security"] == nil, "it is of no use where nothing protects it")
      }
      #expect(new.requests.isEmpty)
      let challenge = try client.get("/.well-known/acme-challenge/token")
      #expect(challenge.text == "page")
      #expect(challenge.head.values("Strict-Transport-Security") == ["max-age=1"])
      let behind = try client.get("/", ["X-Forwarded-Proto: https"])
      #expect(behind.text == "page", "a proxy that is believed has spoken TLS already")
      let secure = try Client(tls: relevo.tlsPort).get("/")
      #expect(secure.text == "page")
      #expect(secure.head.values("Strict-Transport-Security") == ["max-age=31536000"])
    }
  }

  @Test("a redirect needs a host, in any form that a client may write it", arguments: ["", "[::1]:80"])
  func redirectHost(host: String) throws {
    try withTLS(new: .always(200), "--tls-redirect") { relevo in
      let client = try Client(relevo.port)
      try client.send(host.isEmpty ? "GET /a HTTP/1.0\r\n\r\n" : "GET /a HTTP/1.1\r\nHost: \(host)\r\n\r\n")
      let answer = try client.answer()
      #expect(host.isEmpty ? answer.status == 400 : answer["Location"] == "https://[::1]/a", "\(answer)")
    }
  }

  @Test("clients are asked for a certificate; the origins get its subject, which nobody else can send")
  func clientCertificates() throws {
    let ann = try authority.sign(["ann"], subject: "/O=Example/CN=ann, \"the first\"")
    let stranger = try Authority().sign(["eve"])
    let new = try ScriptedOrigin.always(200, "page")
    let forged = ["-H", "X-SSL-Client-Subject: CN=root", "-H", "X_SSL_Client_Subject: CN=root"]
    for auth in ["required", "optional"] {
      let before = new.requests.count
      try withTLS(new: new, "--tls-client-ca", authority.certificate, "--tls-client-auth", auth) { relevo in
        func curl(_ pair: Authority.Pair?) throws -> Tools.Output {
          let own = pair.map { ["--cert", $0.certificate, "--key", $0.key] } ?? []
          return try Tools.run(
            "/usr/bin/curl",
            [
              "-sS", "--cacert", authority.certificate, "--connect-to",
              "localhost:443:127.0.0.1:\(relevo.tlsPort)",
            ]
              + own + forged + ["https://localhost/"])
        }
        #expect(try curl(ann).text == "page")
        let request = new.requests[before]
        #expect(request.head.values("X-SSL-Client-Subject") == ["CN=ann\\, \\\"the first\\\",O=Example"])
        #expect(request["X_SSL_Client_Subject"] == nil)
        #expect(try curl(stranger).exit != .code(0))
        let without = try curl(nil)
        #expect(auth == "required" ? without.exit != .code(0) : without.text == "page", "\(without)")
        if auth == "optional" { #expect(new.requests[before + 1]["X-SSL-Client-Subject"] == nil) }
      }
    }
  }

  @Test("whom a client's certificate names is told on its connection after a reload as well")
  func subjectAfterReload() throws {
    let folder = try TemporaryFolder()
    try folder.write("relevo.yaml", "idle-timeout: 60s\n")
    let new = try ScriptedOrigin.always(200, "page")
    try withTLS(
      new: new, "--tls-client-ca", authority.certificate, "--config", folder.path("relevo.yaml")
    ) { relevo in
      let client = try Client(tls: relevo.tlsPort, identity: authority.sign(["ann"], subject: "/CN=ann"))
      #expect(try client.get("/").text == "page")
      try folder.write("relevo.yaml", "idle-timeout: 50s\n")
      relevo.process.signal(SIGHUP)
      _ = try relevo.process.errors.wait("the reload") {
        $0.contains("SIGHUP: ") && $0.contains("read again")
      }
      #expect(try client.get("/after").text == "page")
      #expect(try relevo.log("/after").text.contains(" tls=TLSv1.3/"))
      #expect(new.requests.map { $0["X-SSL-Client-Subject"] } == ["CN=ann", "CN=ann"])
    }
  }

  @Test("a session of a client that was asked for no certificate is not gone on with once one is required")
  func certificatesAfterReload() throws {
    let pair = try authority.sign(["localhost"])
    let folder = try TemporaryFolder()
    let base = "tls-listen: 127.0.0.1:0\ntls-cert: \(pair.certificate)\ntls-key: \(pair.key)\n"
    try folder.write("relevo.yaml", base)
    let new = try ScriptedOrigin.always(200, "page")
    let process = try ChildProcess(
      Relevo.binary,
      [
        "serve", "--config", folder.path("relevo.yaml"), "--new", new.url, "--old", "http://127.0.0.1:1",
        "--no-startup-probes", "--listen", "127.0.0.1:0",
      ])
    let line = try process.errors.wait("the listener", .after(10)) { $0.hasSuffix(" with TLS") }[0]
    let port = try #require(line.between("listening on 127.0.0.1:", " with TLS"))
    func page(_ way: String) throws -> String {
      try Tools.run(
        "/bin/sh",
        [
          "-c",
          "printf 'GET / HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n' | openssl s_client -connect 127.0.0.1:\(port) -servername localhost -ign_eof \(way) \(folder.path("session")) 2>&1",
        ]
      ).text
    }
    #expect(try page("-sess_out").contains("page"))
    let again = try page("-sess_in")
    #expect(again.contains("Reused, TLSv1.3") && again.contains("page"))
    try folder.write("relevo.yaml", base + "tls-client-ca: \(authority.certificate)\n")
    process.signal(SIGHUP)
    _ = try process.errors.wait("the reload") { $0.contains("SIGHUP: ") && $0.contains("read again") }
    #expect(try !page("-sess_in").contains("HTTP/1.1 200"))
    #expect(new.requests.count == 2)
    process.signal(SIGTERM)
    #expect(try process.wait() == .code(0))
  }

  @Test("an OCSP answer goes with the certificate that it is about")
  func stapling() throws {
    let pair = try authority.sign(["localhost"])
    let other = try authority.sign(["other.test"])
    let answer = try authority.ocspAnswer(about: pair)
    try withTLS(new: .always(200), certificates: [pair, other], "--tls-ocsp", answer) { relevo in
      let stapled = try Tools.handshake(relevo.tlsPort, "-status", "-servername", "localhost")
      #expect(
        stapled.text.contains("OCSP Response Status: successful")
          && stapled.text.contains("Cert Status: good"))
      let none = try Tools.handshake(relevo.tlsPort, "-status", "-servername", "other.test")
      #expect(none.text.contains("OCSP response: no response sent"))
    }
  }

  @Test("a PROXY header stands before TLS, in one piece with it or not", arguments: [false, true])
  func proxyHeader(waits: Bool) throws {
    let new = try ScriptedOrigin.always(200, "page")
    try withTLS(new: new, "--accept-proxy") { relevo in
      if waits {
        let haproxy = try Daemon.haproxy(
          mode: "tcp", backends: ["relevo": "127.0.0.1:\(relevo.tlsPort) send-proxy"])
        #expect(try Tools.curl(tls: haproxy.port, "/").text == "page")
      } else {
        #expect(try Tools.curl(tls: relevo.tlsPort, "/", "--haproxy-protocol").text == "page")
      }
      #expect(try new.request()["X-Forwarded-For"] == "127.0.0.1")
      #expect(try new.request()["X-Forwarded-Proto"] == "https")
    }
  }

  @Test("wrk with many connections has no error, and SIGTERM loses no request")
  func load() throws {
    try withTLS(new: .always(200, "page"), "--workers", "2") { relevo in
      let output = try Tools.wrk("https://127.0.0.1:\(relevo.tlsPort)/", connections: 32, seconds: 2)
      #expect(output.exit == .code(0))
      #expect(!output.text.contains("Socket errors") && !output.text.contains("Non-2xx"), "\(output.text)")
    }
  }
}
