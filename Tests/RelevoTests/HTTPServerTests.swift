import Dispatch
import EventLoop
import Testing

@testable import relevo

/// Runs an `HTTPServer` on a thread of its own while `body` talks to its port.
private func withServer<T>(
  limits: HTTPServer.Limits = HTTPServer.Limits(),
  handler: @escaping @Sendable (HTTPServerRequest) -> HTTPServerResponse, _ body: (UInt16) throws -> T
) throws -> T {
  let shared = Shared()
  let stop = try Mailbox<Bool>()
  let started = DispatchSemaphore(value: 0)
  let ended = DispatchSemaphore(value: 0)
  try LoopThread(name: "http-server") {
    defer { ended.signal() }
    do {
      let loop = try EventLoop()
      let receiver = try stop.attach(to: loop) { _ in loop.stop() }
      let server = try HTTPServer(loop: loop, limits: limits, handler: handler)
      let chosen = try server.listen(host: "127.0.0.1", port: 0)
      shared.port.withLock { $0 = chosen }
      started.signal()
      withExtendedLifetime((receiver, server)) { loop.run() }
    } catch {
      started.signal()
    }
  }.detach()
  started.wait()
  defer {
    stop.send(true)
    ended.wait()
  }
  return try body(shared.port.withLock { $0 })
}

private final class Shared: Sendable {
  let port = Locked<UInt16>(0)
}

/// Answers the same whatever it is asked.
private func answering(_ response: HTTPServerResponse) -> @Sendable (HTTPServerRequest) -> HTTPServerResponse
{
  { _ in response }
}

/// Answers with what it was asked.
private let echo: @Sendable (HTTPServerRequest) -> HTTPServerResponse = { request in
  let fields = request.headers.map { "\($0.name)=\($0.value)" }.joined(separator: ";")
  let body = String(decoding: request.body, as: UTF8.self)
  return HTTPServerResponse(
    status: 200,
    text: "\(request.method)|\(request.path)|\(request.query ?? "-")|\(fields)|\(body)")
}

@Suite("the HTTP server over evhttp")
struct HTTPServerTests {
  @Test("hands over method, target, fields in order and body, and frames the answer")
  func echoes() throws {
    let answer = try withServer(handler: echo) { port in
      try exchange(
        port: port,
        sending: "POST /a%20b?x=1&y HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 5\r\n"
          + "Connection: close\r\n\r\nhello")
    }
    let body = "POST|/a%20b|x=1&y|Host=h;X-A=1;x-a=2;Content-Length=5;Connection=close|hello"
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"))
    #expect(answer.contains("\r\nContent-Length: \(body.utf8.count)\r\n"))
    #expect(answer.hasSuffix("\r\n\r\n\(body)"))
  }

  @Test("a field is found whatever its case, and a target without ? has no query")
  func lookUp() {
    let request = HTTPServerRequest(method: "GET", target: "/a", headers: [("Host", "h"), ("HOST", "i")])
    #expect(request.header("host") == "h")
    #expect(request.header("x") == nil)
    #expect(request.query == nil)
  }

  @Test("serves one request after the other on a connection")
  func keepAlive() throws {
    let answers = try withServer(handler: echo) { port in
      try exchange(
        port: port,
        sending: "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    }
    #expect(answers.contains("GET|/1|"))
    #expect(answers.contains("GET|/2|"))
  }

  @Test("HEAD gets the length of the body that GET would get, and no body")
  func head() throws {
    let handler = answering(HTTPServerResponse(text: "twelve bytes"))
    let answer = try withServer(handler: handler) { port in
      try exchange(port: port, sending: "HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    }
    #expect(answer.contains("\r\nContent-Length: 12\r\n"))
    #expect(answer.hasSuffix("\r\n\r\n"))
  }

  @Test("a status without a body is sent without one")
  func noContent() throws {
    let answer = try withServer(handler: answering(HTTPServerResponse(status: 204, body: []))) { port in
      try exchange(port: port, sending: "DELETE /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    }
    #expect(answer.hasPrefix("HTTP/1.1 204 No Content\r\n"))
    #expect(!answer.contains("Content-Length"))
  }

  @Test("a header field that would break out of its line is answered with 500 instead")
  func headerInjection() throws {
    let split = HTTPServerResponse(headers: [("X-A", "1\r\nSet-Cookie: x")], body: Array("page".utf8))
    let answer = try withServer(handler: answering(split)) { port in
      try exchange(port: port, sending: "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    }
    #expect(answer.hasPrefix("HTTP/1.1 500 "))
    #expect(!answer.contains("Set-Cookie"))
    #expect(!answer.contains("page"))
  }

  @Test("a body past the limit is refused with 413, a head past the limit with 400, before the handler")
  func limits() throws {
    let limits = HTTPServer.Limits(headerBytes: 512, bodyBytes: 16)
    try withServer(limits: limits, handler: echo) { port in
      let large = String(repeating: "x", count: 17)
      let body = try exchange(
        port: port, sending: "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 17\r\n\r\n\(large)")
      #expect(body.hasPrefix("HTTP/1.1 413 "))
      let field = String(repeating: "y", count: 600)
      let head = try exchange(port: port, sending: "GET / HTTP/1.1\r\nHost: h\r\nX: \(field)\r\n\r\n")
      #expect(head.hasPrefix("HTTP/1.1 4"))
      #expect(!head.contains("GET|"))
    }
  }

  @Test("a method that evhttp does not know is answered with 501")
  func unknownMethod() throws {
    let answer = try withServer(handler: echo) { port in
      try exchange(port: port, sending: "PURGE / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    }
    #expect(answer.hasPrefix("HTTP/1.1 501 "))
  }

  @Test("a silent connection is closed after the timeout")
  func timeout() throws {
    let start = ContinuousClock.now
    let answer = try withServer(limits: HTTPServer.Limits(requestTime: .milliseconds(200)), handler: echo) {
      port in
      try exchange(port: port, sending: "GET / HT")
    }
    #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4"))
    #expect(ContinuousClock.now - start < .seconds(4))
  }

  @Test("a port that is taken is an error that says so")
  func portInUse() throws {
    try withServer(handler: echo) { port in
      let server = try HTTPServer(loop: EventLoop(), handler: echo)
      #expect(throws: EventLoopError.system(call: "bind 127.0.0.1 port \(port)", errno: 98)) {
        try server.listen(host: "127.0.0.1", port: port)
      }
    }
  }

  @Test("an answer's status outside 200 to 599 is sent as 500", arguments: [0, 100, 199, 600, -1])
  func statusRange(status: Int) {
    #expect(HTTPServerResponse(status: status, body: []).status == 500)
  }
}
