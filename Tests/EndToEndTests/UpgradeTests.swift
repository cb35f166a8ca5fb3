import Foundation
import Testing

/// Connections that become something else than HTTP.
@Suite("Upgrades and tunnels")
struct UpgradeTests {
  static let request = Bytes(
    text:
      "GET /chat HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n"
  )

  /// Switches protocols and then sends back every byte in upper case, until its client ends its side.
  static func echo() throws -> ScriptedOrigin {
    try ScriptedOrigin { exchange in
      guard exchange.head["Upgrade"] != nil else { return try exchange.answer(200, "plain") }
      try exchange.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-A: 1\r\n\r\n")
      while case let bytes = try exchange.stream.some(atMost: 64 << 10, .after()), !bytes.isEmpty {
        try exchange.send(Bytes(text: bytes.text.uppercased()))
      }
      try exchange.send("bye")
      exchange.close()
    }
  }

  /// Opens a tunnel and checks the head that opens it.
  func open(_ relevo: Relevo) throws -> Client {
    let client = try Client(relevo.port)
    try client.send(Self.request)
    let head = try client.head()
    #expect(head.startLine == "HTTP/1.1 101 Switching Protocols")
    #expect(head["Upgrade"] == "websocket")
    #expect(head["Connection"]?.lowercased() == "upgrade")
    #expect(head["X-A"] == "1")
    return client
  }

  @Test("a WebSocket is tunnelled both ways, from whichever site has it", arguments: ["new", "old"])
  func tunnel(way: String) throws {
    let origin = try Self.echo()
    let other = try ScriptedOrigin.pages([:])
    try withRelevo(new: [way == "new" ? origin : other], old: [way == "new" ? other : origin]) { relevo in
      let client = try open(relevo)
      let request = try origin.request()
      #expect(request["Connection"]?.lowercased() == "upgrade")
      #expect(request["Upgrade"] == "websocket")
      #expect(request["Sec-WebSocket-Key"] == "k")
      for word in ["one", "two", "GET / HTTP/1.1\r\n\r\n"] {
        try client.send(word)
        #expect(try client.stream.exactly(word.utf8.count).text == word.uppercased())
      }
      client.halfClose()
      #expect(try client.stream.untilClose().text == "bye", "what comes after the client's end still passes")
    }
  }

  @Test("bytes that come in one piece with the request belong to the tunnel")
  func early() throws {
    try withSite(new: Self.echo(), old: .always(200)) { site in
      let client = try site.client()
      try client.send(Self.request + Bytes(text: "early"))
      #expect(try client.head().startLine.hasPrefix("HTTP/1.1 101 "))
      #expect(try client.stream.exactly(5).text == "EARLY")
    }
  }

  @Test("bytes that come in one piece with the 101 reach the client, and the origin's end ends it")
  func originFirst() throws {
    let new = try ScriptedOrigin { exchange in
      try exchange.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-A: 1\r\n\r\nhello"
      )
      exchange.close()
    }
    try withSite(new: new, old: .always(200)) { (site) throws in
      #expect(try open(site.relevo).stream.untilClose().text == "hello")
    }
  }

  @Test("megabytes pass through a tunnel both ways at once")
  func large() throws {
    let size = 20 << 20
    let new = try ScriptedOrigin { exchange in
      try exchange.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-A: 1\r\n\r\n")
      while case let bytes = try exchange.stream.some(atMost: 1 << 20, .after()), !bytes.isEmpty {
        try exchange.send(bytes)
      }
      exchange.close()
    }
    try withSite(new: new, old: .always(200)) { site in
      let client = try open(site.relevo)
      let bytes = Bytes.pattern(size)
      let socket = client.socket
      let sending = Background { try socket.send(bytes, .after(20)) }
      let echoed = try client.stream.exactly(size, .after(20))
      try sending.value()
      expectSame(echoed, bytes)
      #expect(try site.relevo.process.peakMB < Memory.limitMB)
    }
  }

  @Test("an upgrade that the origin declines is an ordinary answer, and the connection goes on")
  func declined() throws {
    try withSite(new: .always(200, "plain"), old: .always(200)) { site in
      let client = try site.client()
      for _ in 1...2 {
        try client.send(Self.request)
        #expect(try client.answer().text == "plain")
      }
      #expect(site.new.connections == 1)
    }
  }

  @Test("a tunnel's connection is used for nothing else")
  func notReused() throws {
    try withSite(new: Self.echo(), old: .always(200)) { site in
      let tunnel = try open(site.relevo)
      #expect(try site.get("/plain").text == "plain")
      #expect(site.new.requests.map(\.connection) == [1, 2])
      try tunnel.send("x")
      #expect(try tunnel.stream.exactly(1).text == "X")
    }
  }

  @Test("a known URL is tunnelled to the old server")
  func known() throws {
    try withSite(new: .pages([:]), old: Self.echo()) { site in
      try site.learn("/chat")
      let client = try open(site.relevo)
      try client.send("a")
      #expect(try client.stream.exactly(1).text == "A")
      #expect(site.new.requests.count == 1)
    }
  }

  @Test("a quiet tunnel outlives --idle-timeout and ends after --tunnel-timeout")
  func timeouts() throws {
    try withSite(
      new: Self.echo(), old: .always(200), "--idle-timeout", "300ms", "--tunnel-timeout", "1500ms"
    ) { site in
      let client = try open(site.relevo)
      #expect(client.stream.staysQuiet(forMs: 800))
      try client.send("a")
      #expect(try client.stream.exactly(1).text == "A")
      let time = try seconds { _ = try client.stream.untilClose() }
      #expect(time > 0.8)
    }
  }

  @Test("a client's reset ends the tunnel on the other side")
  func reset() throws {
    try withSite(new: Self.echo(), old: .always(200)) { site in
      try open(site.relevo).reset()
      try site.new.waitUntilConnectionsAre(0)
    }
  }

  @Test("an Upgrade that Connection does not name is no upgrade")
  func notNamed() throws {
    try withSite(new: .always(200, "plain"), old: .always(200)) { (site) throws in
      #expect(try site.get("/", ["Upgrade: websocket"]).text == "plain")
      #expect(try site.new.request()["Upgrade"] == nil)
    }
  }

  @Test("a tunnel does not keep the program from its end when it is asked twice")
  func terminate() throws {
    let new = try Self.echo()
    let relevo = try Relevo(new: [new], old: [RefusedPort()])
    let client = try open(relevo)
    relevo.process.signal(SIGTERM)
    _ = try relevo.process.errors.wait("a line about it") { $0.contains("stopping") }
    try client.send("a")
    #expect(try client.stream.exactly(1).text == "A", "what is under way may go on for a while")
    relevo.process.signal(SIGTERM)
    #expect([.code(0), .signal(SIGTERM)].contains(try relevo.process.wait(.after(3))))
    #expect(client.isClosed())
  }
}
