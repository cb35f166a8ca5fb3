import Foundation
import Testing

/// The harness against itself: client and scripted origin with nothing between them.
@Suite("The harness of these tests")
struct HarnessTests {
  @Test("an origin records exactly the bytes that were sent, per request and connection")
  func records() throws {
    let origin = try ScriptedOrigin.pages(["/a": "page"])
    let client = try Client(origin.port)
    let bytes = "POST /a HTTP/1.1\r\nHost:  x \r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 3\r\n\r\nabc"
    try client.send(bytes)
    let answer = try client.answer()
    #expect(answer.exact == "HTTP/1.1 200 Status\r\nContent-Length: 4\r\n\r\npage")
    #expect(try client.get("/b").status == 404)
    #expect(try Client(origin.port).get("/c").status == 404)
    let requests = origin.requests
    #expect(requests.map(\.connection) == [1, 1, 2])
    #expect(requests.map(\.number) == [1, 2, 1])
    #expect(requests[0].head.bytes + requests[0].body == Bytes(text: bytes))
    #expect(requests[0].head.values("X-A") == ["1", "2"])
    #expect(requests[0].isComplete)
    #expect(origin.connections == 2)
    #expect(origin.failures.isEmpty)
  }

  @Test("chunked bodies are read both ways, and a broken chunk is noticed")
  func chunked() throws {
    let origin = try ScriptedOrigin { exchange in
      let body = try exchange.readBody()
      try exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
      try exchange.send(
        body.asChunk + Bytes(text: exchange.target == "/broken" ? "zz\r\n" : "0\r\nT: 1\r\n\r\n"))
    }
    let client = try Client(origin.port)
    try client.send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    let answer = try client.answer()
    #expect(answer.text == "abcde")
    #expect(answer.trailers == ["T: 1"])
    try client.send("POST /broken HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n")
    #expect(throws: HarnessError.self) { try client.answer() }
  }

  @Test("a waiting client gives up at its deadline")
  func deadline() throws {
    let gate = Gate()
    let origin = try ScriptedOrigin { _ in try gate.wait() }
    let client = try Client(origin.port)
    try client.request("/")
    let time = seconds {
      #expect(throws: HarnessError.self) { try client.answer(.after(0.3)) }
    }
    #expect(time >= 0.3)
    gate.open()
  }

  @Test("an origin can reset, close, half-close, and close in the middle of a body")
  func endings() throws {
    let origin = try ScriptedOrigin { exchange in
      switch exchange.target {
      case "/reset": exchange.reset()
      case "/half":
        try exchange.send("HTTP/1.1 200 OK\r\n\r\nend")
        exchange.halfClose()
        try exchange.waitForClose()
      case "/middle":
        try exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfour")
        exchange.close()
      default: exchange.close()
      }
    }
    #expect(throws: HarnessError.self) { try Client(origin.port).get("/reset") }
    #expect(throws: HarnessError.self) { try Client(origin.port).get("/close") }
    #expect(throws: HarnessError.self) { try Client(origin.port).get("/middle") }
    #expect(try Client(origin.port).get("/half").text == "end")
  }

  @Test("a stopped origin refuses, and serves again on the same port after its start")
  func stopAndStart() throws {
    let origin = try ScriptedOrigin.always(200, "up")
    #expect(try Client(origin.port).get("/").text == "up")
    try origin.stop()
    #expect(throws: HarnessError.self) { try Client(origin.port) }
    try origin.start()
    #expect(try Client(origin.port).get("/").text == "up")
  }

  @Test("a refused port refuses, and a stalled port neither accepts nor refuses")
  func badPorts() throws {
    let refused = try RefusedPort()
    #expect { try Socket.connected(to: refused.port) } throws: { "\($0)".contains("refused") }
    let stalled = try StalledPort()
    #expect { try Socket.connected(to: stalled.port, .after(0.3)) } throws: { "\($0)".contains("deadline") }
    withExtendedLifetime((refused, stalled)) {}
  }

  @Test("a child's output, errors, exit status, signal and memory are seen")
  func children() throws {
    let shell = try ChildProcess(
      "/bin/sh", ["-c", "echo $RELEVO_X; echo two; echo bad >&2; exit 7"], environment: ["RELEVO_X": "one"])
    #expect(try shell.wait() == .code(7))
    #expect(try shell.output.untilEnd() == ["one", "two"])
    #expect(try shell.errors.untilEnd() == ["bad"])
    let sleeper = try ChildProcess("/bin/sleep", ["60"])
    #expect(try sleeper.peakMB < 100)
    #expect(sleeper.isRunning)
    sleeper.signal(SIGKILL)
    #expect(try sleeper.wait() == .signal(SIGKILL))
  }

  @Test("nginx, curl and wrk can be started and read")
  func realServers() throws {
    let server = try RealServer(pages: ["a.html": Bytes(text: "from nginx")])
    let output = try Tools.curl("-w", " %{http_code}", "\(server.url)/a.html", "\(server.url)/b.html")
    #expect(output.text.hasPrefix("from nginx 200"))
    let log = try server.entries(atLeast: 2)
    #expect(log.map(\.status) == [200, 404])
    #expect(log.map(\.number) == [1, 2])
    #expect(log[0].connection == log[1].connection)
    #expect(try Tools.wrk("\(server.url)/a.html", connections: 2, seconds: 1).text.contains("Requests/sec"))
  }
}
