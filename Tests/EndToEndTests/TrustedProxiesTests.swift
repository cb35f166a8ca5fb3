import Foundation
import Testing

/// Whose word about the client is believed.
@Suite("Forwarding fields of proxies before Relevo")
struct TrustedProxiesTests {
  private func fields(_ origin: ScriptedOrigin, _ number: Int = 1) throws -> [String] {
    try origin.request(number).head.fieldLines.filter {
      $0.lowercased().hasPrefix("x-") || $0.lowercased().hasPrefix("forwarded")
    }
  }

  @Test("a client can't spoof its address, its scheme or its host, and the log names the one it has")
  func spoofing() throws {
    try withSite(new: .always(404), old: .always(200)) { site in
      _ = try site.get(
        "/page",
        [
          "X-Forwarded-For: 6.6.6.6", "Forwarded: for=6.6.6.6;proto=https", "X-Real-IP: 6.6.6.6",
          "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.test", "X-Forwarded-Port: 443",
          "X_Forwarded_For: 6.6.6.6",
        ])
      let expected = [
        "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http", "X-Forwarded-Host: example.test",
      ]
      #expect(try fields(site.new) == expected)
      #expect(try fields(site.old) == expected)
      #expect(try site.log("/page").text.hasPrefix("127.0.0.1 - - "))
    }
  }

  @Test("the client is the rightmost address that is no trusted proxy's; chain, scheme and host go on")
  func trusted() throws {
    try withSite(
      new: .always(200), old: .always(200), "--trusted-proxies", "127.0.0.0/8", "10.0.0.0/8,2001:db8::/32"
    ) { site in
      _ = try site.get(
        "/page",
        [
          "X-Forwarded-For: 6.6.6.6, 203.0.113.9:4711", "X-Forwarded-For: [2001:db8::7], 10.1.2.3",
          "X-Forwarded-Proto: https", "X-Forwarded-Host: www.public.test", "Forwarded: for=203.0.113.9",
        ])
      #expect(
        try fields(site.new) == [
          "X-Forwarded-Host: www.public.test", "Forwarded: for=203.0.113.9",
          "X-Forwarded-For: 6.6.6.6, 203.0.113.9:4711, [2001:db8::7], 10.1.2.3, 127.0.0.1",
          "X-Forwarded-Proto: https",
        ])
      #expect(try site.log("/page").text.hasPrefix("203.0.113.9 - - "))
      // The next request of the same connection is another client's.
      let client = try site.client()
      _ = try client.get("/one", ["X-Forwarded-For: 203.0.113.1"])
      _ = try client.get("/two")
      #expect(try site.log("/one").text.hasPrefix("203.0.113.1 - - "))
      #expect(try site.log("/two").text.hasPrefix("127.0.0.1 - - "))
    }
  }

  @Test("Forwarded tells of this hop, behind what a trusted proxy says of the ones before")
  func forwarded() throws {
    let spoof = "Forwarded: for=6.6.6.6;proto=https"
    try withSite(new: .always(200), old: .always(200), "--forwarded", "--no-forwarded-for") { site in
      _ = try site.get("/page", [spoof])
      #expect(try fields(site.new) == ["Forwarded: for=127.0.0.1;host=\"example.test\";proto=http"])
    }
    try withSite(
      new: .always(200), old: .always(200), "--forwarded", "--no-forwarded-for", "--trusted-proxies",
      "127.0.0.1"
    ) { site in
      _ = try site.get("/page", [spoof])
      #expect(
        try fields(site.new) == [spoof, "Forwarded: for=127.0.0.1;host=\"example.test\";proto=http"])
    }
    let new = try ScriptedOrigin.always(200)
    try withRelevo(new: [new], old: [RefusedPort()], "--forwarded", "--listen", "[::1]:0") { relevo in
      let port = try #require(relevo.listeners.first.flatMap { UInt16($0.dropFirst("[::1]:".count)) })
      let client = Client(try Socket.connected(v6: port))
      try client.send("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n")
      #expect(try client.answer().status == 200)
      #expect(try new.request()["Forwarded"] == "for=\"[::1]\";host=\"[::1]:80\";proto=http")
    }
  }

  @Test("a trusted unix socket names the client, another has none")
  func unixSocket() throws {
    let folder = try TemporaryFolder()
    let claim = ["X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https"]
    for (proxies, forwarded, client) in [
      ("unix", "203.0.113.9", "203.0.113.9"), ("10.0.0.0/8", nil, "unix:"),
    ] {
      let new = try ScriptedOrigin.always(200)
      let path = folder.path("\(proxies.count).sock")
      try withRelevo(
        new: [new], old: [RefusedPort()], "--listen", "unix:\(path)", "--trusted-proxies", proxies
      ) { relevo in
        _ = try Client(Socket.connected(path: path)).get("/page", claim)
        #expect(try new.request()["X-Forwarded-For"] == forwarded)
        #expect(try new.request()["X-Forwarded-Proto"] == (forwarded == nil ? "http" : "https"))
        #expect(try relevo.log("/page").text.hasPrefix("\(client) - - "))
      }
    }
  }

  @Test("a neighbour that nobody trusts is pointed out once")
  func hint() throws {
    try withSite(new: .always(200), old: .always(200), "--workers", "2") { site in
      let hint = "name that in --trusted-proxies"
      _ = try site.get("/without")
      #expect(!site.relevo.process.errors.text.contains(hint))
      for _ in 1...3 { _ = try site.get("/", ["X-Forwarded-For: 203.0.113.9"]) }
      let lines = try site.relevo.process.errors.wait("the hint") { $0.contains(hint) }
      #expect(lines[0].contains("cause=127.0.0.1"))
      #expect(site.relevo.process.errors.all.count { $0.contains(hint) } == 1)
    }
  }

  @Test("behind HAProxy with option forwardfor and behind nginx with realip's usual header")
  func realProxies() throws {
    try withSite(new: .always(200), old: .always(200), "--trusted-proxies", "127.0.0.1") { site in
      let haproxy = try Daemon.haproxy(
        frontend: ["option forwardfor", "http-request set-header X-Forwarded-Proto https"],
        backends: ["relevo": "127.0.0.1:\(site.relevo.port)"])
      _ = try Client(haproxy.port).get("/haproxy", ["X-Forwarded-For: 203.0.113.9"])
      #expect(try site.new.request(1)["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1, 127.0.0.1")
      #expect(try site.new.request(1)["X-Forwarded-Proto"] == "https")
      #expect(try site.log("/haproxy").text.hasPrefix("203.0.113.9 - - "))

      let nginx = try Daemon.nginx(server: [
        "location / {", "proxy_pass http://127.0.0.1:\(site.relevo.port);", "proxy_set_header Host $host;",
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
        "proxy_set_header X-Forwarded-Proto https;", "}",
      ])
      _ = try Client(nginx.port).get("/nginx", ["X-Forwarded-For: 6.6.6.6, 198.51.100.4"])
      let request = try site.new.request(2)
      #expect(request["X-Forwarded-For"] == "6.6.6.6, 198.51.100.4, 127.0.0.1, 127.0.0.1")
      #expect(request["X-Forwarded-Proto"] == "https")
      #expect(request["X-Forwarded-Host"] == "example.test")
      #expect(try site.log("/nginx").text.hasPrefix("198.51.100.4 - - "))
    }
  }
}
