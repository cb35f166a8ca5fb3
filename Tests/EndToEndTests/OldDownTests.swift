import Foundation
import Testing

/// A down old server is not waited for.
@Suite("The old server is down")
struct OldDownTests {
  /// Answers until it is told to hang; then it accepts, says nothing, and nobody can know without waiting.
  final class Hanging: Sendable {
    let origin: ScriptedOrigin
    private let hangs: HealthCheckTests.Shared<Bool>

    init() throws {
      let hangs = HealthCheckTests.Shared(false)
      self.hangs = hangs
      origin = try ScriptedOrigin { exchange in
        if hangs.value { try exchange.waitForClose(.after(30)) }
        try exchange.answer(200, "old")
      }
    }

    func hang(_ hangs: Bool) { self.hangs.value = hangs }
  }

  private func line(_ relevo: Relevo, _ text: String, count: Int = 1) throws {
    _ = try relevo.process.errors.wait("a line with \(text)", count: count, .after(15)) { $0.contains(text) }
  }

  @Test("once its checks fail, the held 404 and what new says of known pages come at once")
  func checkedDown() throws {
    let old = try Hanging()
    let new = try ScriptedOrigin { exchange in
      try exchange.answer(exchange.target == "/moved" && exchange.head["X-Now"] != nil ? 200 : 404, "new")
    }
    try withRelevo(
      new: [new], old: [old.origin], "--old-health-path", "/alive", "--health-interval", "100ms",
      "--health-timeout", "200ms", "--health-fall", "1", "--health-rise", "1", "--slow-start", "0"
    ) { (relevo) throws in
      let site = Site(new: new, old: old.origin, relevo: relevo)
      try line(relevo, "a server of the old site is up")
      try site.learn("/known")
      try site.learn("/moved")
      old.hang(true)
      try line(relevo, "every server of the old site is down")
      try line(relevo, "no page is asked of it")

      let time = try seconds { () throws in
        #expect(try site.get("/unknown").exact == "HTTP/1.1 404 Status\r\nContent-Length: 3\r\n\r\nnew")
        let known = try site.get("/known")
        #expect(known.status == 503 && known["Retry-After"] == "10")
        #expect(try site.get("/moved", ["X-Now: 1"]).text == "new")
      }
      #expect(time < 3, "nobody has waited for --response-timeout")
      let held = try site.log("/unknown")
      #expect(held.route == "held" && held.notes == ["old-down"] && held.old == nil)
      #expect(try site.log("/known", count: 2).notes == ["old-down"])

      old.hang(false)
      try line(relevo, "a server of the old site is up", count: 2)
      #expect(try site.get("/known").text == "old", "the page is still known")
      #expect(try site.get("/unknown").text == "old")
    }
  }

  @Test("without checks the first requests find out, and the next ones do not wait for the connect timeout")
  func paused() throws {
    let new = try ScriptedOrigin.always(404, "new")
    try withRelevo(
      new: [new], old: [StalledPort()], "--connect-timeout", "1s", "--origin-fails", "1", "--origin-pause",
      "1m",
      "--origin-pause-max", "1m"
    ) { (relevo) throws in
      let first = try seconds { () throws in #expect(try Client(relevo.port).get("/1").status == 404) }
      #expect(first > 0.9)
      let others = try seconds { () throws in
        for number in 2...6 { #expect(try Client(relevo.port).get("/\(number)").status == 404) }
      }
      #expect(others < 0.9)
      let log = try relevo.log("/6")
      #expect(log.route == "held" && log.notes == ["old-down"] && log.old == nil)
    }
  }

  @Test("a new pool that was found down is not waited for either where the old server stands in")
  func standby() throws {
    let old = try ScriptedOrigin.always(200, "old")
    try withRelevo(
      new: [StalledPort()], old: [old], "--connect-timeout", "1s", "--origin-fails", "1", "--origin-pause",
      "1m",
      "--origin-pause-max", "1m", "--fallback-on", "404,unreachable"
    ) { (relevo) throws in
      #expect(try Client(relevo.port).get("/1").text == "old")
      let others = try seconds { () throws in
        for number in 2...6 { #expect(try Client(relevo.port).get("/\(number)").text == "old") }
      }
      #expect(others < 0.9)
      #expect(try relevo.log("/6").new == nil)
    }
  }
}
