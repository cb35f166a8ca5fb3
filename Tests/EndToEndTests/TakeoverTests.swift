import Foundation
import Testing

/// `relevo serve --takeover` beside a running one.
@Suite("Takeover")
struct TakeoverTests {
  /// Two sites and the processes before them, one after the other.
  private final class Line {
    let new: ScriptedOrigin
    let old: ScriptedOrigin
    let flags: [String]

    init(
      new: ScriptedOrigin? = nil, old: ScriptedOrigin? = nil, _ flags: String...
    ) throws {
      self.new = try new ?? .always(200, "new")
      self.old = try old ?? .always(404)
      self.flags = flags
    }

    func first(_ more: String...) throws -> Relevo {
      try Relevo(new: [new], old: [old], flags: flags + more)
    }

    /// The next one, on the port of the one before.
    func next(
      after relevo: Relevo, _ more: String..., environment: [String: String] = [:]
    ) throws -> Relevo {
      try Relevo(
        new: [new], old: [old],
        flags: ["--listen", "127.0.0.1:\(relevo.port)", "--takeover"] + flags + more,
        environment: environment)
    }
  }

  private func takenOver(_ relevo: Relevo, by next: Relevo) throws {
    _ = try relevo.process.errors.wait("the line that it was taken over") {
      $0.contains("process \(next.process.pid) has taken over")
    }
    #expect(try relevo.process.wait(.after(15)) == .code(0))
  }

  private static func missing() throws -> ScriptedOrigin { try .always(404, "missing") }

  @Test("the next process serves on the same port and knows the map, and the first ends with 0; three times")
  func inTurn() throws {
    let folder = try TemporaryFolder()
    let line = try Line(
      new: Self.missing(), old: .always(200, "old"), "--map-file", folder.path("urls.map"), "--workers", "2",
      "--debug-headers")
    var relevo = try line.first()
    for round in 1...3 {
      _ = try Client(relevo.port).get("/a\(round)")
      _ = try relevo.log("/a\(round)")
      let next = try line.next(after: relevo)
      try takenOver(relevo, by: next)
      for known in 1...round {
        #expect(try Client(next.port).get("/a\(known)")["X-Relevo-Route"] == "old-map")
      }
      relevo = next
    }
    #expect(try relevo.terminate() == .code(0))
    // What the last one has written is whole.
    let last = try line.first()
    #expect(try Client(last.port).get("/a3")["X-Relevo-Route"] == "old-map")
    #expect(try last.terminate() == .code(0))
  }

  @Test("no request is lost in takeovers by more and fewer workers, on kept connections and new ones")
  func underLoad() throws {
    let folder = try TemporaryFolder()
    let line = try Line("--map-file", folder.path("urls.map"))
    var relevo = try line.first("--workers", "2")
    let port = relevo.port
    let isOver = Gate()
    let clients = (0..<8).map { number in
      Background {
        var answered = 0
        while !isOver.isOpen {
          let client = try Client(port)
          var isLast = false
          while !isLast, !isOver.isOpen {
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
    for workers in ["3", "1", "4", "2"] {
      let next = try line.next(after: relevo, "--workers", workers)
      try takenOver(relevo, by: next)
      relevo = next
    }
    isOver.open()
    for client in clients { #expect(try client.value(.after(20)) > 0) }
    #expect(try relevo.terminate() == .code(0))
  }

  @Test(
    "a request that is under way is answered by the process that has it, and an idle connection's next is its last"
  )
  func underWay() throws {
    let (asked, release) = (Gate(), Gate())
    let new = try ScriptedOrigin { exchange in
      if exchange.target == "/slow" {
        asked.open()
        try release.wait()
      }
      try exchange.answer(200, "new")
    }
    let line = try Line(new: new)
    let first = try line.first()
    let (slow, idle) = (try Client(first.port), try Client(first.port))
    #expect(try idle.get("/").text == "new")
    try slow.request("/slow")
    try asked.wait()
    let second = try line.next(after: first)
    _ = try first.process.errors.wait("the line") { $0.contains("has taken over") }
    usleep(200_000)
    let last = try idle.get("/")
    #expect(last.text == "new" && last.head["Connection"] == "close")
    #expect(first.process.isRunning)
    release.open()
    #expect(try slow.answer().text == "new")
    try takenOver(first, by: second)
    #expect(try second.terminate() == .code(0))
  }

  @Test("what has not ended within --drain-timeout is cut off, and SIGTERM ends the first at once")
  func drain() throws {
    for isSignalled in [false, true] {
      let asked = Gate()
      let new = try ScriptedOrigin { exchange in
        asked.open()
        try exchange.waitForClose(.after(20))
      }
      let line = try Line(new: new, "--drain-timeout", isSignalled ? "1h" : "1500ms")
      let first = try line.first()
      let client = try Client(first.port)
      try client.request("/")
      try asked.wait()
      let second = try line.next(after: first)
      _ = try first.process.errors.wait("the line") { $0.contains("has taken over") }
      if isSignalled { first.process.signal(SIGTERM) }
      #expect(try first.process.wait(.after(15)) == (isSignalled ? .signal(SIGTERM) : .code(0)))
      #expect(client.isClosed())
      #expect(try second.terminate() == .code(0))
    }
  }

  @Test("what the first learns while it ends is known to the next")
  func learnedLate() throws {
    let folder = try TemporaryFolder()
    let release = Gate()
    let old = try ScriptedOrigin { exchange in
      if exchange.target == "/late" { try release.wait() }
      try exchange.answer(200, "old")
    }
    let line = try Line(
      new: Self.missing(), old: old, "--map-file", folder.path("urls.map"), "--debug-headers")
    let first = try line.first()
    let client = try Client(first.port)
    try client.request("/late")
    try #require(eventually { old.requests.count == 1 })
    let second = try line.next(after: first)
    release.open()
    #expect(try client.answer().text == "old")
    try takenOver(first, by: second)
    #expect(
      try eventually { try Client(second.port).get("/late")["X-Relevo-Route"] == "old-map" })
    #expect(try second.terminate() == .code(0))
  }

  @Test(
    "the listeners in common go over, the others are bound and closed; so do unix sockets and the admin plane's"
  )
  func listeners() throws {
    let folder = try TemporaryFolder()
    let (kept, dropped, added) = (folder.path("kept"), folder.path("dropped"), folder.path("added"))
    let admin = folder.path("admin")
    let line = try Line("--workers", "2", "--listen", "unix:\(kept)", "--admin", "unix:\(admin)")
    let first = try line.first("--listen", "127.0.0.1:0", "--listen", "unix:\(dropped)")
    let second = try line.next(after: first, "--listen", "unix:\(added)")
    try takenOver(first, by: second)
    func get(_ path: String) throws -> String {
      try AdminPlane.ask("http://site/healthz", ["--unix-socket", path]).body
    }
    #expect(try get(kept) == "new" && get(added) == "new" && get(admin) == "ok\n")
    #expect(try Client(first.port).get("/").text == "new")
    #expect(!FileManager.default.fileExists(atPath: dropped))
    #expect(try second.terminate() == .code(0))
    for path in [kept, added, admin] { #expect(!FileManager.default.fileExists(atPath: path)) }
  }

  @Test("without a Relevo that runs it is a start like any other, which says so")
  func alone() throws {
    let line = try Line("--takeover")
    let relevo = try line.first()
    #expect(relevo.process.errors.text.contains("no Relevo runs on these addresses"))
    #expect(try Client(relevo.port).get("/").text == "new")
    #expect(try relevo.terminate() == .code(0))
  }

  @Test("a next one that is killed on the way, at whichever moment, or that fails, leaves all as it was")
  func killed() throws {
    let folder = try TemporaryFolder()
    let map = ["--map-file", folder.path("urls.map")]
    let line = try Line(
      new: Self.missing(), old: .always(200, "old"), map[0], map[1], "--debug-headers")
    let first = try line.first()
    let arguments = [
      "serve", "--takeover", "--listen", "127.0.0.1:\(first.port)", "--workers", "1", "--new", line.new.url,
      "--old", line.old.url, "--no-startup-probes",
    ]
    var killed = 0
    for delayMs in stride(from: 5, through: 60, by: 5) {
      let next = try ChildProcess(Relevo.binary, arguments + map)
      usleep(UInt32(delayMs) * 1000)
      next.signal(SIGKILL)
      _ = try next.wait()
      // It was too late: that one has taken over.
      if next.errors.text.contains("serving") { break }
      killed += 1
      #expect(try Client(first.port).get("/k\(delayMs)").text == "old")
    }
    #expect(killed > 0)
    if !first.process.isRunning || first.process.errors.text.contains("has taken over") { return }
    let failing = try ChildProcess(Relevo.binary, arguments + map + ["--map-key", "path"])
    #expect(try failing.wait() == .code(78))
    _ = try Client(first.port).get("/learned-after")
    _ = try first.log("/learned-after")
    let second = try line.next(after: first)
    try takenOver(first, by: second)
    #expect(try Client(second.port).get("/learned-after")["X-Relevo-Route"] == "old-map")
    #expect(try second.terminate() == .code(0))
  }
}
