import Glibc
import Synchronization
import Testing

@testable import URLMap

@Suite("The keeper of the map's files")
struct MapKeeperTests {
  let folder = TemporaryFolder()
  let events = KeeperEvents()

  private func keeper(_ map: URLMap, _ name: String = "m", every interval: Duration) -> MapKeeper {
    let events = events
    return MapKeeper(map: map, file: SnapshotFile(path: folder[name]), every: interval) { events.add($0) }
  }

  @Test("at the interval a snapshot is taken if something was learned, visited or forgotten, and only then")
  func interval() {
    let map = URLMap()
    let keeper = keeper(map, every: .milliseconds(20))
    keeper.start()
    usleep(100_000)
    #expect(events.written == 0)
    map.learn("/a")
    #expect(eventually { events.written == 1 })
    _ = map.lookup("/a", countingHitAt: 5)
    #expect(eventually { events.written == 2 })
    map.forget("/a")
    #expect(eventually { events.written == 3 })
    usleep(100_000)
    keeper.stop()
    #expect(events.written == 3)
    #expect(keeper.statistics.snapshots == 3)
    let last = keeper.statistics.lastSnapshot
    #expect(last?.urls == 0)
    #expect(abs(Int(last?.at ?? 0) - time(nil)) < 60)
  }

  @Test("when asked, a snapshot is taken at once, changed or not")
  func takeNow() {
    let keeper = keeper(URLMap(), every: .seconds(3600))
    keeper.start()
    keeper.takeNow()
    #expect(eventually { events.written == 1 })
    keeper.takeNow()
    #expect(eventually { events.written == 2 })
    keeper.stop()
    #expect(events.written == 2)
  }

  @Test("at the end a last snapshot is taken if something changed")
  func atTheEnd() throws {
    let map = URLMap()
    let keeper = keeper(map, every: .seconds(3600))
    keeper.start()
    #expect(keeper.waitUntilLoaded(atMost: .seconds(10)) == .loaded)
    map.learn("/last")
    map.shutdown()
    keeper.stop()
    keeper.stop()
    #expect(events.written == 1)
    #expect(try loaded(folder).map.allKeys == ["/last"])

    let unchanged = self.keeper(URLMap(), every: .seconds(3600))
    unchanged.start()
    #expect(unchanged.waitUntilLoaded(atMost: .seconds(10)) == .loaded)
    unchanged.stop()
    #expect(events.written == 1)
  }

  @Test("a change is in the journal without a snapshot")
  func journalled() throws {
    let map = URLMap()
    let keeper = keeper(map, every: .seconds(3600))
    keeper.start()
    #expect(keeper.waitUntilLoaded(atMost: .seconds(10)) == .loaded)
    map.learn("/a")
    #expect(eventually { keeper.statistics.journalled == 1 })
    let seen = URLMap()
    #expect(try SnapshotFile(path: folder["m"]).read(into: seen).journal.changes == 1)
    #expect(seen.allKeys == ["/a"])
    keeper.stop()
  }

  @Test("a change waits less than a second for the journal, whatever the interval")
  func journalledSoon() throws {
    let keeping = try Keeping(folder, every: .seconds(3600))
    for round in 1...2 {
      keeping.learn("/\(round)")
      #expect(keeping.work.next - ContinuousClock.now < .seconds(1))
      while keeping.work.next > .now { usleep(1000) }
      keeping.work.doWhatIsDue()
      #expect(keeping.counters.journalled.load(ordering: .relaxed) == round)
    }
    #expect(keeping.counters.snapshots.load(ordering: .relaxed) == 0)
  }

  @Test("without a usable file it says so, writes nothing, and ends when it is told")
  func unusable() throws {
    writeFile(folder["m"], Array("x\n".utf8))
    let map = URLMap()
    let keeper = keeper(map, every: .milliseconds(5))
    keeper.start()
    #expect(keeper.waitUntilLoaded(atMost: .seconds(10)) == .unusable)
    #expect(keeper.unusable != nil)
    map.learn("/a")
    keeper.takeNow()
    keeper.stop()
    #expect(folder.files == ["m": Array("x\n".utf8)])
  }

  /// A snapshot that takes several steps to load: 20,000 URLs.
  private func writePages(at time: UInt32 = 100) throws {
    let source = URLMap()
    for number in 0..<20_000 { source.learnPatiently(Array("/pagina/\(number)".utf8), at: time) }
    source.waitUntilApplied()
    try SnapshotFile(path: folder["m"]).write(source)
  }

  @Test(
    "stopped during the load it ends at once, leaves the file as it is, and keeps what was learned meanwhile")
  func stoppedWhileLoading() throws {
    try writePages()
    let before = readFile(folder["m"])
    let map = URLMap()
    let keeping = KeeperWork(
      map, SnapshotFile(path: folder["m"]), written: 0, MapKeeper.Counters(), .seconds(3600), { _ in })
    map.core.writer.withLock { $0.changes.turnOn(waking: Alarm()) }
    var steps = 0
    let result = keeping.load {
      steps += 1
      map.learn("/meanwhile/\(steps)")
      return steps < 2
    }
    guard case .interrupted = result else {
      Issue.record("\(result)")
      return
    }
    keeping.writeJournal()
    #expect(map.allKeys == ["/meanwhile/1", "/meanwhile/2"])
    #expect(readFile(folder["m"]) == before)
    let again = try loaded(folder)
    #expect(again.report.urls == 20_002)
    #expect(again.map.lookup("/meanwhile/2") != nil)
  }

  @Test(
    "after a load that was broken off, what is learned until the end goes to the journal, and the file stays")
  func learnsAfterLoading() throws {
    try writePages()
    let before = readFile(folder["m"])
    let map = URLMap()
    let keeper = MapKeeper(map: map, file: SnapshotFile(path: folder["m"]), every: .seconds(3600)) { _ in }
    keeper.breakOffLoading()
    keeper.start()
    #expect(keeper.waitUntilLoaded(atMost: .seconds(10)) == .stopped)
    map.learn("/afterwards")
    map.waitUntilApplied()
    keeper.takeNow()
    #expect(eventually { keeper.statistics.journalled == 1 })
    map.learn("/last")
    map.shutdown()
    keeper.stop()
    #expect(readFile(folder["m"]) == before)
    let again = try loaded(folder)
    #expect(again.report.urls == 20_002)
    #expect(again.map.lookup("/last") != nil)
  }

  @Test("what is learned and forgotten during a load holds, whether the file has it or not")
  func changesWhileLoading() throws {
    try writePages(at: 10)
    let map = URLMap()
    map.core.writer.withLock { $0.changes.turnOn(waking: Alarm()) }
    let keeping = KeeperWork(
      map, SnapshotFile(path: folder["m"]), written: 0, MapKeeper.Counters(), .seconds(3600), { _ in })
    var steps = 0
    _ = keeping.load {
      steps += 1
      for number in 0..<300 { map.learn("/new/\(steps)/\(number)", at: 20) }
      map.learn("/pagina/\(steps)", at: 20)
      map.learn("/pagina/\(1000 + steps)", at: 20)
      map.forget("/pagina/\(1000 + steps)")
      map.forget("/pagina/\(2000 + steps)")
      map.learn("/pagina/\(2000 + steps)", at: 20)
      return true
    }
    map.waitUntilApplied()
    #expect(steps > 4)
    #expect(map.count == 20_000 + 300 * steps - steps)
    #expect(map.allEntries.count == map.count)
    for step in 1...steps {
      #expect(map.lookup("/pagina/\(step)")?.learnedAt == 20)
      #expect(map.lookup("/pagina/\(1000 + step)") == nil)
      #expect(map.lookup("/pagina/\(2000 + step)")?.learnedAt == 20)
      #expect(map.lookup("/new/\(step)/299") != nil)
    }
    #expect(map.lookup("/pagina/19999")?.learnedAt == 10)
    keeping.writeJournal()
    #expect(try loaded(folder).map.allKeys == map.allKeys)
  }

  @Test("a load holds the writer for short steps only: others learn and are heard all the time")
  func loadLetsOthersLearn() throws {
    let source = URLMap()
    for number in 0..<30_000 { source.learnPatiently(Array("/pagina/\(number)".utf8)) }
    source.waitUntilApplied()
    try SnapshotFile(path: folder["m"]).write(source)
    let map = URLMap()
    let keeper = keeper(map, every: .seconds(3600))
    keeper.start()
    var learned = 0
    var heardInTime = 0
    while keeper.statistics.state == .loading {
      #expect(map.learn("/new/\(learned)"))
      map.waitUntilApplied()
      if keeper.statistics.state == .loading { heardInTime += 1 }
      learned += 1
      usleep(200)
    }
    keeper.stop()
    #expect(heardInTime > 5)
    #expect(map.count == 30_000 + learned)
  }
}
