import Foundation
import Testing

/// A request as it leaves Relevo for an origin, byte for byte.
@Suite("Requests on their way to an origin")
struct RequestRewriteTests {
  @Test("order, case, duplicates and white space are kept, and four fields come at the end")
  func exact() throws {
    try withSite(new: .always(404), old: .always(200, "old")) { site in
      let client = try site.client()
      let lines =
        "X-b: 1\r\nhost:   example.test\t\r\nACCEPT:*/*\r\nx-B:  2  3 \r\nX-Empty:\r\nCookie: a=b; c=d\r\n"
      try client.send("GET /a?b HTTP/1.1\r\n\(lines)\r\n")
      #expect(try client.answer().text == "old")
      let expected = """
        GET /a?b HTTP/1.1\r
        \(lines)X-Forwarded-For: 127.0.0.1\r
        X-Forwarded-Proto: http\r
        X-Forwarded-Host: example.test\r
        Via: 1.1 relevo\r
        \r

        """
      #expect(try site.new.request().head.bytes.text == expected)
      #expect(try site.old.request().head.bytes.text == expected)
    }
  }

  @Test("hop-by-hop fields and those that Connection names end here")
  func hopByHop() throws {
    try withSite(new: .always(404), old: .always(200, "old")) { site in
      _ = try site.get(
        "/",
        [
          "Keep-Alive: timeout=5", "X-Kept: 1", "Connection: X-One , keep-alive,x-two", "X-One: 1",
          "X-TWO: 2",
          "Proxy-Connection: keep-alive", "TE: trailers", "Upgrade: websocket", "Connection: x-three",
          "X-Three: 3", "X-Three-And-More: 4",
        ])
      for origin in [site.new, site.old] {
        let request = try origin.request()
        #expect(
          request.head.fieldLines.filter { !$0.hasPrefix("X-Forwarded") && !$0.hasPrefix("Via") } == [
            "Host: example.test", "X-Kept: 1", "X-Three-And-More: 4",
          ])
      }
    }
  }

  @Test(
    "a Connection field cannot take away what the message needs",
    arguments: ["Content-Length", "Host", "content-length, host"])
  func connectionNames(name: String) throws {
    try withSite(new: .always(200, "new"), old: .always(200)) { site in
      let body = Bytes(text: "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
      let status = try site.get("/", ["Connection: \(name)"], method: "POST", body: body).status
      #expect([200, 400].contains(status))
      #expect(!site.new.targets.contains("/smuggled"))
      for request in site.new.requests {
        expectSame(request.body, body)
        #expect(request["Host"] == "example.test")
      }
    }
  }

  @Test("what a client says in X-Forwarded fields goes no further")
  func forwardedFor() throws {
    try withSite(new: .always(200), old: .always(200)) { site in
      _ = try site.get(
        "/",
        [
          "x-forwarded-for: 192.0.2.1", "X-A: 1", "X-Forwarded-For:192.0.2.2, 192.0.2.3 ",
          "X-Forwarded-Proto: https", "X-Forwarded-Host: other.test",
        ])
      #expect(
        try site.new.request().head.fieldLines == [
          "Host: example.test", "X-A: 1",
          "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http",
          "X-Forwarded-Host: example.test", "Via: 1.1 relevo",
        ])
    }
  }

  @Test("--no-forwarded-for leaves a trusted proxy's fields alone and adds none")
  func noForwardedFor() throws {
    let flags = ["--no-forwarded-for", "--trusted-proxies=127.0.0.1"]
    try withSite(new: .always(200), old: .always(200), flags[0], flags[1]) { site in
      let fields = [
        "X-Forwarded-For:  192.0.2.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: other.test",
      ]
      _ = try site.get("/", fields)
      #expect(try site.new.request().head.fieldLines == ["Host: example.test"] + fields + ["Via: 1.1 relevo"])
      _ = try site.get("/")
      #expect(try site.new.request(2).head.fieldLines == ["Host: example.test", "Via: 1.1 relevo"])
    }
  }

  @Test("a Via that is there stays, and ours comes after it; --no-via adds none")
  func via() throws {
    for (flag, added) in [("--via", ["Via: 1.1 relevo"]), ("--no-via", [])] {
      try withSite(new: .always(200), old: .always(200), "--no-forwarded-for", flag) { (site) throws in
        _ = try site.get("/", ["via: 1.0 front", "X-A: 1"])
        #expect(
          try site.new.request().head.fieldLines
            == ["Host: example.test", "via: 1.0 front", "X-A: 1"] + added)
      }
    }
  }

  @Test("both sites get the client's Host")
  func hostKept() throws {
    try withSite(new: .always(404), old: .always(200, "old")) { (site) throws in
      let client = try site.client()
      try client.send("GET / HTTP/1.1\r\nHost: Www.Example.TEST:8080\r\n\r\n")
      #expect(try client.answer().text == "old")
      for origin in [site.new, site.old] {
        #expect(try origin.request()["Host"] == "Www.Example.TEST:8080")
        #expect(try origin.request()["X-Forwarded-Host"] == "Www.Example.TEST:8080")
      }
    }
  }

  @Test("--old-host is the Host of the old server only")
  func oldHost() throws {
    try withSite(new: .always(404), old: .always(200, "old"), "--old-host", "legacy.test") { (site) throws in
      for _ in 1...2 { #expect(try site.get("/").text == "old") }
      #expect(try site.new.request()["Host"] == "example.test")
      for number in 1...2 {
        let request = try site.old.request(number)
        #expect(request.head.values("Host") == ["legacy.test"])
        #expect(request["X-Forwarded-Host"] == "example.test")
      }
    }
  }

  @Test("an absolute target becomes a path, and its authority the Host")
  func absoluteForm() throws {
    try withSite(new: .always(200), old: .always(200)) { site in
      for (target, path) in [
        ("http://other.test:81/a?b", "/a?b"), ("http://other.test:81", "/"), ("HTTP://other.test:81/", "/"),
      ] {
        let before = site.new.requests.count
        #expect(try site.get(target).status == 200)
        let request = try site.new.request(before + 1)
        #expect(request.line == "GET \(path) HTTP/1.1", "\(target)")
        #expect(request.head.values("Host") == ["other.test:81"], "\(target)")
      }
    }
  }

  @Test("an HTTP/1.0 request without Host gets the origin's")
  func noHost() throws {
    try withSite(new: .always(404), old: .always(200, "old")) { site in
      let client = try site.client()
      try client.send("GET / HTTP/1.0\r\n\r\n")
      #expect(try client.answer().text == "old")
      #expect(try site.new.request().head.values("Host") == [site.new.authority])
      #expect(try site.old.request().head.values("Host") == [site.old.authority])
    }
  }

  @Test("a body with a Content-Length keeps it, in its place")
  func contentLength() throws {
    try withSite(new: .always(200), old: .always(200), "--no-forwarded-for", "--no-via") { site in
      let client = try site.client()
      try client.send("POST / HTTP/1.1\r\ncontent-length:  4\r\nHost: x\r\n\r\nbody")
      #expect(try client.answer().status == 200)
      let request = try site.new.request()
      #expect(request.head.bytes.text == "POST / HTTP/1.1\r\ncontent-length:  4\r\nHost: x\r\n\r\n")
      #expect(request.body.text == "body")
    }
  }

  @Test("a chunked body stays chunked, without extensions and trailers")
  func chunked() throws {
    try withSite(new: .always(404), old: .always(200, "old")) { site in
      let client = try site.client()
      try client.send(
        "POST / HTTP/1.1\r\nHost: x\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n4;ext=1\r\nbody\r\n0\r\nX-T: 1\r\n\r\n"
      )
      #expect(try client.answer().text == "old")
      for origin in [site.new, site.old] {
        let request = try origin.request()
        #expect(request.head.values("Transfer-Encoding") == ["chunked"])
        #expect(request["Content-Length"] == nil)
        #expect(request["Trailer"] == nil)
        #expect(request.body.text == "body")
        #expect(request.trailers == [])
      }
    }
  }

  @Test("a POST without a body stays one", arguments: [["Content-Length: 0"], []])
  func emptyPost(fields: [String]) throws {
    try withSite(new: .always(404), old: .always(200, "old")) { site in
      #expect(try site.get("/", fields, method: "POST").text == "old")
      for origin in [site.new, site.old] {
        let request = try origin.request()
        #expect(request.head.values("Content-Length") == (fields.isEmpty ? [] : ["0"]))
        #expect(request["Transfer-Encoding"] == nil)
      }
    }
  }

  @Test("over IPv6 and over a unix socket")
  func otherListeners() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("relevo.sock")
    let new = try ScriptedOrigin.always(200, "new")
    try withRelevo(
      new: [new], old: [RefusedPort()], "--listen", "[::1]:0", "--listen", "unix:\(path)", "--listen",
      "127.0.0.1:0"
    ) { relevo in
      #expect(relevo.listeners.contains("unix:\(path)"))
      let v6 = relevo.listeners.first { $0.hasPrefix("[::1]:") }
      let port = try #require(v6.flatMap { UInt16($0.dropFirst("[::1]:".count)) })
      #expect(try Client(Socket.connected(v6: port)).get("/v6").text == "new")
      #expect(try new.request(1)["X-Forwarded-For"] == "::1")
      #expect(try Client(Socket.connected(path: path)).get("/unix").text == "new")
      #expect(try new.request(2).line == "GET /unix HTTP/1.1")
      #expect(try new.request(2)["X-Forwarded-For"] == nil, "a unix socket's client has no address")
      #expect(try Client(relevo.port).get("/v4").text == "new")
      #expect(try new.request(3)["X-Forwarded-For"] == "127.0.0.1")
    }
    #expect(!folder.exists("relevo.sock"), "the socket's file goes with the program")
  }
}
