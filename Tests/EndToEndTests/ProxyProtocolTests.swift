import Foundation
import Testing

/// The client's address, told by a header before its first request.
@Suite("The PROXY protocol (--accept-proxy)")
struct ProxyProtocolTests {
  private static let request = Client.bytes("/page")
  private static let ipv4 = Bytes(text: "PROXY TCP4 203.0.113.9 198.51.100.1 56324 80\r\n")
  private static let signature: Bytes = [
    0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
  ]
  private static let binary: Bytes =
    signature + [0x21, 0x11, 0, 20, 203, 0, 113, 10, 198, 51, 100, 1, 0xDC, 0x04, 0, 80]
    + [0x20, 0, 5, 1, 0, 0, 0, 0]
  private static let local: Bytes = signature + [0x20, 0, 0, 0]

  private func withProxied(
    _ flags: String..., test: (_ new: ScriptedOrigin, _ relevo: Relevo) throws -> Void
  ) throws {
    let new = try ScriptedOrigin.always(200, "new")
    let relevo = try Relevo(new: [new], old: [RefusedPort()], flags: ["--accept-proxy"] + flags)
    try test(new, relevo)
    #expect(try relevo.terminate() == .code(0))
  }

  private func refusals(_ relevo: Relevo, _ cause: String, count: Int = 1) throws -> [String] {
    try relevo.process.errors.wait("a refusal: \(cause)", count: count) {
      $0.contains("--accept-proxy wants a PROXY header") && $0.contains(cause)
    }
  }

  @Test("both versions name the client, to the origin and to the log, for all requests of the connection")
  func names() throws {
    try withProxied { new, relevo in
      let client = try Client(relevo.port)
      try client.send(Self.ipv4 + Self.request)
      #expect(try client.answer().text == "new")
      #expect(try client.get("/second").text == "new")
      let other = try Client(relevo.port)
      try other.send(Self.binary + Client.bytes("/tls"))
      #expect(try other.answer().text == "new")
      #expect(try new.request(1)["X-Forwarded-For"] == "203.0.113.9")
      #expect(try new.request(1)["X-Forwarded-Proto"] == "http")
      #expect(try new.request(2)["X-Forwarded-For"] == "203.0.113.9")
      #expect(try new.request(3)["X-Forwarded-For"] == "203.0.113.10")
      #expect(try new.request(3)["X-Forwarded-Proto"] == "https", "it says that the client speaks TLS")
      #expect(try relevo.log("/second").text.hasPrefix("203.0.113.9 - - "))
      #expect(try relevo.log("/tls").text.hasPrefix("203.0.113.10 - - "))
    }
  }

  @Test("a header may come in two parts, cut anywhere")
  func pieces() throws {
    try withProxied { new, relevo in
      var number = 0
      for header in [Self.ipv4, Self.binary, Self.local] {
        for cut in 1...header.count {
          let client = try Client(relevo.port)
          try client.send(Bytes(header[..<cut]))
          if cut.isMultiple(of: 8) { usleep(2_000) }
          try client.send(Bytes(header[cut...]) + Self.request)
          #expect(try client.answer().text == "new", "\(cut)")
          number += 1
        }
      }
      let clients = try (1...number).map { try new.request($0)["X-Forwarded-For"] ?? "" }
      #expect(
        clients == Self.ipv4.map { _ in "203.0.113.9" } + Self.binary.map { _ in "203.0.113.10" }
          + Self.local.map { _ in "127.0.0.1" })
    }
  }

  @Test("a connection without a valid header is closed without an answer, counted and told")
  func refused() throws {
    try withProxied { new, relevo in
      let causes: [(Bytes, String)] = [
        (Self.request, "does not begin with a PROXY header"),
        (Bytes(text: "PROXY TCP4 1.2.3.4 5.6.7.8 1 99999\r\n") + Self.request, "malformed address or port"),
        (Self.signature + [0x22, 0, 0, 0] + Self.request, "neither LOCAL nor PROXY"),
        (Self.signature + [0x21, 0x11, 0xFF, 0xFF] + Self.request, "longer than"),
      ]
      for (bytes, cause) in causes {
        let client = try Client(relevo.port)
        client.trySend(bytes)
        #expect(client.isClosed(), "\(cause)")
        #expect(try refusals(relevo, cause)[0].contains("127.0.0.1: "))
      }
      let client = try Client(relevo.port)
      try client.send(Bytes(Self.ipv4.prefix(10)))
      client.halfClose()
      #expect(client.isClosed())
      _ = try refusals(relevo, "ends in the middle")
      // Only a look at the port.
      let look = try Client(relevo.port)
      look.halfClose()
      #expect(look.isClosed())
      #expect(new.requests.isEmpty)
      #expect(relevo.process.output.all == [])
      #expect(try relevo.terminate() == .code(0))
      #expect(relevo.process.errors.text.contains("proxy-headers-refused=5"))
    }
  }

  @Test("a header that does not come in time is waited for no longer than for a request's")
  func timeout() throws {
    try withProxied("--header-timeout", "200ms") { _, relevo in
      let client = try Client(relevo.port)
      try client.send(Bytes(Self.binary.prefix(20)))
      #expect(client.isClosed())
      _ = try refusals(relevo, "--header-timeout")
      #expect(try Client(relevo.port).isClosed())
    }
  }

  @Test(
    "only trusted proxies may send it when there are any, and then those that it names are asked for further ones"
  )
  func trusted() throws {
    try withProxied("--trusted-proxies", "10.0.0.0/8") { _, relevo in
      let client = try Client(relevo.port)
      client.trySend(Self.ipv4 + Self.request)
      #expect(client.isClosed())
      _ = try refusals(relevo, "127.0.0.1: it is not in --trusted-proxies")
    }
    try withProxied("--trusted-proxies", "127.0.0.1", "203.0.113.9") { new, relevo in
      let fields = ["X-Forwarded-For: 6.6.6.6, 192.0.2.44"]
      for (header, target) in [(Self.ipv4, "/trusted"), (Self.binary, "/other")] {
        let client = try Client(relevo.port)
        try client.send(header + Client.bytes(target, fields))
        #expect(try client.answer().text == "new")
      }
      #expect(try new.request(1)["X-Forwarded-For"] == "6.6.6.6, 192.0.2.44, 203.0.113.9")
      #expect(try relevo.log("/trusted").text.hasPrefix("192.0.2.44 - - "))
      #expect(try new.request(2)["X-Forwarded-For"] == "203.0.113.10")
      #expect(try relevo.log("/other").text.hasPrefix("203.0.113.10 - - "))
    }
  }

  @Test("over a unix socket, and from curl")
  func unixSocketAndCurl() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("relevo.sock")
    try withProxied("--listen", "unix:\(path)", "--listen", "127.0.0.1:0") { new, relevo in
      let client = try Client(Socket.connected(path: path))
      try client.send(Self.ipv4 + Self.request)
      #expect(try client.answer().text == "new")
      #expect(try new.request(1)["X-Forwarded-For"] == "203.0.113.9")
      let output = try Tools.curl("--haproxy-protocol", "http://127.0.0.1:\(relevo.port)/curl")
      #expect(output.text == "new", "\(output.errors)")
      #expect(try new.request(2)["X-Forwarded-For"] == "127.0.0.1")
    }
  }

  @Test(
    "from HAProxy, which passes on whom another HAProxy names, and from nginx",
    arguments: ["send-proxy", "send-proxy-v2"])
  func realSenders(_ option: String) throws {
    try withProxied { new, relevo in
      let options = option == "send-proxy" ? option : "\(option) proxy-v2-options crc32c,unique-id"
      // What the first names, the second sends on, over connections of its own.
      let haproxy = try Daemon.haproxy(
        mode: "tcp", bind: "accept-proxy",
        frontend: option == "send-proxy" ? [] : ["unique-id-format %[uuid()]"],
        backends: ["relevo": "127.0.0.1:\(relevo.port) \(options)"])
      let client = try Client(haproxy.port)
      try client.send(Self.ipv4 + Self.request)
      #expect(try client.answer().text == "new")
      #expect(try new.request(1)["X-Forwarded-For"] == "203.0.113.9")
      #expect(try relevo.log("/page").text.hasPrefix("203.0.113.9 - - "))
      let nginx = try Daemon.nginxStream(server: [
        "proxy_pass 127.0.0.1:\(relevo.port);", "proxy_protocol on;",
      ])
      #expect(try Client(nginx.port).get("/nginx").text == "new")
      #expect(try new.request(2)["X-Forwarded-For"] == "127.0.0.1")
      #expect(!relevo.process.errors.text.contains("--accept-proxy wants"))
    }
  }
}
