import Foundation
import Testing

/// Frames on the wire, of clients that know beforehand that HTTP/2 is spoken here.
@Suite("HTTP/2")
struct HTTP2Tests {
  @Test("a request reaches the origin as one of HTTP/1.1, cookies put together and the client named")
  func request() throws {
    let new = try ScriptedOrigin.always(200)
    try withHTTP2(new: new) { relevo, client in
      try client.request(
        1, "/a%20b?c=d",
        [("accept", "*/*"), ("cookie", "a=1"), ("te", "trailers"), ("cookie", "b=2"), ("x-empty", "")])
      #expect(try client.answer().status == 200)
      #expect(
        try new.request().head.bytes.text == """
          GET /a%20b?c=d HTTP/1.1\r
          Host: example.test\r
          accept: */*\r
          x-empty: \r
          Cookie: a=1; b=2\r
          X-Forwarded-For: 127.0.0.1\r
          X-Forwarded-Proto: http\r
          X-Forwarded-Host: example.test\r
          Via: 2.0 relevo\r
          \r

          """)
      let line = try relevo.process.output.wait("a log line") { $0.contains(" /a%20b?c=d ") }[0]
      #expect(line.contains(#""GET /a%20b?c=d HTTP/2.0" 200 0"#), "\(line)")
    }
  }

  @Test("an answer's fields come in small letters, without those of the origin's connection")
  func answer() throws {
    let new = try ScriptedOrigin.exactly(
      "HTTP/1.1 203 Fine\r\nX-Mixed-Case: Kept As It Is\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nConnection: X-Mine\r\n"
        + "X-Mine: no\r\nKeep-Alive: timeout=5\r\nContent-Length: 4\r\n\r\nbody")
    try withHTTP2(new: new, "--debug-headers") { _, client in
      try client.request(1, "/")
      let answer = try client.answer()
      #expect(
        answer.fields.map { "\($0.name): \($0.value)" } == [
          ":status: 203", "x-mixed-case: Kept As It Is", "set-cookie: a=1", "set-cookie: b=2",
          "content-length: 4", "x-relevo-route: new",
        ])
      #expect(answer.body.text == "body" && answer.isWhole)
    }
  }

  @Test(
    "a body ends with its last frame, however the origin ends it",
    arguments: [
      ("Content-Length: 6\r\n\r\nlength", "length"),
      (
        "Transfer-Encoding: chunked\r\n\r\n3\r\nchu\r\n4;x=y\r\nnked\r\n0\r\nX-Trailer: dropped\r\n\r\n",
        "chunked"
      ),
      ("Connection: close\r\n\r\nuntil the close", "until the close"),
      ("Content-Length: 0\r\n\r\n", ""),
      ("Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ""),
    ])
  func framing(rest: String, body: String) throws {
    let new = try ScriptedOrigin { exchange in
      try exchange.send("HTTP/1.1 200 OK\r\n" + rest)
      if rest.contains("close") { exchange.close() }
    }
    try withHTTP2(new: new) { _, client in
      for stream: UInt32 in [1, 3, 5] {
        try client.request(stream, "/")
        let answer = try client.answer(stream)
        #expect(answer.body.text == body && answer.isWhole && answer.resetCode == nil, "\(stream)")
        #expect(answer["transfer-encoding"] == nil)
      }
    }
  }

  @Test(
    "answers without a body end with their fields",
    arguments: [
      ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"), ("GET", "HTTP/1.1 204 No Content\r\n\r\n"),
      ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\nETag: \"e\"\r\n\r\n"),
    ])
  func withoutBody(method: String, head: String) throws {
    try withHTTP2(new: .exactly(head)) { _, client in
      try client.request(1, "/", method: method)
      let frame = try client.wait { $0.stream == 1 }
      #expect(frame.kind == HTTP2Frame.Kind.headers.rawValue && frame.endsStream)
    }
  }

  @Test("a body without length goes on in chunks, one with a length as it is, and trailers end it")
  func requestBody() throws {
    let new = try ScriptedOrigin { exchange in
      try exchange.readBody()
      try exchange.answer(200, "got it")
    }
    try withHTTP2(new: new) { _, client in
      try client.request(1, "/chunked", method: "POST", body: Bytes(text: "no length"))
      #expect(try client.answer().body.text == "got it")
      try client.request(3, "/length", [("content-length", "6")], method: "POST", body: Bytes(text: "length"))
      #expect(try client.answer(3).status == 200)
      try client.send(HTTP2Client.request(5, "/trailers", method: "PUT", ends: false))
      try client.send(Bytes(text: "with trailers"), on: 5, ends: false)
      try client.send(
        HTTP2Frame(
          .headers, flags: HTTP2Frame.endHeaders | HTTP2Frame.endStream, stream: 5,
          HTTP2Client.section([("x-checksum", "1")])))
      #expect(try client.answer(5).status == 200)
      let (chunked, length, trailers) = (try new.request(1), try new.request(2), try new.request(3))
      #expect(chunked["Transfer-Encoding"] == "chunked" && chunked.body.text == "no length")
      #expect(length["Content-Length"] == "6" && length["Transfer-Encoding"] == nil)
      #expect(length.body.text == "length")
      #expect(trailers.body.text == "with trailers" && trailers.isComplete && trailers.trailers.isEmpty)
    }
  }

  @Test("interim answers come before the final one, 100 only to who waits for it")
  func interim() throws {
    let new = try ScriptedOrigin { exchange in
      try exchange.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
      try exchange.readBody()
      try exchange.answer(200)
    }
    try withHTTP2(new: new) { _, client in
      try client.send(
        HTTP2Client.request(1, "/", [("expect", "100-continue")], method: "POST", ends: false))
      try client.wait { $0.stream == 1 }
      #expect(client.answers[1]?.interim.first?.first?.value == "100")
      try client.send(Bytes(text: "body"), on: 1)
      let answer = try client.answer()
      #expect(answer.interim.map { $0[0].value } == ["100", "103"] && answer.status == 200)
      #expect(answer.interim[1].contains { $0.name == "link" && $0.value == "</a.css>" })
      try client.request(3, "/")
      #expect(try client.answer(3).interim.map { $0[0].value } == ["103"])
    }
  }

  @Test("a miss is passed on with its body, the old site's page comes on the same stream, and the map learns")
  func fallback() throws {
    let new = try ScriptedOrigin.always(404, "not here")
    let old = try ScriptedOrigin { exchange in
      let body = try exchange.readBody()
      try exchange.answer(exchange.target == "/nowhere" ? 404 : 200, "old: \(body.text)")
    }
    try withHTTP2(new: new, old: old, "--debug-headers") { _, client in
      try client.request(1, "/form", method: "POST", body: Bytes(text: "kept"))
      let form = try client.answer()
      #expect(form.body.text == "old: kept" && form["x-relevo-route"] == "old-fallback")
      #expect(try old.request().method == "POST")
      usleep(50_000)
      try client.request(3, "/form")
      #expect(try client.answer(3)["x-relevo-route"] == "old-map")
      try client.request(5, "/nowhere")
      let nowhere = try client.answer(5)
      #expect(nowhere.status == 404 && nowhere.body.text == "not here" && nowhere["x-relevo-route"] == "held")
    }
  }

  @Test("streams do not wait for one another, and each gets its own answer")
  func concurrent() throws {
    let gate = Gate()
    let new = try ScriptedOrigin { exchange in
      if exchange.target == "/slow" { try gate.wait() }
      try exchange.answer(200, "page \(exchange.target)")
    }
    try withHTTP2(new: new) { _, client in
      try client.request(1, "/slow")
      let others = (1...60).map { UInt32($0 * 2 + 1) }
      try client.client.send(others.flatMap { HTTP2Client.request($0, "/\($0)").bytes })
      for stream in others { #expect(try client.answer(stream).body.text == "page /\(stream)") }
      gate.open()
      #expect(try client.answer(1).body.text == "page /slow")
    }
  }

  @Test("long bodies pass whole, many at a time")
  func long() throws {
    let image = Bytes.pattern(3_000_000)
    let new = try ScriptedOrigin { exchange in
      if exchange.method == "POST" {
        let body = try exchange.readBody()
        try exchange.answer(200, body == image ? "whole" : "\(body.count) other bytes")
      } else {
        try exchange.answer(200, image)
      }
    }
    try withHTTP2(
      new: new, "--http2-stream-window", "16m", "--http2-connection-window", "64m"
    ) { _, client in
      for stream: UInt32 in [1, 3, 5, 7] { try client.request(stream, "/") }
      for stream: UInt32 in [1, 3, 5, 7] { expectSame(try client.answer(stream, .after(20)).body, image) }
      try client.request(9, "/", method: "POST", body: image)
      #expect(try client.answer(9, .after(20)).body.text == "whole")
    }
  }

  @Test("a client that opens no window gets no more than fits, and stops the origin")
  func clientWindow() throws {
    let sent = Counter()
    let new = try ScriptedOrigin { exchange in
      guard exchange.target == "/endless" else { return try exchange.answer(200, "short") }
      try exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
      while sent.value < 100_000_000 {
        try exchange.send(Bytes(repeating: 7, count: 65_536), .after(1))
        sent.add(65_536)
      }
    }
    try withHTTP2(new: new, settings: [(4, 1_000)]) { _, client in
      client.opensWindows = false
      try client.request(1, "/endless")
      while client.answers[1]?.body.count ?? 0 < 1_000 { try #require(try client.next() != nil) }
      try client.request(3, "/short")
      #expect(try client.answer(3).body.text == "short", "others go on")
      usleep(300_000)
      try client.ping()
      #expect(client.answers[1]?.body.count == 1_000)
      #expect(sent.value < 20_000_000, "the kernel's buffers, and one block of Relevo's")
      try client.send(HTTP2Frame(.windowUpdate, stream: 1, HTTP2Frame.bytes(500)))
      while client.answers[1]?.body.count ?? 0 < 1_500 { try #require(try client.next() != nil) }
      try client.ping()
      #expect(client.answers[1]?.body.count == 1_500)
    }
  }

  @Test("an origin that takes no body lets no more of it come than fits, and others go on")
  func uploadWindow() throws {
    let gate = Gate()
    let new = try ScriptedOrigin { exchange in
      if exchange.target == "/stalls" { try gate.wait(.after(20)) }
      let body = try exchange.readBody(atLeast: .max, .after(20))
      try exchange.answer(200, "\(body.count)")
    }
    try withHTTP2(new: new, "--http2-stream-window", "64k") { _, client in
      try client.ping()
      try client.send(HTTP2Client.request(1, "/stalls", method: "POST", ends: false))
      let total = 40 << 20
      var sent = 0
      /// Sends what the windows allow, until they stay shut for a while.
      func fill() throws {
        while sent < total {
          let room = min(client.window(of: 1), client.window(of: 0), total - sent, 16_384)
          if room > 0 {
            try client.send(Bytes(repeating: 1, count: room), on: 1, ends: sent + room == total)
            sent += room
          } else {
            try client.ping()
            if client.window(of: 1) <= 0, client.client.stream.staysQuiet(forMs: 300) { return }
          }
        }
      }
      try fill()
      #expect(sent >= 65_536 && sent < total / 2, "\(sent): the kernel's buffers, and one window")
      try client.request(3, "/goes-on", method: "POST", body: Bytes(text: "short"))
      #expect(try client.answer(3).body.text == "5")
      gate.open()
      try fill()
      #expect(try client.answer(1, .after(20)).body.text == "\(total)")
    }
  }
}
