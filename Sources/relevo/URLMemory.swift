import EventLoop
import Glibc
import Logging
import Synchronization
import URLMap

/// The URL map, its files and what writes them, as the command starts and stops them.
struct URLMemory: Sendable {
  let map: URLMap
  /// Held until the process ends.
  private let lock: MapLock?
  private let keeper: MapKeeper?
  private let path: String
  /// The main thread waits for a signal to end the process.
  private let isWaiting: Flag

  private final class Flag: Sendable {
    let isSet = Atomic<Bool>(false)
  }

  /// A map that is loaded so fast is there before the first client; a larger one is loaded while they are served.
  private static let loadedFirst = Duration.milliseconds(250)

  /// Begins to load what the map file holds, or the file before it when that one is broken.
  ///
  /// - Throws: ``CommandFailure`` when another process owns the file, and when there are files and none can be used, if that
  ///   is seen at once; else see ``checkLoaded()``.
  ///
  /// - Parameter predecessor: the process that this one takes over from. If it keeps the same file, nothing is written before
  ///   ``goOn()``, and all is loaded when this returns: that process serves meanwhile.
  init(
    _ flags: MapFlags, from predecessor: Predecessor? = nil, logger: Logger
  ) throws(CommandFailure) {
    let isWaiting = Flag()
    self.isWaiting = isWaiting
    let keys = KeyScheme(flags.mapKey, ignoring: try flags.ignoredQuery)
    map = URLMap(URLMap.Configuration(maxURLs: flags.mapMaxURLs, keys: keys))
    guard let path = flags.mapFile?.description else {
      self.path = ""
      keeper = nil
      lock = nil
      logger.info("the URL map lives in memory only: give --map-file to keep it")
      return
    }
    self.path = path
    let file = SnapshotFile(path: path)
    let inheritedLock = try predecessor?.mapLock(path)
    do throws(SnapshotError) {
      try file.checkFolder()
      if let inheritedLock { lock = inheritedLock } else { lock = try MapLock(mapPath: path) }
    } catch {
      throw Self.failure(error, path)
    }
    let log = KeeperLog(logger: logger, path: path)
    let keeper = MapKeeper(map: map, file: file, every: flags.mapSnapshotEvery.duration) { event in
      log.note(event)
      // The main thread says why, and ends the process.
      if case .unusable = event, isWaiting.isSet.load(ordering: .sequentiallyConsistent) {
        kill(getpid(), SIGTERM)
      }
    }
    self.keeper = keeper
    keeper.start(holding: inheritedLock != nil)
    switch keeper.waitUntilLoaded(atMost: inheritedLock == nil ? Self.loadedFirst : .seconds(3600)) {
    case .loading: logger.info("loading \(path); until that is done, URLs are asked of the new site first")
    case .loaded, .unusable, .stopped: try checkLoaded()
    }
  }

  /// - Throws: ``CommandFailure`` when neither the map file nor the one before it could be used; the map's threads have ended
  ///   then.
  func checkLoaded() throws(CommandFailure) {
    guard let error = keeper?.unusable else { return }
    stop()
    throw Self.failure(error, path)
  }

  /// From now on the process gets SIGTERM if a load that is still under way finds no file that can be used: then
  /// ``checkLoaded()`` tells why.
  func stopIfUnusable() throws(CommandFailure) {
    isWaiting.isSet.store(true, ordering: .sequentiallyConsistent)
    try checkLoaded()
  }

  private static func failure(_ error: SnapshotError, _ path: String) -> CommandFailure {
    switch error {
    case .locked: CommandFailure("--map-file \(error)", code: .temporary)
    case .otherMapKey, .snapshotMissing, .tooManyURLs, .noRegularFile:
      CommandFailure("--map-file \(error)", code: .configuration)
    case .refused, .journalBroken, .system, .outOfMemory, .interrupted, .noneUsable:
      CommandFailure("--map-file \(path): \(error)\(error.remedyAfterwards)", code: .configuration)
    }
  }

  // MARK: From one process to the next

  /// Brings everything to the disk, and writes nothing more until ``goOn()``. Blocks.
  func hold() throws(SnapshotError) { try keeper?.hold() }

  /// Writes the file, as if nothing had been.
  func goOn() {
    lock?.writeOwner()
    keeper?.goOn()
  }

  /// Leaves the file to another process, which is sent what changes from here on.
  func passOn(to receiver: @escaping @Sendable ([UInt8]) -> Void) {
    keeper?.passOn(to: receiver)
    lock?.release()
  }

  /// Of the map file's lock; nil when the map lives in memory only.
  var lockIdentity: MapLock.Identity? { keeper.flatMap { _ in MapLock.identity(mapPath: path) } }

  /// The lock itself, for another process. The caller closes it.
  func lockDescriptor() -> Int32? { lock?.duplicate() }

  // MARK: Running

  /// What keeps the map on the disk, and where; nil: it lives in memory only.
  var file: (keeper: MapKeeper, path: String)? { keeper.map { ($0, path) } }

  /// Has the file written now, without waiting for it.
  func snapshotNow() { keeper?.takeNow() }

  /// For the time until ``stop()``: breaks off a load that is still under way.
  func beginToStop() { keeper?.breakOffLoading() }

  /// Writes the file a last time and ends the map's threads.
  func stop() {
    map.shutdown()
    keeper?.stop()
  }

  /// The figures of the map and its files, for the log.
  var metadata: Logger.Metadata {
    let known: Logger.Metadata = ["urls": "\(map.count)"]
    guard let figures = keeper?.statistics else { return known }
    return known.merging([
      "map": "\(figures.state)", "snapshots": "\(figures.snapshots)",
      "snapshots-failed": "\(figures.snapshotFailures)", "journalled": "\(figures.journalled)",
      "journal-failures": "\(figures.journalFailures)", "journal-lost": "\(figures.journalLost)",
    ]) { $1 }
  }
}

/// What the keeper of the map's files does, in the log. Called on its thread.
private struct KeeperLog {
  let logger: Logger
  let path: String

  func note(_ event: KeeperEvent) {
    switch event {
    case .loaded(let report): note(report)
    case .unusable: break
    case .written(let report):
      logger.info(
        "wrote \(report.urls) URLs to \(report.path)",
        metadata: ["ms": "\(report.duration.wholeMilliseconds)"])
    case .failed(let error):
      logger.error(
        "the map was not written, and will be at the next good moment: \(error)\(error.remedyAfterwards)")
    case .journalFailed(let error):
      logger.error(
        "the journal of the map was not written; what it lacks is kept in memory: \(error)\(error.remedyAfterwards)"
      )
    case .journalLost:
      logger.error(
        "the journal of the map has lost changes; a kill now would forget them, the next snapshot has them")
    case .journalWorks:
      logger.info("the journal of the map is written again")
    }
  }

  private func note(_ report: LoadReport) {
    if let refused = report.refused {
      logger.warning("the map file was refused: \(refused)", metadata: ["used": "\(report.path)"])
    }
    for refused in report.journal.refused {
      logger.warning("\(refused)")
    }
    for path in report.journal.foreign {
      logger.warning("\(path) does not continue \(report.path): it was put aside and not used")
    }
    if report.journal.tornBytes > 0 {
      logger.info(
        "the journal's last line was cut off by the end of the process that wrote it, and is left out")
    }
    if report.source == .none, report.urls == 0 {
      logger.info("the URL map is empty and will be kept in \(path)")
    } else {
      logger.info(
        "loaded \(report.urls) URLs of the old site from \(report.path) in \(report.duration.wholeMilliseconds) ms",
        metadata: ["from-journal": "\(report.journal.changes)"])
    }
    if report.remade > 0 {
      logger.info(
        "\(report.remade) of them were kept by keys of other flags, and are known by those of today's now")
    }
  }
}

extension SnapshotError {
  /// The remedy as the end of a sentence about the error; empty when there is none.
  var remedyAfterwards: String { remedy.map { "; \($0)" } ?? "" }
}
