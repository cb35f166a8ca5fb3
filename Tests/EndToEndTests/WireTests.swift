import Foundation
import Testing

/// A request that is wrong, and the answers that may refuse it.
struct Malformed: Sendable, CustomTestStringConvertible {
  let name: String
  let bytes: Bytes
  let statuses: [Int]

  init(_ name: String, _ text: String, _ statuses: Int...) {
    (self.name, bytes, self.statuses) = (name, Bytes(text: text), statuses)
  }

  init(_ name: String, bytes: Bytes, _ statuses: Int...) {
    (self.name, self.bytes, self.statuses) = (name, bytes, statuses)
  }

  /// A GET with these field lines after its Host.
  static func field(_ name: String, _ lines: String, _ statuses: Int...) -> Malformed {
    var wrong = Malformed(name, "GET / HTTP/1.1\r\nHost: x\r\n\(lines)\r\n\r\n")
    wrong = Malformed(name, bytes: wrong.bytes, statuses)
    return wrong
  }

  private init(_ name: String, bytes: Bytes, _ statuses: [Int]) {
    (self.name, self.bytes, self.statuses) = (name, bytes, statuses)
  }

  /// A POST with these field lines after its Host, and a body that could be taken for a request.
  static func framing(_ name: String, _ lines: String, _ statuses: Int...) -> Malformed {
    let text =
      "POST / HTTP/1.1\r\nHost: x\r\n\(lines)\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    return Malformed(name, bytes: Bytes(text: text), statuses)
  }

  /// A bare request line, with a Host after it.
  static func line(_ line: String, _ statuses: Int...) -> Malformed {
    Malformed(line.debugDescription, bytes: Bytes(text: "\(line)\r\nHost: x\r\n\r\n"), statuses)
  }

  var testDescription: String { name }
}

/// Everything malformed that a client may send: refused, closed, and seen by no origin.
@Suite("Malformed requests")
struct WireTests {
  static let framing: [Malformed] = [
    .framing("Content-Length that is no number", "Content-Length: abc", 400),
    .framing("negative Content-Length", "Content-Length: -1", 400),
    .framing("Content-Length with a plus sign", "Content-Length: +5", 400),
    .framing("empty Content-Length", "Content-Length:", 400),
    .framing("hexadecimal Content-Length", "Content-Length: 0x5", 400),
    .framing("Content-Length with a space in it", "Content-Length: 1 0", 400),
    .framing("Content-Length past 64 bits", "Content-Length: 99999999999999999999", 400),
    .framing("Content-Length that wraps to 5", "Content-Length: 18446744073709551621", 400),
    .framing("a list of different Content-Lengths", "Content-Length: 5, 6", 400),
    .framing("two different Content-Lengths", "Content-Length: 5\r\nContent-Length: 6", 400),
    .framing(
      "two different Content-Lengths, one in another case", "Content-Length: 5\r\ncontent-length: 0", 400),
    .framing("Content-Length and chunked", "Content-Length: 5\r\nTransfer-Encoding: chunked", 400),
    .framing("chunked and Content-Length", "Transfer-Encoding: chunked\r\nContent-Length: 5", 400),
    .framing("chunked twice in a line", "Transfer-Encoding: chunked, chunked", 400, 501),
    .framing("chunked on two lines", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400, 501),
    .framing("chunked before another coding", "Transfer-Encoding: chunked, gzip", 400, 501),
    .framing("chunked, identity", "Transfer-Encoding: chunked, identity", 400, 501),
    .framing("identity", "Transfer-Encoding: identity", 400, 501),
    .framing("a coding that nobody knows", "Transfer-Encoding: xchunked", 400, 501),
    .framing("gzip before chunked", "Transfer-Encoding: gzip, chunked", 501, 400),
    .framing("empty Transfer-Encoding", "Transfer-Encoding:", 400, 501),
    .framing("chunked in quotes", "Transfer-Encoding: \"chunked\"", 400, 501),
    .framing("vertical tab before chunked", "Transfer-Encoding: \u{0B}chunked", 400, 501),
    .framing("space before the colon of Transfer-Encoding", "Transfer-Encoding : chunked", 400),
    .framing("folded Transfer-Encoding", "Transfer-Encoding:\r\n chunked", 400),
    .framing("bare LF before Transfer-Encoding", "X: a\nTransfer-Encoding: chunked", 400),
    .framing("bare CR before Transfer-Encoding", "X: a\rTransfer-Encoding: chunked", 400),
    Malformed(
      "Transfer-Encoding in an HTTP/1.0 request",
      "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
  ]

  static let fields: [Malformed] = [
    .field("bare CR in a value", "X: a\rb", 400),
    .field("CR at the end of a value", "X: a\r\r", 400),
    .field("bare LF as line end", "X: a\nY: b", 400),
    .field("NUL in a value", "X: a\0b", 400),
    .field("control byte in a value", "X: a\u{01}b", 400),
    .field("DEL in a value", "X: a\u{7F}b", 400),
    .field("folded line", "X: a\r\n b", 400),
    .field("line folded by a tab", "X: a\r\n\tb", 400),
    .field("space before the colon", "X : a", 400),
    .field("tab before the colon", "X\t: a", 400),
    .field("space in a name", "X Y: a", 400),
    .field("empty name", ": a", 400),
    .field("line without a colon", "nonsense", 400),
    .field("delimiter in a name", "X(Y): a", 400),
    .field("NUL in a name", "X\0Y: a", 400),
    .field("control byte in a name", "X\u{01}: a", 400),
    .field("byte past ASCII in a name", "Ä: a", 400),
    .field("two Hosts", "Host: y", 400),
    .field("the same Host twice", "host: x", 400),
    Malformed("space before the first field", "GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400),
    Malformed("no Host", "GET / HTTP/1.1\r\nX: y\r\n\r\n", 400),
    Malformed("space in the Host", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    Malformed("slash in the Host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    Malformed("list of Hosts", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
    Malformed("user in the Host", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
    Malformed("port of letters in the Host", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400),
    Malformed("every line ends in a bare LF", "GET / HTTP/1.1\nHost: x\n\n", 400),
    Malformed("bare LF after the request line", "GET / HTTP/1.1\nHost: x\r\n\r\n", 400),
    Malformed("bare LF as the empty line", "GET / HTTP/1.1\r\nHost: x\r\n\nX", 400),
  ]

  static let lines: [Malformed] = [
    .line("GET  / HTTP/1.1", 400),
    .line("GET /  HTTP/1.1", 400),
    .line("GET / HTTP/1.1 ", 400),
    .line(" GET / HTTP/1.1", 400),
    .line("GET\t/ HTTP/1.1", 400),
    .line("GET / HTTP/1.1\t", 400),
    .line("GET / x HTTP/1.1", 400),
    .line("GET /", 400, 505),
    .line("GET", 400),
    .line("/ HTTP/1.1", 400),
    .line("G(T / HTTP/1.1", 400),
    .line("G\0T / HTTP/1.1", 400),
    .line("GÄT / HTTP/1.1", 400),
    .line("GET / HTTP/2.0", 505),
    .line("GET / HTTP/3.1", 505),
    .line("GET / HTTP/0.9", 505, 400),
    .line("GET / http/1.1", 400),
    .line("GET / HTTP/1.", 400),
    .line("GET / HTTP/1", 400),
    .line("GET / HTTP/1.10", 400, 505),
    .line("GET / HTTP/01.1", 400, 505),
    .line("GET / HTTP/1,1", 400),
    .line("GET / HTTPS/1.1", 400),
    .line("GET page HTTP/1.1", 400),
    .line("GET ?a=b HTTP/1.1", 400),
    .line("GET * HTTP/1.1", 400),
    .line("GET example.test:80 HTTP/1.1", 400),
    .line("GET http:///page HTTP/1.1", 400),
    .line("GET http://a b/ HTTP/1.1", 400),
    .line("GET /a\0b HTTP/1.1", 400),
    .line("GET /a\u{01}b HTTP/1.1", 400),
    .line("GET /a\u{7F}b HTTP/1.1", 400),
    .line("GET /a\rb HTTP/1.1", 400),
    .line("GET /a#b HTTP/1.1", 400),
    .line("CONNECT example.test:443 HTTP/1.1", 501, 405, 400),
    .line("CONNECT / HTTP/1.1", 501, 405, 400),
    Malformed("the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, 505),
    Malformed(
      "a TLS hello", bytes: [0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3] + .pattern(200) + [13, 10, 13, 10], 400),
  ]

  @Test("is refused, closed, reaches no origin, and disturbs nobody", arguments: [framing, fields, lines])
  func refused(requests: [Malformed]) throws {
    try withSite(new: .always(200, "new"), old: .always(200, "old")) { site in
      for request in requests {
        let client = try site.client()
        client.trySend(request.bytes)
        let answer = try client.answer()
        #expect(request.statuses.contains(answer.status), "\(request.name): \(answer.head.startLine)")
        expectOwnAnswer(answer, "\(request.name)")
        #expect(client.isClosed(), "\(request.name)")
        #expect(site.new.requests.map(\.line) == [], "\(request.name)")
        #expect(site.old.requests.map(\.line) == [], "\(request.name)")
      }
      #expect(try site.get("/").text == "new")
    }
  }

  /// The form of every answer that Relevo makes itself and closes after.
  func expectOwnAnswer(
    _ answer: Answer, _ request: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(answer.head.startLine.hasPrefix("HTTP/1.1 "), request, sourceLocation: sourceLocation)
    #expect(answer["Content-Type"]?.hasPrefix("text/plain") == true, request, sourceLocation: sourceLocation)
    #expect(answer["Content-Length"] == "\(answer.body.count)", request, sourceLocation: sourceLocation)
    #expect(answer["Connection"]?.lowercased() == "close", request, sourceLocation: sourceLocation)
    #expect(answer.body.count > 3, request ?? "the cause is named", sourceLocation: sourceLocation)
  }

  @Test("a request line that is too long is 414")
  func longLine() throws {
    try withSite(new: .always(200), old: .always(200), "--max-header-bytes", "4k") { site in
      let client = try site.client()
      client.trySend(Bytes(text: "GET /\(String(repeating: "a", count: 5_000)) HTTP/1.1\r\nHost: x\r\n\r\n"))
      let answer = try client.answer()
      #expect(answer.status == 414)
      expectOwnAnswer(answer)
      #expect(client.isClosed())
      #expect(site.new.connections == 0)
    }
  }

  @Test("an endless request line is 414 without waiting for its end")
  func endlessLine() throws {
    try withSite(new: .always(200), old: .always(200), "--max-header-bytes", "4k") { site in
      let client = try site.client()
      client.trySend(Bytes(text: "GET /\(String(repeating: "a", count: 6_000))"))
      #expect(try client.answer().status == 414)
      #expect(client.isClosed())
    }
  }

  @Test(
    "a head that is too long is 431",
    arguments: [
      "X: \(String(repeating: "a", count: 5_000))", "\(String(repeating: "a", count: 5_000)): X",
      (1...200).map { "X-\($0): 0123456789012345" }.joined(separator: "\r\n"),
    ])
  func longHead(fields: String) throws {
    try withSite(new: .always(200), old: .always(200), "--max-header-bytes", "4k") { site in
      let client = try site.client()
      client.trySend(Bytes(text: "GET / HTTP/1.1\r\nHost: x\r\n\(fields)\r\n\r\n"))
      let answer = try client.answer()
      #expect(answer.status == 431)
      expectOwnAnswer(answer)
      #expect(client.isClosed())
      #expect(site.new.connections == 0)
    }
  }

  @Test("a head just inside the limits passes, and one field line more is 431")
  func fieldCount() throws {
    try withSite(new: .always(200, "new"), old: .always(200), "--max-header-fields", "20") { site in
      let fields = (1...19).map { "X-\($0): a" }
      #expect(try site.get("/", fields).status == 200)
      let client = try site.client()
      #expect(try client.get("/", fields + ["X-20: a"]).status == 431)
      #expect(client.isClosed())
      #expect(site.new.requests.count == 1)
    }
  }

  static let chunked: [Malformed] = [
    ("letters for a size", "xyz\r\nabc\r\n0\r\n\r\n"), ("negative size", "-3\r\nabc\r\n0\r\n\r\n"),
    ("plus before a size", "+3\r\nabc\r\n0\r\n\r\n"), ("0x before a size", "0x3\r\nabc\r\n0\r\n\r\n"),
    ("space before a size", " 3\r\nabc\r\n0\r\n\r\n"), ("no size", "\r\nabc\r\n0\r\n\r\n"),
    ("size past 64 bits", "FFFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n"),
    ("size that wraps to 3", "10000000000000003\r\nabc\r\n0\r\n\r\n"),
    ("bare LF after a size", "3\nabc\r\n0\r\n\r\n"), ("bare CR after a size", "3\rabc\r\n0\r\n\r\n"),
    ("data longer than its size", "3\r\nabcd\r\n0\r\n\r\n"),
    ("data shorter than its size", "3\r\nab\r\n0\r\n\r\n"), ("no line end after data", "3\r\nabc0\r\n\r\n"),
    ("bare LF after data", "3\r\nabc\n0\r\n\r\n"), ("bare LF in an extension", "3;a\nb\r\nabc\r\n0\r\n\r\n"),
    ("control byte in an extension", "3;a\0b\r\nabc\r\n0\r\n\r\n"),
    ("malformed trailer", "3\r\nabc\r\n0\r\nX Y: a\r\n\r\n"),
    ("folded trailer", "3\r\nabc\r\n0\r\nX: a\r\n b\r\n\r\n"),
    ("endless extension", "3;\(String(repeating: "a", count: 40_000))\r\nabc\r\n0\r\n\r\n"),
  ].map {
    Malformed(
      $0.0,
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\($0.1)GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
      400)
  }

  @Test("a broken chunk is refused, closed, and never ends a body at an origin")
  func brokenChunk() throws {
    try withSite(new: .always(200, "new"), old: .always(200, "old")) { (site) throws in
      for request in Self.chunked {
        let client = try site.client()
        client.trySend(request.bytes)
        let answer = try client.answer()
        #expect(
          request.statuses.contains(answer.status) || answer.status == 431,
          "\(request.name): \(answer.head.startLine)")
        #expect(answer["Connection"]?.lowercased() == "close", "\(request.name)")
        #expect(client.isClosed(), "\(request.name)")
        try site.new.waitUntilConnectionsAre(0)
        #expect(site.new.requests.filter(\.isComplete).isEmpty, "\(request.name)")
        #expect(!site.new.targets.contains("/smuggled"), "\(request.name)")
        #expect(site.old.connections == 0, "\(request.name)")
      }
    }
  }
}
