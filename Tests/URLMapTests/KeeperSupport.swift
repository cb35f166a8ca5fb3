import Glibc
import Testing

@testable import URLMap

/// Collects what a keeper reports.
final class KeeperEvents: Sendable {
  private let events = Locked<[KeeperEvent]>([])
  var all: [KeeperEvent] { events.withLock { $0 } }
  var written: Int { all.count { if case .written = $0 { true } else { false } } }
  var failed: Int { all.count { if case .failed = $0 { true } else { false } } }
  var journalFailed: Int { all.count { if case .journalFailed = $0 { true } else { false } } }
  var loaded: LoadReport? {
    all.lazy.compactMap { if case .loaded(let report) = $0 { report } else { nil } }.first
  }
  func add(_ event: KeeperEvent) { events.withLock { $0.append(event) } }
}

/// Waits up to ten seconds.
func eventually(_ condition: () -> Bool) -> Bool {
  for _ in 0..<10_000 {
    if condition() { return true }
    usleep(1000)
  }
  return condition()
}

extension TemporaryFolder {
  /// Every file and what is in it.
  var files: [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    for name in (try? Disk.names(inFolderOf: self["x"])) ?? [] where name != "." && name != ".." {
      files[name] = readFile(self[name])
    }
    return files
  }

  func write(_ files: [String: [UInt8]]) {
    for (name, bytes) in files { writeFile(self[name], bytes) }
  }

  /// The paths of the journal's segments, the oldest first.
  var segments: [String] {
    let folder = JournalFolder(path: self["m"])
    return ((try? folder.numbers()) ?? []).map { folder.path($0) }
  }
}

/// A keeper's work without its thread, so that a test says what happens when.
final class Keeping: CustomReflectable {
  var customMirror: Mirror { Mirror(self, children: ["events": events.all]) }
  let map: URLMap
  let work: KeeperWork
  let events = KeeperEvents()
  let counters = MapKeeper.Counters()

  /// Loads what is in `folder`.
  init(
    _ folder: TemporaryFolder, every interval: Duration = .seconds(3600), maxURLs: Int = 10_000_000,
    on disk: Disk = Disk()
  ) throws {
    map = URLMap(.init(maxURLs: maxURLs))
    map.core.writer.withLock { $0.changes.turnOn(waking: Alarm()) }
    let events = events
    work = KeeperWork(
      map, SnapshotFile(path: folder["m"], on: disk), written: map.changes, counters, interval,
      { events.add($0) })
    switch work.load(mayGoOn: { true }) {
    case .loaded(let report): events.add(.loaded(report))
    case .unusable(let error): throw error
    case .interrupted: Issue.record("nobody broke it off")
    }
  }

  func learn(_ keys: String..., at now: UInt32 = 100) {
    for key in keys { map.learn(key, at: now) }
    map.waitUntilApplied()
  }
}

/// What a start finds in `folder`.
func loaded(_ folder: TemporaryFolder) throws -> (map: URLMap, report: LoadReport) {
  let map = URLMap()
  return (map, try SnapshotFile(path: folder["m"]).load(into: map))
}
