import Foundation
import Testing

/// Several requests at once over one connection.
@Suite("Pipelining and kept connections")
struct PipeliningTests {
  @Test("requests that arrive together are answered in their order, wherever each comes from")
  func order() throws {
    let new = try ScriptedOrigin { exchange in
      if exchange.target.hasPrefix("/slow") { usleep(200_000) }
      try exchange.answer(exchange.target.contains("old") ? 404 : 200, "new \(exchange.target)")
    }
    let old = try ScriptedOrigin { try $0.answer(200, "old \($0.target)") }
    try withSite(new: new, old: old) { site in
      let client = try site.client()
      let targets = ["/slow", "/old-1", "/a", "/slow-old", "/old-1", "/b"]
      try client.send(targets.flatMap { Client.bytes($0) })
      let answers = try targets.map { _ in try client.answer().text }
      #expect(
        answers == ["new /slow", "old /old-1", "new /a", "old /slow-old", "old /old-1", "new /b"])
    }
  }

  @Test("bodies do not run into the next request", arguments: [true, false])
  func bodies(isChunked: Bool) throws {
    let new = try ScriptedOrigin { exchange in
      let body = try exchange.readBody()
      try exchange.answer(200, body)
    }
    try withSite(new: new, old: .always(200)) { site in
      let client = try site.client()
      var bytes: Bytes = []
      for number in 1...10 {
        let body = Bytes(text: "GET /evil\(number) HTTP/1.1\r\nHost: x\r\n\r\n")
        bytes +=
          isChunked
          ? Client.bytes("/\(number)", ["Transfer-Encoding: chunked"], method: "POST") + body.asChunk
            + Bytes(text: "0\r\n\r\n") : Client.bytes("/\(number)", method: "POST", body: body)
        bytes += Client.bytes("/get\(number)")
      }
      try client.send(bytes)
      for number in 1...10 {
        #expect(try client.answer().text == "GET /evil\(number) HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(try client.answer().text == "")
      }
      #expect(!site.new.targets.contains { $0.contains("evil") })
    }
  }

  @Test("a hundred requests in one piece get a hundred answers over one connection to the origin")
  func hundred() throws {
    let new = try ScriptedOrigin { try $0.answer(200, $0.target) }
    try withSite(new: new, old: .always(200)) { site in
      let client = try site.client()
      try client.send((1...100).flatMap { Client.bytes("/\($0)") })
      for number in 1...100 { #expect(try client.answer().text == "/\(number)") }
      #expect(site.new.connections == 1)
    }
  }

  @Test("an origin gets the next request only when the one before is answered")
  func oneAtATime() throws {
    let release = Gate()
    let new = try ScriptedOrigin { exchange in
      if exchange.target == "/1" { try release.wait() }
      try exchange.answer(200, exchange.target)
    }
    try withSite(new: new, old: .always(200)) { site in
      let client = try site.client()
      try client.send(Client.bytes("/1") + Client.bytes("/2"))
      _ = try site.new.request()
      usleep(100_000)
      #expect(site.new.targets == ["/1"])
      release.open()
      #expect(try client.answer().text == "/1")
      #expect(try client.answer().text == "/2")
    }
  }

  @Test("a malformed request after a good one: the good one's answer, then 400, then the end")
  func malformedSecond() throws {
    try withSite(new: .always(200, "new"), old: .always(200)) { site in
      let client = try site.client()
      try client.send(Client.bytes("/1") + Bytes(text: "G(T / HTTP/1.1\r\n\r\n") + Client.bytes("/3"))
      #expect(try client.answer().text == "new")
      #expect(try client.answer().status == 400)
      #expect(client.isClosed())
      #expect(site.new.targets == ["/1"])
    }
  }

  @Test("nothing after a request that says close is answered or passed on")
  func afterClose() throws {
    try withSite(new: .always(200, "new"), old: .always(200)) { site in
      let client = try site.client()
      try client.send(Client.bytes("/1", ["Connection: close"]) + Client.bytes("/2"))
      #expect(try client.answer().text == "new")
      #expect(client.isClosed())
      #expect(site.new.targets == ["/1"])
    }
  }

  @Test("a client that has said everything and ends its side gets every answer")
  func halfClose() throws {
    let new = try ScriptedOrigin { exchange in
      usleep(100_000)
      try exchange.answer(exchange.target == "/2" ? 404 : 200, "new")
    }
    try withSite(new: new, old: .always(200, "old")) { site in
      let client = try site.client()
      try client.send(Client.bytes("/1") + Client.bytes("/2") + Client.bytes("/3"))
      client.halfClose()
      #expect(try client.answer().text == "new")
      #expect(try client.answer().text == "old")
      #expect(try client.answer().text == "new")
      #expect(client.isClosed())
    }
  }

  @Test("a connection is kept over many requests of every kind")
  func kept() throws {
    try withSite(new: .pages(["/new": "new"]), old: .pages(["/old": "old"])) { site in
      let client = try site.client()
      for _ in 1...5 {
        #expect(try client.get("/new").text == "new")
        #expect(try client.get("/old").text == "old")
        #expect(try client.get("/none").status == 404)
        #expect(try client.get("/new", method: "HEAD").status == 200)
        #expect(try client.get("/new", method: "POST", body: .pattern(100_000)).text == "new")
      }
      #expect(site.new.connections == 1)
      #expect(site.old.connections == 1)
    }
  }

  @Test("an idle connection is closed after --idle-timeout, without a word")
  func idle() throws {
    try withSite(new: .always(200, "new"), old: .always(200), "--idle-timeout", "500ms") { site in
      let client = try site.client()
      #expect(try client.get("/").text == "new")
      let time = seconds { #expect(client.isClosed()) }
      #expect(time > 0.3)
    }
  }

  @Test("a flood of pipelined requests is not read ahead of its answers")
  func flood() throws {
    let release = Gate()
    let new = try ScriptedOrigin { exchange in
      try release.wait(.after(20))
      try exchange.answer(200)
    }
    try withSite(new: new, old: .always(200)) { site in
      let client = try site.client()
      let flood = Bytes(
        (0..<200_000).flatMap { _ in
          Bytes(
            text: "GET / HTTP/1.1\r\nHost: x\r\nX-Padding: 0123456789012345678901234567890123456789\r\n\r\n")
        })
      let early = try client.socket.sendUntilBlocked(flood, pauseMs: 400)
      #expect(early < flood.count / 2)
      #expect(try site.relevo.process.peakMB < Memory.limitMB)
      client.reset()
      release.open()
      #expect(try site.get("/").status == 200)
    }
  }
}
