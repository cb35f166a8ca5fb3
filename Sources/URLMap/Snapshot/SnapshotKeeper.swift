import Glibc

/// What became of one snapshot.
public enum SnapshotEvent: Sendable, Equatable {
  case written(SnapshotReport)
  /// Nothing was replaced; the next good moment writes all.
  case failed(SnapshotError)
}

/// Takes snapshots of a map on a thread of its own: at an interval when something changed (a URL learned, forgotten or
/// visited), when asked, and at the end.
public final class SnapshotKeeper: Sendable {
  private struct State {
    var isAsked = false
    var isStopping = false
    var thread: Thread?
    /// `URLMap.changes` as of the last good snapshot.
    var written: UInt64
  }

  private let map: URLMap
  private let file: SnapshotFile
  private let interval: Duration
  private let report: @Sendable (SnapshotEvent) -> Void
  private let alarm = Alarm()
  private let state: Locked<State>

  /// What `map` holds now counts as saved: make the keeper after loading. `report` is called on the keeper's thread (from
  /// `stop`, on the caller's, if there is none).
  public init(
    map: URLMap, file: SnapshotFile, every interval: Duration,
    report: @escaping @Sendable (SnapshotEvent) -> Void
  ) {
    self.map = map
    self.file = file
    self.interval = max(interval, .milliseconds(1))
    self.report = report
    state = Locked(State(written: map.changes))
  }

  /// Starts the thread. Once.
  public func start() {
    state.withLock { state in
      guard state.thread == nil, !state.isStopping else { return }
      state.thread = Thread { [self] in run() }
      precondition(state.thread != nil, "the system has no thread left for the URL map's snapshots")
    }
  }

  /// Asks for a snapshot now, changed or not. From any thread, returns at once.
  public func takeNow() {
    state.withLock { $0.isAsked = true }
    alarm.ring()
  }

  /// Ends the thread, after a last snapshot if something changed, and waits for that. The map should be shut down
  /// first, or `waitUntilApplied` be called, so that nothing is still on its way into it. May be called again.
  public func stop() {
    let (thread, isFirst) = state.withLock { state in
      let isFirst = !state.isStopping
      state.isStopping = true
      return (state.thread.take(), isFirst)
    }
    guard isFirst else { return }
    alarm.ring()
    if let thread { thread.join() } else { takeIfChanged() }
  }

  private func run() {
    var next = ContinuousClock.now + interval
    while true {
      let rest = next - ContinuousClock.now
      if rest > .zero { alarm.wait(atMost: rest) }
      let (isAsked, isStopping) = state.withLock { state in
        defer { state.isAsked = false }
        return (state.isAsked, state.isStopping)
      }
      if isAsked { take() }
      if isStopping {
        takeIfChanged()
        return
      }
      if ContinuousClock.now >= next {
        takeIfChanged()
        next = ContinuousClock.now + interval
      }
    }
  }

  private func takeIfChanged() {
    if state.withLock({ $0.written }) != map.changes { take() }
  }

  private func take() {
    // Read before the walk: what changes during it may be missing from the file and so counts as not written.
    let changes = map.changes
    do {
      let written = try file.write(map)
      state.withLock { $0.written = changes }
      report(.written(written))
    } catch {
      report(.failed(error))
    }
  }
}
