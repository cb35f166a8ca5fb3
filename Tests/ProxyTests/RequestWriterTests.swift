import HTTP1
import Testing

@testable import Proxy

@Suite("the head of a forwarded request")
struct RequestWriterTests {
  /// The head that an origin gets for `message`.
  private func forward(
    _ message: String, host: String? = nil, refusesCodings: Bool = false, isProbe: Bool = false,
    forwarded: Bool = false, via: Bool = false, peer: String = "192.0.2.7", trusted: Bool = false
  ) throws -> String {
    let peer = try peerNamed(peer, trusted: trusted)
    return try withRequest(message) { head, fields, bytes in
      var writer = ByteWriter(capacity: 16)
      RequestWriter.write(
        head, fields: fields, bytes: bytes,
        shape: RequestShape(
          host: host.map { Array($0.utf8) }, refusesCodings: refusesCodings, isProbe: isProbe),
        fallbackHost: Array("origin.internal:81".utf8),
        sender: sender(peer, of: message, fields, trusted: trusted),
        policy: ForwardingPolicy(writesForwarded: forwarded, writesVia: via), into: &writer)
      return text(writer)
    }
  }

  @Test("keeps order, case, duplicates and white space byte for byte")
  func keepsFields() throws {
    let message =
      "GET /A%2fb//../c;d?e=%zz&&f HTTP/1.1\r\nx-b:1\r\nHost: New.Example\r\nX-A:  two  \r\nX-B: 3\r\n"
      + "accept:\r\nCookie: a=b; c=d\r\nX-A: two\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    #expect(try forward(message) == message)
  }

  @Test(
    "keeps methods that nobody knows and says HTTP/1.1 for a client of 1.0",
    arguments: ["PURGE", "PROPFIND", "get", "M-SEARCH"])
  func keepsMethods(_ method: String) throws {
    #expect(
      try forward("\(method) /a HTTP/1.0\r\nHost: h\r\n\r\n") == "\(method) /a HTTP/1.1\r\nHost: h\r\n\r\n")
  }

  @Test(
    "asks for a body without coding in place of what the client takes, where the body is to be looked into")
  func refusesCodings() throws {
    let message =
      "GET / HTTP/1.1\r\nHost: h\r\nACCEPT-encoding: gzip\r\nAccept: a\r\nAccept-Encoding: br\r\nX: 1\r\n\r\n"
    #expect(
      try forward(message, refusesCodings: true)
        == "GET / HTTP/1.1\r\nHost: h\r\nAccept: a\r\nX: 1\r\nAccept-Encoding: identity\r\n\r\n")
  }

  @Test("asks by HEAD whether a page is there, without what belongs to a body, a range or a condition")
  func probes() throws {
    let message =
      "POST /a?b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Type: a\r\nCONTENT-ENCODING: b\r\nif-match: *\r\n"
      + "Range: bytes=0-\r\nExpect: 100-continue\r\nAccept-Encoding: gzip\r\nX-If-Range: 1\r\nContents: 2\r\n\r\n"
    #expect(
      try forward(message, isProbe: true)
        == "HEAD /a?b HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\nX-If-Range: 1\r\nContents: 2\r\n\r\n")
  }

  static let targets: [(String, String)] = [
    ("GET /a?b HTTP/1.1\r\nHost: h", "GET /a?b HTTP/1.1\r\nHost: h"),
    ("GET http://New.Example:81/a?b HTTP/1.1\r\nHost: h", "GET /a?b HTTP/1.1\r\nHost: New.Example:81"),
    ("GET HTTP://n HTTP/1.1\r\nHost: h", "GET / HTTP/1.1\r\nHost: n"),
    ("OPTIONS http://n HTTP/1.1\r\nHost: h", "OPTIONS * HTTP/1.1\r\nHost: n"),
    ("OPTIONS * HTTP/1.1\r\nHost: h", "OPTIONS * HTTP/1.1\r\nHost: h"),
    ("OPTIONS /a HTTP/1.1\r\nHost: h", "OPTIONS /a HTTP/1.1\r\nHost: h"),
    ("GET / HTTP/1.0", "GET / HTTP/1.1\r\nHost: origin.internal:81"),
  ]

  @Test("names the target in origin form, and the host that the client meant", arguments: targets)
  func writesTarget(_ message: String, _ expected: String) throws {
    #expect(try forward(message + "\r\n\r\n") == expected + "\r\n\r\n")
  }

  @Test(
    "names the host that the old server wants, in the client's place for it",
    arguments: [
      ("GET /a HTTP/1.1\r\nX: 1\r\nHost: h\r\nY: 2", "GET /a HTTP/1.1\r\nX: 1\r\nHost: old:82\r\nY: 2"),
      ("GET http://n/a HTTP/1.1\r\nHost: h", "GET /a HTTP/1.1\r\nHost: old:82"),
      ("GET / HTTP/1.0\r\nX: 1", "GET / HTTP/1.1\r\nX: 1\r\nHost: old:82"),
    ])
  func overridesHost(_ message: String, _ expected: String) throws {
    #expect(try forward(message + "\r\n\r\n", host: "old:82") == expected + "\r\n\r\n")
  }

  @Test("leaves out what is about the client's connection, and what Connection names")
  func dropsHopByHop() throws {
    let message =
      "GET / HTTP/1.1\r\nA: 1\r\nConnection: close, X-Hop\r\nKeep-Alive: 5\r\nHost: h\r\n"
      + "Proxy-Connection: keep-alive\r\nx-hop: 1\r\nB: 2\r\nTE: trailers\r\nTrailer: T\r\nX-Hop2: 3\r\n"
      + "Upgrade: h2c\r\nX-HOP: 2\r\nC: 3\r\n\r\n"
    #expect(
      try forward(message) == "GET / HTTP/1.1\r\nA: 1\r\nHost: h\r\nB: 2\r\nX-Hop2: 3\r\nC: 3\r\n\r\n")
  }

  @Test("says itself that the body is chunked")
  func writesChunked() throws {
    let message = "POST / HTTP/1.1\r\nHost: h\r\ntransfer-encoding:  Chunked\r\nA: 1\r\n\r\n"
    #expect(
      try forward(message) == "POST / HTTP/1.1\r\nHost: h\r\nA: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
  }

  @Test("passes an upgrade on, with a Connection that names nothing else")
  func writesUpgrade() throws {
    let message =
      "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, X-Hop, Upgrade\r\n"
      + "X-Hop: 1\r\nSec-WebSocket-Version: 13\r\n\r\n"
    #expect(
      try forward(message)
        == "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        + "Connection: upgrade\r\n\r\n")
  }

  static let claims = [
    "X-Forwarded-For: 198.51.100.1, ::1\r\nA: 1\r\n", "x-forwarded-for: a\r\nX-FORWARDED-FOR:\r\nA: 1\r\n",
    "X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nA: 1\r\n",
    "A: 1\r\nForwarded: for=198.51.100.1\r\n",
    "X-Real-IP: 198.51.100.1\r\nA: 1\r\nx-forwarded-port: 443\r\nX-Forwarded-Prefix: /a\r\nX-Forwarded-Ssl: on\r\n",
    "X_Forwarded_For: 198.51.100.1\r\nx-forwarded_proto: https\r\nA: 1\r\nX_REAL-IP: 198.51.100.1\r\n",
    "A: 1\r\n",
  ]

  @Test("names the peer, and drops what it says of others unless it is trusted", arguments: claims)
  func writesForwarded(_ fields: String) throws {
    #expect(
      try forward("GET / HTTP/1.1\r\nHost: h:8080\r\n\(fields)\r\n", forwarded: true)
        == "GET / HTTP/1.1\r\nHost: h:8080\r\nA: 1\r\nX-Forwarded-For: 192.0.2.7\r\n"
        + "X-Forwarded-Proto: http\r\nX-Forwarded-Host: h:8080\r\n\r\n")
    #expect(
      try forward("GET / HTTP/1.1\r\nHost: h\r\n\(fields)\r\n") == "GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\n\r\n"
    )
  }

  static let trustedClaims: [(String, String)] = [
    ("A: 1\r\n", "A: 1\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\n"),
    (
      "x-forwarded-for: a\r\nX-FORWARDED-FOR:\r\nA: 1\r\nX-Forwarded-For: b, ::1\r\n",
      "A: 1\r\nX-Forwarded-For: a, b, ::1, 192.0.2.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\n"
    ),
    (
      "X-Forwarded-Host: public\r\nX-Forwarded-Proto: HTTPS\r\nA: 1\r\n",
      "X-Forwarded-Host: public\r\nA: 1\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n"
    ),
    (
      "X-Forwarded-Proto: https\r\nX-Forwarded-Proto: https ,\thttp\r\n",
      "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\n"
    ),
    (
      "X-Forwarded-Proto: wss\r\nX-Forwarded-Proto: gopher\r\n",
      "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: h\r\n"
    ),
    (
      "Forwarded: for=a\r\nX-Real-IP: b\r\nX-Forwarded-Port: 443\r\nX_Forwarded_For: c\r\n",
      "Forwarded: for=a\r\nX-Real-IP: b\r\nX-Forwarded-Port: 443\r\nX-Forwarded-For: 192.0.2.7\r\n"
        + "X-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\n"
    ),
    (
      "Connection: X-Forwarded-Host\r\nX-Forwarded-Host: evil\r\n",
      "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\n"
    ),
  ]

  @Test(
    "adds a trusted peer to the chain that it sends, and passes its scheme and host on",
    arguments: trustedClaims)
  func believesTrusted(_ fields: String, _ expected: String) throws {
    #expect(
      try forward("GET / HTTP/1.1\r\nHost: h\r\n\(fields)\r\n", forwarded: true, trusted: true)
        == "GET / HTTP/1.1\r\nHost: h\r\n\(expected)\r\n")
  }

  @Test("gives a unix socket's client no address, and keeps the chain of a trusted one")
  func unixPeer() throws {
    let end = "X-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\n\r\n"
    let request = "GET / HTTP/1.1\r\nHost: h\r\n"
    #expect(
      try forward(request + "X-Forwarded-For: a\r\n\r\n", forwarded: true, peer: "unix") == request + end)
    #expect(try forward(request + "\r\n", forwarded: true, peer: "unix", trusted: true) == request + end)
    #expect(
      try forward(request + "X-Forwarded-For: a\r\n\r\n", forwarded: true, peer: "unix", trusted: true)
        == request + "X-Forwarded-For: a\r\n" + end)
  }

  @Test("names the client's host in X-Forwarded-Host whatever the origin is sent")
  func forwardsHost() throws {
    #expect(
      try forward("GET http://n/ HTTP/1.1\r\nHost: h\r\n\r\n", host: "old", forwarded: true)
        == "GET / HTTP/1.1\r\nHost: old\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\n"
        + "X-Forwarded-Host: n\r\n\r\n")
    #expect(
      try forward("GET / HTTP/1.0\r\n\r\n", forwarded: true)
        == "GET / HTTP/1.1\r\nHost: origin.internal:81\r\nX-Forwarded-For: 192.0.2.7\r\n"
        + "X-Forwarded-Proto: http\r\n\r\n")
  }

  @Test("leaves the X-Forwarded fields of a trusted peer as they came when it is told not to write them")
  func keepsForwarded() throws {
    let message =
      "GET / HTTP/1.1\r\nX-Forwarded-For: a\r\nHost: h\r\nx-forwarded-host: b\r\nX-Forwarded-Proto: c\r\n\r\n"
    #expect(try forward(message, trusted: true) == message)
  }

  @Test("adds itself to Via, behind those before it")
  func writesVia() throws {
    #expect(
      try forward("GET / HTTP/1.1\r\nVia: 1.0 a\r\nHost: h\r\n\r\n", via: true)
        == "GET / HTTP/1.1\r\nVia: 1.0 a\r\nHost: h\r\nVia: 1.1 relevo\r\n\r\n")
  }

  @Test("begins with the method when an empty line came before it")
  func skipsEmptyLine() throws {
    #expect(try forward("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n") == "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
  }
}
