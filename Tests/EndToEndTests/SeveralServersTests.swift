import Foundation
import Testing

/// A server with options behind its URL.
final class WithOptions: Origin {
  private let origin: any Origin
  private let options: String

  init(_ origin: any Origin, _ options: String) {
    self.origin = origin
    self.options = options
  }

  var port: UInt16 { origin.port }
  var url: String { "http://\(authority),\(options)" }
}

/// How many requests an origin has at once, and the most that it had.
final class Concurrency: @unchecked Sendable {
  private let lock = NSLock()
  private var now = 0
  private var highest = 0

  var most: Int { lock.withLock { highest } }
  var current: Int { lock.withLock { now } }

  func during<Result>(_ work: () throws -> Result) rethrows -> Result {
    lock.withLock {
      now += 1
      highest = max(highest, now)
    }
    defer { lock.withLock { now -= 1 } }
    return try work()
  }
}

/// Weights, maxima, queues, pauses and retries, as clients and origins see them.
@Suite("Several servers")
struct SeveralServersTests {
  // MARK: Weights and modes of balance

  @Test("servers get their weights' shares")
  func weights() throws {
    let (a, b) = try (ScriptedOrigin.always(200, "a"), ScriptedOrigin.always(200, "b"))
    try withRelevo(new: [WithOptions(a, "weight=3"), b], old: [RefusedPort()]) { relevo in
      let client = try Client(relevo.port)
      let texts = try (1...8).map { _ in try client.get("/").text }
      #expect(texts == ["a", "a", "b", "a", "a", "a", "b", "a"])
    }
  }

  @Test("leastconn passes by the server that is busy")
  func leastConnections() throws {
    let release = Gate()
    let slow = try ScriptedOrigin { exchange in
      if exchange.target == "/slow" { try release.wait() }
      try exchange.answer(200, "a")
    }
    let other = try ScriptedOrigin.always(200, "b")
    try withRelevo(new: [slow, other], old: [RefusedPort()], "--balance", "leastconn") { relevo in
      let waiting = try Client(relevo.port)
      try waiting.request("/slow")
      _ = try slow.request()
      let client = try Client(relevo.port)
      for _ in 1...5 { #expect(try client.get("/").text == "b") }
      release.open()
      #expect(try waiting.answer().text == "a")
    }
  }

  // MARK: The maximum

  /// Takes 20 ms for each answer, and counts how many it has at once.
  private func busy(_ concurrency: Concurrency, status: Int = 200) throws -> ScriptedOrigin {
    try ScriptedOrigin { exchange in
      // Not with the answer: once that is sent, the next request may be here before this thread goes on.
      _ = concurrency.during { usleep(20_000) }
      try exchange.answer(status, "\(exchange.target)")
    }
  }

  @Test(
    "a server never has more requests than its max, and those that wait are all served", arguments: [1, 2])
  func maximum(workers: Int) throws {
    let concurrencies = [Concurrency(), Concurrency()]
    let servers = try concurrencies.map { WithOptions(try busy($0), "max=3") }
    try withRelevo(
      new: servers, old: [RefusedPort()], "--workers", "\(workers)", "--queue-timeout", "20s"
    ) { (relevo) throws in
      let port = relevo.port
      let clients = (0..<24).map { number in
        Background {
          let client = try Client(port)
          for round in 1...6 {
            let answer = try client.get("/\(number)/\(round)", deadline: .after(20))
            guard answer.status == 200, answer.text == "/\(number)/\(round)" else { return false }
          }
          return true
        }
      }
      for client in clients { #expect(try client.value(.after(30))) }
      #expect(concurrencies.map(\.most) == [3, 3])
      #expect(try relevo.log("/23/6").notes.allSatisfy { $0 == "queued" })
    }
  }

  @Test("places are served in the order of waiting")
  func order() throws {
    let release = Gate()
    let server = try ScriptedOrigin { exchange in
      if exchange.target == "/first" { try release.wait() }
      try exchange.answer(200, exchange.target)
    }
    try withRelevo(new: [WithOptions(server, "max=1")], old: [RefusedPort()]) { relevo in
      let clients = try (0..<5).map { _ in try Client(relevo.port) }
      try clients[0].request("/first")
      _ = try server.request()
      for number in 1...4 {
        try clients[number].request("/\(number)")
        usleep(30_000)
      }
      #expect(server.requests.count == 1)
      release.open()
      for client in clients { #expect(try client.answer().status == 200) }
      #expect(server.targets == ["/first", "/1", "/2", "/3", "/4"])
      #expect(try relevo.log("/1").notes == ["queued"])
    }
  }

  @Test("the wait for a place is the request's time and not the server's, in the log and in the metrics")
  func waitIsNotTheServers() throws {
    let release = Gate()
    let server = try ScriptedOrigin { exchange in
      if exchange.target == "/first" { try release.wait() }
      try exchange.answer(200)
    }
    try withRelevo(new: [WithOptions(server, "max=1")], old: [RefusedPort()]) { relevo in
      let (first, second) = try (Client(relevo.port), Client(relevo.port))
      try first.request("/first")
      _ = try server.request()
      try second.request("/second")
      usleep(500_000)
      release.open()
      #expect(try second.answer().status == 200)
      let line = try relevo.log("/second")
      #expect(line.notes == ["queued"])
      #expect(try #require(line.time) >= 0.4)
      #expect(try #require(line.new.flatMap { Double($0[2]) }) < 0.4)
    }
  }

  /// A server that answers once it is told to.
  private func held(_ release: Gate) throws -> ScriptedOrigin {
    try ScriptedOrigin { exchange in
      try release.wait(.after(20))
      try exchange.answer(200, exchange.target)
    }
  }

  @Test("who has waited for --queue-timeout gets 503 with Retry-After, and so does who is one too many")
  func queueBounds() throws {
    let release = Gate()
    let server = try held(release)
    try withRelevo(
      new: [WithOptions(server, "max=1")], old: [RefusedPort()], "--queue-length", "1", "--queue-timeout",
      "300ms"
    ) { relevo in
      let (first, second) = try (Client(relevo.port), Client(relevo.port))
      try first.request("/first")
      _ = try server.request()
      try second.request("/second")
      usleep(50_000)
      let tooMany = try Client(relevo.port).get("/third")
      #expect(tooMany.status == 503)
      #expect(tooMany["Retry-After"] == "5")
      #expect(tooMany["Connection"] == nil, "its connection serves the next request")
      let time = try seconds {
        let answer = try second.answer()
        #expect(answer.status == 503)
        #expect(answer["Retry-After"] == "5")
      }
      #expect(time < 2)
      #expect(try relevo.log("/second").notes == ["new-busy", "queued"])
      #expect(try relevo.log("/third").notes == ["new-busy"])
      release.open()
      #expect(try first.answer().status == 200)
      #expect(server.requests.count == 1)
      _ = try relevo.process.errors.wait("the remedy", .after()) { $0.contains("--queue-length") }
      _ = try relevo.process.errors.wait("the remedy", .after()) { $0.contains("--queue-timeout") }
    }
  }

  @Test("a client that leaves while it waits leaves the line", arguments: ["reset", "close"])
  func leaves(way: String) throws {
    let release = Gate()
    let server = try held(release)
    try withRelevo(
      new: [WithOptions(server, "max=1")], old: [RefusedPort()], "--queue-length", "1", "--queue-timeout",
      "20s"
    ) { relevo in
      let first = try Client(relevo.port)
      try first.request("/first")
      _ = try server.request()
      let leaver = try Client(relevo.port)
      try leaver.request("/left")
      usleep(100_000)
      if way == "reset" { leaver.reset() } else { leaver.close() }
      #expect(try relevo.log("/left").notes.contains("client-gone"))
      let next = try Client(relevo.port)
      try next.request("/next")
      usleep(100_000)
      release.open()
      #expect(try first.answer().status == 200)
      #expect(try next.answer().text == "/next")
      #expect(server.targets == ["/first", "/next"])
    }
  }

  @Test(
    "places are given back by every kind of end: hundreds of clients that leave at any moment take none with them"
  )
  func aborted() throws {
    let concurrency = Concurrency()
    let server = try ScriptedOrigin { exchange in
      try concurrency.during {
        switch exchange.target.last {
        case "1": usleep(5_000)
        case "2": return exchange.close()
        case "3": return exchange.reset()
        case "4": return try exchange.send("no HTTP\r\n\r\n")
        case "5":
          try exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
          return exchange.close()
        default: break
        }
        try exchange.answer(200, String(repeating: "x", count: 100_000))
      }
    }
    try withRelevo(
      new: [WithOptions(server, "max=4")], old: [RefusedPort()], "--workers", "2", "--queue-timeout", "1s"
    ) { relevo in
      let port = relevo.port
      let clients = (0..<8).map { worker in
        Background {
          for round in 0..<60 {
            guard let client = try? Client(port) else { continue }
            try client.request("/\(worker * 60 + round)", method: round % 3 == 0 ? "POST" : "GET")
            switch (worker + round) % 4 {
            case 0: client.reset()
            case 1: client.close()
            case 2:
              usleep(3_000)
              client.reset()
            default: _ = try? client.answer(.after(3))
            }
          }
        }
      }
      for client in clients { try client.value(.after(60)) }
      // All places are free again: as many requests as there are places are under way at once.
      #expect(eventually(within: .after(20)) { concurrency.current == 0 })
      sleep(1)
      let last = (0..<4).map { _ in
        Background { try Client(port).get("/0", deadline: .after(10)).status }
      }
      for answer in last { #expect(try answer.value(.after(15)) == 200) }
      #expect(concurrency.most <= 4 + 8, "a script may notice late that its client has gone")
    }
  }

  @Test("an upgraded connection keeps its place until it ends")
  func upgraded() throws {
    let server = try UpgradeTests.echo()
    try withRelevo(
      new: [WithOptions(server, "max=1")], old: [RefusedPort()], "--queue-timeout", "300ms"
    ) { relevo in
      let tunnel = try Client(relevo.port)
      try tunnel.send(UpgradeTests.request)
      #expect(try tunnel.head().startLine == "HTTP/1.1 101 Switching Protocols")
      #expect(try Client(relevo.port).get("/").status == 503)
      tunnel.close()
      #expect(
        try eventually {
          try Client(relevo.port).get("/").status == 200
        })
    }
  }

  @Test("SIGTERM lets those who wait have their turn")
  func stopping() throws {
    let release = Gate()
    let server = try held(release)
    let relevo = try Relevo(new: [WithOptions(server, "max=1")], old: [RefusedPort()])
    let (first, second) = try (Client(relevo.port), Client(relevo.port))
    try first.request("/first")
    _ = try server.request()
    try second.request("/second")
    usleep(100_000)
    relevo.process.signal(SIGTERM)
    usleep(100_000)
    release.open()
    #expect(try first.answer().text == "/first")
    #expect(try second.answer().text == "/second")
    #expect(try relevo.process.wait(.after(15)) == .code(0))
  }

  // MARK: The old server's maximum

  @Test("a miss past the old server's max is the new site's 404 at once; a known URL waits")
  func oldMaximum() throws {
    let release = Gate()
    let old = try ScriptedOrigin { exchange in
      if exchange.target == "/slow" { try release.wait(.after(20)) }
      try exchange.answer(200, "old \(exchange.target)")
    }
    let new = try ScriptedOrigin.pages([:], missing: "new has it not")
    try withRelevo(new: [new], old: [WithOptions(old, "max=1")]) { relevo in
      #expect(try Client(relevo.port).get("/known").text == "old /known")
      usleep(50_000)
      let slow = try Client(relevo.port)
      try slow.request("/slow")
      _ = try old.request(2)
      let time = try seconds {
        let answer = try Client(relevo.port).get("/other")
        #expect(answer.status == 404)
        #expect(answer.text == "new has it not")
      }
      #expect(time < 1)
      #expect(try relevo.log("/other").notes == ["old-busy"])
      #expect(try relevo.log("/other").route == "held")
      let known = try Client(relevo.port)
      try known.request("/known")
      usleep(100_000)
      release.open()
      #expect(try slow.answer().text == "old /slow")
      #expect(try known.answer().text == "old /known")
      #expect(try relevo.log("/known", count: 2).notes == ["queued"])
      _ = try relevo.process.errors.wait("the remedy", .after()) { $0.contains("raise max=") }
      #expect(
        try Client(relevo.port).get("/other").text == "old /other", "it was not taken for a double miss")
    }
  }

  @Test("a known URL that has waited in vain is what new says, or 503 with Retry-After when new misses")
  func knownInVain() throws {
    let release = Gate()
    let old = try ScriptedOrigin { exchange in
      if exchange.target == "/slow" { try release.wait(.after(20)) }
      try exchange.answer(200, "old")
    }
    let hasPage = Gate()
    let new = try ScriptedOrigin { exchange in
      let has = exchange.target == "/moved" && (try? hasPage.wait(.after(0))) != nil
      try exchange.answer(has ? 200 : 404, "new")
    }
    try withRelevo(new: [new], old: [WithOptions(old, "max=1")], "--queue-timeout", "200ms") { relevo in
      for page in ["/known", "/moved"] { #expect(try Client(relevo.port).get(page).text == "old") }
      usleep(50_000)
      hasPage.open()
      let slow = try Client(relevo.port)
      try slow.request("/slow")
      _ = try old.request(3)
      let answer = try Client(relevo.port).get("/known")
      #expect(answer.status == 503)
      #expect(answer["Retry-After"] == "10")
      #expect(try relevo.log("/known", count: 2).notes == ["old-busy", "queued"])
      #expect(try Client(relevo.port).get("/moved").text == "new")
      release.open()
      #expect(try slow.answer().status == 200)
      #expect(try Client(relevo.port).get("/known").text == "old", "it is still known")
    }
  }

  // MARK: Pauses

  @Test("failures in a row make pauses that grow, each ended by one request")
  func pauses() throws {
    let broken = try ScriptedOrigin { $0.close() }
    let good = try ScriptedOrigin.always(200, "good")
    try withRelevo(
      new: [broken, good], old: [RefusedPort()], "--origin-fails", "2", "--origin-pause", "300ms",
      "--origin-pause-max", "10s"
    ) { relevo in
      let client = try Client(relevo.port)
      let start = ContinuousClock.now
      while start.duration(to: .now) < .seconds(4) {
        #expect(try client.get("/").text == "good")
        usleep(5_000)
      }
      // Two failures, then trials after 0.3, 0.6, 1.2 and 2.4 s, give or take a quarter.
      #expect((5...6).contains(broken.requests.count), "\(broken.requests.count)")
      let times = broken.requests.map { start.duration(to: $0.lastByteAt) / .seconds(1) }
      let gaps = zip(times.dropFirst(2), times.dropFirst()).map { $0 - $1 }
      for (gap, expected) in zip(gaps, [0.3, 0.6, 1.2]) {
        #expect((expected * 0.74...expected * 1.26 + 0.3).contains(gap), "\(gaps)")
      }
    }
  }

  @Test("a server that is passed over has a line in the log, and another when it answers again")
  func pausesAreTold() throws {
    let (first, second) = try (ScriptedOrigin.always(200, "first"), ScriptedOrigin.always(200, "second"))
    try withRelevo(
      new: [WithOptions(first, "id=one"), second], old: [RefusedPort()], "--origin-fails", "2",
      "--origin-pause", "100ms"
    ) { relevo in
      try first.stop()
      for _ in 1...4 { #expect(try Client(relevo.port).get("/").text == "second") }
      let paused = try relevo.process.errors.wait("that it is passed over") { $0.contains("is passed over") }
      #expect(paused.count == 1)
      let line =
        /warning a server has failed --origin-fails requests in a row and is passed over for a while cause="no requests for [0-9]+ ms, then one that tries it; connection failed: Connection refused; see that it runs and listens there" id=one origin=127\.0\.0\.1:[0-9]+ site=new$/
      #expect(paused[0].contains(line), "\(paused[0])")
      #expect(!relevo.process.errors.all.contains { $0.contains("answers again") })
      try first.start()
      #expect(
        try eventually {
          usleep(20_000)
          return try Client(relevo.port).get("/").text == "first"
        })
      let back = try relevo.process.errors.wait("that it is back") { $0.contains("answers again") }
      #expect(back.count == 1)
      #expect(
        back[0].contains(" notice a server that was passed over answers again") && back[0].contains("id=one"))
    }
  }

  @Test("a trial is made by one request at a time, and never by one that must not be sent twice")
  func trial() throws {
    let release = Gate()
    let failing = Gate()
    let server = try ScriptedOrigin { exchange in
      if (try? failing.wait(.after(0))) == nil { return exchange.close() }
      try release.wait()
      try exchange.answer(200, "back")
    }
    let good = try ScriptedOrigin.always(200, "good")
    try withRelevo(
      new: [server, good], old: [RefusedPort()], "--origin-fails", "1", "--origin-pause", "50ms"
    ) { relevo in
      for _ in 1...2 { #expect(try Client(relevo.port).get("/").text == "good") }
      #expect(server.requests.count == 1)
      failing.open()
      usleep(300_000)
      #expect(try Client(relevo.port).get("/", method: "POST", body: Bytes(text: "x")).text == "good")
      #expect(server.requests.count == 1)
      let trying = try Client(relevo.port)
      try trying.request("/trial")
      _ = try server.request(2)
      for _ in 1...6 { #expect(try Client(relevo.port).get("/").text == "good") }
      #expect(server.requests.count == 2)
      release.open()
      #expect(try trying.answer().text == "back")
    }
  }

  @Test("a server that is back begins with a tenth of its share")
  func slowStart() throws {
    let (first, second) = try (ScriptedOrigin.always(200, "first"), ScriptedOrigin.always(200, "second"))
    try withRelevo(
      new: [first, second], old: [RefusedPort()], "--origin-fails", "1", "--origin-pause", "100ms",
      "--slow-start", "1h"
    ) { relevo in
      try first.stop()
      for _ in 1...2 { #expect(try Client(relevo.port).get("/").text == "second") }
      try first.start()
      #expect(
        try eventually {
          usleep(20_000)
          return try Client(relevo.port).get("/").text == "first"
        })
      let client = try Client(relevo.port)
      let texts = try (1...110).map { _ in try client.get("/").text }
      #expect((9...11).contains(texts.count { $0 == "first" }))
    }
  }

  // MARK: Retries

  @Test("--retries bounds how many servers one request is sent to")
  func retries() throws {
    let refused = try (1...3).map { _ in try RefusedPort() }
    let good = try ScriptedOrigin.always(200, "good")
    try withRelevo(
      new: refused + [good], old: [RefusedPort()], "--retries", "1", "--origin-fails", "100"
    ) { relevo in
      let statuses = try (1...8).map { _ in try Client(relevo.port).get("/").status }
      #expect(statuses.count { $0 == 200 } == 4, "\(statuses)")
    }
    try withRelevo(new: refused + [good], old: [RefusedPort()], "--origin-fails", "100") { (relevo) throws in
      for _ in 1...4 { #expect(try Client(relevo.port).get("/").status == 200) }
    }
  }

  @Test("past --retry-budget a failure is answered at once, and said")
  func retryBudget() throws {
    let refused = try (1...2).map { _ in try RefusedPort() }
    let good = try ScriptedOrigin.always(200, "good")
    try withRelevo(
      new: refused + [good], old: [RefusedPort()], "--retry-budget", "0%", "--origin-fails", "100"
    ) { relevo in
      let client = try Client(relevo.port)
      let statuses = try (1...120).map { _ in try client.get("/").status }
      #expect(statuses.prefix(50).allSatisfy { $0 == 200 }, "the first hundred retries are free")
      #expect(statuses.contains(502))
      _ = try relevo.process.errors.wait("the reason", .after()) { $0.contains("--retry-budget") }
    }
  }
}
