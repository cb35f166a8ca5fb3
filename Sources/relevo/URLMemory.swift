import Logging
import URLMap

/// The URL map, its file and what writes it, as the command starts and stops them.
struct URLMemory {
  let map: URLMap
  /// Held until the process ends.
  private let lock: MapLock?
  /// How the map starts, for the log once the server has started.
  private let origin: String
  private let keeper: SnapshotKeeper?
  /// The map came from the file before the broken one, which is to be replaced at once.
  private let mustWrite: Bool

  /// Loads what the map file holds, or the file before it when that one is broken.
  ///
  /// - Throws: ``CommandFailure`` when there are files and none can be used, or another process owns them.
  init(_ flags: MapFlags, logger: Logger) throws(CommandFailure) {
    map = URLMap(URLMap.Configuration(maxURLs: flags.mapMaxURLs, mapKey: flags.mapKey.rawValue))
    guard let path = flags.mapFile?.description else {
      origin = "the URL map lives in memory only: give --map-file to keep it"
      keeper = nil
      lock = nil
      mustWrite = false
      return
    }
    let file = SnapshotFile(path: path)
    let report: LoadReport
    do {
      try file.checkFolder()
      lock = try MapLock(mapPath: path)
      report = try file.load(into: map)
    } catch {
      switch error {
      case .locked: throw CommandFailure("--map-file \(error)", code: .temporary)
      case .otherMapKey: throw CommandFailure("--map-file \(error)", code: .configuration)
      case .refused, .system, .outOfMemory, .noneUsable:
        throw CommandFailure("--map-file \(path): \(error)", code: .configuration)
      }
    }
    if let refused = report.refused {
      logger.warning("the map file was refused: \(refused)", metadata: ["used": "\(report.path)"])
    }
    switch report.source {
    case .none:
      origin = "the URL map is empty and will be kept in \(path)"
    case .current, .previous:
      origin =
        "loaded \(report.urls) URLs of the old site from \(report.path) in \(report.duration.inMilliseconds) ms"
    }
    mustWrite = report.source == .previous
    keeper = SnapshotKeeper(map: map, file: file, every: flags.mapSnapshotEvery.duration) { event in
      switch event {
      case .written(let report):
        logger.info(
          "wrote \(report.urls) URLs to \(report.path)", metadata: ["ms": "\(report.duration.inMilliseconds)"]
        )
      case .failed(let error):
        logger.error("the map was not written, and will be at the next good moment: \(error)")
      }
    }
  }

  /// Says how the map starts, and begins to write the file at its interval.
  func keep(logger: Logger) {
    logger.info("\(origin)")
    keeper?.start()
    if mustWrite { keeper?.takeNow() }
  }

  /// Has the file written now, without waiting for it.
  func snapshotNow() { keeper?.takeNow() }

  /// Writes the file a last time and ends the map's threads.
  func stop() {
    map.shutdown()
    keeper?.stop()
  }
}

extension Duration {
  fileprivate var inMilliseconds: Int64 {
    components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
  }
}
