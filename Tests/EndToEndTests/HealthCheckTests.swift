import Foundation
import Testing

/// Active checks: servers that go down and come back, seen before a request finds out.
@Suite("Health checks")
struct HealthCheckTests {
  /// A server whose checks are answered with a status that the test changes; everything else gets its name.
  final class Checked: Sendable {
    let origin: ScriptedOrigin
    private let status: Shared<Int>

    init(_ name: String, status: Int = 200) throws {
      let status = Shared(status)
      self.status = status
      origin = try ScriptedOrigin { exchange in
        if exchange.target == "/health" {
          try exchange.answer(status.value)
        } else {
          try exchange.answer(200, name)
        }
      }
    }

    func answerChecks(_ status: Int) { self.status.value = status }

    var checks: [RecordedRequest] { origin.requests.filter { $0.target == "/health" } }
    var visits: Int { origin.requests.count { $0.target != "/health" } }
  }

  final class Shared<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var stored: Value
    init(_ value: Value) { stored = value }
    var value: Value {
      get { lock.withLock { stored } }
      set { lock.withLock { stored = newValue } }
    }
  }

  static let quick = [
    "--health-path", "/health", "--health-interval", "100ms", "--health-fall", "2", "--health-rise", "2",
  ]

  private func line(_ relevo: Relevo, _ texts: String..., count: Int = 1) throws -> String {
    let lines = try relevo.process.errors.wait("a line with \(texts)", count: count, .after(15)) { line in
      texts.allSatisfy(line.contains)
    }
    return lines[count - 1]
  }

  @Test(
    "a server whose checks fail gets no requests until they pass again; both are logged once with the cause")
  func downAndUp() throws {
    let (a, b) = (try Checked("a"), try Checked("b"))
    try withRelevo(new: [a.origin, b.origin], old: [RefusedPort()], flags: Self.quick) { (relevo) throws in
      let client = try Client(relevo.port)
      for _ in 1...4 { _ = try client.get("/") }
      #expect(a.visits == 2 && b.visits == 2)
      _ = try line(relevo, "is up by its checks", "origin=\(a.origin.authority)")

      a.answerChecks(503)
      let down = try line(
        relevo, "a server of the new site is down by its checks", "origin=\(a.origin.authority)")
      #expect(down.contains("cause=\"answers 503, which is none of 2xx,3xx\""))
      #expect(down.contains("remedy=\"see its log;"))
      let before = a.visits
      for _ in 1...6 { #expect(try client.get("/").text == "b") }
      #expect(a.visits == before)

      a.answerChecks(200)
      _ = try line(
        relevo, "a server of the new site is up by its checks", "origin=\(a.origin.authority)",
        "answers 200", count: 2)
      #expect(try eventually { try client.get("/").text == "a" })
      #expect(relevo.process.errors.all.count { $0.contains("down by its checks") } == 1)
    }
  }

  @Test(
    "a check is a request of its own: exactly these bytes, over a connection of its own, at even distances")
  func request() throws {
    let a = try Checked("a")
    try withRelevo(
      new: [a.origin], old: [RefusedPort()], flags: Self.quick + ["--health-host", "www.example.com:81"]
    ) { _ in
      guard eventually(within: .after(10), { a.checks.count >= 6 }) else {
        throw HarnessError.deadline("six checks, had \(a.checks.count)")
      }
      let checks = a.checks
      #expect(
        checks[0].head.bytes.text
          == "GET /health HTTP/1.1\r\nHost: www.example.com:81\r\nUser-Agent: relevo-health/0.1.0\r\n"
          + "Accept: */*\r\nConnection: close\r\n\r\n")
      #expect(Set(checks.map(\.connection)).count == checks.count)
      for (one, next) in zip(checks, checks.dropFirst()) {
        #expect(one.arrivedAt.duration(to: next.arrivedAt) > .milliseconds(50))
      }
    }
  }

  @Test("checks are no traffic: the log, the map and the counters know nothing of them")
  func noTraffic() throws {
    let a = try Checked("a")
    try withRelevo(new: [a.origin], old: [RefusedPort()], flags: Self.quick) { relevo in
      #expect(eventually(within: .after(10)) { a.checks.count >= 3 })
      relevo.process.signal(SIGUSR1)
      let counters = try line(relevo, "so far")
      #expect(counters.contains(" requests=0") && counters.contains(" connections=0"))
      #expect(counters.contains(" urls=0"))
      #expect(!relevo.process.output.all.contains { $0.contains("/health") })
    }
  }

  @Test("when the checks of all servers fail they are asked all the same, and the log says what may be wrong")
  func allDown() throws {
    let (a, b) = (try Checked("a", status: 404), try Checked("b", status: 404))
    try withRelevo(new: [a.origin, b.origin], old: [RefusedPort()], flags: Self.quick) { (relevo) throws in
      _ = try line(
        relevo, "every server of the new site is down by its checks: they are asked all the same",
        "give --health-path a page that it has in place of /health")
      let client = try Client(relevo.port)
      for _ in 1...4 { #expect(try client.get("/").status == 200) }
      #expect(a.visits + b.visits == 4)
    }
  }

  @Test("fewer failures in a row than --health-fall change nothing")
  func hiccups() throws {
    let count = Shared(0)
    let origin = try ScriptedOrigin { exchange in
      count.value += 1
      try exchange.answer(count.value % 3 == 1 ? 200 : 503)
    }
    try withRelevo(
      new: [origin], old: [RefusedPort()], "--health-path", "/health", "--health-interval", "100ms"
    ) { relevo in
      #expect(eventually(within: .after(15)) { origin.requests.count >= 13 })
      #expect(!relevo.process.errors.all.contains { $0.contains("down by its checks") })
    }
  }

  @Test("a server that refuses, hangs or speaks no HTTP is down, in these words")
  func causes() throws {
    let silent = try ScriptedOrigin { try $0.waitForClose(.after(20)) }
    let garbled = try ScriptedOrigin.exactly("SSH-2.0-OpenSSH\r\n\r\n")
    let new: [any Origin] = [try RefusedPort(), silent, garbled]
    try withRelevo(
      new: new, old: [RefusedPort()], "--health-path", "/", "--health-interval", "100ms",
      "--health-timeout", "300ms"
    ) { relevo in
      let causes = [
        "connection failed: Connection refused", "no whole answer within 300 ms", "no valid HTTP",
      ]
      for (origin, cause) in zip(new, causes) {
        _ = try line(relevo, "is down by its checks", "origin=\(origin.authority)", cause, "remedy=")
      }
    }
  }

  @Test("the old server has a path of its own, and gets its own Host")
  func old() throws {
    let old = try ScriptedOrigin { try $0.answer($0.target == "/alive" ? 204 : 200, "old") }
    try withRelevo(
      new: [ScriptedOrigin.pages([:])], old: [old], "--old-health-path", "/alive", "--old-host",
      "old.example",
      "--health-host", "www.example.com", "--health-interval", "100ms"
    ) { relevo in
      let check = try old.request()
      #expect(check.target == "/alive" && check["Host"] == "old.example")
      #expect(try Client(relevo.port).get("/page").text == "old")
      _ = try line(relevo, "a server of the old site is up by its checks")
      try old.stop()
      _ = try line(relevo, "every server of the old site is down by its checks", "Connection refused")
      try old.start()
      _ = try line(relevo, "a server of the old site is up by its checks", "answers 204", count: 2)
    }
  }

  @Test("a path that the old server does not have is told in one line at the start, with the remedy")
  func wrongOldPath() throws {
    let old = try ScriptedOrigin { try $0.answer($0.target == "/page" ? 200 : 404, "old") }
    try withRelevo(
      new: [ScriptedOrigin.pages([:])], old: [old], "--old-health-path", "/alive.txt", "--health-interval",
      "100ms"
    ) { relevo in
      _ = try line(
        relevo, "every server of the old site is down by its checks: no page is asked of it until one is up",
        "answers 404, which is none of 2xx,3xx",
        "give --old-health-path a page that it has in place of /alive.txt, or name 404 in --health-expect")
      #expect(try Client(relevo.port).get("/page").status == 404, "the new site's")
      #expect(relevo.process.errors.all.count { $0.contains("health") } == 1)
    }
  }

  @Test("a real nginx is down while its page is missing, and up again with it")
  func nginx() throws {
    let (a, b) = (
      try RealServer(pages: ["index.html": Bytes(text: "a")]),
      try RealServer(pages: ["index.html": Bytes(text: "b")])
    )
    try withRelevo(
      new: [a, b], old: [RefusedPort()], "--health-path", "/index.html", "--health-interval", "100ms",
      "--health-rise", "1", "--health-fall", "1"
    ) { (relevo) throws in
      let client = try Client(relevo.port)
      _ = try line(relevo, "is up by its checks", "origin=\(a.authority)")
      try FileManager.default.removeItem(atPath: a.folder.path("www/index.html"))
      _ = try line(relevo, "is down by its checks", "origin=\(a.authority)", "answers 404")
      for _ in 1...4 { #expect(try client.get("/").text == "b") }
      try a.folder.write("www/index.html", "back")
      _ = try line(relevo, "is up by its checks", "origin=\(a.authority)", count: 2)
      #expect(try eventually { try client.get("/").text == "back" })
    }
  }
}
