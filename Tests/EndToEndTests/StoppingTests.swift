import Foundation
import Testing

/// From SIGTERM to the end.
@Suite("Stopping")
struct StoppingTests {
  @Test("for --drain-delay after SIGTERM new clients are still served, then no more")
  func drainDelay() throws {
    let new = try ScriptedOrigin.always(200, "new")
    let relevo = try Relevo(new: [new], old: [RefusedPort()], flags: ["--drain-delay", "1500ms"])
    relevo.process.signal(SIGTERM)
    _ = try relevo.process.errors.wait("the line that it stops") { $0.contains("stopping") }
    let time = try seconds { () throws in
      for _ in 1...3 { #expect(try Client(relevo.port).get("/").text == "new") }
      #expect(eventually(within: .after(10)) { (try? Socket.connected(to: relevo.port)) == nil })
    }
    #expect(time > 1)
    #expect(try relevo.process.wait(.after(15)) == .code(0))
  }

  /// Waits until Relevo has stopped accepting. Nobody connects to find out: who comes at the last is not answered.
  private func stopping(_ relevo: Relevo) throws {
    relevo.process.signal(SIGTERM)
    let port = String(relevo.port, radix: 16, uppercase: true)
    let listening = String(repeating: "0", count: 4 - port.count) + port + " 00000000:0000 0A"
    try #require(
      eventually(within: .after(10)) {
        (try? String(contentsOfFile: "/proc/net/tcp", encoding: .utf8))?.contains(":\(listening)") == false
      })
  }

  @Test("a request that comes on a kept connection just after SIGTERM is answered, as the last one")
  func keptConnection() throws {
    let relevo = try Relevo(new: [ScriptedOrigin.always(200, "new")], old: [RefusedPort()])
    let client = try Client(relevo.port)
    _ = try client.get("/")
    try stopping(relevo)
    let answer = try client.get("/last")
    #expect(answer.text == "new")
    #expect(answer.head["Connection"] == "close")
    #expect(client.isClosed())
    #expect(try relevo.process.wait(.after(15)) == .code(0))
  }

  @Test("a client whose answer was under way at SIGTERM, and who was told that it may ask again, may")
  func answerUnderWay() throws {
    let release = Gate()
    let new = try ScriptedOrigin { exchange in
      guard exchange.target == "/slow" else { return try exchange.answer(200, "new") }
      try exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nbef")
      try release.wait()
      try exchange.send("ore")
    }
    let relevo = try Relevo(new: [new], old: [RefusedPort()])
    let client = try Client(relevo.port)
    try client.request("/slow")
    let head = try client.head()
    #expect(head["Connection"] == nil)
    try stopping(relevo)
    release.open()
    #expect(try client.stream.exactly(6) == Bytes(text: "before"))
    let answer = try client.get("/last")
    #expect(answer.text == "new" && answer["Connection"] == "close")
    #expect(client.isClosed())
    #expect(try relevo.process.wait(.after(15)) == .code(0))
  }

  @Test("a client that has connected before SIGTERM and asks after it is answered")
  func connectedBefore() throws {
    let relevo = try Relevo(new: [ScriptedOrigin.always(200, "new")], old: [RefusedPort()])
    let client = try Client(relevo.port)
    try stopping(relevo)
    #expect(try client.get("/").text == "new")
    #expect(try relevo.process.wait(.after(15)) == .code(0))
  }

  @Test("connections that stay silent after SIGTERM hold it up for a moment only")
  func silentConnections() throws {
    let relevo = try Relevo(
      new: [RefusedPort()], old: [RefusedPort()], flags: ["--drain-timeout", "1h"])
    let clients = try (1...3).map { _ in try Client(relevo.port) }
    let time = try seconds { () throws in #expect(try relevo.terminate() == .code(0)) }
    #expect(time < 6)
    for client in clients { #expect(client.isClosed()) }
  }

  @Test("no request is lost at SIGTERM, while clients ask without a pause on kept connections and new ones")
  func underLoad() throws {
    let relevo = try Relevo(
      new: [ScriptedOrigin.always(200, "new")], old: [RefusedPort()], flags: ["--workers", "4"])
    let port = relevo.port
    let clients = (0..<8).map { number in
      Background {
        var answered = 0
        while let client = try? Client(port) {
          var isLast = false
          while !isLast {
            // Half of the clients connect anew each time.
            let answer = try client.get("/", number % 2 == 0 ? [] : ["Connection: close"])
            guard answer.status == 200 else { return 0 }
            answered += 1
            isLast = answer.head["Connection"] == "close"
          }
        }
        return answered
      }
    }
    usleep(300_000)
    #expect(try relevo.terminate() == .code(0))
    for client in clients { #expect(try client.value(.after(20)) > 0) }
  }

  @Test("what has not ended within --drain-timeout is cut off, and the exit code is 0 all the same")
  func drainTimeout() throws {
    let asked = Gate()
    let new = try ScriptedOrigin { exchange in
      asked.open()
      try exchange.waitForClose(.after(20))
    }
    let relevo = try Relevo(new: [new], old: [RefusedPort()], flags: ["--drain-timeout", "500ms"])
    let client = try Client(relevo.port)
    try client.request("/")
    try asked.wait()
    let time = try seconds { () throws in #expect(try relevo.terminate() == .code(0)) }
    #expect(time > 0.4 && time < 5)
    #expect(client.isClosed())
  }

  @Test("a second SIGTERM ends the process at once, during the delay too")
  func second() throws {
    let relevo = try Relevo(
      new: [RefusedPort()], old: [RefusedPort()], flags: ["--drain-delay", "1h", "--drain-timeout", "1h"])
    relevo.process.signal(SIGTERM)
    _ = try relevo.process.errors.wait("the line that it stops") { $0.contains("stopping") }
    relevo.process.signal(SIGTERM)
    #expect(try relevo.process.wait() == .signal(SIGTERM))
  }

  @Test("--origin-keepalive says how many connections wait for the next request", arguments: [0, 2])
  func keepalive(count: Int) throws {
    let (arrived, release) = (Gate(), Gate())
    let new = try ScriptedOrigin { exchange in
      if exchange.connection == 4 { arrived.open() }
      try release.wait()
      try exchange.answer(200, "new")
    }
    try withRelevo(new: [new], old: [RefusedPort()], "--origin-keepalive", "\(count)") { relevo in
      let clients = try (1...4).map { _ in try Client(relevo.port) }
      for client in clients { try client.request("/") }
      try arrived.wait()
      release.open()
      for client in clients { #expect(try client.answer().text == "new") }
      try new.waitUntilConnectionsAre(count)
    }
  }
}
