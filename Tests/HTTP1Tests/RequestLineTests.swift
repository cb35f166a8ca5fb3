import Testing

@testable import HTTP1

struct RequestLineTests {
  struct Target: Sendable, CustomTestStringConvertible {
    let line: String
    let form: TargetForm
    let pathAndQuery: String
    let path: String
    let authority: String
    var testDescription: String { line }
  }

  static let targets = [
    Target(line: "GET / HTTP/1.1", form: .origin, pathAndQuery: "/", path: "/", authority: "h:81"),
    Target(
      line: "GET /a/b?c=d?e HTTP/1.1", form: .origin, pathAndQuery: "/a/b?c=d?e", path: "/a/b",
      authority: "h:81"),
    Target(line: "GET /? HTTP/1.1", form: .origin, pathAndQuery: "/?", path: "/", authority: "h:81"),
    Target(
      line: "GET //x/..;/%2e HTTP/1.1", form: .origin, pathAndQuery: "//x/..;/%2e", path: "//x/..;/%2e",
      authority: "h:81"),
    Target(
      line: "GET /\"<>\\^`{|}~ HTTP/1.1", form: .origin, pathAndQuery: "/\"<>\\^`{|}~", path: "/\"<>\\^`{|}~",
      authority: "h:81"),
    Target(line: "GET http://x HTTP/1.1", form: .absolute, pathAndQuery: "", path: "", authority: "x"),
    Target(
      line: "GET HTTP://X.y:8080/p?q HTTP/1.1", form: .absolute, pathAndQuery: "/p?q", path: "/p",
      authority: "X.y:8080"),
    Target(
      line: "GET https://[::1]:443/ HTTP/1.1", form: .absolute, pathAndQuery: "/", path: "/",
      authority: "[::1]:443"),
    Target(line: "OPTIONS http://x HTTP/1.1", form: .absolute, pathAndQuery: "", path: "", authority: "x"),
    Target(line: "OPTIONS * HTTP/1.1", form: .asterisk, pathAndQuery: "", path: "", authority: "h:81"),
    Target(line: "OPTIONS /* HTTP/1.1", form: .origin, pathAndQuery: "/*", path: "/*", authority: "h:81"),
  ]

  @Test("a target is split as its form says, byte for byte", arguments: targets)
  func splitsTarget(_ expected: Target) throws {
    let text = expected.line + "\r\nHost: h:81\r\n\r\n"
    let head = try #require(parseRequest(text).head)
    #expect(head.targetForm == expected.form)
    #expect(head.target == expected.line.split(separator: " ")[1])
    #expect(head.pathAndQuery == expected.pathAndQuery)
    #expect(head.path == expected.path)
    #expect(head.authority == expected.authority)
    #expect(head.byteCount == text.utf8.count)
    expectRightWhereverCut(Array(text.utf8)) { parseRequest($0) }
  }

  @Test(
    "known methods are told apart by their exact case, any other token is passed on",
    arguments: [
      ("GET", Method.get, true, true), ("HEAD", .head, true, true), ("POST", .post, false, false),
      ("PUT", .put, false, true), ("DELETE", .delete, false, true), ("OPTIONS", .options, true, true),
      ("TRACE", .trace, true, true), ("PATCH", .patch, false, false), ("PURGE", .other, false, false),
      ("PROPFIND", .other, false, false), ("get", .other, false, false), ("GETS", .other, false, false),
      ("M-SEARCH", .other, false, false), ("!#$%&'*+-.^_`|~09", .other, false, false),
      (String(repeating: "M", count: 32), .other, false, false),
    ])
  func findsMethod(_ name: String, _ method: Method, _ isSafe: Bool, _ isIdempotent: Bool) throws {
    let head = try #require(parseRequest("\(name) / HTTP/1.1\r\nHost: h\r\n\r\n").head)
    #expect(head.method == method)
    #expect(head.methodName == name)
    #expect(method.isSafe == isSafe)
    #expect(method.isIdempotent == isIdempotent)
  }

  @Test(
    "every minor version of HTTP/1 is read as 0 or 1",
    arguments: [("1.0", UInt8(0)), ("1.1", 1), ("1.2", 1), ("1.9", 1)])
  func readsVersion(_ version: String, _ minor: UInt8) throws {
    let head = try #require(parseRequest("GET / HTTP/\(version)\r\nHost: h\r\n\r\n").head)
    #expect(head.minorVersion == minor)
  }

  @Test("one empty line before the request line is passed over, and counted")
  func skipsEmptyLine() throws {
    let text = "\r\n" + get()
    let head = try #require(parseRequest(text).head)
    #expect(head.methodName == "GET")
    #expect(head.fields.map(\.line) == ["Host: h\r\n"])
    #expect(head.byteCount == text.utf8.count)
    expectRightWhereverCut(Array(text.utf8)) { parseRequest($0) }
  }

  static let wrongLines = [
    Wrong("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", .invalidMethod),
    Wrong("\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", .bareLineFeed),
    Wrong("\rGET / HTTP/1.1\r\nHost: h\r\n\r\n", .bareCarriageReturn),
    Wrong(" GET / HTTP/1.1\r\nHost: h\r\n\r\n", .invalidMethod),
    Wrong("GE\u{0}T / HTTP/1.1\r\n", .invalidMethod),
    Wrong("GE:T / HTTP/1.1\r\n", .invalidMethod),
    Wrong("GE(T / HTTP/1.1\r\n", .invalidMethod),
    Wrong("GÉT / HTTP/1.1\r\n", .invalidMethod),
    Wrong("GET\t/ HTTP/1.1\r\n", .invalidMethod),
    Wrong("GET\r\n", .invalidRequestLine),
    Wrong("GET\n", .bareLineFeed),
    Wrong([0x16, 0x03, 0x01, 0x02, 0x00], .invalidMethod),
    Wrong(String(repeating: "M", count: 33) + " / HTTP/1.1\r\n", .methodTooLong),
    Wrong("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", .connectUnsupported),
    Wrong("CONNECT / HTTP/1.1\r\n", .connectUnsupported),
    Wrong("CONNECT  \r\n", .connectUnsupported),
    Wrong("GET /\r\n", .invalidRequestLine),
    Wrong("GET /\n", .bareLineFeed),
    Wrong("GET  / HTTP/1.1\r\n", .invalidTarget),
    Wrong("GET \r\n", .invalidTarget),
    Wrong("GET \t/ HTTP/1.1\r\n", .invalidTarget),
    Wrong("GET /a#b HTTP/1.1\r\n", .invalidTarget),
    Wrong("GET /a\u{7F} HTTP/1.1\r\n", .invalidTarget),
    Wrong("GET /long/enough/é HTTP/1.1\r\n", .invalidTarget),
    Wrong("GET /a\tb HTTP/1.1\r\n", .invalidTarget),
    Wrong("GET /a\u{0}b HTTP/1.1\r\n", .invalidTarget),
    Wrong("GET a HTTP/1.1\r\n", .invalidTarget),
    Wrong("GET h:80 HTTP/1.1\r\n", .invalidTarget),
    Wrong("GET ?a HTTP/1.1\r\n", .invalidTarget),
    Wrong("GET ftp://h/ HTTP/1.1\r\n", .invalidTarget),
    Wrong("GET http:/h/ HTTP/1.1\r\n", .invalidTarget),
    Wrong("GET http: HTTP/1.1\r\n", .invalidTarget),
    Wrong("GET httpss://h/ HTTP/1.1\r\n", .invalidTarget),
    Wrong("GET http:// HTTP/1.1\r\n", .invalidTargetAuthority),
    Wrong("GET http:///p HTTP/1.1\r\n", .invalidTargetAuthority),
    Wrong("GET http://u@h/ HTTP/1.1\r\n", .invalidTargetAuthority),
    Wrong("GET http://u:p@h/ HTTP/1.1\r\n", .invalidTargetAuthority),
    Wrong("GET http://h?q HTTP/1.1\r\n", .invalidTargetAuthority),
    Wrong("GET http://h:80?q HTTP/1.1\r\n", .invalidTargetAuthority),
    Wrong("GET http://h:/ HTTP/1.1\r\n", .invalidTargetAuthority),
    Wrong("GET http://h:65536/ HTTP/1.1\r\n", .invalidTargetAuthority),
    Wrong("GET http://h\\x/ HTTP/1.1\r\n", .invalidTargetAuthority),
    Wrong("GET * HTTP/1.1\r\n", .asteriskWithoutOptions),
    Wrong("OPTIONS ** HTTP/1.1\r\n", .invalidTarget),
    Wrong("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .asteriskWithoutOptions),
    Wrong("GET /  HTTP/1.1\r\n", .invalidVersion),
    Wrong("GET / b HTTP/1.1\r\n", .invalidVersion),
    Wrong("GET / http/1.1\r\n", .invalidVersion),
    Wrong("GET / HTTP 1.1\r\n", .invalidVersion),
    Wrong("GET / HTTP/1\r\n", .invalidVersion),
    Wrong("GET / HTTP/1.\r\n", .invalidVersion),
    Wrong("GET / HTTP/1.x\r\n", .invalidVersion),
    Wrong("GET / HTTP/11.1\r\n", .invalidVersion),
    Wrong("GET / HTTP/1.10\r\n", .invalidVersion),
    Wrong("GET / HTTP/1.1 \r\n", .invalidVersion),
    Wrong("GET / HTTP/2.0 \r\n", .invalidVersion),
    Wrong("GET / \r\n", .invalidVersion),
    Wrong("GET / HTTP/1.1\n", .bareLineFeed),
    Wrong("GET / HTTP/1.1\r\r\n", .bareCarriageReturn),
    Wrong("GET / HTTP/1.1\rHost: h\r\n", .bareCarriageReturn),
    Wrong("GET / HTTP/0.9\r\n", .unsupportedVersion),
    Wrong("GET / HTTP/2.0\r\n", .unsupportedVersion),
    Wrong("GET / HTTP/3.1\r\n", .unsupportedVersion),
  ]

  @Test("a wrong request line is refused, and for one reason wherever it is cut", arguments: wrongLines)
  func refuses(_ wrong: Wrong) {
    expectWrongWhereverCut(wrong) { parseRequest($0) }
  }

  @Test("each byte is taken in a method, a target and a field name exactly where RFC 9110 and 9112 have it")
  func takesEachByteWhereItBelongs() {
    let tokenBytes = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
    for byte in UInt8.min...UInt8.max {
      let inTarget = (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "#")
      let inValue = byte == 0x09 || (byte >= 0x20 && byte != 0x7F)
      // Once among eight bytes that are looked at together, once in what is left at the end.
      for filler in ["", "aaaaaaaaaa"] {
        let filler = Array(filler.utf8)
        let method = Array("M".utf8) + [byte] + filler + Array(" / HTTP/1.1\r\nHost: h\r\n\r\n".utf8)
        #expect((parseRequest(method).head != nil) == tokenBytes.contains(byte), "method \(byte)")
        let target = Array("GET /".utf8) + [byte] + filler + Array(" HTTP/1.1\r\nHost: h\r\n\r\n".utf8)
        #expect((parseRequest(target).head != nil) == inTarget, "target \(byte)")
        let name = Array("GET / HTTP/1.1\r\nHost: h\r\nX".utf8) + [byte] + filler + Array(": v\r\n\r\n".utf8)
        let isName = tokenBytes.contains(byte) || byte == UInt8(ascii: ":")
        #expect((parseRequest(name).head != nil) == isName, "name \(byte)")
        let value =
          Array("GET / HTTP/1.1\r\nHost: h\r\nX: v".utf8) + [byte] + filler + Array("w\r\n\r\n".utf8)
        #expect((parseRequest(value).head != nil) == inValue, "value \(byte)")
      }
    }
  }
}
