import Glibc
import Testing

@testable import URLMap

@Suite("A map's files on their way from one process to the next")
struct HandingTests {
  let folder = TemporaryFolder()
  let events = KeeperEvents()

  /// A keeper with its map, as one of the processes has them.
  private final class Process {
    let map = URLMap()
    let keeper: MapKeeper

    init(_ folder: TemporaryFolder, _ events: KeeperEvents, holding: Bool = false) {
      keeper = MapKeeper(map: map, file: SnapshotFile(path: folder["m"]), every: .milliseconds(20)) {
        events.add($0)
      }
      keeper.start(holding: holding)
      #expect(keeper.waitUntilLoaded(atMost: .seconds(10)) == .loaded)
    }

    func learn(_ key: String) {
      map.learn(key)
      map.waitUntilApplied()
    }

    func end() {
      map.shutdown()
      keeper.stop()
    }
  }

  /// A process that knows a URL, has it on the disk and holds its files; what these are.
  private func holding(_ key: String) throws -> (process: Process, files: [String: [UInt8]]) {
    let process = Process(folder, events)
    process.learn(key)
    try process.keeper.hold()
    return (process, folder.files)
  }

  @Test("what is held is on the disk and stays as it is; what changes meanwhile is written when it goes on")
  func held() throws {
    let (process, files) = try holding("/before")
    #expect(try loaded(folder).map.lookup("/before") != nil)
    process.map.learn("/during")
    process.keeper.takeNow()
    usleep(700_000)
    #expect(folder.files == files)
    process.keeper.goOn()
    #expect(eventually { (try? loaded(folder))?.map.lookup("/during") != nil })
    process.end()
  }

  @Test("what is to be held during the load, or at its end, is held then")
  func heldEarly() throws {
    for _ in 1...50 {
      let map = URLMap()
      let keeper = MapKeeper(map: map, file: SnapshotFile(path: folder["m"]), every: .seconds(60)) { _ in }
      keeper.start()
      try keeper.hold()
      map.shutdown()
      keeper.stop()
    }
  }

  @Test("the next one writes nothing while it holds, and what it learned meanwhile once it goes on")
  func next() throws {
    let (first, files) = try holding("/a")
    let second = Process(folder, events, holding: true)
    #expect(second.map.lookup("/a") != nil)
    second.map.learn("/b")
    usleep(700_000)
    #expect(folder.files == files)
    first.keeper.passOn { [map = second.map] in map.apply(changes: $0) }
    second.keeper.goOn()
    first.map.learn("/late")
    first.map.forget("/a")
    first.map.waitUntilApplied()
    first.end()
    #expect(eventually { second.map.lookup("/late") != nil && second.map.lookup("/a") == nil })
    second.end()
    let found = try loaded(folder).map
    #expect(found.lookup("/b") != nil && found.lookup("/late") != nil && found.lookup("/a") == nil)
  }

  @Test("one that gives up while it holds leaves the files as they were, and the first goes on with them")
  func givenUp() throws {
    let (first, files) = try holding("/a")
    let second = Process(folder, events, holding: true)
    second.map.learn("/b")
    second.end()
    #expect(folder.files == files)
    first.keeper.goOn()
    first.map.learn("/c")
    first.end()
    let found = try loaded(folder).map
    #expect(found.lookup("/a") != nil && found.lookup("/c") != nil && found.lookup("/b") == nil)
  }

  @Test("a map that is not on the disk is not held, and goes on trying")
  func diskFails() throws {
    let isFull = Locked(false)
    let disk = Disk(rehearsal: { step, _ in step == .write && isFull.withLock { $0 } ? ENOSPC : 0 })
    let map = URLMap()
    let keeper = MapKeeper(map: map, file: SnapshotFile(path: folder["m"], on: disk), every: .seconds(60)) {
      [events] in events.add($0)
    }
    keeper.start()
    #expect(keeper.waitUntilLoaded(atMost: .seconds(10)) == .loaded)
    isFull.withLock { $0 = true }
    map.learn("/a")
    map.waitUntilApplied()
    #expect(throws: SnapshotError.self) { try keeper.hold() }
    isFull.withLock { $0 = false }
    try keeper.hold()
    keeper.goOn()
    map.shutdown()
    keeper.stop()
    #expect(try loaded(folder).map.lookup("/a") != nil)
  }

  @Test("the lock goes over with its descriptor: nobody else has it for a moment")
  func lock() throws {
    let path = folder["m"]
    let first = try MapLock(mapPath: path)
    let second = try MapLock(mapPath: path, inheriting: #require(first.duplicate()))
    first.release()
    #expect(first.duplicate() == nil)
    #expect(throws: SnapshotError.locked(path: path, holder: getpid())) { try MapLock(mapPath: path) }
    second.writeOwner()
    #expect(readFile(path + ".lock") == Array("\(getpid())\n".utf8))
    second.release()
    _ = try MapLock(mapPath: path)
  }

  @Test("what is no lock of this file is none")
  func otherLock() throws {
    let other = try MapLock(mapPath: folder["other"])
    _ = try MapLock(mapPath: folder["m"])
    #expect(throws: SnapshotError.locked(path: folder["m"], holder: nil)) {
      try MapLock(mapPath: folder["m"], inheriting: #require(other.duplicate()))
    }
    #expect(MapLock.identity(mapPath: folder["m"]) != MapLock.identity(mapPath: folder["other"]))
    #expect(MapLock.identity(mapPath: folder["none"]) == nil)
  }
}
