import Glibc
import Synchronization

/// What became of a map's files.
public enum KeeperEvent: Sendable, Equatable {
  case loaded(LoadReport)
  /// Neither the snapshot nor the one before can be used: nothing is loaded, and nothing will be written.
  case unusable(SnapshotError)
  case written(SnapshotReport)
  /// A snapshot was not written. Nothing was replaced; the next good moment writes all.
  case failed(SnapshotError)
  /// The journal was not written; what it lacks is kept in memory, and written at the next good moment.
  case journalFailed(SnapshotError)
  /// Changes find no room in that memory any more: a kill would lose them. A snapshot, asked for now, will have them.
  case journalLost
  /// The journal is written again.
  case journalWorks
}

/// Keeps a map on the disk, on a thread of its own.
///
/// At the start it loads what the files hold, while the map is in use already. From then on what changes is written to the
/// journal within a second, and snapshots are taken: at an interval when something changed (a URL learned, forgotten or
/// visited), when asked, and at the end. A snapshot begins a segment of the journal, so that what comes to be known during
/// it is in one or the other.
///
/// A disk that fails stops nothing. It is tried again, snapshots after a second, two, four and so on up to the interval, and
/// said once, when it ends, and every five minutes.
public final class MapKeeper: Sendable {
  /// How far the load is.
  public enum State: Int, Sendable {
    /// The map holds what it has learned since the start, nothing of the file.
    case loading
    case loaded
    /// Neither file can be used.
    case unusable
    /// It was stopped first.
    case stopped
  }

  /// A snapshot that was written.
  public struct Snapshot: Sendable, Equatable {
    /// When it was in its place, in seconds since 1970.
    public var at: UInt32
    /// How long it took to write.
    public var took: Duration
    public var urls: Int

    public init(at: UInt32, took: Duration, urls: Int) {
      self.at = at
      self.took = took
      self.urls = urls
    }
  }

  /// Figures since the start.
  public struct Statistics: Sendable, Equatable {
    public var state: State
    public var snapshots: UInt64
    public var snapshotFailures: UInt64
    /// The last snapshot that this process has written; nil before the first.
    public var lastSnapshot: Snapshot?
    /// Changes that the journal has.
    public var journalled: UInt64
    public var journalFailures: UInt64
    /// Changes that the journal does not have, as the disk stood still for too long. Each is in the next snapshot.
    public var journalLost: UInt64
  }

  final class Counters: Sendable {
    let snapshots = Atomic<UInt64>(0)
    let snapshotFailures = Atomic<UInt64>(0)
    let lastSnapshot = Locked<Snapshot?>(nil)
    let journalled = Atomic<UInt64>(0)
    let journalFailures = Atomic<UInt64>(0)
    let journalLost = Atomic<UInt64>(0)
  }

  struct Control {
    var isAsked = false
    /// The load shall end, if it is still under way.
    var loadIsUnwanted = false
    var isStopping = false
    var writing = Writing.ours
    /// Nothing was ours yet when it began: there is nothing to bring to the disk.
    var beganHolding = false
    /// What became of the last ``hold()``, for who waits for it.
    var held: Result<Void, SnapshotError>?
    var thread: Thread?
    var unusable: SnapshotError?
  }

  private let map: URLMap
  private let file: SnapshotFile
  private let interval: Duration
  private let report: @Sendable (KeeperEvent) -> Void
  let alarm = Alarm()
  let control = Locked(Control())
  let hasHeld = Alarm()
  private let state = Atomic<Int>(State.loading.rawValue)
  private let counters = Counters()
  /// `URLMap.changes` before the first that the journal will have.
  private let changesBefore: UInt64
  private let hasLoaded = Alarm()

  /// `report` is called on the keeper's thread.
  public init(
    map: URLMap, file: SnapshotFile, every interval: Duration,
    report: @escaping @Sendable (KeeperEvent) -> Void
  ) {
    self.map = map
    self.file = file
    self.interval = max(interval, .milliseconds(1))
    self.report = report
    changesBefore = map.changes
  }

  /// Starts the thread, which loads first. Once. What the map learns from now on will be in the journal.
  ///
  /// - Parameter holding: write nothing until ``goOn()``, as another process still has the files.
  public func start(holding: Bool = false) {
    control.withLock { control in
      control.beganHolding = holding
      if holding { control.writing = .held }
      guard control.thread == nil, !control.isStopping else { return }
      map.core.writer.withLock { $0.changes.turnOn(waking: alarm) }
      map.core.migrations.withLock { $0.isOn = true }
      control.thread = Thread(name: "map-keeper") { [self] in run() }
      precondition(control.thread != nil, "the system has no thread left for the URL map's files")
    }
  }

  var path: String { file.path }

  /// Waits for the end of the load, but no longer than `timeout`; how far it is. For one thread.
  public func waitUntilLoaded(atMost timeout: Duration) -> State {
    hasLoaded.wait(atMost: timeout)
    return statistics.state
  }

  /// Asks for a snapshot now, changed or not; during the load, for one right after it. From any thread, returns at once.
  public func takeNow() {
    control.withLock { $0.isAsked = true }
    alarm.ring()
  }

  /// Breaks off a load that is still under way: the files stay as they are, and what is learned goes to the journal until
  /// ``stop()``. From any thread, returns at once.
  public func breakOffLoading() {
    control.withLock { $0.loadIsUnwanted = true }
  }

  /// Ends the thread, after a last snapshot if something changed, and waits for that. A load is broken off first. The map should be shut down first, or
  /// `waitUntilApplied` be called, so that nothing is still on its way into it. May be called again.
  public func stop() {
    let thread = control.withLock { control in
      control.loadIsUnwanted = true
      control.isStopping = true
      return control.thread.take()
    }
    alarm.ring()
    thread?.join()
  }

  /// Why nothing was loaded: with the state `unusable`.
  public var unusable: SnapshotError? { control.withLock { $0.unusable } }

  public var statistics: Statistics {
    Statistics(
      state: State(rawValue: state.load(ordering: .acquiring)) ?? .loading,
      snapshots: counters.snapshots.load(ordering: .relaxed),
      snapshotFailures: counters.snapshotFailures.load(ordering: .relaxed),
      lastSnapshot: counters.lastSnapshot.withLock { $0 },
      journalled: counters.journalled.load(ordering: .relaxed),
      journalFailures: counters.journalFailures.load(ordering: .relaxed),
      journalLost: counters.journalLost.load(ordering: .relaxed))
  }

  // MARK: The thread

  private func run() {
    let work = KeeperWork(map, file, written: changesBefore, counters, interval, report)
    switch work.load(mayWrite: { !isHeld }, mayGoOn: { !control.withLock { $0.loadIsUnwanted } }) {
    case .loaded(let loaded):
      announce(.loaded, .loaded(loaded))
      keep(work)
    case .unusable(let error):
      control.withLock { $0.unusable = error }
      announce(.unusable, .unusable(error))
    case .interrupted:
      announce(.stopped, nil)
      keepJournal(work)
    }
  }

  /// Writes no snapshot, as the map lacks what the files hold.
  private func keepJournal(_ work: KeeperWork) {
    while true {
      let isStopping = control.withLock { $0.isStopping }
      if !isHeld { work.writeJournal() }
      if isStopping { return }
      alarm.wait(atMost: KeeperWork.journalEvery)
    }
  }

  private func announce(_ reached: State, _ event: KeeperEvent?) {
    state.store(reached.rawValue, ordering: .releasing)
    if let event { report(event) }
    hasLoaded.ring()
  }

  private func keep(_ work: KeeperWork) {
    var isHolding = control.withLock { $0.beganHolding }
    while true {
      let rest = isHolding ? KeeperWork.journalEvery : work.next - ContinuousClock.now
      if rest > .zero { alarm.wait(atMost: rest) }
      let (isAsked, isStopping, writing) = control.withLock { control in
        defer { control.isAsked = false }
        return (control.isAsked, control.isStopping, control.writing)
      }
      switch writing {
      case .ours:
        isHolding = false
        if isAsked { work.takeSnapshot() }
        if isStopping { return work.finish() }
        work.doWhatIsDue()
      case .held:
        if !isHolding { isHolding = beginHolding(work) }
        if isStopping { return }
      case .passedOn(let receiver):
        isHolding = true
        work.passOn(to: receiver)
        if isStopping { return }
      }
    }
  }

  private var isHeld: Bool {
    control.withLock { if case .held = $0.writing { true } else { false } }
  }

  /// False when that could not be: then all goes on.
  private func beginHolding(_ work: KeeperWork) -> Bool {
    let result: Result<Void, SnapshotError>
    do throws(SnapshotError) {
      try work.bringToDisk()
      result = .success(())
    } catch {
      result = .failure(error)
    }
    let isHolding = (try? result.get()) != nil
    control.withLock { control in
      control.held = result
      if !isHolding { control.writing = .ours }
    }
    hasHeld.ring()
    return isHolding
  }
}
