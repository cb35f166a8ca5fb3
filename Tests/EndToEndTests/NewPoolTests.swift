import Foundation
import Testing

/// The new pool: in turn, without the servers that are down, and what a client gets when none answers.
@Suite("The new pool")
struct NewPoolTests {
  @Test("the servers of the pool are asked in turn")
  func inTurn() throws {
    let servers = try [ScriptedOrigin.always(200, "a"), .always(200, "b"), .always(200, "c")]
    try withRelevo(new: servers, old: [RefusedPort()]) { relevo in
      let client = try Client(relevo.port)
      for _ in 1...12 { #expect(try client.get("/").status == 200) }
      #expect(servers.map(\.requests.count) == [4, 4, 4])
    }
  }

  @Test("a server that refuses connections is left out, and its requests are answered by the next")
  func refused() throws {
    let server = try ScriptedOrigin.always(200, "up")
    try withRelevo(new: [RefusedPort(), server], old: [RefusedPort()]) { (relevo) throws in
      for _ in 1...10 { #expect(try Client(relevo.port).get("/").text == "up") }
      #expect(server.requests.count == 10)
    }
  }

  @Test("a server that is back takes its share again")
  func back() throws {
    let (first, second) = try (ScriptedOrigin.always(200, "first"), ScriptedOrigin.always(200, "second"))
    try withRelevo(new: [first, second], old: [RefusedPort()]) { relevo in
      try first.stop()
      for _ in 1...4 { #expect(try Client(relevo.port).get("/").text == "second") }
      try first.start()
      #expect(
        try eventually(within: .after(30)) {
          usleep(100_000)
          return try Client(relevo.port).get("/").text == "first"
        })
    }
  }

  @Test("a POST that found its server refusing goes to the next: no byte of it had been sent")
  func refusedPost() throws {
    let server = try ScriptedOrigin.always(200, "up")
    try withRelevo(new: [RefusedPort(), server], old: [RefusedPort()]) { (relevo) throws in
      for number in 1...2 {
        #expect(
          try Client(relevo.port).get("/", method: "POST", body: Bytes(text: "body")).text == "up")
        #expect(try server.request(number).body.text == "body")
      }
    }
  }

  @Test("502 when every server of the pool refuses; the old server is not asked")
  func allRefused() throws {
    let old = try ScriptedOrigin.always(200, "old")
    try withRelevo(new: [RefusedPort(), RefusedPort()], old: [old], "--debug-headers") { relevo in
      let answer = try Client(relevo.port).get("/page")
      #expect(answer.status == 502)
      #expect(answer["Content-Type"]?.hasPrefix("text/plain") == true)
      #expect(answer["Content-Length"] == "\(answer.body.count)")
      #expect(!answer.body.isEmpty)
      #expect(try relevo.log("/page").notes.contains("new-down"))
      #expect(old.connections == 0)
    }
  }

  @Test("504 when the pool accepts and does not answer; the old server is not asked")
  func silent() throws {
    let new = try ScriptedOrigin { try $0.waitForClose(.after(10)) }
    try withSite(new: new, old: .always(200, "old"), "--response-timeout", "400ms") { site in
      let time = try seconds {
        let answer = try site.get("/page")
        #expect(answer.status == 504)
        #expect(answer["Content-Type"]?.hasPrefix("text/plain") == true)
        #expect(answer["Content-Length"] == "\(answer.body.count)")
      }
      #expect(time >= 0.35)
      #expect(try site.log("/page").notes.contains("new-timeout"))
      #expect(site.old.connections == 0)
    }
  }

  @Test("a server that does not accept within --connect-timeout is passed over for the next")
  func stalledConnect() throws {
    let server = try ScriptedOrigin.always(200, "up")
    try withRelevo(new: [StalledPort(), server], old: [RefusedPort()], "--connect-timeout", "300ms") {
      (relevo) throws in
      for _ in 1...4 { #expect(try Client(relevo.port).get("/").text == "up") }
    }
  }

  @Test("504 when no server of the pool accepts within --connect-timeout")
  func allStalled() throws {
    try withRelevo(new: [StalledPort()], old: [RefusedPort()], "--connect-timeout", "300ms") { relevo in
      let answer = try Client(relevo.port).get("/")
      #expect([502, 504].contains(answer.status))
    }
  }

  @Test("an origin may be named: all its addresses are tried")
  func named() throws {
    let new = try ScriptedOrigin.always(200, "new")
    let relevo = try ChildProcess(
      Relevo.binary,
      [
        "serve", "--listen", "127.0.0.1:0", "--new", "http://localhost:\(new.port)", "--old",
        "http://localhost:\(new.port)", "--resolve-every", "1s", "--no-startup-probes",
      ])
    let client = try Client(relevo.listeningPort())
    for _ in 1...4 { #expect(try client.get("/").text == "new") }
    #expect(try new.request()["Host"] == "example.test")
    sleep(2)
    #expect(try client.get("/").text == "new", "also after the name was resolved again")
    client.close()
    relevo.signal(SIGTERM)
    #expect(try relevo.wait() == .code(0))
  }

  @Test("known URLs are served while the whole new pool is down")
  func knownWithoutNew() throws {
    try withSite(new: .pages([:]), old: .always(200, "old")) { site in
      try site.learn("/page")
      try site.new.stop()
      #expect(try site.get("/page").text == "old")
      #expect(try site.get("/other").status == 502)
    }
  }

  @Test("several old servers are asked in turn too")
  func oldInTurn() throws {
    let olds = try [ScriptedOrigin.always(200, "a"), .always(200, "b")]
    try withRelevo(new: [ScriptedOrigin.pages([:])], old: olds) { (relevo) throws in
      for number in 1...6 { #expect(try Client(relevo.port).get("/\(number)").status == 200) }
      #expect(olds.map(\.requests.count) == [3, 3])
    }
  }

  @Test("another old server answers when the first refuses")
  func oldRefused() throws {
    let old = try ScriptedOrigin.always(200, "old")
    try withRelevo(new: [ScriptedOrigin.pages([:])], old: [RefusedPort(), old]) { (relevo) throws in
      for number in 1...4 { #expect(try Client(relevo.port).get("/\(number)").text == "old") }
    }
  }
}
