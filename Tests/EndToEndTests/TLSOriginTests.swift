import Foundation
import Testing

/// Origins that speak TLS: nginx in front of scripted ones.
@Suite("TLS with origins")
struct TLSOriginTests {
  private var authority: Authority { get throws { try Authority.shared.get() } }
  private var trust: [String] { get throws { ["--origin-ca", try authority.certificate] } }

  @Test("pages, fallback, map and uploads pass through https origins of both sites")
  func pages() throws {
    let image = Bytes.pattern(3_000_000)
    let new = try ScriptedOrigin { exchange in
      switch exchange.target {
      case "/": try exchange.answer(200, "home")
      case "/image": try exchange.answer(200, image)
      default: try exchange.answer(404, "not here")
      }
    }
    let old = try ScriptedOrigin { exchange in
      let body = try exchange.readBody()
      try exchange.answer(200, body.isEmpty ? "old page" : body == image ? "whole" : "\(body.count) bytes")
    }
    try withRelevo(new: [TLSOrigin(new)], old: [TLSOrigin(old)], flags: try trust + ["--debug-headers"]) {
      relevo in
      let client = try Client(relevo.port)
      #expect(try client.get("/").text == "home")
      #expect(try client.get("/image").body == image)
      #expect(try client.get("/form", method: "POST", body: image, deadline: .after(20)).text == "whole")
      #expect(try client.get("/old").text == "old page")
      usleep(50_000)
      #expect(try client.get("/old")["X-Relevo-Route"] == "old-map")
      #expect(new.connections == 1 && old.connections == 1, "connections are kept")
    }
  }

  @Test("the name in the URL or of sni= has to be in the certificate, and is told to the server")
  func names() throws {
    let new = try ScriptedOrigin.always(200, "page")
    let pair = try authority.sign(["origin.test"])
    try withRelevo(
      new: [TLSOrigin(new, pair, options: ",sni=origin.test")], old: [RefusedPort()], flags: try trust
    ) { relevo in
      let page = try Client(relevo.port).get("/")
      #expect(page.text == "page")
    }
    for (options, reason) in [("", "IP address mismatch"), (",sni=other.test", "hostname mismatch")] {
      try withRelevo(
        new: [TLSOrigin(new, pair, options: options)], old: [RefusedPort()], flags: try trust
      ) { relevo in
        let answer = try Client(relevo.port).get("/")
        #expect(answer.status == 502 && answer.text == "The site's server could not be spoken to over TLS.\n")
        _ = try relevo.process.errors.wait("the reason") {
          $0.contains("an origin failed") && $0.contains("its certificate was refused: \(reason)")
            && $0.contains("sni=")
        }
        #expect(try relevo.log("/").notes == ["new-down"])
      }
    }
    #expect(new.requests.count == 1)
  }

  @Test("a certificate of nobody's is refused, unless any is taken, which is said at each start")
  func roots() throws {
    let new = try ScriptedOrigin.always(200, "page")
    let origin = try TLSOrigin(new)
    try withRelevo(new: [origin], old: [RefusedPort()]) { relevo in
      let answer = try Client(relevo.port).get("/")
      #expect(answer.status == 502)
      _ = try relevo.process.errors.wait("the reason") {
        $0.contains("self-signed certificate in certificate chain")
      }
    }
    try withRelevo(new: [origin], old: [RefusedPort()], "--origin-tls-insecure") { relevo in
      let page = try Client(relevo.port).get("/")
      #expect(page.text == "page")
      #expect(
        relevo.process.errors.text.contains(
          "warning --origin-tls-insecure: any certificate of the origins is taken"))
    }
  }

  @Test("an expired certificate is named as such")
  func expired() throws {
    let pair = try authority.sign(["127.0.0.1"], days: -1)
    try withRelevo(
      new: [TLSOrigin(ScriptedOrigin.always(200), pair)], old: [RefusedPort()], flags: try trust
    ) { relevo in
      let answer = try Client(relevo.port).get("/")
      #expect(answer.status == 502)
      _ = try relevo.process.errors.wait("the reason") { $0.contains("certificate has expired") }
    }
  }

  @Test("a server that does not speak TLS fails as one, and the next of the pool has the request, a POST too")
  func plain() throws {
    let new = try ScriptedOrigin.always(200, "page")
    try withRelevo(
      new: [PlainBehindHTTPS(RealServer(pages: [:])), TLSOrigin(new)], old: [RefusedPort()], flags: try trust
    ) { relevo in
      for _ in 1...3 {
        #expect(try Client(relevo.port).get("/", method: "POST", body: Bytes(text: "x")).text == "page")
      }
      _ = try relevo.process.errors.wait("the reason") { $0.contains("TLS: the handshake failed: ") }
    }
  }

  /// Named with https, though it speaks without.
  private final class PlainBehindHTTPS: Origin {
    let origin: RealServer
    var port: UInt16 { origin.port }
    var url: String { "https://127.0.0.1:\(port)" }
    init(_ origin: RealServer) { self.origin = origin }
  }

  @Test(
    "later connections go on with the session of earlier ones, and show our certificate where one is asked for"
  )
  func sessions() throws {
    let ours = try authority.sign(["relevo"], subject: "/CN=relevo")
    let pair = try authority.sign(["127.0.0.1"])
    let origin = try NginxTLS(
      pair,
      [
        "ssl_session_cache shared:s:1m; ssl_client_certificate \(authority.certificate); ssl_verify_client on;",
        "add_header X-Reused $ssl_session_reused; add_header X-Subject $ssl_client_s_dn; keepalive_requests 1;",
        "location / { return 200 page; }",
      ])
    let own = ["--origin-cert", ours.certificate, "--origin-key", ours.key]
    try withRelevo(new: [origin], old: [RefusedPort()], flags: try trust + own) { relevo in
      let client = try Client(relevo.port)
      let reused = try (1...4).map { _ in try client.get("/") }
      #expect(reused.map(\.status) == [200, 200, 200, 200])
      #expect(reused.map { $0["X-Reused"] } == [".", "r", "r", "r"])
      #expect(reused.allSatisfy { $0["X-Subject"] == "CN=relevo" })
    }
    try withRelevo(new: [origin], old: [RefusedPort()], flags: try trust) { relevo in
      let refused = try Client(relevo.port).get("/")
      #expect(refused.status == 400, "nginx wants a certificate")
    }
  }

  /// nginx with TLS that answers itself.
  private final class NginxTLS: Origin {
    private let server: Daemon
    var port: UInt16 { server.port }
    var url: String { "https://127.0.0.1:\(port)" }

    init(_ pair: Authority.Pair, _ directives: [String]) throws {
      server = try .nginx(
        ssl: true,
        server: ["ssl_certificate \(pair.certificate); ssl_certificate_key \(pair.key);"] + directives)
    }
  }

  @Test("a page without a length is whole only when TLS was closed behind it")
  func cutOff() throws {
    let new = try ScriptedOrigin { exchange in
      try exchange.readBody()
      try exchange.send("HTTP/1.1 200 OK\r\n\r\nall of the page")
      exchange.close()
    }
    try withRelevo(new: [TLSOrigin(new)], old: [RefusedPort()], flags: try trust) { relevo in
      let page = try Client(relevo.port).get("/")
      #expect(page.text == "all of the page")
    }
  }

  @Test(
    "health checks, the look at the start and relevo check speak TLS as well, and say what is wrong with it")
  func checks() throws {
    let new = try ScriptedOrigin.pages(["/": "home"])
    let old = try ScriptedOrigin.pages(["/": "old home"])
    let (newFront, oldFront) = (try TLSOrigin(new), try TLSOrigin(old, authority.sign(["other.test"])))
    let flags = [
      "--health-path", "/", "--old-health-path", "/", "--health-interval", "200ms", "--startup-probes",
    ]
    try withRelevo(new: [newFront], old: [oldFront], flags: try trust + flags) { relevo in
      _ = try relevo.process.errors.wait("the new one") {
        $0.contains("a server of the new site is up by its checks")
      }
      _ = try relevo.process.errors.wait("the old one") {
        $0.contains("every server of the old site is down by its checks")
          && $0.contains("IP address mismatch")
      }
      _ = try relevo.process.errors.wait("the look at the start") {
        $0.contains("old https://") && $0.contains("gives no answer: its certificate was refused")
      }
    }
    let check = try Tools.run(
      Relevo.binary,
      ["check", "--new", newFront.url, "--old", oldFront.url, "--origin-ca", authority.certificate])
    #expect(check.exit == .code(1))
    #expect(check.text.contains("new \(newFront.url)\n  ok       answers in"), "\(check.text)")
    #expect(check.text.replacing(/\s+/, with: " ").contains("certificate was refused: IP address mismatch"))
  }
}
