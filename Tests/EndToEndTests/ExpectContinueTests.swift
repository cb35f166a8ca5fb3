import Foundation
import Testing

/// `Expect: 100-continue` travels to the origin, and `100 Continue` back.
@Suite("Expect: 100-continue")
struct ExpectContinueTests {
  static let body = Bytes(text: "the body")
  static let head = Bytes(
    text: "POST /form HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 8\r\n\r\n")

  /// Asks for the body and answers with the status.
  static func asking(_ status: Int, _ text: String) throws -> ScriptedOrigin {
    try ScriptedOrigin { exchange in
      if exchange.head["Expect"] != nil { try exchange.send("HTTP/1.1 100 Continue\r\n\r\n") }
      try exchange.answer(status, text)
    }
  }

  @Test("the origin's 100 reaches the client at once, once, and then the body the origin")
  func passed() throws {
    try withSite(new: Self.asking(200, "new"), old: .always(200)) { site in
      let client = try site.client()
      try client.send(Self.head)
      #expect(try client.head().startLine.hasPrefix("HTTP/1.1 100 "))
      #expect(try site.new.request()["Expect"] == "100-continue")
      #expect(client.stream.staysQuiet(forMs: 100), "once, and nothing before the body")
      try client.send(Self.body)
      let answer = try client.answer()
      #expect(answer.interim.isEmpty)
      #expect(answer.text == "new")
      expectSame(try site.new.request().body, Self.body)
    }
  }

  @Test("an upload that new misses without asking for it is sent to the old server only")
  func missedUnasked() throws {
    let new = try ScriptedOrigin { exchange in
      try exchange.send("HTTP/1.1 404 No\r\nContent-Length: 3\r\n\r\nnew")
      try exchange.waitForClose()
      exchange.close()
    }
    try withSite(new: new, old: Self.asking(200, "old")) { site in
      let client = try site.client()
      try client.send(Self.head)
      #expect(try client.head().startLine.hasPrefix("HTTP/1.1 100 "))
      try client.send(Self.body)
      #expect(try client.answer().text == "old")
      #expect(try site.new.request().body.isEmpty)
      expectSame(try site.old.request().body, Self.body)
      #expect(try client.get("/next").text == "old", "the connection goes on")
    }
  }

  @Test("an upload that new asked for and then missed is replayed, and the client hears one 100")
  func missedAsked() throws {
    try withSite(new: Self.asking(404, "new"), old: Self.asking(200, "old")) { site in
      let client = try site.client()
      try client.send(Self.head)
      #expect(try client.head().startLine.hasPrefix("HTTP/1.1 100 "))
      try client.send(Self.body)
      let answer = try client.answer()
      #expect(answer.interim.isEmpty)
      #expect(answer.text == "old")
      for origin in [site.new, site.old] { expectSame(try origin.request().body, Self.body) }
    }
  }

  @Test("when both miss without asking, the held 404 is the answer and no body is sent anywhere")
  func bothMissUnasked() throws {
    let miss: ScriptedOrigin.Script = { exchange in
      try exchange.send("HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\nmiss")
      try exchange.waitForClose()
      exchange.close()
    }
    try withSite(new: ScriptedOrigin(miss), old: ScriptedOrigin(miss)) { site in
      let client = try site.client()
      try client.send(Self.head)
      let answer = try client.answer()
      #expect(answer.status == 404)
      #expect(answer.interim.isEmpty)
      #expect(answer.text == "miss")
    }
  }

  @Test("a refusal before the body reaches the client without a 100", arguments: [401, 413, 417])
  func refused(status: Int) throws {
    let new = try ScriptedOrigin { exchange in
      try exchange.send("HTTP/1.1 \(status) No\r\nContent-Length: 2\r\n\r\nno")
      try exchange.waitForClose()
      exchange.close()
    }
    try withSite(new: new, old: .always(200)) { site in
      let client = try site.client()
      try client.send(Self.head)
      let answer = try client.answer()
      #expect(answer.status == status)
      #expect(answer.interim.isEmpty)
    }
  }

  @Test("after a refusal a client that sends its body all the same is not misread")
  func refusedButSent() throws {
    let new = try ScriptedOrigin { exchange in
      guard exchange.method == "POST" else { return try exchange.answer(200, "new") }
      try exchange.send("HTTP/1.1 401 No\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")
      exchange.close()
    }
    try withSite(new: new, old: .always(200)) { site in
      let client = try site.client()
      let body = Bytes(text: "GET /evil HTTP/1.1\r\nHost: x\r\n\r\n")
      try client.send(
        "POST /form HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: \(body.count)\r\n\r\n")
      #expect(try client.answer().status == 401)
      client.trySend(body)
      client.trySend(Client.bytes("/next"))
      let rest = try client.stream.untilClose(.after(1)).text
      #expect(!rest.contains("/evil"))
      #expect(!site.new.targets.contains("/evil"))
    }
  }

  @Test("a client that does not wait for the 100 is served all the same")
  func impatient() throws {
    for (new, expected) in [(try Self.asking(200, "new"), "new"), (try Self.asking(404, "new"), "old")] {
      try withSite(new: new, old: Self.asking(200, "old")) { site in
        let client = try site.client()
        try client.send(Self.head + Self.body)
        #expect(try client.answer().text == expected)
        #expect(try client.get("/next").status == 200)
      }
    }
  }

  @Test("an origin that says nothing before the body gets the body")
  func silentOrigin() throws {
    try withSite(new: .always(200, "new"), old: .always(200)) { site in
      let client = try site.client()
      try client.send(Self.head)
      _ = try site.new.request()
      usleep(100_000)
      try client.send(Self.body)
      #expect(try client.answer().text == "new")
      expectSame(try site.new.request().body, Self.body)
    }
  }

  @Test("a known URL asks the old server, whose 100 passes")
  func known() throws {
    try withSite(new: .pages([:]), old: Self.asking(200, "old")) { site in
      try site.learn("/form")
      let client = try site.client()
      try client.send(Self.head)
      #expect(try client.head().startLine.hasPrefix("HTTP/1.1 100 "))
      try client.send(Self.body)
      #expect(try client.answer().text == "old")
      #expect(site.new.requests.count == 1)
    }
  }

  @Test("an HTTP/1.0 client hears no 100")
  func http10() throws {
    try withSite(new: Self.asking(200, "new"), old: .always(200)) { site in
      let client = try site.client()
      try client.send(
        "POST /form HTTP/1.0\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 8\r\n\r\nthe body")
      let head = try client.head()
      #expect(head.startLine.hasPrefix("HTTP/1.1 200 "))
      #expect(try client.stream.untilClose().text == "new")
    }
  }
}
