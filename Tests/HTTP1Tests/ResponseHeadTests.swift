import Testing

@testable import HTTP1

struct ResponseHeadTests {
  @Test("a head comes with status, reason, fields and length")
  func readsHead() throws {
    let text = "HTTP/1.1 302 Found it\r\nLocation: /a\r\nlocation: /b\r\nContent-Length: 3\r\n\r\n"
    let head = try #require(parseResponse(text).head)
    #expect(head.status == 302)
    #expect(head.reason == "Found it")
    #expect(head.minorVersion == 1)
    #expect(head.framing == .length(3))
    #expect(head.declaredLength == 3)
    #expect(head.keepAlive)
    #expect(head.location == "/a")
    #expect(head.fields.map(\.line) == ["Location: /a\r\n", "location: /b\r\n", "Content-Length: 3\r\n"])
    #expect(head.byteCount == text.utf8.count)
    expectRightWhereverCut(Array(text.utf8)) { parseResponse($0) }
  }

  static let statusLines: [(String, UInt16, String)] = [
    ("HTTP/1.1 200 OK", 200, "OK"), ("HTTP/1.1 200 ", 200, ""), ("HTTP/1.1 200", 200, ""),
    ("HTTP/1.0 404 Not\tFound", 404, "Not\tFound"), ("HTTP/1.5 599 é", 599, "é"), ("HTTP/1.1 100 ", 100, ""),
    ("HTTP/1.1 200  two", 200, " two"),
  ]

  @Test("a reason may be anything a field value may be, empty, or missing", arguments: statusLines)
  func readsStatusLine(_ line: String, _ status: UInt16, _ reason: String) throws {
    let text = line + "\r\n\r\n"
    let head = try #require(parseResponse(text).head)
    #expect(head.status == status)
    #expect(head.reason == reason)
    expectRightWhereverCut(Array(text.utf8)) { parseResponse($0) }
  }

  static let framings: [(String, Bool, BodyFraming, UInt64?)] = [
    ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, .length(5), 5),
    ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true, .none, 5),
    ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, .length(0), 0),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", false, .chunked, nil),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true, .none, nil),
    ("HTTP/1.1 200 OK\r\n\r\n", false, .untilClose, nil),
    ("HTTP/1.1 200 OK\r\n\r\n", true, .none, nil),
    ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false, .none, 5),
    ("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", false, .none, nil),
    ("HTTP/1.1 204 No Content\r\n\r\n", false, .none, nil),
    ("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", false, .none, nil),
    ("HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n", false, .none, nil),
    ("HTTP/1.1 101 Switching Protocols\r\n\r\n", false, .none, nil),
    ("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", false, .length(5), 5),
  ]

  @Test("the framing follows from request, status and fields", arguments: framings)
  func framing(_ text: String, _ toHead: Bool, _ framing: BodyFraming, _ declared: UInt64?) throws {
    let head = try #require(parseResponse(text, toHead: toHead).head)
    #expect(head.framing == framing)
    #expect(head.declaredLength == declared)
  }

  @Test(
    "a Content-Length where there can be no content is marked as not to be forwarded",
    arguments: [(103, true), (204, true), (200, false), (304, false)])
  func marksContentLength(_ status: Int, _ isMarked: Bool) throws {
    let head = try #require(parseResponse("HTTP/1.1 \(status) x\r\nA: b\r\nContent-Length: 5\r\n\r\n").head)
    #expect(head.fields.map(\.isHopByHop) == [false, isMarked])
  }

  static let keepAlives: [(String, Bool)] = [
    ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true),
    ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", false),
    ("HTTP/1.1 200 OK\r\n\r\n", false),
    ("HTTP/1.1 204 OK\r\n\r\n", true),
    ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false),
    ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n", true),
    ("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n\r\n", false),
  ]

  @Test("a connection is kept as version, Connection and framing say", arguments: keepAlives)
  func keepAlive(_ text: String, _ keepAlive: Bool) throws {
    #expect(try #require(parseResponse(text).head).keepAlive == keepAlive)
  }

  @Test(
    "1xx but 101 is interim", arguments: [(100, true), (101, false), (103, true), (199, true), (200, false)])
  func interim(_ status: UInt16, _ isInterim: Bool) {
    var head = ResponseHead()
    head.status = status
    #expect(head.isInterim == isInterim)
  }

  @Test("what Connection names is marked, and Host is a field like others")
  func marksHopByHop() throws {
    let head = try #require(
      parseResponse(
        "HTTP/1.1 204 x\r\nConnection: X-A\r\nHost: a b\r\nhost:\r\nX-A: 1\r\nKeep-Alive: x\r\n\r\n"
      ).head)
    #expect(head.fields.map(\.isHopByHop) == [true, false, false, true, true])
  }

  static let wrongHeads = [
    Wrong("\r\nHTTP/1.1 200 OK\r\n\r\n", .invalidStatusLine),
    Wrong(" HTTP/1.1 200 OK\r\n\r\n", .invalidStatusLine),
    Wrong("<html>", .invalidStatusLine),
    Wrong("http/1.1 200 OK\r\n", .invalidStatusLine),
    Wrong("ICY 200 OK\r\n", .invalidStatusLine),
    Wrong("HTTP/1.1  200 OK\r\n", .invalidStatusLine),
    Wrong("HTTP/1.1\t200 OK\r\n", .invalidStatusLine),
    Wrong("HTTP/1.1\r\n", .invalidStatusLine),
    Wrong("HTTP/1.10 200 OK\r\n", .invalidStatusLine),
    Wrong("HTTP/1.x 200 OK\r\n", .invalidStatusLine),
    Wrong("HTTP/1.1 20 OK\r\n", .invalidStatusLine),
    Wrong("HTTP/1.1 20\r\n", .invalidStatusLine),
    Wrong("HTTP/1.1 2000 OK\r\n", .invalidStatusLine),
    Wrong("HTTP/1.1 +20 OK\r\n", .invalidStatusLine),
    Wrong("HTTP/1.1 200OK\r\n", .invalidStatusLine),
    Wrong("HTTP/1.1 200\tOK\r\n", .invalidStatusLine),
    Wrong("HTTP/1.1 200 O\u{0}K\r\n", .invalidStatusLine),
    Wrong("HTTP/2.0 200 OK\r\n", .unsupportedVersion),
    Wrong("HTTP/0.9 200 OK\r\n", .unsupportedVersion),
    Wrong("HTTP/1.1 099 OK\r\n", .invalidStatus),
    Wrong("HTTP/1.1 000 OK\r\n", .invalidStatus),
    Wrong("HTTP/1.1 600 OK\r\n", .invalidStatus),
    Wrong("HTTP/1.1 999 OK\r\n", .invalidStatus),
    Wrong("HTTP/1.1 200 OK\n\n", .bareLineFeed),
    Wrong("HTTP/1.1 200\n", .bareLineFeed),
    Wrong("HTTP/1.1 200 O\rK\r\n", .bareCarriageReturn),
    Wrong("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", .spaceBeforeColon),
    Wrong("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", .lineFolding),
    Wrong("HTTP/1.1 200 OK\r\n: b\r\n\r\n", .emptyFieldName),
    Wrong("HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n", .bareLineFeed),
    Wrong("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", .invalidContentLength),
    Wrong("HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n", .invalidContentLength),
    Wrong("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", .duplicateContentLength),
    Wrong(
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      .contentLengthWithTransferEncoding),
    Wrong("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .transferEncodingInHTTP10),
    Wrong("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", .invalidTransferEncoding),
    Wrong("HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n", .invalidTransferEncoding),
    Wrong("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", .unsupportedTransferCoding),
    Wrong("HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n", .transferEncodingWithoutContent),
    Wrong("HTTP/1.1 101 x\r\nTransfer-Encoding: chunked\r\n\r\n", .transferEncodingWithoutContent),
    Wrong("HTTP/1.1 200 x\r\nConnection: content-length\r\n\r\n", .connectionNamesFraming),
  ]

  @Test("a wrong head is refused, for one reason wherever it is cut", arguments: wrongHeads)
  func refuses(_ wrong: Wrong) {
    expectWrongWhereverCut(wrong) { parseResponse($0) }
  }

  @Test("a head is complete up to the limit and refused past it")
  func limitsBytes() {
    let text = "HTTP/1.1 204 x\r\nA: b\r\n\r\n"
    for limit in 0..<text.utf8.count {
      expectWrongWhereverCut(Wrong(text, .headTooLong)) {
        parseResponse($0, limits: HeadLimits(maxBytes: limit, maxFields: 9))
      }
    }
    let exact = HeadLimits(maxBytes: text.utf8.count, maxFields: 1)
    #expect(parseResponse(Array(text.utf8), limits: exact).head != nil)
  }
}
