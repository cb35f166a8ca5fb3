import Foundation
import Testing

/// Bodies that are sent a second time, because the new pool missed.
@Suite("Replay of request bodies")
struct ReplayTests {
  @Test(
    "a body reaches both sites byte for byte, whatever its size",
    arguments: [0, 1, 1_000, 65_535, 65_536, 65_537, 200_000, 1_048_575, 1_048_576, 1_048_577, 5_000_000])
  func sizes(count: Int) throws {
    let body = Bytes.pattern(count)
    try withSite(new: .pages([:]), old: .always(200, "old")) { site in
      let answer = try site.get("/form", method: "POST", body: body, deadline: .after(20))
      #expect(answer.text == "old")
      for origin in [site.new, site.old] {
        let request = try origin.request()
        #expect(request.line == "POST /form HTTP/1.1")
        #expect(request["Content-Length"] == "\(count)")
        #expect(request.isComplete)
        expectSame(request.body, body)
      }
    }
  }

  @Test("a chunked body reaches both sites chunked, byte for byte", arguments: [10, 70_000, 1_000_000])
  func chunked(count: Int) throws {
    let body = Bytes.pattern(count)
    try withSite(new: .pages([:]), old: .always(200, "old")) { site in
      let client = try site.client()
      try client.send("POST /form HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
      var start = 0
      var size = 1
      while start < count {
        let end = min(start + size, count)
        try client.send(Bytes(body[start..<end]).asChunk)
        (start, size) = (end, size * 3 % 50_021 + 1)
      }
      try client.send("0\r\n\r\n")
      #expect(try client.answer(.after(20)).text == "old")
      for origin in [site.new, site.old] {
        let request = try origin.request()
        #expect(request["Transfer-Encoding"] == "chunked")
        expectSame(request.body, body)
      }
    }
  }

  @Test(
    "a miss before the body has been read still gives the old server all of it", arguments: [100, 300_000])
  func earlyMiss(count: Int) throws {
    let body = Bytes.pattern(count)
    let missed = Gate()
    let new = try ScriptedOrigin { exchange in
      try exchange.send("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
      missed.open()
      try exchange.readBody()
    }
    try withSite(new: new, old: .always(200, "old")) { site in
      let client = try site.client()
      let bytes = Client.bytes("/form", method: "POST", body: body)
      let half = bytes.count - count / 2
      try client.send(Bytes(bytes[..<half]))
      try missed.wait()
      try client.send(Bytes(bytes[half...]))
      #expect(try client.answer().text == "old")
      expectSame(try site.old.request().body, body)
    }
  }

  @Test("a server that misses and closes without reading the body does not spoil the fallback")
  func missAndClose() throws {
    let body = Bytes.pattern(3_000_000)
    let new = try ScriptedOrigin { exchange in
      try exchange.readBody(atLeast: 1)
      try exchange.send("HTTP/1.1 404 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
      exchange.halfClose()
      usleep(200_000)
      exchange.close()
    }
    try withSite(new: new, old: .always(200, "old")) { site in
      let answer = try site.get("/form", method: "POST", body: body, deadline: .after(20))
      #expect(answer.text == "old")
      expectSame(try site.old.request().body, body)
    }
  }

  @Test("a body past the replay limit streams to new, and new's 404 is the answer, noted in the log")
  func pastTheLimit() throws {
    let body = Bytes.pattern(300_000)
    try withSite(
      new: .always(404, "new", ["X-New: 1"]), old: .always(200, "old"), "--replay-limit", "100k"
    ) { site in
      let answer = try site.get("/upload", method: "PUT", body: body)
      #expect(answer.exact == "HTTP/1.1 404 Status\r\nX-New: 1\r\nContent-Length: 3\r\n\r\nnew")
      expectSame(try site.new.request().body, body)
      #expect(site.old.connections == 0)
      let log = try site.log("/upload")
      #expect(log.route == "new")
      #expect(log.notes.contains("replay-limit"))
    }
  }

  @Test("a chunked body past the replay limit too, though nobody knew its length")
  func chunkedPastTheLimit() throws {
    let part = Bytes.pattern(50_000)
    try withSite(new: .always(404, "new"), old: .always(200, "old"), "--replay-limit", "100k") { site in
      let client = try site.client()
      try client.send("PUT /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
      for _ in 1...6 { try client.send(part.asChunk) }
      try client.send("0\r\n\r\n")
      #expect(try client.answer().text == "new")
      #expect(try site.new.request().bodyCount == 300_000)
      #expect(site.old.connections == 0)
      #expect(try site.log("/upload").notes.contains("replay-limit"))
    }
  }

  @Test("a body of exactly the replay limit is replayed")
  func atTheLimit() throws {
    let body = Bytes.pattern(100 << 10)
    try withSite(new: .pages([:]), old: .always(200, "old"), "--replay-limit", "100k") { (site) throws in
      #expect(try site.get("/form", method: "POST", body: body).text == "old")
      expectSame(try site.old.request().body, body)
    }
  }

  @Test("the client's connection goes on after a body past the limit whose rest was at hand")
  func connectionGoesOn() throws {
    try withSite(
      new: .always(404, "new"), old: .always(200, "old"), "--replay-memory", "1k", "--replay-limit", "1k"
    ) { site in
      let client = try site.client()
      #expect(try client.get("/upload", method: "POST", body: .pattern(20_000)).text == "new")
      #expect(try client.get("/next").text == "old")
    }
  }

  @Test("a body past the limit for a URL in the map goes to the old server, unrecorded")
  func knownPastTheLimit() throws {
    let body = Bytes.pattern(3_000_000)
    try withSite(
      new: .pages([:]), old: .always(200, "old"), "--replay-limit", "100k", "--replay-memory", "10k"
    ) { site in
      try site.learn("/upload")
      let answer = try site.get("/upload", method: "POST", body: body)
      #expect(answer.text == "old")
      expectSame(try site.old.request(2).body, body)
      #expect(site.new.requests.count == 1)
      #expect(try !site.log("/upload", count: 2).notes.contains("replay-limit"))
    }
  }

  /// Answers the first request with 200 and misses every later one.
  func once() throws -> ScriptedOrigin {
    try ScriptedOrigin { exchange in
      let isFirst = exchange.connection == 1 && exchange.number == 1
      try exchange.answer(isFirst ? 200 : 404, isFirst ? "old" : "old miss")
    }
  }

  @Test("a known URL that old misses gives new the body that was kept in memory")
  func knownMissed() throws {
    let body = Bytes.pattern(20_000)
    let new = try ScriptedOrigin { exchange in
      try exchange.method == "GET" ? exchange.answer(404) : exchange.answer(201, "moved")
    }
    try withSite(new: new, old: once()) { site in
      try site.learn("/form")
      let answer = try site.get("/form", method: "POST", body: body)
      #expect(answer.status == 201)
      expectSame(try site.old.request(2).body, body)
      expectSame(try site.new.request(2).body, body)
      #expect(try site.log("/form", count: 2).notes.contains("forgotten"))
    }
  }

  @Test("a known URL that old misses after a body too long for the memory is old's miss, and forgotten")
  func knownMissedLong() throws {
    let body = Bytes.pattern(1_500_000)
    try withSite(new: .always(404, "new"), old: once(), "--debug-headers") { site in
      try site.learn("/form")
      let answer = try site.get("/form", method: "POST", body: body)
      #expect(answer.status == 404)
      #expect(answer.text == "old miss")
      #expect(site.new.requests.count == 1)
      #expect(try site.log("/form", count: 2).notes.contains("forgotten"))
      #expect(try site.get("/form").text == "new", "new is asked first again")
    }
  }

  @Test("what is too long for the memory is kept in a file without a name, and is gone afterwards")
  func temporaryFile() throws {
    let body = Bytes.pattern(2_000_000)
    let release = Gate()
    let new = try ScriptedOrigin { exchange in
      try exchange.readBody()
      try release.wait()
      try exchange.answer(404)
    }
    try withSite(new: new, old: .always(200, "old")) { site in
      let client = try site.client()
      try client.request("/form", method: "POST", body: body)
      try site.new.waitForBody(body.count)
      let held = site.relevo.process.descriptors.filter { $0.contains("(deleted)") }
      #expect(held.count == 1)
      release.open()
      #expect(try client.answer().text == "old")
      expectSame(try site.old.request().body, body)
      #expect(eventually { site.relevo.process.descriptors.filter { $0.contains("(deleted)") }.isEmpty })
    }
  }

  @Test("a short body needs no file")
  func noFile() throws {
    let release = Gate()
    let new = try ScriptedOrigin { exchange in
      try exchange.readBody()
      try release.wait()
      try exchange.answer(404)
    }
    try withSite(new: new, old: .always(200, "old"), "--replay-memory", "64k") { site in
      let client = try site.client()
      try client.request("/form", method: "POST", body: .pattern(60_000))
      try site.new.waitForBody(60_000)
      #expect(site.relevo.process.descriptors.filter { $0.contains("(deleted)") }.isEmpty)
      release.open()
      #expect(try client.answer().text == "old")
    }
  }

  @Test("no size of body is answered 413", arguments: [100_000, 1_000_000])
  func never413(count: Int) throws {
    try withSite(
      new: .always(200, "new"), old: .always(200, "old"), "--replay-memory", "10k", "--replay-limit", "10k"
    ) {
      (site) throws in
      #expect(try site.get("/upload", method: "POST", body: .pattern(count)).text == "new")
      #expect(try site.new.request().bodyCount == count)
    }
  }

  @Test("--replay-limit 0 turns the replay of bodies off, and requests without one still fall back")
  func zero() throws {
    try withSite(
      new: .always(404, "new"), old: .always(200, "old"), "--replay-memory", "0", "--replay-limit", "0"
    ) { (site) throws in
      #expect(try site.get("/form", method: "POST", body: .pattern(1)).text == "new")
      #expect(try site.get("/page").text == "old")
    }
  }
}
