import Foundation
import Testing

/// An answer as it leaves Relevo for the client, byte for byte.
@Suite("Answers on their way to the client")
struct AnswerRewriteTests {
  /// Both ways that an answer can take: from the new pool at once, and from the old server.
  static let ways = ["new", "old"]

  func withAnswer(
    _ bytes: String, from way: String = "new", _ flags: String...,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ test: (Client, ScriptedOrigin) throws -> Void
  ) throws {
    let origin = try ScriptedOrigin.exactly(bytes)
    let other = try ScriptedOrigin.pages([:])
    try withRelevo(
      new: [way == "new" ? origin : other], old: [way == "new" ? other : origin],
      sourceLocation: sourceLocation
    ) { try test(Client($0.port), origin) }
  }

  @Test("status line, fields and body are kept byte for byte", arguments: ways)
  func exact(way: String) throws {
    let bytes =
      "HTTP/1.1 200 Quite OK\r\nDate: now\r\nserver:x\r\nSet-Cookie:  a=b \r\nX-E:\r\nset-cookie: c\tD\r\nContent-Length: 4\r\n\r\nbody"
    try withAnswer(bytes, from: way) { (client, _) throws in
      #expect(try client.get("/").exact == bytes)
    }
  }

  @Test("an empty reason stays empty", arguments: ways)
  func emptyReason(way: String) throws {
    let bytes = "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"
    try withAnswer(bytes, from: way) { (client, _) throws in
      #expect(try client.get("/").exact == bytes)
    }
  }

  @Test("a status that nobody knows is passed on", arguments: [218, 299, 418, 499, 599])
  func unknownStatus(status: Int) throws {
    let bytes = "HTTP/1.1 \(status) What\r\nContent-Length: 0\r\n\r\n"
    try withAnswer(bytes) { (client, _) throws in #expect(try client.get("/").exact == bytes) }
  }

  @Test("hop-by-hop fields and those that Connection names end here", arguments: ways)
  func hopByHop(way: String) throws {
    try withAnswer(
      "HTTP/1.1 200 OK\r\nA: 1\r\nConnection: X-One, keep-alive\r\nKeep-Alive: timeout=5\r\nX-One: 1\r\nProxy-Connection: x\r\nUpgrade: h2c\r\nTE: x\r\nTrailer: X\r\nB: 2\r\nContent-Length: 2\r\n\r\nok",
      from: way
    ) { (client, _) throws in
      #expect(try client.get("/").exact == "HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\nContent-Length: 2\r\n\r\nok")
    }
  }

  @Test("an origin that closes costs the client nothing: its connection goes on", arguments: ways)
  func originCloses(way: String) throws {
    let origin = try ScriptedOrigin { exchange in
      try exchange.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
      exchange.close()
    }
    let other = try ScriptedOrigin.pages([:])
    try withRelevo(new: [way == "new" ? origin : other], old: [way == "new" ? other : origin]) {
      (relevo) throws in
      let client = try Client(relevo.port)
      for _ in 1...3 {
        #expect(try client.get("/").exact == "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
      }
      #expect(origin.requests.map(\.connection) == [1, 2, 3])
    }
  }

  @Test("an HTTP/1.0 origin is served from, and its connection not reused")
  func http10Origin() throws {
    try withAnswer("HTTP/1.0 200 Fine\r\nContent-Length: 2\r\n\r\nok") { (client, origin) throws in
      for _ in 1...2 {
        #expect(try client.get("/").exact == "HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\nok")
      }
      #expect(origin.requests.map(\.connection) == [1, 2])
    }
  }

  @Test("a chunked answer stays chunked, without extensions and trailers", arguments: ways)
  func chunked(way: String) throws {
    try withAnswer(
      "HTTP/1.1 200 OK\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n4;x=y\r\nbody\r\n003\r\n...\r\n0\r\nX-T: 1\r\n\r\n",
      from: way
    ) { client, _ in
      for _ in 1...2 {
        let answer = try client.get("/")
        #expect(answer.text == "body...")
        #expect(answer.head.startLine == "HTTP/1.1 200 OK")
        #expect(answer.head.fieldLines.sorted() == ["Transfer-Encoding: chunked", "X-A: 1"])
        #expect(answer.trailers == [])
      }
    }
  }

  @Test("an answer that ends with its connection is chunked for an HTTP/1.1 client", arguments: ways)
  func untilClose(way: String) throws {
    let origin = try BrokenAnswerTests.sends("HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\nuntil the end")
    let other = try ScriptedOrigin.pages([:])
    try withRelevo(new: [way == "new" ? origin : other], old: [way == "new" ? other : origin]) { relevo in
      let client = try Client(relevo.port)
      for _ in 1...2 {
        let answer = try client.get("/")
        #expect(answer.text == "until the end")
        #expect(answer["Transfer-Encoding"] == "chunked")
      }
    }
  }

  @Test(
    "an HTTP/1.0 client gets the payload alone, and its end with the connection",
    arguments: [
      "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n3\r\n...\r\n0\r\n\r\n",
      "Content-Length: 7\r\n\r\nbody...",
      "X-A: 1\r\n\r\nbody...",
    ])
  func http10Client(rest: String) throws {
    let origin = try ScriptedOrigin { exchange in
      try exchange.send("HTTP/1.1 200 OK\r\n\(rest)")
      if rest.hasPrefix("X-A") { exchange.close() }
    }
    try withSite(new: origin, old: .always(200)) { site in
      let client = try site.client()
      try client.send("GET / HTTP/1.0\r\nHost: x\r\n\r\n")
      let head = try client.head()
      #expect(head["Transfer-Encoding"] == nil)
      #expect(head["Connection"]?.lowercased() == "close")
      #expect(try client.stream.untilClose().text == "body...")
    }
  }

  @Test(
    "the answer to HEAD keeps its Content-Length and has no body, and the connection goes on", arguments: ways
  )
  func head(way: String) throws {
    let origin = try ScriptedOrigin { exchange in
      try exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    }
    let other = try ScriptedOrigin.pages([:])
    try withRelevo(new: [way == "new" ? origin : other], old: [way == "new" ? other : origin]) {
      (relevo) throws in
      let client = try Client(relevo.port)
      for _ in 1...2 {
        #expect(
          try client.get("/", method: "HEAD").exact == "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
      }
      #expect(origin.connections == 1)
    }
  }

  @Test("204 and 304 have no body, and the connection goes on", arguments: [204, 304])
  func noBody(status: Int) throws {
    let bytes = "HTTP/1.1 \(status) Nothing\r\nETag: \"x\"\r\n\r\n"
    try withAnswer(bytes) { (client, origin) throws in
      for _ in 1...2 { #expect(try client.get("/").exact == bytes) }
      #expect(origin.connections == 1)
    }
  }

  @Test(
    "interim answers of the new pool come before its final one",
    arguments: ["103 Early Hints", "102 Processing"])
  func interim(status: String) throws {
    try withAnswer("HTTP/1.1 \(status)\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") {
      client, _ in
      let answer = try client.get("/")
      #expect(answer.interim.map(\.bytes.text) == ["HTTP/1.1 \(status)\r\nLink: </a>\r\n\r\n"])
      #expect(answer.exact == "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    }
  }

  @Test("an HTTP/1.0 client gets no interim answers")
  func interimFor10() throws {
    try withAnswer("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") {
      client, _ in
      try client.send("GET / HTTP/1.0\r\nHost: x\r\n\r\n")
      #expect(try client.head().startLine == "HTTP/1.1 200 OK")
    }
  }

  @Test(
    "the old server's internal address in Location and Content-Location becomes the public one",
    arguments: ["Location", "Content-Location", "location"])
  func location(field: String) throws {
    let old = try ScriptedOrigin { exchange in
      let own = "http://127.0.0.1:\(exchange.stream.socket.localPort)"
      let value = exchange.target == "/bare" ? own : "\(own)/x?y=1"
      try exchange.answer(302, "", ["X-A: \(own)/", "\(field): \(value)"])
    }
    try withSite(new: .pages([:]), old: old) { site in
      let client = try site.client()
      for _ in 1...2 {
        try client.send("GET /a HTTP/1.1\r\nHost: www.example.test:8080\r\n\r\n")
        let answer = try client.answer()
        #expect(answer[field] == "http://www.example.test:8080/x?y=1")
        #expect(answer["X-A"] == "\(site.old.url)/", "no other field is touched")
      }
    }
  }

  @Test("the --old-host in Location becomes the public one")
  func oldHostLocation() throws {
    let old = try ScriptedOrigin.always(302, "", ["Location: http://legacy.test/x"])
    try withSite(new: .pages([:]), old: old, "--old-host", "legacy.test") { (site) throws in
      #expect(try site.get("/a")["Location"] == "http://example.test/x")
    }
  }

  @Test(
    "other Locations are left alone",
    arguments: [
      "/x", "x?y", "//other.test/x", "http://other.test/x", "https://example.test/", "http://127.0.0.1:1/x",
      "http://127.0.0.1.other.test/", "mailto:a@b",
    ])
  func otherLocations(location: String) throws {
    try withSite(new: .pages([:]), old: .always(302, "", ["Location:  \(location)"])) { (site) throws in
      #expect(try site.get("/a").head.fieldLines.first == "Location:  \(location)")
    }
  }

  @Test("Locations of the new pool are left alone")
  func newLocation() throws {
    let new = try ScriptedOrigin { exchange in
      try exchange.answer(302, "", ["Location: http://127.0.0.1:\(exchange.stream.socket.localPort)/x"])
    }
    try withSite(new: new, old: .always(200)) { (site) throws in
      #expect(try site.get("/a")["Location"] == "\(site.new.url)/x")
    }
  }
}
