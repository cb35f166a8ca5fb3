import Testing

@testable import HTTP1

struct RequestFieldTests {
  @Test("field lines come in their order, with name, trimmed value and whole line as sent")
  func readsFields() throws {
    let text =
      "GET / HTTP/1.1\r\nHost: h\r\nX-Empty:\r\nX-Blank: \t \r\naCCept:\t a b\t\tc \r\nX-Empty: é\r\n\r\n"
    let head = try #require(parseRequest(text).head)
    #expect(
      head.fields == [
        Field(id: .host, name: "Host", value: "h", line: "Host: h\r\n", isHopByHop: false),
        Field(id: .other, name: "X-Empty", value: "", line: "X-Empty:\r\n", isHopByHop: false),
        Field(id: .other, name: "X-Blank", value: "", line: "X-Blank: \t \r\n", isHopByHop: false),
        Field(
          id: .other, name: "aCCept", value: "a b\t\tc", line: "aCCept:\t a b\t\tc \r\n", isHopByHop: false),
        Field(id: .other, name: "X-Empty", value: "é", line: "X-Empty: é\r\n", isHopByHop: false),
      ])
    expectRightWhereverCut(Array(text.utf8)) { parseRequest($0) }
  }

  @Test("the first line with a name is found, and none without it")
  func findsFirst() {
    var table = FieldTable(capacity: 8)
    let bytes = Array(get("Via: 1", "VIA: 2").utf8)
    _ = RequestHead.parse(bytes.span.bytes, limits: roomy, fields: &table)
    let (via, date) = (table.first(.via), table.first(.date))
    #expect(via?.value.text(in: bytes.span.bytes) == "1")
    #expect(date == nil)
  }

  static let names: [(String, FieldName)] = [
    ("Connection", .connection), ("Keep-Alive", .keepAlive), ("Proxy-Connection", .proxyConnection),
    ("Proxy-Authenticate", .proxyAuthenticate), ("Proxy-Authorization", .proxyAuthorization), ("TE", .te),
    ("Trailer", .trailer), ("Upgrade", .upgrade), ("Content-Type", .contentType), ("Expect", .expect),
    ("Via", .via), ("Forwarded", .forwarded), ("Max-Forwards", .maxForwards),
    ("X-Forwarded-For", .xForwardedFor),
    ("X-Forwarded-Proto", .xForwardedProto), ("X-Forwarded-Host", .xForwardedHost), ("Location", .location),
    ("Content-Location", .contentLocation), ("User-Agent", .userAgent), ("Referer", .referer),
    ("Date", .date),
    ("Server", .server),
  ]

  @Test("known names are found in any case, and names beside them are not", arguments: names)
  func findsNames(_ name: String, _ id: FieldName) throws {
    let beside = name.dropLast() + "q"
    let head = try #require(
      parseRequest(
        get("\(name): a", "\(name.lowercased()): a", "\(name.uppercased()): a", "\(beside): a", "\(name)x: a")
      ).head)
    let neighbour: FieldName = name.hasPrefix("X-Forwarded-") ? .otherForwarding : .other
    #expect(head.fields.dropFirst().map(\.id) == [id, id, id, neighbour, neighbour])
  }

  static let wrongFields = [
    Wrong(get(": v"), .emptyFieldName),
    Wrong(get(" v"), .lineFolding),
    Wrong(get("A: b", " c"), .lineFolding),
    Wrong(get("A: b", "\tc: d"), .lineFolding),
    Wrong("GET / HTTP/1.1\r\n Host: h\r\n\r\n", .lineFolding),
    Wrong(get("A : b"), .spaceBeforeColon),
    Wrong(get("A\t: b"), .spaceBeforeColon),
    Wrong(get("A b: c"), .spaceBeforeColon),
    Wrong(get("A"), .missingColon),
    Wrong(get("A(: b"), .invalidFieldName),
    Wrong(get("\u{0}: b"), .invalidFieldName),
    Wrong(get("Ä: b"), .invalidFieldName),
    Wrong(get("\"A\": b"), .invalidFieldName),
    Wrong(get("A\n: b"), .bareLineFeed),
    Wrong(get("\nA: b"), .bareLineFeed),
    Wrong(get("A: b\nC: d"), .bareLineFeed),
    Wrong(get("A: long enough b\n"), .bareLineFeed),
    Wrong(get("A: b\rC: d"), .bareCarriageReturn),
    Wrong(get("A: b\r"), .bareCarriageReturn),
    Wrong(get("\rA: b"), .bareCarriageReturn),
    Wrong(get("A: \u{0}"), .invalidFieldValue),
    Wrong(get("A: b\u{1}"), .invalidFieldValue),
    Wrong(get("A: b\u{0B}c"), .invalidFieldValue),
    Wrong(get("A: a long value that ends in \u{7F}"), .invalidFieldValue),
    Wrong("GET / HTTP/1.1\r\nHost: h\r\n\n", .bareLineFeed),
    Wrong("GET / HTTP/1.1\r\nHost: h\r\n\rX", .bareCarriageReturn),
    Wrong("GET / HTTP/1.1\r\nHost: h\n\n", .bareLineFeed),
  ]

  static let wrongHosts = [
    Wrong("GET / HTTP/1.1\r\n\r\n", .missingHost),
    Wrong("GET http://h/ HTTP/1.1\r\n\r\n", .missingHost),
    Wrong("GET http://h/ HTTP/1.1\r\nHost: a b\r\n\r\n", .invalidHost),
    Wrong("OPTIONS * HTTP/1.1\r\nX: y\r\n\r\n", .missingHost),
    Wrong("GET / HTTP/1.1\r\nHost: h\r\nhost: h\r\n\r\n", .duplicateHost),
    Wrong("GET / HTTP/1.0\r\nHost: h\r\nHOST: h\r\n\r\n", .duplicateHost),
    Wrong("GET / HTTP/1.0\r\nHost:\r\n\r\n", .invalidHost),
  ]

  @Test(
    "wrong field lines and Hosts are refused, for one reason wherever they are cut",
    arguments: wrongFields + wrongHosts)
  func refuses(_ wrong: Wrong) {
    expectWrongWhereverCut(wrong) { parseRequest($0) }
  }

  static let rightHosts = [
    "h", "www.example.com", "h:0", "h:80", "h:00080", "h:65535", "127.0.0.1:8080", "a_b~c-d.e", "x%2Fy",
    "a!$&'()*+;=b",
    "xn--bcher-kva.example", "[::1]", "[::]:1", "[1:2:3:4:5:6:7:8]:80", "[2001:db8::ff:FE00]",
    "[::ffff:1.2.3.4]",
    "[1:2:3:4:5:6:1.2.3.4]", "[1::]",
  ]

  @Test("a Host is a name or address with an optional port", arguments: rightHosts)
  func takesHost(_ host: String) throws {
    let head = try #require(parseRequest("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n").head)
    #expect(head.authority == host)
  }

  static let wrongHostValues = [
    "", "a b", "a,b", "a, b", "a/b", "u@h", "u:p@h", "h:", ":80", "h:65536", "h:123456", "h:8a", "h:-1",
    "h:80:80", "a\\b",
    "a?b", "a#b", "é", "a%", "a%2", "a%zz", "\"a\"", "<a>", "a|b", "a[b]", "[::1", "::1", "[]", "[1]", "[:]",
    "[:::]", "[1::2::3]", "[1:2:3:4:5:6:7:8:9]", "[1:2:3:4:5:6:7]", "[12345::]", "[::1]x", "[::1]:",
    "[fe80::1%25eth0]",
    "[v1.a]", "[::1.2.3]", "[::1.2.3.256]", "[::1.2.3.4.5]", "[::1.2.3.4:5]", "[1:2:3:4:5:6:7:1.2.3.4]",
    "[:1::]", "[1:]",
    "[1:2:3:4:5:6:7::8:9]", "http://h", "h\t:80",
  ]

  @Test("what is no host and port is refused", arguments: wrongHostValues)
  func refusesHost(_ host: String) {
    #expect(parseRequest("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n") == .malformed(.invalidHost))
  }

  @Test("HTTP/1.0 may leave out Host")
  func needsNoHostIn10() throws {
    let head = try #require(parseRequest("GET / HTTP/1.0\r\n\r\n").head)
    #expect(head.authority == "")
    #expect(head.fields.isEmpty)
  }

  @Test("the authority of an absolute target wins over Host")
  func prefersTarget() throws {
    let head = try #require(parseRequest("GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n").head)
    #expect(head.authority == "a")
  }

  @Test("a head is complete up to the limit and refused past it", arguments: [0, 1])
  func limitsBytes(_ excess: Int) {
    let text = get("A: b")
    let outcome = parseRequest(text, limits: HeadLimits(maxBytes: text.utf8.count - excess, maxFields: 9))
    #expect(excess == 0 ? outcome.head != nil : outcome == .malformed(.headTooLong))
  }

  @Test("what is too long is the request line until that has ended, then the head")
  func saysWhatIsTooLong() {
    let text = get("A: b")
    let line = "GET / HTTP/1.1\r\n".utf8.count
    for limit in 0..<text.utf8.count {
      let wrong = Wrong(text, limit < line ? .requestLineTooLong : .headTooLong)
      expectWrongWhereverCut(wrong) { parseRequest($0, limits: HeadLimits(maxBytes: limit, maxFields: 9)) }
    }
  }

  @Test("a head that fills the limit without its end is refused at once")
  func refusesAtLimit() {
    let piece = Array(get("A: b").utf8.dropLast())
    let limits = HeadLimits(maxBytes: piece.count, maxFields: 9)
    #expect(parseRequest(piece, limits: limits) == .malformed(.headTooLong))
    #expect(parseRequest(piece.dropLast(), limits: limits) == .incomplete)
  }

  @Test("a wrong byte past the limit is not looked at")
  func stopsAtLimit() {
    let outcome = parseRequest(get("A: \u{0}"), limits: HeadLimits(maxBytes: 27, maxFields: 9))
    #expect(outcome == .malformed(.headTooLong))
  }

  @Test("more field lines than the limit or the table are refused, as many are not")
  func limitsFields() {
    let bytes = Array(get("A: b", "C: d").utf8)
    #expect(parseRequest(bytes, limits: HeadLimits(maxBytes: 999, maxFields: 3)).head != nil)
    #expect(
      parseRequest(bytes, limits: HeadLimits(maxBytes: 999, maxFields: 2)) == .malformed(.tooManyFields))
    #expect(parseRequest(bytes, limits: HeadLimits(maxBytes: 999, maxFields: 99), capacity: 3).head != nil)
    #expect(
      parseRequest(bytes, limits: HeadLimits(maxBytes: 999, maxFields: 99), capacity: 2)
        == .malformed(.tooManyFields))
    #expect(
      parseRequest(bytes, limits: HeadLimits(maxBytes: .min, maxFields: .min))
        == .malformed(.requestLineTooLong))
    #expect(parseRequest(bytes, limits: HeadLimits(maxBytes: .max, maxFields: .max)).head != nil)
  }
}
