import Foundation
import Testing

/// Answers of origins that are wrong, and what is left of them for the client.
@Suite("Malformed answers")
struct BrokenAnswerTests {
  static let heads: [(name: String, bytes: String)] = [
    ("another protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n"), ("no version", "200 OK\r\n\r\n"),
    ("misspelt version", "HTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ("HTTP/2 in a status line", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ("lower-case version", "http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ("status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"),
    ("status of four digits", "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"),
    ("status below 100", "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n"),
    ("status of letters", "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n"),
    ("no status", "HTTP/1.1\r\nContent-Length: 0\r\n\r\n"),
    ("control byte in the reason", "HTTP/1.1 200 O\u{01}K\r\nContent-Length: 0\r\n\r\n"),
    ("bare LF in the head", "HTTP/1.1 200 OK\r\nX: a\nContent-Length: 0\r\n\r\n"),
    ("bare CR in a value", "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n"),
    ("NUL in a value", "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n"),
    ("folded line", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n"),
    ("space before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n"),
    ("empty name", "HTTP/1.1 200 OK\r\n: a\r\nContent-Length: 0\r\n\r\n"),
    ("line without a colon", "HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 0\r\n\r\n"),
    ("negative Content-Length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
    ("Content-Length of letters", "HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\nabc"),
    ("different Content-Lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    (
      "Content-Length and chunked",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    ("an unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, xyz\r\n\r\nabc"),
    ("a head without end", "HTTP/1.1 200 OK\r\nX: a\r\n"),
    (
      "101 that nobody asked for",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
    ),
  ]

  /// Sends the bytes that belong to a target, and then ends its side.
  static func sends(_ bytes: @escaping @Sendable (_ target: String) -> String) throws -> ScriptedOrigin {
    try ScriptedOrigin { exchange in
      try exchange.readBody()
      try exchange.send(bytes(exchange.target))
      exchange.halfClose()
      try exchange.waitForClose()
      exchange.close()
    }
  }

  static func sends(_ bytes: String) throws -> ScriptedOrigin { try sends { _ in bytes } }

  /// The head whose number is the target.
  private static func head(_ target: String) -> String { heads[Int(target.dropFirst()) ?? 0].bytes }

  @Test("a broken head of the new pool becomes 502")
  func newBroken() throws {
    try withSite(
      new: Self.sends(Self.head), old: .always(200, "old"), "--origin-fails", "100"
    ) { site in
      for (number, head) in Self.heads.enumerated() {
        let answer = try site.get("/\(number)")
        #expect(answer.status == 502, "\(head.name)")
        #expect(answer["Content-Type"]?.hasPrefix("text/plain") == true, "\(head.name)")
        #expect(answer["Content-Length"] == "\(answer.body.count)", "\(head.name)")
        #expect(site.old.connections == 0, "\(head.name)")
        try site.new.waitUntilConnectionsAre(0)
      }
    }
  }

  @Test("a broken head of the old server leaves the new site's 404")
  func oldBroken() throws {
    try withSite(
      new: .always(404, "new"), old: Self.sends(Self.head), "--origin-fails", "100"
    ) { site in
      for (number, head) in Self.heads.enumerated() {
        let answer = try site.get("/\(number)")
        #expect(answer.exact == "HTTP/1.1 404 Status\r\nContent-Length: 3\r\n\r\nnew", "\(head.name)")
        let log = try site.log("/\(number)")
        #expect(log.route == "held", "\(head.name)")
        #expect(log.notes.contains { ["old-error", "old-down"].contains($0) }, "\(head.name)")
        #expect(site.old.targets.contains("/\(number)"), "\(head.name)")
      }
    }
  }

  @Test("a head of the new pool that is too long becomes 502")
  func longHead() throws {
    let lines = (1...300).map { "X-\($0): 0123456789012345678901234567890123456789\r\n" }.joined()
    let new = try ScriptedOrigin.exactly("HTTP/1.1 200 OK\r\n\(lines)Content-Length: 0\r\n\r\n")
    try withSite(new: new, old: .always(200, "old"), "--max-header-bytes", "8k") { (site) throws in
      #expect(try site.get("/page").status == 502)
    }
  }

  @Test("a head of the new pool that never ends becomes 502 without filling the memory")
  func endlessHead() throws {
    let new = try ScriptedOrigin { exchange in
      try exchange.send("HTTP/1.1 200 OK\r\n")
      let lines = Bytes(text: String(repeating: "X-Endless: 0123456789\r\n", count: 1_000))
      for _ in 1...2_000 { try exchange.send(lines) }
    }
    try withSite(new: new, old: .always(200, "old")) { (site) throws in
      #expect(try site.get("/page").status == 502)
      #expect(try site.relevo.process.peakMB < Memory.limitMB)
    }
  }

  @Test(
    "a body that breaks off or turns out broken once the head is out ends the client's connection",
    arguments: [
      ("Content-Length: 10\r\n\r\nfour", ""),
      ("Transfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n", ""),
      ("Transfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n", "zz\r\nabc\r\n0\r\n\r\n"),
      ("Transfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n", "4\r\nfive!\r\n0\r\n\r\n"),
      ("Transfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n", "5\nfive!\r\n0\r\n\r\n"),
    ])
  func brokenBody(beginning: String, rest: String) throws {
    let received = Gate()
    let new = try ScriptedOrigin { exchange in
      try exchange.send("HTTP/1.1 200 OK\r\n\(beginning)")
      try received.wait()
      try exchange.send(rest)
      exchange.halfClose()
      try exchange.waitForClose()
      exchange.close()
    }
    try withSite(new: new, old: .always(200, "old")) { site in
      let client = try site.client()
      try client.request("/page")
      let head = try client.head()
      #expect(head.startLine == "HTTP/1.1 200 OK")
      _ = try client.stream.read(through: Bytes(text: "four"), .after())
      received.open()
      let rest = try client.stream.untilClose()
      #expect(!rest.contains(text: "\r\n0\r\n\r\n"), "a body that is cut short does not look whole")
    }
  }

  @Test("a body that is broken from its first byte is 502, or a closed connection")
  func brokenAtOnce() throws {
    let new = try Self.sends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n")
    try withSite(new: new, old: .always(200, "old")) { site in
      let client = try site.client()
      try client.request("/page")
      let head = try client.head()
      if head.startLine.hasPrefix("HTTP/1.1 502 ") { return }
      #expect(head.startLine == "HTTP/1.1 200 OK")
      #expect(try client.stream.untilClose().isEmpty)
    }
  }

  @Test("bytes after the end of an answer reach nobody, and their connection is not used again")
  func bytesAfterTheEnd() throws {
    let new = try ScriptedOrigin.exactly(
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnewHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
    try withSite(new: new, old: .always(200, "old")) { site in
      let client = try site.client()
      for _ in 1...3 { #expect(try client.get("/page").text == "new") }
      #expect(client.stream.staysQuiet(forMs: 100))
      #expect(site.new.requests.map(\.connection) == [1, 2, 3])
    }
  }

  @Test("bytes that an origin sends while nothing is asked of it answer no later request")
  func unsolicited() throws {
    let sent = Gate()
    let new = try ScriptedOrigin { exchange in
      try exchange.answer(200, "new")
      guard exchange.connection == 1, exchange.number == 1 else { return }
      usleep(100_000)
      try exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
      sent.open()
    }
    try withSite(new: new, old: .always(200, "old")) { site in
      let client = try site.client()
      #expect(try client.get("/1").text == "new")
      try sent.wait()
      #expect(eventually { site.new.openConnections == 0 || site.new.connections > 1 })
      #expect(try client.get("/2").text == "new")
      #expect(try site.new.request(2).connection == 2)
    }
  }

  @Test("bytes after the end of a held 404 do not become part of anything")
  func bytesAfterMiss() throws {
    let new = try ScriptedOrigin.exactly(
      "HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\nmissHTTP/1.1 200 OK\r\n\r\nevil")
    try withSite(new: new, old: .pages(["/old": "old"])) { site in
      let client = try site.client()
      #expect(try client.get("/old").text == "old")
      #expect(try client.get("/none").text == "miss")
      #expect(try client.get("/old?2").text == "miss")
      #expect(client.stream.staysQuiet(forMs: 100))
    }
  }

  @Test("bytes where an answer has no body are not a body", arguments: ["HEAD 200", "GET 204", "GET 304"])
  func noBody(form: String) throws {
    let words = form.split(separator: " ").map(String.init)
    let length = words[1] == "204" ? "" : "Content-Length: 4\r\n"
    let new = try ScriptedOrigin.exactly(
      "HTTP/1.1 \(words[1]) OK\r\n\(length)\r\n\(words[0] == "HEAD" ? "" : "evil")")
    try withSite(new: new, old: .always(200, "old")) { site in
      let client = try site.client()
      let answer = try client.get("/page", method: words[0])
      #expect(answer.status == Int(words[1]))
      #expect(client.stream.staysQuiet(forMs: 100))
      #expect(try client.get("/next", method: words[0]).status == Int(words[1]))
    }
  }
}
