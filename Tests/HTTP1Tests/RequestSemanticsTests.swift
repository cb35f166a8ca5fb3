import Testing

@testable import HTTP1

struct RequestSemanticsTests {
  static let framings: [(String, BodyFraming)] = [
    (get(), .none),
    (get("Content-Length: 0"), .length(0)),
    (get("content-length:5"), .length(5)),
    (get("CONTENT-LENGTH: 007"), .length(7)),
    (get("Content-Length: 9223372036854775807"), .length(UInt64(Int64.max))),
    (get("Transfer-Encoding: chunked"), .chunked),
    (get("transfer-encoding:  ChunKED\t"), .chunked),
    ("GET / HTTP/1.0\r\nContent-Length: 5\r\n\r\n", .length(5)),
    ("GET / HTTP/1.0\r\n\r\n", .none),
  ]

  @Test("the framing is what Content-Length or Transfer-Encoding says", arguments: framings)
  func framing(_ text: String, _ framing: BodyFraming) throws {
    #expect(try #require(parseRequest(text).head).framing == framing)
    expectRightWhereverCut(Array(text.utf8)) { parseRequest($0) }
  }

  static let wrongFramings = [
    Wrong(get("Content-Length:"), .invalidContentLength),
    Wrong(get("Content-Length: +5"), .invalidContentLength),
    Wrong(get("Content-Length: -5"), .invalidContentLength),
    Wrong(get("Content-Length: 5 5"), .invalidContentLength),
    Wrong(get("Content-Length: 5,5"), .invalidContentLength),
    Wrong(get("Content-Length: 5, 6"), .invalidContentLength),
    Wrong(get("Content-Length: 0x5"), .invalidContentLength),
    Wrong(get("Content-Length: 5.0"), .invalidContentLength),
    Wrong(get("Content-Length: 1e3"), .invalidContentLength),
    Wrong(get("Content-Length: \"5\""), .invalidContentLength),
    Wrong(get("Content-Length: ٥"), .invalidContentLength),
    Wrong(get("Content-Length: 9223372036854775808"), .invalidContentLength),
    Wrong(get("Content-Length: 18446744073709551616"), .invalidContentLength),
    Wrong(get("Content-Length: 99999999999999999999999999"), .invalidContentLength),
    Wrong(get("Content-Length: 5", "Content-Length: 5"), .duplicateContentLength),
    Wrong(get("Content-Length: 5", "A: b", "content-length: 6"), .duplicateContentLength),
    Wrong(get("Content-Length: 5", "Transfer-Encoding: chunked"), .contentLengthWithTransferEncoding),
    Wrong(get("Transfer-Encoding: chunked", "Content-Length: 5"), .contentLengthWithTransferEncoding),
    Wrong(get("Transfer-Encoding: gzip", "Content-Length: 5"), .contentLengthWithTransferEncoding),
    Wrong("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .transferEncodingInHTTP10),
    Wrong(
      "GET / HTTP/1.0\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", .transferEncodingInHTTP10),
    Wrong(get("Transfer-Encoding:"), .invalidTransferEncoding),
    Wrong(get("Transfer-Encoding: ,"), .invalidTransferEncoding),
    Wrong(get("Transfer-Encoding: chunked,"), .invalidTransferEncoding),
    Wrong(get("Transfer-Encoding: ,chunked"), .invalidTransferEncoding),
    Wrong(get("Transfer-Encoding: chunked, chunked"), .invalidTransferEncoding),
    Wrong(get("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), .invalidTransferEncoding),
    Wrong(get("Transfer-Encoding: chunked, gzip"), .invalidTransferEncoding),
    Wrong(get("Transfer-Encoding: chunked", "Transfer-Encoding: identity"), .invalidTransferEncoding),
    Wrong(get("Transfer-Encoding: gzip, chunked, chunked"), .invalidTransferEncoding),
    Wrong(get("Transfer-Encoding: gzip"), .invalidTransferEncoding),
    Wrong(get("Transfer-Encoding: identity"), .invalidTransferEncoding),
    Wrong(get("Transfer-Encoding: chunked;q=1"), .invalidTransferEncoding),
    Wrong(get("Transfer-Encoding: chunked ;q=1"), .invalidTransferEncoding),
    Wrong(get("Transfer-Encoding: \"chunked\""), .invalidTransferEncoding),
    Wrong(get("Transfer-Encoding: chunked x"), .invalidTransferEncoding),
    Wrong(get("Transfer-Encoding: x chunked"), .invalidTransferEncoding),
    Wrong(get("Transfer-Encoding: chunkedé"), .invalidTransferEncoding),
    Wrong(get("Transfer-Encoding: xchunked"), .invalidTransferEncoding),
    Wrong(get("Transfer-Encoding: chunked\u{0B}"), .invalidFieldValue),
    Wrong(get("Transfer-Encoding : chunked"), .spaceBeforeColon),
    Wrong(get("Transfer-Encoding: gzip, chunked"), .unsupportedTransferCoding),
    Wrong(get("Transfer-Encoding: gzip", "Transfer-Encoding: chunked"), .unsupportedTransferCoding),
    Wrong(get("Transfer-Encoding: identity,chunked"), .unsupportedTransferCoding),
  ]

  @Test("each wrong framing is refused, for one reason wherever it is cut", arguments: wrongFramings)
  func refusesFraming(_ wrong: Wrong) {
    expectWrongWhereverCut(wrong) { parseRequest($0) }
  }

  @Test("a name that only looks like a framing field is another field")
  func looksAlike() throws {
    let head = try #require(
      parseRequest(get("Transfer_Encoding: chunked", "Content-Length\u{5E}: 1", "Content_Length: 5")).head)
    #expect(head.framing == .none)
  }

  static let keepAlives: [(String, Bool)] = [
    (get(), true),
    (get("Connection: close"), false),
    (get("Connection: CLOSE"), false),
    (get("Connection: a, close ,b"), false),
    (get("Connection: a", "Connection: close"), false),
    (get("Connection: keep-alive, close"), false),
    (get("Connection: closed"), true),
    (get("Connection:"), true),
    ("GET / HTTP/1.0\r\n\r\n", false),
    ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true),
    ("GET / HTTP/1.0\r\nConnection: Keep-Alive, x\r\n\r\n", true),
    ("GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", false),
    ("GET / HTTP/1.0\r\nProxy-Connection: keep-alive\r\n\r\n", false),
  ]

  @Test("a connection is kept as version and Connection say", arguments: keepAlives)
  func keepAlive(_ text: String, _ keepAlive: Bool) throws {
    #expect(try #require(parseRequest(text).head).keepAlive == keepAlive)
  }

  static let continues: [(String, Bool)] = [
    (get(), false),
    (get("Expect: 100-continue"), true),
    (get("Expect: 100-Continue"), true),
    (get("Expect: 100-continue, x"), false),
    (get("Expect: 200-ok"), false),
    (get("Expect: x", "Expect: 100-continue"), true),
    ("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", false),
  ]

  @Test(
    "only Expect: 100-continue over HTTP/1.1 asks for 100; other expectations are left alone",
    arguments: continues)
  func expectsContinue(_ text: String, _ expects: Bool) throws {
    let head = try #require(parseRequest(text).head)
    #expect(head.expectsContinue == expects)
    #expect(head.fields.filter { $0.id == .expect && $0.isHopByHop }.isEmpty)
  }

  static let upgrades: [(String, Bool)] = [
    (get("Connection: Upgrade", "Upgrade: websocket"), true),
    (get("Upgrade: websocket", "Connection: keep-alive, upgrade"), true),
    (get("Connection: upgrade"), false),
    (get("Upgrade: websocket"), false),
    (get("Connection: upgrade", "Upgrade:"), false),
    ("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", false),
  ]

  @Test("an upgrade needs HTTP/1.1, the option and the field", arguments: upgrades)
  func wantsUpgrade(_ text: String, _ wants: Bool) throws {
    #expect(try #require(parseRequest(text).head).wantsUpgrade == wants)
  }

  @Test("fields of the connection are marked, and those that Connection names, before and after it")
  func marksHopByHop() throws {
    let text = get(
      "X-A: 1", "Connection: x-a, X-C,,te", "Keep-Alive: timeout=5", "Proxy-Connection: x", "TE: trailers",
      "Trailer: x",
      "Upgrade: x", "Proxy-Authenticate: x", "Proxy-Authorization: x", "X-Ab: 1", "Content-Length: 0",
      "x-c: 1", "X-A: 2",
      "Cookie: c", "connection: Cookie")
    let head = try #require(parseRequest(text).head)
    #expect(
      head.fields.filter(\.isHopByHop).map(\.name) == [
        "X-A", "Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Upgrade", "x-c", "X-A",
        "Cookie",
        "connection",
      ])
    #expect(try #require(parseRequest(get("Transfer-Encoding: chunked")).head).fields[1].isHopByHop)
  }

  static let wrongConnections = [
    Wrong(get("Connection: host"), .connectionNamesFraming),
    Wrong(get("Connection: close, Content-Length", "Content-Length: 5"), .connectionNamesFraming),
    Wrong(get("Connection: Transfer-Encoding", "Transfer-Encoding: chunked"), .connectionNamesFraming),
    Wrong(get("Connection: a b"), .invalidConnection),
    Wrong(get("Connection: a;b"), .invalidConnection),
    Wrong(get("Connection: \"close\""), .invalidConnection),
    Wrong(get("Connection: é"), .invalidConnection),
    Wrong(get("Connection: close\u{0}"), .invalidFieldValue),
    Wrong(
      get("Connection: " + Array(repeating: "x", count: 65).joined(separator: ",")), .tooManyConnectionOptions
    ),
  ]

  @Test(
    "a Connection that is no list of names, or takes framing away, is refused", arguments: wrongConnections)
  func refusesConnection(_ wrong: Wrong) {
    expectWrongWhereverCut(wrong) { parseRequest($0) }
  }

  @Test("every reason has a sentence of its own and a status that an answer can have")
  func describesReasons() {
    let sentences = Set(MalformedMessage.allCases.map(\.description))
    #expect(sentences.count == MalformedMessage.allCases.count)
    for reason in MalformedMessage.allCases {
      #expect(reason.description.hasSuffix("."))
      #expect([400, 414, 431, 501, 502, 505].contains(reason.status))
    }
    #expect(MalformedMessage.requestLineTooLong.status == 414)
    #expect(MalformedMessage.headTooLong.status == 431)
    #expect(MalformedMessage.tooManyFields.status == 431)
    #expect(MalformedMessage.connectUnsupported.status == 501)
    #expect(MalformedMessage.methodTooLong.status == 501)
    #expect(MalformedMessage.unsupportedTransferCoding.status == 501)
    #expect(MalformedMessage.unsupportedVersion.status == 505)
    #expect(MalformedMessage.contentLengthWithTransferEncoding.status == 400)
  }
}
