import HTTP1
import Testing

@testable import Proxy

@Suite("the head of a forwarded answer")
struct AnswerWriterTests {
  private static let old = AnswerSource.old(
    AnswerSource.Old(
      address: OldAddress(
        server: HostAndPort(Array("10.0.0.5".utf8)), host: HostAndPort(Array("old.internal:81".utf8))),
      cookies: nil))

  /// The head that the client gets for `message`.
  private func forward(
    _ message: String, chunked: Bool = false, connection: StaticString? = nil, route: Route? = nil,
    rewriting: Bool = false, scheme: Scheme = .http
  ) throws -> String {
    try withAnswer(message) { head, fields, bytes in
      var writer = ByteWriter(capacity: 16)
      AnswerWriter.write(
        head, fields: fields, bytes: bytes,
        shape: AnswerShape(isChunked: chunked, connection: connection, route: route, publicScheme: scheme),
        source: rewriting ? Self.old : .new(nil),
        publicAuthority: Array("www.example".utf8).span.bytes, into: &writer)
      return text(writer)
    }
  }

  @Test("keeps reason, order, case, duplicates and white space byte for byte")
  func keepsFields() throws {
    let message =
      "HTTP/1.1 404 Not  Here\r\nserver:nginx\r\nSet-Cookie: b\r\nX: \t1 \r\nSet-Cookie: a\r\n"
      + "Content-Length: 5\r\nDate: x\r\n\r\n"
    #expect(try forward(message) == message)
  }

  @Test(
    "has a status line of HTTP/1.1 with a space behind the status, whatever the origin's",
    arguments: [
      ("HTTP/1.0 200 OK", "HTTP/1.1 200 OK"), ("HTTP/1.1 200", "HTTP/1.1 200 "),
      ("HTTP/1.1 200 ", "HTTP/1.1 200 "), ("HTTP/1.1 599 x y", "HTTP/1.1 599 x y"),
    ])
  func writesStatusLine(_ line: String, _ expected: String) throws {
    #expect(
      try forward("\(line)\r\nContent-Length: 0\r\n\r\n") == "\(expected)\r\nContent-Length: 0\r\n\r\n")
  }

  @Test("leaves out what is about the origin's connection, and what Connection names")
  func dropsHopByHop() throws {
    let message =
      "HTTP/1.1 200 OK\r\nA: 1\r\nConnection: close, X-Hop\r\nKeep-Alive: timeout=5\r\nx-hop: 1\r\n"
      + "B: 2\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\nUpgrade: h2\r\nC: 3\r\n\r\n"
    #expect(try forward(message) == "HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n")
  }

  @Test("says itself how the body comes, what the connection does and who answered")
  func writesShape() throws {
    let message = "HTTP/1.1 200 OK\r\nA: 1\r\n\r\n"
    #expect(
      try forward(message, chunked: true, connection: "close", route: .oldAfterMiss)
        == "HTTP/1.1 200 OK\r\nA: 1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
        + "X-Relevo-Route: old-fallback\r\n\r\n")
    #expect(
      try forward(message, connection: "keep-alive")
        == "HTTP/1.1 200 OK\r\nA: 1\r\nConnection: keep-alive\r\n\r\n")
  }

  @Test(
    "names each route",
    arguments: zip(
      [Route.new, .oldAfterMiss, .oldFromMap, .held, .own], ["new", "old-fallback", "old-map", "held", "-"]))
  func namesRoutes(_ route: Route, _ name: String) throws {
    #expect(
      try forward("HTTP/1.1 200 OK\r\n\r\n", route: route)
        == "HTTP/1.1 200 OK\r\nX-Relevo-Route: \(name)\r\n\r\n")
  }

  @Test("drops a Content-Length where there is no content to measure", arguments: [100, 103, 204])
  func dropsContentLength(_ status: Int) throws {
    #expect(
      try forward("HTTP/1.1 \(status) X\r\nA: 1\r\nContent-Length: 5\r\nB: 2\r\n\r\n")
        == "HTTP/1.1 \(status) X\r\nA: 1\r\nB: 2\r\n\r\n")
  }

  @Test("keeps the Content-Length that tells a length without sending it", arguments: [200, 205, 304])
  func keepsContentLength(_ status: Int) throws {
    let message = "HTTP/1.1 \(status) X\r\nContent-Length: 5\r\n\r\n"
    #expect(try forward(message) == message)
  }

  @Test("passes a switch of protocols on")
  func writesUpgrade() throws {
    #expect(
      try forward("HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nA: 1\r\n\r\n")
        == "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nA: 1\r\nConnection: upgrade\r\n\r\n")
  }

  static let locations: [(String, String)] = [
    ("Location: http://old.internal:81/a?b#c", "Location: http://www.example/a?b#c"),
    ("location:http://OLD.Internal:81/", "location:http://www.example/"),
    ("LOCATION:  https://10.0.0.5", "LOCATION:  https://www.example"),
    ("Location: //10.0.0.5/a", "Location: //www.example/a"),
    ("Content-Location: http://10.0.0.5?q", "Content-Location: http://www.example?q"),
  ]

  @Test("names the public address where the old server named its own", arguments: locations)
  func rewritesLocation(_ line: String, _ expected: String) throws {
    #expect(
      try forward("HTTP/1.1 302 Found\r\nA: 1\r\n\(line)\r\nB: 2\r\n\r\n", rewriting: true)
        == "HTTP/1.1 302 Found\r\nA: 1\r\n\(expected)\r\nB: 2\r\n\r\n")
  }

  @Test(
    "names the public scheme with it when that is https",
    arguments: [
      ("Location: http://old.internal:81/a", "Location: https://www.example/a"),
      ("Location: HTTP://10.0.0.5/", "Location: HTTPs://www.example/"),
      ("Location: https://10.0.0.5/", "Location: https://www.example/"),
      ("Location: //10.0.0.5/a", "Location: //www.example/a"),
      ("Location: http://elsewhere.example/", "Location: http://elsewhere.example/"),
    ])
  func rewritesScheme(_ line: String, _ expected: String) throws {
    #expect(
      try forward("HTTP/1.1 302 Found\r\nA: 1\r\n\(line)\r\nB: 2\r\n\r\n", rewriting: true, scheme: .https)
        == "HTTP/1.1 302 Found\r\nA: 1\r\n\(expected)\r\nB: 2\r\n\r\n")
  }

  @Test(
    "leaves every other place as it is",
    arguments: [
      "Location: /a", "Location: http://elsewhere.example/old.internal:81/", "Location: http://old.internal/",
      "Location: http://old.internal:811/a", "Location: http://10.0.0.55/a", "Location: a", "Location:",
      "Location: ?http://10.0.0.5/", "Location: http://10.0.0.5@evil.example/", "Refresh: http://10.0.0.5/",
    ])
  func keepsLocation(_ line: String) throws {
    let message = "HTTP/1.1 302 Found\r\n\(line)\r\nContent-Length: 0\r\n\r\n"
    #expect(try forward(message, rewriting: true) == message)
  }

  @Test("leaves the old server's address when it is told of none")
  func rewritesNothing() throws {
    let message = "HTTP/1.1 302 Found\r\nLocation: http://10.0.0.5/\r\nContent-Length: 0\r\n\r\n"
    #expect(try forward(message) == message)
  }
}

@Suite("an answer of Relevo's own")
struct OwnAnswerTests {
  private func write(
    _ answer: OwnAnswer, isHead: Bool = false, closes: Bool = false, route: Route? = nil
  ) -> String {
    var writer = ByteWriter(capacity: 16)
    answer.write(isHead: isHead, closes: closes, route: route, into: &writer)
    return text(writer)
  }

  @Test("says what went wrong, and may not be cached")
  func writes() {
    #expect(
      write(OwnAnswer(status: 502, text: "The origin failed: é."))
        == "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 23\r\n"
        + "Cache-Control: no-store\r\n\r\nThe origin failed: é.\n")
  }

  @Test("says when to ask again, that it closes, and whose answer it is")
  func writesFields() {
    #expect(
      write(OwnAnswer(status: 503, text: "x", retryAfterSeconds: 10), closes: true, route: .own)
        == "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
        + "Content-Length: 2\r\nCache-Control: no-store\r\nRetry-After: 10\r\nConnection: close\r\n"
        + "X-Relevo-Route: -\r\n\r\nx\n")
  }

  @Test("has the head of a GET's answer, and no more, for HEAD")
  func writesHead() {
    let answer = OwnAnswer(status: 504, text: "slow")
    let whole = write(answer)
    #expect(whole.hasSuffix("\r\n\r\nslow\n"))
    #expect(write(answer, isHead: true) == String(whole.dropLast("slow\n".count)))
  }

  @Test(
    "has the reason of RFC 9110 and RFC 6585",
    arguments: [
      (400, "Bad Request"), (408, "Request Timeout"), (414, "URI Too Long"),
      (431, "Request Header Fields Too Large"), (500, "Internal Server Error"), (501, "Not Implemented"),
      (502, "Bad Gateway"), (503, "Service Unavailable"), (504, "Gateway Timeout"),
      (505, "HTTP Version Not Supported"),
    ] as [(UInt16, String)])
  func hasReason(_ status: UInt16, _ reason: String) {
    #expect(write(OwnAnswer(status: status, text: "")).hasPrefix("HTTP/1.1 \(status) \(reason)\r\n"))
  }
}
