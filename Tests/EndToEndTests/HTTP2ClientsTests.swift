import Foundation
import Testing

/// Real clients: curl, nghttp and h2load.
@Suite("Clients of HTTP/2")
struct HTTP2ClientsTests {
  @Test("clients with TLS get HTTP/2 where they want it, and HTTP/1.1 where not", arguments: ["1.2", "1.3"])
  func negotiation(version: String) throws {
    let old = try ScriptedOrigin.pages(["/old": "old page"])
    try withTLS(new: .pages(["/": "home"]), old: old, "--debug-headers") { relevo in
      for (flag, wanted) in [("--http2", "HTTP/2 200"), ("--http1.1", "HTTP/1.1 200")] {
        let page = try Tools.curl(tls: relevo.tlsPort, "/", "-i", flag, "--tls-max", version)
        #expect(page.text.hasPrefix(wanted) && page.text.hasSuffix("home"), "\(page)")
      }
      let missed = try Tools.curl(tls: relevo.tlsPort, "/old", "-i", "--http2", "--tls-max", version)
      #expect(missed.text.contains("x-relevo-route: old-fallback") && missed.text.hasSuffix("old page"))
      #expect(try old.request()["X-Forwarded-Proto"] == "https")
    }
  }

  @Test("with --no-http2 nobody is offered it")
  func off() throws {
    try withTLS(new: .pages(["/": "home"]), "--no-http2") { relevo in
      let page = try Tools.curl(tls: relevo.tlsPort, "/", "-i", "--http2")
      #expect(page.text.hasPrefix("HTTP/1.1 200"), "\(page)")
    }
  }

  @Test("without TLS only --h2c takes it, and only from who begins with it")
  func cleartext() throws {
    try withTLS(new: .pages(["/": "home"]), "--h2c") { relevo in
      let url = "http://127.0.0.1:\(relevo.port)/"
      let known = try Tools.curl(url, "-i", "--http2-prior-knowledge").text
      #expect(known.hasPrefix("HTTP/2 200"))
      let asked = try Tools.curl(url, "-i", "--http2").text
      #expect(asked.hasPrefix("HTTP/1.1 200"), "no upgrade")
    }
    try withSite(new: .always(200), old: .always(404)) { site in
      let client = try site.client()
      try client.send(HTTP2Client.preface)
      let answer = try client.answer()
      #expect(answer.status == 400, "\(answer)")
    }
  }

  @Test("an upload of curl's is replayed to the old server over HTTP/2 as over HTTP/1.1")
  func upload() throws {
    let folder = try TemporaryFolder()
    let body = Bytes.pattern(5_000_000)
    try folder.write("body", body)
    let old = try ScriptedOrigin { exchange in
      try exchange.answer(200, try exchange.readBody() == body ? "whole" : "broken")
    }
    try withTLS(new: .always(404), old: old) { relevo in
      let answer = try Tools.curl(
        tls: relevo.tlsPort, "/", "--http2", "--data-binary", "@\(folder.path("body"))")
      #expect(answer.text == "whole", "\(answer)")
    }
  }

  @Test("nghttp gets many pages on one connection")
  func nghttp() throws {
    try withTLS(new: .always(200, "page")) { relevo in
      let urls = (1...30).map { "https://127.0.0.1:\(relevo.tlsPort)/\($0)" }
      let run = try Tools.run("/usr/bin/nghttp", ["-n", "-s", "--no-verify-peer"] + urls)
      #expect(run.exit == .code(0))
      let answers = run.text.split(separator: "\n").count { $0.contains(" 200 ") }
      #expect(answers == 30, "\(run.text)\n\(run.errors)")
    }
  }

  @Test("h2load loses none of thousands of requests", arguments: ["http", "https"])
  func load(scheme: String) throws {
    try withTLS(new: .always(200, "a page of the new site"), "--h2c") { relevo in
      let port = scheme == "http" ? relevo.port : relevo.tlsPort
      let run = try Tools.run(
        "/usr/bin/h2load", ["-n3000", "-c4", "-m10", "\(scheme)://127.0.0.1:\(port)/"], .after(60))
      #expect(run.text.contains("3000 succeeded, 0 failed, 0 errored, 0 timeout"), "\(run)")
      #expect(run.text.contains("status codes: 3000 2xx"), "\(run.text)")
    }
  }

  @Test("a PROXY header comes before HTTP/2 as before HTTP/1.1")
  func proxyHeader() throws {
    let new = try ScriptedOrigin.always(200)
    try withTLS(new: new, "--accept-proxy", "--h2c") { relevo in
      let client = try HTTP2Client(relevo.port, before: "PROXY TCP4 192.0.2.7 192.0.2.1 5000 80\r\n")
      try client.request(1, "/")
      #expect(try client.answer().status == 200)
      #expect(try new.request()["X-Forwarded-For"] == "192.0.2.7")
    }
  }

  @Test("connections of HTTP/2 are counted, and those that break its rules")
  func metrics() throws {
    try withTLS(new: .always(200), "--admin", "127.0.0.1:0", "--h2c") { relevo in
      let client = try HTTP2Client(relevo.port)
      try client.request(1, "/")
      _ = try client.answer()
      try client.send(HTTP2Frame(.data, stream: 0, [1]))
      try client.readToEnd()
      let line = try relevo.process.errors.wait("the admin plane's line") {
        $0.contains("admin plane listens")
      }
      let address = String(line[0].split(separator: " ").last ?? "")
      let page = try Tools.curl("http://\(address)/metrics").text
      #expect(page.contains("relevo_http2_connections_total 1\n"))
      #expect(page.contains("relevo_http2_failures_total 1\n"))
    }
  }
}
