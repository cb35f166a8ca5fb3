import Glibc
import Testing

@testable import URLMap

/// What a start may find after a kill at any moment: each URL as it was when the journal was last written, or as it became
/// after that.
private struct Model {
  /// What is on the disk for sure.
  private(set) var certain: Set<String> = []
  private(set) var now: Set<String> = []
  /// URLs changed since, which may be known or not.
  private(set) var open: Set<String> = []

  mutating func learn(_ key: String) {
    now.insert(key)
    open.insert(key)
  }

  mutating func forget(_ key: String) {
    now.remove(key)
    open.insert(key)
  }

  /// What was so at an earlier moment is on the disk.
  mutating func settle(_ earlier: Model) {
    certain = earlier.now
    // What changed since that moment stays open, and so does what has changed back.
    open = open.subtracting(earlier.open).union(now.symmetricDifference(earlier.now))
  }

  func admits(_ keys: [String]) -> Bool {
    let found = Set(keys)
    return found.count == keys.count && found.symmetricDifference(certain).isSubset(of: open)
  }
}

@Suite("Killed, or without a disk, at any moment")
struct CrashTests {
  /// A map and its model, changed at random.
  private final class Site {
    let folder = TemporaryFolder()
    var random: SeededGenerator
    var model = Model()
    var map: URLMap?
    var atStep: (Disk.Step, String) -> Int32 = { _, _ in 0 }

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    func start(every interval: Duration = .seconds(3600)) throws -> Keeping {
      nonisolated(unsafe) let site = self
      let keeping = try Keeping(folder, every: interval, on: Disk { step, path in site.atStep(step, path) })
      map = keeping.map
      return keeping
    }

    func change(_ count: Int) {
      for _ in 0..<count {
        let key = "/pagina/\(Int.random(in: 0..<60, using: &random))"
        if Int.random(in: 0..<3, using: &random) == 0 {
          map?.forget(key)
          model.forget(key)
        } else {
          map?.learn(key)
          model.learn(key)
        }
      }
      map?.waitUntilApplied()
    }

    func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
  }

  @Test(
    "killed before any system call of journal, snapshot or start: what was synced is there, nothing else is",
    arguments: 1...6 as ClosedRange<UInt64>)
  func everyStep(seed: UInt64) throws {
    let site = Site(seed: seed)
    var images: [(files: [String: [UInt8]], model: Model)] = []
    site.atStep = { _, _ in
      images.append((site.folder.files, site.model))
      // The site goes on meanwhile.
      if site.chance(50) { site.change(2) }
      return 0
    }
    for _ in 0..<3 {
      let keeping = try site.start()
      #expect(site.model.admits(keeping.map.allKeys))
      for _ in 0..<5 {
        site.change(5)
        let before = site.model
        if site.chance(40) { keeping.work.takeSnapshot() } else { keeping.work.writeJournal() }
        site.model.settle(before)
      }
      // Killed here: what was not journalled is gone from the map, too.
      let (found, _) = try loaded(site.folder)
      let keys = found.allKeys
      #expect(site.model.admits(keys))
      site.model = Model()
      for key in keys { site.model.learn(key) }
      site.model.settle(site.model)
    }
    #expect(images.count > 40)
    for image in images {
      let folder = TemporaryFolder()
      folder.write(image.files)
      let (map, report) = try loaded(folder)
      #expect(image.model.admits(map.allKeys), "\(image.files.keys.sorted())")
      #expect(report.refused == nil && report.journal.refused == [] && report.journal.foreign == [])
    }
  }

  @Test(
    "a disk that fails now and then costs nothing once it works: the next good moment writes all",
    arguments: [ENOSPC, EIO, EROFS, EFBIG])
  func failingDisk(code: Int32) throws {
    for seed in 1...4 as ClosedRange<UInt64> {
      let site = Site(seed: seed)
      var isFailing = false
      site.atStep = { _, _ in isFailing && site.chance(40) ? code : 0 }
      let keeping = try site.start()
      for round in 0..<40 {
        isFailing = round % 10 >= 4
        site.change(3)
        let before = site.model
        let written = keeping.counters.snapshots.load(ordering: .relaxed)
        if site.chance(30) { keeping.work.takeSnapshot() } else { keeping.work.writeJournal() }
        let isDone = keeping.counters.snapshots.load(ordering: .relaxed) > written
        if !isFailing || isDone { site.model.settle(before) }
        let folder = TemporaryFolder()
        folder.write(site.folder.files)
        #expect(site.model.admits(try loaded(folder).map.allKeys), "seed \(seed), round \(round)")
      }
      isFailing = false
      keeping.work.finish()
      site.model.settle(site.model)
      #expect(site.model.admits(try loaded(site.folder).map.allKeys))
      #expect(Set(keeping.map.allKeys) == site.model.now)
    }
  }

  @Test("a trouble is said once, not each time, and when it has ended")
  func saidOnce() throws {
    let site = Site(seed: 1)
    var isFailing = true
    site.atStep = { _, _ in isFailing ? ENOSPC : 0 }
    let keeping = try site.start(every: .milliseconds(1))
    for _ in 0..<20 {
      site.change(1)
      keeping.work.writeJournal()
      keeping.work.takeSnapshot()
    }
    #expect(keeping.events.journalFailed == 1)
    #expect(keeping.events.failed == 1)
    #expect(keeping.counters.journalFailures.load(ordering: .relaxed) >= 20)
    #expect(keeping.counters.snapshotFailures.load(ordering: .relaxed) == 20)
    isFailing = false
    keeping.work.writeJournal()
    #expect(keeping.events.all.last == .journalWorks)
    keeping.work.takeSnapshot()
    #expect(keeping.events.written == 1)
    isFailing = true
    site.change(1)
    keeping.work.writeJournal()
    #expect(keeping.events.journalFailed == 2)
  }

  @Test(
    "a segment that vanishes, or the whole folder, is said, and the next snapshot has all",
    arguments: [false, true])
  func vanished(folderToo: Bool) throws {
    let folder = TemporaryFolder()
    mkdir(folder["sub"], 0o755)
    let inner = folder["sub/m"]
    let map = URLMap()
    map.core.writer.withLock { $0.changes.turnOn(waking: Alarm()) }
    let events = KeeperEvents()
    let work = KeeperWork(map, SnapshotFile(path: inner), written: 0, MapKeeper.Counters(), .milliseconds(1))
    {
      events.add($0)
    }
    _ = work.load { true }
    map.learn("/1")
    work.writeJournal()
    #expect(exists(inner + ".journal.1"))
    unlink(inner + ".journal.1")
    if folderToo { rmdir(folder["sub"]) }
    map.learn("/2")
    work.writeJournal()
    #expect(events.journalFailed == 1)
    if folderToo {
      work.doWhatIsDue()
      #expect(events.failed == 1)
      map.learn("/3")
      mkdir(folder["sub"], 0o755)
      usleep(5000)
    }
    work.doWhatIsDue()
    #expect(events.written == 1)
    map.learn("/4")
    work.writeJournal()
    let seen = URLMap()
    try SnapshotFile(path: inner).load(into: seen)
    #expect(seen.allKeys == map.allKeys)
  }

  @Test("what waits for a disk that stands still is bounded; past that it is counted, and a snapshot has all")
  func overflow() throws {
    let site = Site(seed: 1)
    var isFailing = false
    site.atStep = { _, _ in isFailing ? ENOSPC : 0 }
    let keeping = try site.start(every: .milliseconds(1))
    keeping.learn("/first")
    keeping.work.writeJournal()
    isFailing = true
    let tail = [UInt8](repeating: 0x78, count: 8000)
    let count = ChangeLog.chunkBytes * ChangeLog.limitChunks / 8000 + 300
    for number in 0..<count { keeping.map.learnPatiently(Array("/\(number)".utf8) + tail) }
    keeping.map.waitUntilApplied()
    keeping.work.writeJournal()
    #expect(keeping.events.all.contains(.journalLost))
    let lost = keeping.counters.journalLost.load(ordering: .relaxed)
    #expect(lost > 200 && lost < 2000)
    keeping.work.doWhatIsDue()
    #expect(keeping.events.written == 0)
    isFailing = false
    usleep(5000)
    keeping.work.doWhatIsDue()
    #expect(keeping.events.written == 1)
    keeping.learn("/last")
    keeping.work.writeJournal()
    #expect(try loaded(site.folder).map.count == count + 2)
  }
}
