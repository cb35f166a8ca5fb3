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

  @Test("what has not ended within --stop-grace is cut off, and the exit code is 0 all the same")
  func stopGrace() throws {
    let asked = Gate()
    let new = try ScriptedOrigin { exchange in
      asked.open()
      try exchange.waitForClose(.after(20))
    }
    let relevo = try Relevo(new: [new], old: [RefusedPort()], flags: ["--stop-grace", "500ms"])
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
      new: [RefusedPort()], old: [RefusedPort()], flags: ["--drain-delay", "1h", "--stop-grace", "1h"])
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
