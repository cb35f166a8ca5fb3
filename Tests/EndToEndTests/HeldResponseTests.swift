import Foundation
import Testing

/// The new site's 404, kept aside until the old server has answered.
@Suite("Held responses")
struct HeldResponseTests {
  @Test(
    "a held 404 reaches the client as it came, whatever its framing",
    arguments: [
      "Content-Length: 4\r\n\r\nmiss", "Content-Length: 0\r\n\r\n",
      "Set-Cookie:  a=b\r\nset-cookie: c=d\r\nContent-Length: 4\r\nX-E:\r\n\r\nmiss",
    ])
  func exact(rest: String) throws {
    try withSite(new: .exactly("HTTP/1.1 404 Nobody Home\r\n\(rest)"), old: .always(404, "old")) {
      (site) throws in
      #expect(try site.get("/page").exact == "HTTP/1.1 404 Nobody Home\r\n\(rest)")
    }
  }

  @Test("a held 404 that is chunked, or that ends with its connection, is chunked for the client")
  func framings() throws {
    for rest in ["Transfer-Encoding: chunked\r\n\r\n2\r\nmi\r\n2\r\nss\r\n0\r\n\r\n", "\r\nmiss"] {
      try withSite(
        new: BrokenAnswerTests.sends("HTTP/1.1 404 No\r\nX-A: 1\r\n\(rest)"), old: .always(404, "old")
      ) {
        (site) throws in
        let client = try site.client()
        for target in ["/1", "/2"] {
          let answer = try client.get(target)
          #expect(answer.text == "miss")
          #expect(answer["Transfer-Encoding"] == "chunked")
          #expect(answer["X-A"] == "1")
        }
      }
    }
  }

  @Test("the held answer to HEAD keeps its fields and has no body")
  func head() throws {
    let miss = "HTTP/1.1 404 No\r\nContent-Length: 5000\r\n\r\n"
    try withSite(new: .exactly(miss), old: .exactly(miss)) { site in
      let client = try site.client()
      #expect(try client.get("/1", method: "HEAD").exact == miss)
      #expect(try client.get("/2", method: "HEAD").exact == miss)
      #expect(site.new.connections == 1)
      #expect(site.old.connections == 1)
    }
  }

  @Test(
    "a held 404 of any size reaches the client whole",
    arguments: [65_000, 65_536, 70_000, 1_000_000, 10_000_000],
    [true, false])
  func long(count: Int, isChunked: Bool) throws {
    let body = Bytes.pattern(count)
    let new = try ScriptedOrigin { exchange in
      guard isChunked else { return try exchange.answer(404, body) }
      try exchange.send("HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n")
      var start = 0
      while start < count {
        let end = min(start + 33_333, count)
        try exchange.send(Bytes(body[start..<end]).asChunk)
        start = end
      }
      try exchange.send("0\r\n\r\n")
    }
    try withSite(new: new, old: .always(404, "old")) { site in
      let client = try site.client()
      let answer = try client.get("/page", deadline: .after(20))
      #expect(answer.status == 404)
      expectSame(answer.body, body)
      #expect(try client.get("/other").bodyCount == count, "the connection goes on")
    }
  }

  @Test("what is longer than 64 KiB stays unread until the old server has answered, then streams on")
  func paused() throws {
    let size = 64 << 20
    let release = Gate()
    let taken = Counter()
    let new = try ScriptedOrigin { exchange in
      try exchange.send("HTTP/1.1 404 No\r\nContent-Length: \(size)\r\n\r\n")
      let part = Bytes.pattern(1 << 20)
      for _ in 0..<(size >> 20) {
        try exchange.send(part, .after(20))
        taken.add(part.count)
      }
    }
    let old = try ScriptedOrigin { exchange in
      try release.wait(.after(10))
      try exchange.answer(404)
    }
    try withSite(new: new, old: old) { site in
      let client = try site.client()
      try client.request("/page")
      _ = try site.old.request()
      usleep(500_000)
      #expect(taken.value < size / 2, "the new server is held back")
      #expect(client.stream.staysQuiet(forMs: 50), "the client gets nothing before the decision")
      #expect(try site.relevo.process.peakMB < Memory.limitMB)
      release.open()
      #expect(try client.head().startLine == "HTTP/1.1 404 No")
      #expect(try client.stream.skip(size, .after(20)) == size)
    }
  }

  @Test(
    "when the old server has the page, a short 404 leaves its connection in use", arguments: [0, 100, 60_000])
  func shortIsReused(count: Int) throws {
    try withSite(new: .pages([:], missing: String(repeating: "x", count: count)), old: .always(200, "old")) {
      (site) throws in
      for number in 1...5 { #expect(try site.get("/\(number)").text == "old") }
      #expect(site.new.requests.count == 5)
      #expect(site.new.connections == 1)
    }
  }

  @Test("when the old server has the page, a long 404 is broken off")
  func longIsClosed() throws {
    let size = 64 << 20
    let taken = Counter()
    let new = try ScriptedOrigin { exchange in
      try exchange.send("HTTP/1.1 404 No\r\nContent-Length: \(size)\r\n\r\n")
      let part = Bytes.pattern(1 << 20)
      for _ in 0..<(size >> 20) {
        try exchange.send(part)
        taken.add(part.count)
      }
    }
    try withSite(new: new, old: .always(200, "old")) { site in
      let client = try site.client()
      for number in 1...2 { #expect(try client.get("/\(number)").text == "old") }
      try site.new.waitUntilConnectionsAre(0)
      #expect(taken.value < size, "the rest was not read")
      #expect(site.new.connections == 2)
    }
  }

  @Test("a 404 whose body trickles does not hold up the old server's page")
  func trickling() throws {
    let new = try ScriptedOrigin { exchange in
      try exchange.send("HTTP/1.1 404 No\r\nContent-Length: 100\r\n\r\nx")
      try exchange.waitForClose(.after(10))
    }
    try withSite(new: new, old: .always(200, "old")) { (site) throws in
      #expect(try site.get("/page").text == "old")
    }
  }

  @Test("20 missed requests in a row use one connection to new and one to old")
  func twenty() throws {
    try withSite(new: .pages([:]), old: .always(200, "old")) { (site) throws in
      for number in 1...20 { #expect(try site.get("/\(number)").text == "old") }
      #expect(site.new.requests.count == 20)
      #expect(site.new.connections == 1)
      #expect(site.old.requests.count == 20)
      #expect(site.old.connections == 1)
    }
  }

  @Test("20 requests that both miss use one connection to new and one to old")
  func twentyDouble() throws {
    try withSite(new: .pages([:]), old: .pages([:])) { site in
      let client = try site.client()
      for number in 1...20 { #expect(try client.get("/\(number)").status == 404) }
      #expect(site.new.connections == 1)
      #expect(site.old.connections == 1)
    }
  }

  @Test("nothing at all reaches the client before the decision stands")
  func silence() throws {
    let release = Gate()
    let old = try ScriptedOrigin { exchange in
      try release.wait()
      try exchange.answer(200, "old")
    }
    try withSite(new: .always(404, "new"), old: old) { site in
      let client = try site.client()
      try client.request("/page")
      _ = try site.old.request()
      #expect(client.stream.staysQuiet(forMs: 300))
      release.open()
      #expect(try client.answer().exact == "HTTP/1.1 200 Status\r\nContent-Length: 3\r\n\r\nold")
    }
  }

  @Test("interim answers of a new pool that misses vanish with its 404")
  func interimDropped() throws {
    let new = try ScriptedOrigin.exactly(
      "HTTP/1.1 103 Early Hints\r\nLink: </new.css>\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
    try withSite(new: new, old: .always(200, "old")) { site in
      let answer = try site.get("/page")
      #expect(answer.interim.isEmpty)
      #expect(answer.exact == "HTTP/1.1 200 Status\r\nContent-Length: 3\r\n\r\nold")
    }
  }

  @Test("interim answers of a new pool that misses come before its 404 when that is delivered")
  func interimDelivered() throws {
    let new = try ScriptedOrigin.exactly(
      "HTTP/1.1 103 Early Hints\r\nLink: </new.css>\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
    try withSite(new: new, old: .always(404, "old")) { site in
      let answer = try site.get("/page")
      #expect(answer.interim.map(\.startLine) == ["HTTP/1.1 103 Early Hints"])
      #expect(answer.status == 404)
    }
  }

  @Test("interim answers of the old server reach the client")
  func interimOfOld() throws {
    let old = try ScriptedOrigin.exactly(
      "HTTP/1.1 103 Early Hints\r\nLink: </old.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold")
    try withSite(new: .pages([:]), old: old) { site in
      let answer = try site.get("/page")
      #expect(answer.interim.map(\.startLine) == ["HTTP/1.1 103 Early Hints"])
      #expect(answer.text == "old")
    }
  }

  @Test("a held 404 whose connection breaks meanwhile never looks whole")
  func brokenWhileHeld() throws {
    let sent = Gate()
    let new = try ScriptedOrigin { exchange in
      try exchange.send("HTTP/1.1 404 No\r\nContent-Length: 100\r\n\r\n0123456789")
      exchange.close()
      sent.open()
    }
    let old = try ScriptedOrigin { exchange in
      try sent.wait()
      usleep(100_000)
      try exchange.answer(404)
    }
    try withSite(new: new, old: old) { site in
      let client = try site.client()
      try client.request("/page")
      let head = try client.head()
      let rest = try client.stream.untilClose()
      #expect(head.startLine.hasPrefix("HTTP/1.1 502") || rest.text == "0123456789")
    }
  }
}

/// A number that threads add to.
final class Counter: @unchecked Sendable {
  private let lock = NSLock()
  private var sum = 0

  func add(_ count: Int) { lock.withLock { sum += count } }
  var value: Int { lock.withLock { sum } }
}
