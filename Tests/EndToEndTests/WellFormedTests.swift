import Foundation
import Testing

/// What looks odd and is right: it must pass.
@Suite("Unusual requests that are well-formed")
struct WellFormedTests {
  @Test("an empty line before the request line is overlooked")
  func emptyLine() throws {
    try withSite(new: .always(200, "new"), old: .always(200)) { site in
      let client = try site.client()
      try client.send("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")
      #expect(try client.answer().text == "new")
      try client.send("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")
      #expect(try client.answer().text == "new")
    }
  }

  @Test("methods that nobody knows are passed on")
  func methods() throws {
    try withSite(new: .always(200, "new"), old: .always(200)) { (site) throws in
      let methods = ["PURGE", "PROPFIND", "M-SEARCH", "get", "A", "!#$%&'*+-.^_`|~1"]
      for method in methods { #expect(try site.get("/page", method: method).text == "new") }
      #expect(site.new.requests.map(\.line) == methods.map { "\($0) /page HTTP/1.1" })
    }
  }

  @Test("paths and queries are passed on byte for byte")
  func targets() throws {
    let targets = [
      "/", "//", "/a//b/../c/./d", "/%7e%2F%2f%00", "/a?", "/?a=b&c=d;e=%20+x", "/a;b=c,d",
      "/~!$&'()*+,;=:@", "/?x=http://other.test/y?z", "/%C3%A4",
      "/\(String(repeating: "long/", count: 1_000))",
    ]
    try withSite(new: .pages([:]), old: .always(200, "old")) { (site) throws in
      for target in targets { #expect(try site.get(target).text == "old") }
      #expect(site.new.targets == targets)
      #expect(site.old.targets == targets)
      site.settle()
      for target in targets { #expect(try site.get(target).text == "old") }
      #expect(site.new.targets == targets)
      #expect(site.old.targets == targets + targets)
    }
  }

  @Test("OPTIONS * is passed on")
  func asterisk() throws {
    try withSite(new: .always(200, "new"), old: .always(200)) { (site) throws in
      #expect(try site.get("*", method: "OPTIONS").status == 200)
      #expect(try site.new.request().line == "OPTIONS * HTTP/1.1")
    }
  }

  @Test("bytes past ASCII in a value are passed on as they are")
  func latin() throws {
    try withSite(new: .always(200, "new"), old: .always(200)) { site in
      let client = try site.client()
      let line: Bytes = Bytes(text: "X-Name: Jos") + [0xE9] + Bytes(text: " \u{20AC}\r\n")
      try client.send(Bytes(text: "GET / HTTP/1.1\r\nHost: x\r\n") + line + Bytes(text: "\r\n"))
      #expect(try client.answer().status == 200)
      #expect(try site.new.request().head.bytes.offset(of: line) != nil)
    }
  }

  @Test("a request that comes byte by byte is the same request")
  func byteByByte() throws {
    try withSite(new: .always(200, "new"), old: .always(200)) { site in
      let client = try site.client()
      for byte in Client.bytes("/slow", ["X-A: b"], method: "POST", body: Bytes(text: "body")) {
        try client.send([byte])
      }
      #expect(try client.answer().text == "new")
      let request = try site.new.request()
      #expect(request.line == "POST /slow HTTP/1.1")
      #expect(request["X-A"] == "b")
      #expect(request.body.text == "body")
    }
  }

  @Test("chunks of odd forms arrive as one body: leading zeros, extensions, trailers, one byte each")
  func chunks() throws {
    try withSite(new: .always(200, "new"), old: .always(200)) { site in
      let client = try site.client()
      try client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n")
      for byte in Bytes(
        text: "0003;name=value\r\nabc\r\n1;q=\"a;b\"\r\nd\r\nA\r\n0123456789\r\n0;last\r\nX-T: 1\r\n\r\n")
      {
        try client.send([byte])
      }
      #expect(try client.answer().text == "new")
      let request = try site.new.request()
      #expect(request.body.text == "abcd0123456789")
      #expect(request.trailers == [], "trailers are dropped")
      #expect(try client.get("/next").text == "new", "the connection goes on")
    }
  }

  @Test("an HTTP/1.0 client is served, and its connection ends")
  func http10() throws {
    try withSite(new: .always(200, "new"), old: .always(200)) { site in
      let client = try site.client()
      try client.send("GET / HTTP/1.0\r\nHost: x\r\n\r\n")
      let answer = try client.answer()
      #expect(answer.text == "new")
      #expect(answer.head.startLine == "HTTP/1.1 200 Status")
      #expect(answer["Connection"]?.lowercased() == "close")
      #expect(client.isClosed())
      #expect(try site.new.request().line == "GET / HTTP/1.1")
    }
  }

  @Test("an HTTP/1.0 client that asks for it keeps its connection")
  func http10KeepAlive() throws {
    try withSite(new: .always(200, "new"), old: .always(200)) { site in
      let client = try site.client()
      for _ in 1...2 {
        try client.send("GET / HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n")
        let answer = try client.answer()
        #expect(answer.text == "new")
        #expect(answer["Connection"]?.lowercased() == "keep-alive")
      }
    }
  }

  @Test("a client that says close gets its answer with Connection: close, and the end")
  func close() throws {
    try withSite(new: .always(200, "new"), old: .always(200)) { site in
      let client = try site.client()
      let answer = try client.get("/", ["Connection: close"])
      #expect(answer.text == "new")
      #expect(answer["Connection"]?.lowercased() == "close")
      #expect(client.isClosed())
      #expect(try site.new.request()["Connection"] == nil, "the origin's connection is kept")
    }
  }
}
