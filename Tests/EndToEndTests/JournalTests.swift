import Foundation
import Testing
import URLMap

/// What the program knows when it is killed, when its disk fails, and while it loads.
@Suite("Nothing is lost")
struct JournalTests {
  /// A site whose visits are noted, with a folder for the map.
  final class Lane: @unchecked Sendable {
    let new: ScriptedOrigin
    let old: ScriptedOrigin
    let folder: TemporaryFolder
    /// The longest that a pause took beyond its time: what the machine makes everybody wait, the journal's thread too.
    private(set) var lag = 0.0
    private let lock = NSLock()
    private var gone: Set<String> = []
    /// When each URL was learned or forgotten last.
    private(set) var learned: [String: Date] = [:]
    private(set) var forgotten: [String: Date] = [:]

    init() throws {
      folder = try TemporaryFolder()
      new = try .pages([:])
      let isGone = Reference<(String) -> Bool> { _ in false }
      old = try ScriptedOrigin { exchange in
        try isGone.value(exchange.target) ? exchange.answer(404) : exchange.answer(200, "old")
      }
      isGone.value = { [weak self] target in self?.isGone(target) ?? false }
    }

    private final class Reference<Value>: @unchecked Sendable {
      var value: Value
      init(_ value: Value) { self.value = value }
    }

    private func isGone(_ target: String) -> Bool { lock.withLock { gone.contains(target) } }

    var path: String { folder.path("urls.map") }

    var arguments: [String] {
      [
        "serve", "--listen", "127.0.0.1:0", "--workers", "1", "--access-log", "off", "--new", new.url,
        "--old", old.url,
        "--map-file", path, "--map-snapshot-every", "100ms",
      ]
    }

    func learn(_ url: String, _ client: Client) throws {
      guard try client.get(url).text == "old" else { throw HarnessError.malformed(url) }
      learned[url] = Date()
    }

    func forget(_ url: String, _ client: Client) throws {
      _ = lock.withLock { gone.insert(url) }
      guard try client.get(url).status == 404 else { throw HarnessError.malformed(url) }
      forgotten[url] = Date()
    }

    func pause() {
      let wanted = 0.003
      lag = max(lag, seconds { usleep(UInt32(wanted * 1e6)) } - wanted)
    }

    /// What the files hold after a kill at `moment` that they should not, or lack: nothing.
    func check(killedAt moment: Date) throws -> [String] {
      let map = URLMap()
      let report = try SnapshotFile(path: path).read(into: map)
      var complaints = (report.journal.refused + [report.refused].compactMap { $0 }).map(\.description)
      complaints += report.journal.foreign.map { "foreign: \($0)" }
      var found: Set<String> = []
      map.forEachEntry { key, _ in found.insert(key.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }) }
      let sure = moment - 1.1 - lag
      let lost = learned.filter { $0.value < sure && forgotten[$0.key] == nil && !found.contains($0.key) }
      complaints += lost.keys.map { "lost: \($0)" }
      complaints += forgotten.filter { $0.value < sure && found.contains($0.key) }.keys.map {
        "came back: \($0)"
      }
      complaints += found.subtracting(learned.keys).map { "never learned: \($0)" }
      // What the last second held is as the files have it.
      learned = learned.filter { found.contains($0.key) }
      forgotten = forgotten.filter { !found.contains($0.key) }
      return complaints
    }
  }

  @Test(
    "killed at random moments of learning, journalling, snapshots and starts, it loses no more than a second")
  func kills() throws {
    let work = (0..<8).map { number in
      Background {
        let lane = try Lane()
        var generator = SystemRandomNumberGenerator()
        var kills = 0
        var complaints: [String] = []
        for round in 0..<5 {
          // At the start, wherever it is.
          for _ in 0..<4 {
            let process = try ChildProcess(Relevo.binary, lane.arguments)
            usleep(UInt32.random(in: 0..<60_000, using: &generator))
            process.signal(SIGKILL)
            _ = try process.wait()
            kills += 1
            complaints += try lane.check(killedAt: Date())
          }
          let process = try ChildProcess(Relevo.binary, lane.arguments)
          let client = try Client(try process.listeningPort())
          let end = Date() + Double.random(in: 0.1..<1.8, using: &generator)
          var count = 0
          while Date() < end {
            count += 1
            let url = "/\(number)/\(round)/\(count)"
            try lane.learn(url, client)
            if count % 5 == 0 { try lane.forget("/\(number)/\(round)/\(count - 2)", client) }
            lane.pause()
          }
          process.signal(SIGKILL)
          let moment = Date()
          _ = try process.wait()
          kills += 1
          complaints += try lane.check(killedAt: moment)
        }
        return (kills, complaints)
      }
    }
    // Each wait within has a limit of its own; this one only ends what hangs elsewhere.
    let results = try work.map { try $0.value(.after(600)) }
    #expect(results.flatMap(\.1) == [])
    #expect(results.map(\.0).reduce(0, +) == 200)
  }

  private func limitFiles(of process: ChildProcess, to bytes: String) throws {
    let tool = try ChildProcess(
      "/usr/bin/prlimit", ["--pid", "\(process.pid)", "--fsize=\(bytes):unlimited"])
    #expect(try tool.wait() == .code(0), "\(tool.errors.text)")
  }

  @Test("a disk that takes no more is said once, the site goes on, and all is written when it works again")
  func fullDisk() throws {
    let lane = try Lane()
    let process = try ChildProcess(Relevo.binary, lane.arguments)
    let client = try Client(try process.listeningPort())
    try lane.learn("/before", client)
    // No file may grow past 16 bytes: a full disk that needs no rights to make.
    try limitFiles(of: process, to: "16")
    for number in 1...20 { try lane.learn("/during/\(number)", client) }
    _ = try process.errors.wait("the error about the journal") {
      $0.contains("journal") && $0.contains("ulimit -f")
    }
    _ = try process.errors.wait("the error about the map") { $0.contains("the map was not written, and") }
    process.signal(SIGUSR1)
    _ = try process.errors.wait("the figures") { $0.contains("so far") && !$0.contains("snapshots-failed=0") }
    usleep(1_200_000)
    #expect(process.isRunning)
    #expect(process.errors.all.count { $0.contains(" error ") } == 2, "\(process.errors.text)")
    try lane.learn("/still", client)
    try limitFiles(of: process, to: "unlimited")
    _ = try process.errors.wait("the end of the trouble", .after(10)) { $0.contains("written again") }
    process.signal(SIGKILL)
    _ = try process.wait()
    #expect(try lane.check(killedAt: Date() + 10) == [])
  }

  @Test("a folder that is removed is said, and when it is back, the next snapshot has all")
  func folderGone() throws {
    let lane = try Lane()
    let process = try ChildProcess(Relevo.binary, lane.arguments)
    let client = try Client(try process.listeningPort())
    try lane.learn("/before", client)
    #expect(eventually { lane.folder.exists("urls.map") })
    try FileManager.default.removeItem(atPath: lane.folder.path)
    try lane.learn("/during", client)
    _ = try process.errors.wait("the error about the map") {
      $0.contains("error") && $0.contains(lane.folder.path)
    }
    try FileManager.default.createDirectory(atPath: lane.folder.path, withIntermediateDirectories: false)
    #expect(eventually(within: .after(15)) { lane.folder.exists("urls.map") })
    process.signal(SIGKILL)
    _ = try process.wait()
    #expect(try lane.check(killedAt: Date() + 10) == [])
  }

  private static let largeCount = 90_000

  /// A file that takes a while to load, and longer to make.
  private static let largeMap = Result<Data, any Error> {
    let folder = try TemporaryFolder()
    let large = URLMap()
    for number in 0..<largeCount {
      let key = Array("/large/\(number % 100)/page-\(number).html".utf8)
      while !large.learn(key.span.bytes, at: 1) { large.waitUntilApplied() }
    }
    large.waitUntilApplied()
    try SnapshotFile(path: folder.path("urls.map")).write(large)
    return try Data(contentsOf: URL(fileURLWithPath: folder.path("urls.map")))
  }

  private func writeLargeMap(_ path: String) throws {
    try Self.largeMap.get().write(to: URL(fileURLWithPath: path))
  }

  @Test(
    "while a large file loads it answers as with an empty map; SIGTERM ends that at once and leaves the file alone"
  )
  func whileLoading() throws {
    let lane = try Lane()
    try writeLargeMap(lane.path)
    let before = try Data(contentsOf: URL(fileURLWithPath: lane.path))

    let first = try ChildProcess(Relevo.binary, lane.arguments + ["--debug-headers"])
    let client = try Client(try first.listeningPort())
    _ = try first.errors.wait("the line about the load") { $0.contains("loading \(lane.path)") }
    #expect(try client.get("/large/1/page-1.html")["X-Relevo-Route"] == "old-fallback")
    try lane.learn("/meanwhile", client)
    first.signal(SIGUSR1)
    first.signal(SIGTERM)
    let start = Date()
    #expect(try first.wait() == .code(0))
    #expect(Date().timeIntervalSince(start) < 2)
    #expect(!first.errors.text.contains("loaded 1"), "it ended too late to show anything")
    #expect(try Data(contentsOf: URL(fileURLWithPath: lane.path)) == before)

    let second = try ChildProcess(Relevo.binary, lane.arguments + ["--debug-headers"])
    let port = try second.listeningPort()
    _ = try second.errors.wait("the line about the end of the load", .after(30)) {
      $0.contains("loaded \(Self.largeCount + 1) URLs of the old site from \(lane.path)")
    }
    let again = try Client(port)
    #expect(try again.get("/large/1/page-1.html")["X-Relevo-Route"] == "old-map")
    #expect(try again.get("/meanwhile")["X-Relevo-Route"] == "old-map")
    second.signal(SIGTERM)
    #expect(try second.wait() == .code(0))
  }

  @Test("a large file that turns out broken at its end, with none before it, is one error, and 78")
  func largeBroken() throws {
    let lane = try Lane()
    try writeLargeMap(lane.path)
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: lane.path))
    try file.seekToEnd()
    try file.write(contentsOf: Data("x\n".utf8))
    try file.close()
    let process = try ChildProcess(Relevo.binary, lane.arguments)
    #expect(try process.wait(.after(30)) == .code(78))
    #expect(try process.errors.untilEnd().count { $0.contains("something follows the end line") } == 1)
  }

  @Test("a large file that turns out to hold more URLs than may be kept is one error, and 78")
  func largeAndTooMany() throws {
    let lane = try Lane()
    try writeLargeMap(lane.path)
    let process = try ChildProcess(
      Relevo.binary, lane.arguments + ["--map-max-urls", "\(Self.largeCount - 1)"])
    #expect(try process.wait(.after(30)) == .code(78))
    #expect(
      try process.errors.untilEnd().count { $0.contains("--map-max-urls \(Self.largeCount) or more") } == 1)
  }
}
