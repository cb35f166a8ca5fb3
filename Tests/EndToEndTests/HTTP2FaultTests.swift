import Foundation
import Testing

/// What breaks on one stream must not reach the others, and what breaks the connection must cost little.
@Suite("Faults and limits of HTTP/2")
struct HTTP2FaultTests {
  // MARK: Streams

  @Test("a client that gives a stream up ends the origin's work on it, and nothing else")
  func reset() throws {
    let gate = Gate()
    let new = try ScriptedOrigin { exchange in
      if exchange.target == "/slow" { try gate.wait() }
      try exchange.answer(200, "page")
    }
    try withHTTP2(new: new) { relevo, client in
      try client.request(1, "/slow")
      _ = try new.request()
      try client.send(HTTP2Frame(.reset, stream: 1, HTTP2Frame.bytes(HTTP2Code.cancel)))
      let lines = try relevo.process.output.wait("a log line") { $0.contains(" /slow ") }
      #expect(lines[0].contains(" 499 ") && lines[0].contains("client-gone"), "\(lines)")
      try client.request(3, "/other")
      #expect(try client.answer(3).body.text == "page")
      gate.open()
      try new.waitUntilConnectionsAre(1)
    }
  }

  @Test("an answer that breaks off resets its stream, and nothing else")
  func brokenAnswer() throws {
    let new = try ScriptedOrigin { exchange in
      guard exchange.target == "/broken" else { return try exchange.answer(200, "page") }
      try exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
      exchange.close()
    }
    try withHTTP2(new: new) { _, client in
      try client.request(1, "/broken")
      let answer = try client.answer(1)
      #expect(answer.resetCode == HTTP2Code.internalError && !answer.isWhole)
      try client.request(3, "/")
      #expect(try client.answer(3).body.text == "page")
    }
  }

  @Test("an answer that comes before the body is whole, and the rest of the body is not wanted")
  func earlyAnswer() throws {
    let new = try ScriptedOrigin { exchange in
      try exchange.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n")
      usleep(100_000)
      exchange.close()
    }
    try withHTTP2(new: new) { _, client in
      try client.send(HTTP2Client.request(1, "/", method: "POST", ends: false))
      try client.send(Bytes(text: "a part"), on: 1, ends: false)
      let answer = try client.answer(1)
      #expect(answer.status == 413 && answer.body.text == "no\n" && answer.isWhole)
      try client.wait { $0.kind == HTTP2Frame.Kind.reset.rawValue && $0.stream == 1 }
      #expect(client.answers[1]?.resetCode == HTTP2Code.noError)
      try client.ping()
    }
  }

  @Test("a server that can't be reached gives 502, and a stream that waits too long for its body 408")
  func ownAnswers() throws {
    let new = try ScriptedOrigin.always(200)
    try withHTTP2(new: new, "--idle-timeout", "300ms") { _, client in
      try client.send(HTTP2Client.request(1, "/", method: "POST", ends: false))
      #expect(try client.answer(1).status == 408)
      try new.stop()
      try client.request(3, "/")
      #expect([502, 503].contains(try client.answer(3).status))
    }
  }

  @Test(
    "a malformed request ends its stream, and reaches nobody",
    arguments: [
      [(":method", "GET"), (":scheme", "http"), (":authority", "example.test")],
      [(":method", "GET"), (":scheme", "http"), (":path", "")],
      [(":method", "GET"), (":scheme", "http"), (":path", "/")],
      [(":method", "GET"), (":path", "/"), (":authority", "example.test")],
      HTTP2Client.head("/", [("X-Capital", "1")]), HTTP2Client.head("/", [("connection", "close")]),
      HTTP2Client.head("/", [("transfer-encoding", "chunked")]), HTTP2Client.head("/", [("te", "gzip")]),
      HTTP2Client.head("/", [("x-bad", "a\r\nx-more: b")]), HTTP2Client.head("/", [("x-nul", "a\0b")]),
      HTTP2Client.head("/", [("x bad", "a")]), HTTP2Client.head("/", [(":path", "/other")]),
      HTTP2Client.head("/", [("x", "1"), (":late", "1")]), HTTP2Client.head("/ HTTP/1.1\r\nx: y"),
      HTTP2Client.head("/a b"), HTTP2Client.head("/", method: "GET /"),
      HTTP2Client.head("/", [("content-length", "5")]),
    ])
  func malformed(fields: [(String, String)]) throws {
    let new = try ScriptedOrigin.always(200)
    try withHTTP2(new: new) { _, client in
      try client.send(
        HTTP2Frame(
          .headers, flags: HTTP2Frame.endHeaders | HTTP2Frame.endStream, stream: 1,
          HTTP2Client.section(fields)))
      #expect(try client.answer(1).resetCode == HTTP2Code.protocolError)
      try client.request(3, "/good")
      #expect(try client.answer(3).status == 200)
      #expect(new.targets == ["/good"])
    }
  }

  @Test(
    "what HTTP/1.1 would refuse is refused with its status",
    arguments: [
      (HTTP2Client.head("/", [("host", "other.test")]), 400),
      (HTTP2Client.head("/" + String(repeating: "a", count: 20_000)), 414),
      (HTTP2Client.head("/", [("x", String(repeating: "a", count: 20_000))]), 431),
      (HTTP2Client.head("/", (0..<200).map { ("x-\($0)", "1") }), 431),
    ])
  func refused(fields: [(String, String)], status: Int) throws {
    let new = try ScriptedOrigin.always(200)
    try withHTTP2(new: new) { _, client in
      let section = HTTP2Client.section(fields)
      try client.send(
        HTTP2Frame(.headers, flags: HTTP2Frame.endStream, stream: 1, Bytes(section.prefix(16_384))))
      try client.send(
        HTTP2Frame(.continuation, flags: HTTP2Frame.endHeaders, stream: 1, Bytes(section.dropFirst(16_384))))
      #expect(try client.answer(1).status == status)
      try client.request(3, "/good")
      #expect(try client.answer(3).status == 200)
      #expect(new.targets == ["/good"])
    }
  }

  @Test("a CONNECT is refused")
  func connect() throws {
    try withHTTP2(new: .always(200)) { _, client in
      try client.send(
        HTTP2Frame(
          .headers, flags: HTTP2Frame.endHeaders | HTTP2Frame.endStream, stream: 1,
          HTTP2Client.section([(":method", "CONNECT"), (":authority", "example.test:443")])))
      let answer = try client.answer(1)
      #expect((400..<600).contains(answer.status) || answer.resetCode == HTTP2Code.protocolError, "\(answer)")
      try client.ping()
    }
  }

  @Test(
    "a request more than --http2-max-streams is refused, to be sent again, while the client does not know it")
  func maxStreams() throws {
    let gate = Gate()
    let new = try ScriptedOrigin { exchange in
      try gate.wait()
      try exchange.answer(200)
    }
    try withHTTP2(new: new, "--http2-max-streams", "2") { _, client in
      for stream: UInt32 in [1, 3, 5] { try client.request(stream, "/") }
      #expect(try client.answer(5).resetCode == HTTP2Code.refusedStream)
      gate.open()
      #expect(try client.answer(1).status == 200)
      #expect(try client.answer(3).status == 200)
    }
  }

  // MARK: Floods

  /// Sends frames until the other side has had enough.
  ///
  /// - Returns: the code of its GOAWAY; nil when it has closed the connection without.
  private func flood(_ client: HTTP2Client, _ frames: (Int) -> [HTTP2Frame]) throws -> UInt32? {
    for round in 0..<2_000 {
      do {
        try client.client.send(frames(round).flatMap(\.bytes), .after(2))
      } catch { break }
      if client.client.socket.isReadable(withinMs: 0) {
        do { if try client.next(.after(1)) == nil { break } } catch { break }
      }
      if !client.goAways.isEmpty { break }
    }
    try? client.readToEnd(.after(3))
    return client.goAways.first { $0.goAwayCode != 0 }?.goAwayCode
  }

  private func expectCalm(
    _ relevo: Relevo, _ code: UInt32?, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let reasons = [HTTP2Code.enhanceYourCalm, HTTP2Code.internalError, HTTP2Code.protocolError]
    #expect(code.map(reasons.contains) ?? true, "\(code as Any)", sourceLocation: sourceLocation)
    let line = try relevo.process.errors.wait("a line about the client") { $0.contains("rules of HTTP/2") }[0]
    #expect(line.contains("127.0.0.1: "), "\(line)", sourceLocation: sourceLocation)
    #expect(try HTTP2Client(relevo.port).isServed, "others are served", sourceLocation: sourceLocation)
  }

  @Test("rapid resets end the connection, and cost the origins little")
  func rapidReset() throws {
    let new = try ScriptedOrigin.always(200)
    try withHTTP2(new: new) { relevo, client in
      let code = try flood(client) { round in
        let stream = UInt32(round * 20)
        return (0..<10).flatMap { index -> [HTTP2Frame] in
          let own = stream + UInt32(index * 2 + 1)
          return [
            HTTP2Client.request(own, "/"),
            HTTP2Frame(.reset, stream: own, HTTP2Frame.bytes(HTTP2Code.cancel)),
          ]
        }
      }
      try expectCalm(relevo, code)
      #expect(new.requests.count < 200, "who is gone before being served is not asked for")
    }
  }

  @Test(
    "frames that ask for nothing end the connection",
    arguments: ["ping", "settings", "empty data", "priority", "window", "tiny data"])
  func idleFrames(kind: String) throws {
    try withHTTP2(new: .always(200)) { relevo, client in
      try client.send(HTTP2Client.request(1, "/", method: "POST", ends: false))
      let frame =
        switch kind {
        case "ping": HTTP2Frame(.ping, Bytes(repeating: 0, count: 8))
        case "settings": HTTP2Frame(.settings)
        case "empty data": HTTP2Frame(.data, stream: 1)
        case "tiny data": HTTP2Frame(.data, stream: 1, [0])
        case "priority": HTTP2Frame(.priority, stream: 1, [0, 0, 0, 0, 1])
        default: HTTP2Frame(.windowUpdate, stream: 1, HTTP2Frame.bytes(1))
        }
      try expectCalm(relevo, try flood(client) { _ in Array(repeating: frame, count: 50) })
    }
  }

  @Test("a head in endless pieces ends the connection")
  func continuations() throws {
    try withHTTP2(new: .always(200)) { relevo, client in
      try client.send(HTTP2Frame(.headers, flags: HTTP2Frame.endStream, stream: 1))
      let code = try flood(client) { _ in [HTTP2Frame(.continuation, stream: 1)] }
      try expectCalm(relevo, code)
    }
  }

  @Test("a head that unpacks to megabytes is refused")
  func headerBomb() throws {
    try withHTTP2(new: .always(200)) { relevo, client in
      // A field of 4 kB in the table, then thousands of times the one byte that means it (RFC 7541, 6.1).
      let big =
        Bytes([0x40]) + HTTP2Client.section([("x-big", String(repeating: "b", count: 3_900))]).dropFirst()
      let section =
        HTTP2Client.section(HTTP2Client.head("/")) + big + Bytes(repeating: 0x80 | 62, count: 8_000)
      try client.send(
        HTTP2Frame(.headers, flags: HTTP2Frame.endHeaders | HTTP2Frame.endStream, stream: 1, section))
      #expect(try client.answer(1).status == 431)
      #expect(try relevo.process.peakMB < Memory.limitMB)
      try client.request(3, "/")
      #expect(try client.answer(3).status == 200)
    }
  }

  @Test(
    "what is no HTTP/2 at all closes the connection",
    arguments: [
      HTTP2Frame(.data, stream: 0, [1]), HTTP2Frame(.headers, stream: 0), HTTP2Frame(.settings, stream: 1),
      HTTP2Frame(.windowUpdate, stream: 0, HTTP2Frame.bytes(0)), HTTP2Frame(.pushPromise, stream: 1),
      HTTP2Frame(.data, stream: 1, Bytes(repeating: 0, count: 16_385)),
      HTTP2Frame(.headers, flags: 4, stream: 2),
      HTTP2Frame(.ping, [1]),
      HTTP2Frame(.headers, flags: 4, stream: 1, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
    ])
  func nonsense(frame: HTTP2Frame) throws {
    try withHTTP2(new: .always(200)) { relevo, client in
      try client.send(frame)
      try client.readToEnd()
      #expect(client.goAways.last.map { $0.goAwayCode != HTTP2Code.noError } == true, "\(client.goAways)")
      #expect(try HTTP2Client(relevo.port).isServed)
    }
  }

  // MARK: Time

  @Test("a connection without a request is told to go, and closed")
  func idle() throws {
    try withHTTP2(new: .always(200), "--idle-timeout", "300ms") { _, client in
      try client.request(1, "/")
      #expect(try client.answer(1).status == 200)
      try client.readToEnd()
      #expect(client.goAways.last?.goAwayCode == HTTP2Code.noError)
    }
  }

  @Test("pings do not keep a connection that asks for nothing")
  func pings() throws {
    try withHTTP2(new: .always(200), "--idle-timeout", "400ms") { _, client in
      let took = try seconds {
        while client.goAways.isEmpty {
          try client.send(HTTP2Frame(.ping, Bytes(repeating: 1, count: 8)))
          try #require(try client.next() != nil)
          usleep(20_000)
        }
      }
      #expect(took < 3 * Deadline.patience && client.goAways[0].goAwayCode == HTTP2Code.noError)
    }
  }

  @Test("a head that does not come to its end is not waited for")
  func slowHead() throws {
    try withHTTP2(new: .always(200), "--header-timeout", "300ms") { _, client in
      try client.send(HTTP2Frame(.headers, stream: 1, HTTP2Client.section(HTTP2Client.head("/"))))
      try client.readToEnd(.after(4))
    }
  }

  @Test("a request that comes while what served the last one is given back is not lost")
  func rests() throws {
    try withHTTP2(new: .always(200)) { relevo, client in
      try client.request(1, "/")
      #expect(try client.answer(1).status == 200)
      // Meanwhile the request comes and the rest ends: the loop finds both at once.
      relevo.process.signal(SIGSTOP)
      try client.request(3, "/")
      usleep(500_000)
      relevo.process.signal(SIGCONT)
      #expect(try client.answer(3).status == 200)
    }
  }

  @Test("a stream that waits for others is not idle")
  func queued() throws {
    try withHTTP2(new: .always(200, String(repeating: "x", count: 400_000)), "--idle-timeout", "400ms") {
      _, client in
      client.opensWindows = false
      try client.send(HTTP2Frame(.settings, [0, 4, 0x7F, 0xFF, 0xFF, 0xFF]))
      try client.request(1, "/a")
      try client.request(3, "/b")
      // The connection's window opens slowly, and what it lets pass is the first stream's.
      for _ in 0..<15 {
        usleep(100_000)
        try client.send(HTTP2Frame(.windowUpdate, stream: 0, HTTP2Frame.bytes(8_192)))
        try client.ping()
      }
      #expect(client.answers.values.allSatisfy { $0.resetCode == nil && !$0.isWhole })
      try client.send(HTTP2Frame(.windowUpdate, stream: 0, HTTP2Frame.bytes(1 << 20)))
      for stream: UInt32 in [1, 3] { #expect(try client.answer(stream).body.count == 400_000) }
    }
  }

  @Test("a client that reads nothing at all is left, with the origins that work for it")
  func stuck() throws {
    let new = try ScriptedOrigin { exchange in
      try exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
      for _ in 0..<1_500 { try exchange.send(Bytes(repeating: 7, count: 65_536), .after(2)) }
    }
    try withHTTP2(new: new, "--idle-timeout", "500ms") { relevo, client in
      try client.send(HTTP2Frame(.windowUpdate, stream: 0, HTTP2Frame.bytes(1 << 30)))
      try client.send(HTTP2Frame(.settings, [0, 4, 0x7F, 0xFF, 0xFF, 0xFF]))
      try client.request(1, "/")
      let line = try relevo.process.output.wait("a log line", .after(10)) { $0.contains("GET / ") }[0]
      #expect(line.contains("client-gone"), "\(line)")
      try new.waitUntilConnectionsAre(0)
    }
  }

  // MARK: Stopping and reloading

  @Test("a stop lets requests end that are under way, and takes those that cross it")
  func drain() throws {
    let gate = Gate()
    let new = try ScriptedOrigin { exchange in
      if exchange.target == "/slow" { try gate.wait() }
      try exchange.answer(200, "page")
    }
    let relevo = try Relevo(new: [new], old: [ScriptedOrigin.always(404)], flags: ["--h2c"])
    let client = try HTTP2Client(relevo.port)
    try client.request(1, "/slow")
    _ = try new.request()
    relevo.process.signal(SIGTERM)
    try client.wait { $0.kind == HTTP2Frame.Kind.goAway.rawValue }
    try client.request(3, "/crossed")
    #expect(try client.answer(3).body.text == "page")
    gate.open()
    #expect(try client.answer(1).body.text == "page")
    try client.readToEnd()
    client.client.close()
    #expect(client.goAways.map(\.goAwayCode) == [0, 0])
    #expect(try relevo.process.wait() == .code(0))
  }

  @Test("the settings of a reload hold for the next stream of a connection that is open")
  func reload() throws {
    let folder = try TemporaryFolder()
    try folder.write("rules", "")
    let old = try ScriptedOrigin.always(200, "old")
    try withRelevo(
      new: [ScriptedOrigin.always(200, "new")], old: [old],
      flags: ["--h2c", "--rules-file", folder.path("rules")]
    ) { relevo in
      let client = try HTTP2Client(relevo.port)
      try client.request(1, "/a")
      #expect(try client.answer(1).body.text == "new")
      try folder.write("rules", "always-old /a\n")
      relevo.process.signal(SIGHUP)
      var stream: UInt32 = 3
      let isOld = try eventually {
        try client.request(stream, "/a")
        defer { stream += 2 }
        return try client.answer(stream).body.text == "old"
      }
      #expect(isOld)
    }
  }
}

extension HTTP2Client {
  /// A request of its own is answered.
  fileprivate var isServed: Bool {
    get throws {
      try request(1, "/")
      return try answer(1).status == 200
    }
  }
}
