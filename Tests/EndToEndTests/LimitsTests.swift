import Foundation
import Testing

/// Relevo runs out of what there is to run out of, and recovers.
@Suite("Limits")
struct LimitsTests {
  @Test("connections past --max-connections wait while the others are busy, and are served after them")
  func maxConnections() throws {
    let release = Gate()
    let new = try ScriptedOrigin { exchange in
      if exchange.target == "/busy" { try release.wait() }
      try exchange.answer(200, "new")
    }
    try withSite(new: new, old: .always(200), "--max-connections", "4") { site in
      let clients = try (1...4).map { _ in try site.client() }
      for client in clients { try client.request("/busy") }
      _ = try site.new.request(4)
      let waiting = try site.client()
      try waiting.request("/waiting")
      #expect(waiting.stream.staysQuiet(forMs: 300))
      #expect(!site.new.targets.contains("/waiting"))
      release.open()
      for client in clients { #expect(try client.answer().text == "new", "those inside are served on") }
      #expect(try waiting.answer().text == "new")
    }
  }

  @Test("connections that wait for nothing keep nobody out")
  func idleMakeRoom() throws {
    try withSite(new: .always(200, "new"), old: .always(200), "--max-connections", "4") { site in
      let idle = try (1...4).map { _ in try site.client() }
      for client in idle { #expect(try client.get("/").text == "new") }
      for _ in 1...8 { #expect(try site.get("/").text == "new") }
      withExtendedLifetime(idle) {}
    }
  }

  @Test("a crowd far past --max-connections is served in the end, every one")
  func crowd() throws {
    try withSite(new: .always(200, "new"), old: .always(200), "--max-connections", "8") { (site) throws in
      let port = site.relevo.port
      let work = (1...100).map { number in
        Background { try Client(port).get("/\(number)", ["Connection: close"], deadline: .after(20)).text }
      }
      for piece in work { #expect(try piece.value(.after(30)) == "new") }
      #expect(site.new.requests.count == 100)
    }
  }

  @Test("with too few file descriptors it refuses what it must, does not end, and recovers")
  func descriptors() throws {
    let new = try ScriptedOrigin { exchange in
      if exchange.target == "/slow" { usleep(300_000) }
      try exchange.answer(200, "new")
    }
    try withRelevo(
      new: [new], old: [RefusedPort()], "--max-connections", "1000", shell: "ulimit -n 40"
    ) { relevo in
      for _ in 1...3 {
        let clients = (1...80).compactMap { _ in try? Client(relevo.port) }
        for client in clients { client.trySend(Client.bytes("/slow")) }
        var statuses: [Int] = []
        for client in clients.prefix(30) {
          if let answer = try? client.answer(.after(3)) { statuses.append(answer.status) }
        }
        #expect(!statuses.isEmpty)
        #expect(Set(statuses).isSubset(of: [200, 502, 503]))
        for client in clients { client.reset() }
        #expect(relevo.process.isRunning)
        #expect(
          eventually(within: .after(10)) { (try? Client(relevo.port).get("/").text) == "new" },
          "it serves again when they have left")
      }
      _ = try relevo.process.errors.wait("why servers could not be asked, and the remedy") {
        $0.contains("a server can't be asked") && $0.contains("raise LimitNOFILE")
      }
    }
  }

  @Test(
    "a lack of file descriptors is noted as that, and not as a server that is down",
    arguments: ["/page", "/old"])
  func descriptorsAreNoServersFault(target: String) throws {
    // One connection to the new site is kept for what is asked of both, none for what is asked of it alone.
    let new = try ScriptedOrigin { exchange in
      try exchange.answer(
        exchange.target == "/old" ? 404 : 200, "new", target == "/page" ? ["Connection: close"] : [])
    }
    let old = try ScriptedOrigin.always(200, "old")
    try withRelevo(new: [new], old: [old], "--fallback-on", "404,unreachable") { relevo in
      let client = try Client(relevo.port)
      #expect(try client.get("/warm").text == "new")
      func limit(_ files: Int) throws {
        let done = try Tools.run(
          "/usr/bin/prlimit", ["--pid", "\(relevo.process.pid)", "--nofile=\(files):"])
        #expect(done.exit == .code(0), "\(done.errors)")
      }
      // Below what is open, so that no other can be.
      try limit(4)
      let answer = try client.get(target)
      #expect(answer.status == (target == "/old" ? 404 : 503))
      #expect(try relevo.log(target).notes == ["no-descriptor"])
      #expect(old.requests.isEmpty)
      _ = try relevo.process.errors.wait("the remedy") {
        $0.contains("a server can't be asked since no file descriptor is left: raise LimitNOFILE")
      }
      try limit(1_000)
      #expect(try client.get(target).text == (target == "/old" ? "old" : "new"))
    }
  }

  @Test("without a descriptor for a long body's file, the body still streams to new")
  func noFileForReplay() throws {
    try withRelevo(
      new: [ScriptedOrigin.always(200, "new")], old: [RefusedPort()], environment: ["TMPDIR": "/nonexistent"]
    ) { relevo in
      let answer = try Client(relevo.port).get("/form", method: "POST", body: .pattern(500_000))
      #expect(answer.text == "new")
    }
  }

  @Test(
    "many connections that come and go leave no descriptor behind",
    arguments: ["answered", "reset", "refused"])
  func noLeak(kind: String) throws {
    try withSite(new: .pages([:]), old: .always(200, "old"), "--idle-timeout", "1s") { site in
      #expect(try site.get("/").text == "old")
      let before = site.relevo.process.restingDescriptorCount()
      for number in 1...200 {
        let client = try site.client()
        switch kind {
        case "answered": #expect(try client.get("/\(number)").text == "old")
        case "reset":
          try client.request("/\(number)")
          client.reset()
        default:
          try client.send("nonsense\r\n\r\n")
          #expect(try client.answer().status == 400)
        }
      }
      #expect(eventually(within: .after(10)) { site.relevo.process.descriptors.count <= before })
    }
  }

  @Test("a connection that rests is answered within the idle timeout, and closed after it")
  func rests() throws {
    try withSite(new: .always(200, "new"), old: .always(200), "--idle-timeout", "1s") { site in
      let client = try site.client()
      for _ in 1...2 {
        #expect(try client.get("/").text == "new")
        usleep(500_000)
      }
      let answered = ContinuousClock.now
      #expect(try client.get("/").text == "new")
      #expect(client.isClosed())
      #expect(ContinuousClock.now - answered >= .seconds(1))
    }
  }

  @Test("idle connections by the hundred cost little, and each still works")
  func idleConnections() throws {
    try withSite(new: .always(200, "new"), old: .always(200)) { site in
      let before = try site.relevo.process.memoryKB("VmRSS")
      let clients = try (1...300).map { _ in try site.client() }
      for client in clients { #expect(try client.get("/").status == 200) }
      let after = try site.relevo.process.memoryKB("VmRSS")
      #expect(after - before < 300 * 64, "less than 64 KB each")
      for client in clients { #expect(try client.get("/").status == 200) }
    }
  }
}
