import URLMap

/// What a map file holds, loaded into a map of this process. Nobody else sees or changes that map.
struct StoredMap {
  let map: URLMap
  let path: String
  /// What the keys consist of, in the words of `--map-key`.
  let mapKey: String

  /// - Throws: ``CommandFailure`` when there is no file, or none that can be used.
  init(path: String) throws(CommandFailure) {
    self.path = path
    map = Self.emptyMap(mapKey: Defaults.mapKey.rawValue)
    let report: LoadReport
    do {
      report = try SnapshotFile(path: path).read(into: map)
    } catch {
      throw CommandFailure(error, path: path)
    }
    guard report.source != .none || !report.journal.segments.isEmpty else { throw Self.missing(path) }
    Self.warn(of: report)
    mapKey = report.mapKey
  }

  /// The files that there are.
  var files: [FileFacts] { [FileFacts(.snapshot, path: path)].compactMap { $0 } }

  /// A map for a tool: as large as serve can be told to keep one, so that no URL goes that Relevo holds.
  static func emptyMap(mapKey: String) -> URLMap {
    URLMap(URLMap.Configuration(maxURLs: 100_000_000, mapKey: mapKey))
  }

  static func missing(_ path: String) -> CommandFailure {
    CommandFailure(
      "--map-file \(path): there is no such file; serve --map-file writes it when it has learned a URL",
      code: .noInput)
  }

  /// Says on standard error what of the files could not be used.
  static func warn(of report: LoadReport) {
    if let refused = report.refused {
      StandardStream.error.write("relevo: \(refused); \(report.path) is used instead\n")
    }
    for refused in report.journal.refused {
      StandardStream.error.write("relevo: \(refused)\n")
    }
    for path in report.journal.foreign {
      StandardStream.error.write("relevo: \(path) does not continue \(report.path) and is not used\n")
    }
  }
}

extension CommandFailure {
  /// Why the files of a map cannot be used.
  init(_ error: SnapshotError, path: String) {
    switch error {
    case .locked(_, let holder):
      let owner = holder.map { "process \($0)" } ?? "another process"
      self.init(
        """
        --map-file \(path) is in use by \(owner), which keeps the map in memory and would write over the change: stop it \
        first, then try again
        """, code: .temporary)
    case .system:
      self.init("--map-file \(error)", code: .inputOutput)
    default:
      self.init("--map-file \(path): \(error)", code: .badData)
    }
  }
}
