import Foundation
import Testing

/// What breaks, on either side and at every moment, and what is left of it.
@Suite("Faults")
struct FaultTests {
  /// Serves `first` once per connection, then ends as told when the next request arrives on it.
  static func dying(_ end: @escaping @Sendable (OriginExchange) -> Void) throws -> ScriptedOrigin {
    try ScriptedOrigin { exchange in
      if exchange.number > 1 { return end(exchange) }
      try exchange.answer(200, "answer \(exchange.connection)")
    }
  }

  @Test(
    "a kept connection that dies before one byte of the answer is tried again on a fresh one",
    arguments: ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"], [true, false])
  func retried(method: String, isReset: Bool) throws {
    try withSite(new: Self.dying { isReset ? $0.reset() : $0.close() }, old: .always(200)) { site in
      let client = try site.client()
      #expect(try client.get("/1").text == "answer 1")
      let body = method == "PUT" ? Bytes(text: "body") : nil
      let answer = try client.get("/2", method: method, body: body)
      #expect(answer.status == 200)
      let second = try site.new.request(3)
      #expect(second.line == "\(method) /2 HTTP/1.1")
      #expect(second.connection == 2)
      #expect(second.body == body ?? [])
      #expect(try site.log("/2").notes.contains("retried"))
    }
  }

  @Test("a POST is not tried again", arguments: [true, false])
  func postNotRetried(isReset: Bool) throws {
    try withSite(new: Self.dying { isReset ? $0.reset() : $0.close() }, old: .always(200)) { site in
      let client = try site.client()
      #expect(try client.get("/1").text == "answer 1")
      #expect(try client.get("/2", method: "POST", body: Bytes(text: "body")).status == 502)
      #expect(site.new.requests.count == 2)
      #expect(site.old.connections == 0)
    }
  }

  @Test("a fresh connection that dies is tried again once, not for ever")
  func retriedOnce() throws {
    let new = try ScriptedOrigin { $0.close() }
    try withSite(new: new, old: .always(200)) { (site) throws in
      #expect(try site.get("/1").status == 502)
      #expect(site.new.requests.count <= 2)
      #expect(site.old.connections == 0)
    }
  }

  @Test("an answer that has begun is never tried again", arguments: ["H", "HTTP/1.1 200 OK\r\nX: y"])
  func begun(bytes: String) throws {
    let new = try ScriptedOrigin { exchange in
      try exchange.send(bytes)
      exchange.close()
    }
    try withSite(new: new, old: .always(200)) { (site) throws in
      #expect(try site.get("/1").status == 502)
      #expect(site.new.requests.count == 1)
    }
  }

  @Test("an idle connection that the origin has closed is not used", arguments: [true, false])
  func idleClosed(isReset: Bool) throws {
    let new = try ScriptedOrigin { exchange in
      try exchange.answer(200, "new")
      if isReset { exchange.reset() } else { exchange.close() }
    }
    try withSite(new: new, old: .always(200)) { site in
      let client = try site.client()
      for number in 1...5 {
        #expect(try client.get("/\(number)", method: "POST", body: Bytes(text: "b")).text == "new")
        try site.new.waitUntilConnectionsAre(0)
        usleep(20_000)
      }
      #expect(site.new.requests.map(\.connection) == [1, 2, 3, 4, 5])
    }
  }

  @Test("the old server's kept connection that dies is tried again too", arguments: ["/page", "/other"])
  func oldRetried(target: String) throws {
    try withSite(new: .pages([:]), old: Self.dying { $0.reset() }) { site in
      try site.learn("/page")
      let answer = try site.get(target)
      #expect(answer.status == 200)
      #expect(answer.text == "answer 2")
    }
  }

  @Test(
    "an origin that breaks off in the middle of a body ends the client's connection",
    arguments: [true, false])
  func middle(isReset: Bool) throws {
    let sent = Gate()
    let new = try ScriptedOrigin { exchange in
      guard exchange.target == "/1" else { return try exchange.answer(200, "new") }
      try exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbeginning")
      try sent.wait()
      if isReset { exchange.reset() } else { exchange.close() }
    }
    try withSite(new: new, old: .always(200)) { site in
      let client = try site.client()
      try client.request("/1")
      #expect(try client.head().startLine == "HTTP/1.1 200 OK")
      #expect(try client.stream.exactly(9).text == "beginning")
      sent.open()
      #expect(client.isClosed())
      #expect(site.new.requests.count == 1, "nothing is asked twice")
      #expect(try site.get("/2").text == "new")
    }
  }

  @Test("an origin that stalls in the middle of a body is given up after --idle-timeout")
  func stalls() throws {
    let new = try ScriptedOrigin { exchange in
      try exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbeginning")
      try exchange.waitForClose(.after(10))
      exchange.close()
    }
    try withSite(new: new, old: .always(200), "--idle-timeout", "500ms") { site in
      let client = try site.client()
      try client.request("/1")
      #expect(try client.head().startLine == "HTTP/1.1 200 OK")
      #expect(try client.stream.untilClose().text == "beginning")
      try site.new.waitUntilConnectionsAre(0)
    }
  }

  @Test("an origin that answers while its side of the connection is half closed is heard")
  func originHalfCloses() throws {
    let new = try ScriptedOrigin { exchange in
      try exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew")
      exchange.halfClose()
      try exchange.waitForClose()
      exchange.close()
    }
    try withSite(new: new, old: .always(200)) { (site) throws in
      let client = try site.client()
      for _ in 1...3 { #expect(try client.get("/").text == "new") }
      try site.new.waitUntilConnectionsAre(0)
    }
  }

  // MARK: clients

  @Test("408 for a head that does not come within --header-timeout, and the end")
  func slowHead() throws {
    try withSite(new: .always(200), old: .always(200), "--header-timeout", "500ms") { site in
      let client = try site.client()
      try client.send("GET / HTTP/1.1\r\nHost: x\r\n")
      let answer = try client.answer()
      #expect(answer.status == 408)
      #expect(answer["Connection"]?.lowercased() == "close")
      #expect(client.isClosed())
      #expect(site.new.connections == 0)
    }
  }

  @Test("408 also for a head that trickles: each byte does not begin the time anew")
  func tricklingHead() throws {
    try withSite(new: .always(200), old: .always(200), "--header-timeout", "500ms") { site in
      let client = try site.client()
      try client.send("GET / HTTP/1.1\r\nHost: x\r\n")
      for _ in 1...200 where client.stream.staysQuiet(forMs: 20) { client.trySend(Bytes(text: "X: y\r\n")) }
      #expect(try client.answer().status == 408)
    }
  }

  @Test("a body that stalls ends the exchange, and the origin sees no whole body")
  func slowBody() throws {
    let new = try ScriptedOrigin { exchange in
      try exchange.readBody(.after(10))
      try exchange.answer(200)
    }
    try withSite(new: new, old: .always(200), "--idle-timeout", "500ms") { site in
      let client = try site.client()
      try client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nfour")
      let rest = try client.stream.untilClose().text
      #expect(rest.isEmpty || rest.hasPrefix("HTTP/1.1 408 "))
      try site.new.waitUntilConnectionsAre(0)
      #expect(try !site.new.request().isComplete)
    }
  }

  @Test("a client that resets while its request waits leaves nothing behind, at once")
  func leavesWaiting() throws {
    let new = try ScriptedOrigin { exchange in
      guard exchange.target == "/1" else { return try exchange.answer(200, "new") }
      try exchange.waitForClose(.after(10))
      exchange.close()
    }
    try withSite(new: new, old: .always(200)) { site in
      #expect(try site.get("/0").text == "new")
      let before = site.relevo.process.restingDescriptorCount()
      let clients = try (1...5).map { _ in try site.client() }
      for client in clients { try client.request("/1") }
      _ = try site.new.request(6)
      for client in clients { client.reset() }
      #expect(eventually { site.new.openConnections <= 1 })
      #expect(eventually { site.relevo.process.descriptors.count <= before })
      #expect(try site.log("/1", count: 5).notes.contains("client-gone"))
    }
  }

  @Test("a client that ends both its sides while its request waits leaves nothing behind once it is answered")
  func leavesQuietly() throws {
    let release = Gate()
    let new = try ScriptedOrigin { exchange in
      if exchange.target == "/1" { try release.wait() }
      try exchange.answer(200, Bytes.pattern(1_000_000))
    }
    try withSite(new: new, old: .always(200), "--idle-timeout", "1s") { site in
      let before = site.relevo.process.restingDescriptorCount()
      let clients = try (1...5).map { _ in try site.client() }
      for client in clients { try client.request("/1") }
      _ = try site.new.request(5)
      for client in clients { client.close() }
      release.open()
      let isClean = eventually(within: .after(10)) { site.relevo.process.descriptors.count <= before }
      #expect(isClean, "\(site.relevo.process.descriptors) with \(before) before")
      #expect(try site.get("/2").status == 200)
    }
  }

  @Test("a client that leaves in the middle of a download ends it at the origin")
  func leavesDownload() throws {
    let size = 256 << 20
    let new = try StreamingTests.sender(size)
    try withSite(new: new, old: .always(200)) { site in
      let client = try site.client()
      try client.request("/large")
      _ = try client.stream.skip(1 << 20, .after())
      client.reset()
      try site.new.waitUntilConnectionsAre(0)
      #expect(try site.log("/large").notes.contains("client-gone"))
    }
  }

  @Test(
    "a client that leaves in the middle of an upload ends it at the origin, unfinished",
    arguments: [true, false])
  func leavesUpload(isReset: Bool) throws {
    try withSite(new: .always(200), old: .always(200)) { site in
      let client = try site.client()
      try client.send("POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n")
      try site.new.waitForBody(4)
      if isReset { client.reset() } else { client.close() }
      try site.new.waitUntilConnectionsAre(0)
      #expect(try !site.new.request().isComplete)
      #expect(site.old.connections == 0)
    }
  }

  @Test("a client that leaves while a 404 is held leaves no trace, and teaches nothing")
  func leavesHeld() throws {
    let asked = Gate()
    let old = try ScriptedOrigin { exchange in
      guard exchange.target == "/1" else { return try exchange.answer(200, "old") }
      asked.open()
      try exchange.waitForClose(.after(10))
      exchange.close()
    }
    try withSite(new: .pages([:]), old: old) { site in
      let client = try site.client()
      try client.request("/1")
      try asked.wait()
      client.reset()
      try site.old.waitUntilConnectionsAre(0)
      #expect(try site.get("/2").text == "old")
    }
  }

  @Test("a client that connects and says nothing is let go after --idle-timeout or --header-timeout")
  func silent() throws {
    try withSite(
      new: .always(200), old: .always(200), "--idle-timeout", "400ms", "--header-timeout", "400ms"
    ) { site in
      let rest = try site.client().stream.untilClose().text
      #expect(rest.isEmpty || rest.hasPrefix("HTTP/1.1 408 "))
      #expect(site.new.connections == 0)
    }
  }

  @Test("the new pool may be killed and come back in the middle of traffic")
  func killedAndBack() throws {
    try withSite(new: .always(200, "new"), old: .always(200)) { site in
      for _ in 1...3 {
        #expect(try site.get("/").text == "new")
        try site.new.stop()
        #expect(try site.get("/").status == 502)
        try site.new.start()
        #expect(
          try eventually(within: .after(30)) {
            usleep(50_000)
            return try site.get("/").text == "new"
          })
      }
    }
  }
}
