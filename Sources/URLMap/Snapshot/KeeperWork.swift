import Glibc

/// What the keeper's thread does, one thing after the other.
final class KeeperWork {
  enum Loaded {
    case loaded(LoadReport)
    case unusable(SnapshotError)
    case interrupted
  }

  /// How long a change waits for the journal at most, but for the disk itself; well below the second that is promised.
  static let journalEvery = Duration.milliseconds(500)

  private let map: URLMap
  private let file: SnapshotFile
  private let counters: MapKeeper.Counters
  private let interval: Duration
  private let report: (KeeperEvent) -> Void
  /// Nil until the files have been looked at.
  private var journal: Journal?
  private var nextJournal = ContinuousClock.now
  private var nextSnapshot = ContinuousClock.now
  /// `URLMap.changes` as of the last good snapshot; nil: the next one is due, changed or not.
  private var written: UInt64?
  private var snapshotTrouble = Trouble()
  private var journalTrouble = Trouble()
  /// Changes lost that were spoken of.
  private var reportedLost: UInt64 = 0

  init(
    _ map: URLMap, _ file: SnapshotFile, written: UInt64, _ counters: MapKeeper.Counters,
    _ interval: Duration,
    _ report: @escaping (KeeperEvent) -> Void
  ) {
    self.map = map
    self.file = file
    self.counters = counters
    self.interval = interval
    self.report = report
    self.written = written
  }

  /// When there is something to do again.
  var next: ContinuousClock.Instant { min(nextJournal, nextSnapshot) }

  // MARK: Loading

  /// - Parameters:
  ///   - mayWrite: whether what changes during the load is written to the journal.
  ///   - mayGoOn: asked every few milliseconds.
  func load(mayWrite: () -> Bool = { true }, mayGoOn: () -> Bool) -> Loaded {
    do throws(SnapshotError) {
      let loaded = try file.load(into: map) { snapshot, next in
        journal = Journal(map, file.path, snapshot: snapshot, next: next, on: file.disk)
      } mayGoOn: { _ in
        if mayWrite() { writeJournalIfDue() }
        return mayGoOn()
      }
      nextSnapshot = ContinuousClock.now + interval
      // What was put aside leaves its place to a whole file at once.
      let isWhole = loaded.refused == nil && loaded.journal.refused.isEmpty && loaded.journal.foreign.isEmpty
      // The journal goes on with the keys as they are now, which are not the file's.
      let isAsWritten = isWhole && loaded.remade == 0
      if !isAsWritten { nextSnapshot = ContinuousClock.now }
      if loaded.journal.changes > 0 || !isAsWritten { written = nil }
      return .loaded(loaded)
    } catch {
      if case .interrupted = error { return .interrupted }
      return .unusable(error)
    }
  }

  // MARK: Keeping

  func doWhatIsDue() {
    writeJournalIfDue()
    if ContinuousClock.now >= nextSnapshot {
      if written != map.changes || journal?.isBroken == true {
        takeSnapshot()
      } else {
        nextSnapshot = ContinuousClock.now + interval
      }
    }
  }

  /// The end: all that is not on the disk goes there.
  func finish() {
    if written != map.changes { takeSnapshot() }
    writeJournal()
  }

  /// As ``finish()``.
  ///
  /// - Throws: what keeps a change from the disk. Visits alone are no reason.
  func bringToDisk() throws(SnapshotError) {
    finish()
    guard let journal else { return }
    try journal.write()
    if journal.isBroken {
      throw .system(path: file.path, action: "write the journal of the URL map", code: EIO)
    }
  }

  /// Tells another process what has changed and is not on the disk.
  func passOn(to receiver: ([UInt8]) -> Void) {
    for chunk in map.core.writer.withLock({ $0.changes.takeAll() }) { receiver(chunk) }
    writeMigrations()
  }

  // MARK: The journal

  func writeJournalIfDue() {
    let isUrgent = !journalTrouble.isPresent && map.core.writer.withLock { $0.changes.isUrgent }
    if isUrgent || ContinuousClock.now >= nextJournal { writeJournal() }
  }

  func writeJournal() {
    guard let journal else { return }
    do throws(SnapshotError) {
      try journal.write()
      noteJournal(nil)
    } catch {
      noteJournal(error)
    }
    writeMigrations()
    nextJournal = ContinuousClock.now + KeeperWork.journalEvery
  }

  /// A disk that does not take these lines takes no journal either, which is reported.
  private func writeMigrations() {
    let lines = map.core.migrations.withLock { $0.take() }
    guard !lines.isEmpty else { return }
    do throws(SnapshotError) {
      try MigrationFile(mapPath: file.path, on: file.disk).append(lines)
    } catch {
      map.core.migrations.withLock { $0.giveBack(lines) }
    }
  }

  private func noteJournal(_ failure: SnapshotError?) {
    guard let journal else { return }
    counters.journalled.store(journal.written, ordering: .relaxed)
    counters.journalLost.store(journal.lost, ordering: .relaxed)
    if let failure {
      counters.journalFailures.add()
      if journalTrouble.shouldReport() { report(.journalFailed(failure)) }
    }
    if journal.isBroken {
      if journal.lost > reportedLost { report(.journalLost) }
      // How many more it will be is in the statistics.
      reportedLost = .max
      if !snapshotTrouble.isPresent { nextSnapshot = ContinuousClock.now }
    } else if failure == nil, journalTrouble.end() {
      reportedLost = journal.lost
      report(.journalWorks)
    }
  }

  // MARK: Snapshots

  func takeSnapshot() {
    guard let journal else { return }
    // Read before the walk: what changes during it may be missing from the file and so counts as not written.
    let changes = map.changes
    let (place, failure) = journal.beginSnapshot()
    noteJournal(failure)
    do {
      let snapshot = try file.write(map, mapKey: map.mapKey, continuedAt: place) { writeJournalIfDue() }
      written = changes
      journal.snapshotIsInPlace(place)
      let taken = MapKeeper.Snapshot(
        at: UInt32(truncatingIfNeeded: time(nil)), took: snapshot.duration, urls: snapshot.urls)
      counters.lastSnapshot.withLock { $0 = taken }
      counters.snapshots.add()
      _ = snapshotTrouble.end()
      report(.written(snapshot))
      nextSnapshot = ContinuousClock.now + interval
    } catch {
      counters.snapshotFailures.add()
      let retry = snapshotTrouble.retryAfter(atMost: interval)
      if snapshotTrouble.shouldReport() { report(.failed(error)) }
      nextSnapshot = ContinuousClock.now + retry
    }
  }
}

/// Something that keeps failing: when to try again, and when to say it.
private struct Trouble {
  private static let reportEvery = Duration.seconds(300)

  private var lastReport: ContinuousClock.Instant?
  private var retry = Duration.seconds(1)
  private(set) var isPresent = false

  /// Whether this failure is to be said: the first, and then one every five minutes.
  mutating func shouldReport() -> Bool {
    isPresent = true
    let now = ContinuousClock.now
    if let lastReport, now - lastReport < Trouble.reportEvery { return false }
    lastReport = now
    return true
  }

  /// How long to wait after this failure: twice as long each time.
  mutating func retryAfter(atMost limit: Duration) -> Duration {
    defer { retry = min(retry * 2, .seconds(3600)) }
    return min(retry, limit)
  }

  /// It works. Whether it did not before.
  mutating func end() -> Bool {
    defer { self = Trouble() }
    return isPresent
  }
}
