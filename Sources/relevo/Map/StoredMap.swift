import URLMap

/// What a map file holds, loaded into a map of this process. Nobody else sees or changes that map.
struct StoredMap {
  let map: URLMap
  let path: String
  /// What was found.
  let report: LoadReport

  /// What the keys consist of, in the words of `--map-key`.
  var mapKey: String { report.mapKey }

  /// - Throws: ``CommandFailure`` when there is no file, or none that can be used.
  init(path: String) throws(CommandFailure) {
    self.path = path
    map = Self.emptyMap(mapKey: Defaults.mapKey.rawValue)
    var meter = ProgressMeter(loading: path)
    defer { meter.finish() }
    do {
      report = try SnapshotFile(path: path).read(into: map) { meter.update(doneBytes: $0) }
    } catch {
      throw CommandFailure(error, path: path)
    }
    guard !report.isOfNothing else { throw Self.missing(path) }
    meter.finish()
    Self.warn(of: report)
  }

  /// The files that it is from.
  var files: [FileFacts] {
    [FileFacts(.snapshot, paths: [report.path]), FileFacts(.journal, paths: report.journal.segments)]
      .compactMap { $0 }
  }

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
    var sentences: [String] = []
    if let refused = report.refused { sentences.append("\(refused); \(report.path) is used instead") }
    sentences += report.journal.refused.map(\.description)
    sentences += report.journal.foreign.map { "\($0) does not continue \(report.path) and was not used" }
    for sentence in sentences { StandardStream.error.write("relevo: \(sentence)\n") }
  }
}

extension LoadReport {
  /// Whether there is neither a snapshot nor a journal.
  var isOfNothing: Bool { source == .none && journal.segments.isEmpty }
}

extension ProgressMeter {
  /// Of the load of a map file.
  init(loading path: String) {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    self.init("loading \(name)", totalBytes: FileFacts(.snapshot, paths: [path])?.bytes)
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
        --map-file \(path) is in use by \(owner), which keeps the map in memory and would write over the change: have that \
        one make it through its admin plane (serve --admin; curl -X PUT or DELETE with -H 'X-Relevo-Admin: 1' \
        'http://127.0.0.1:9000/api/v1/map/url?url=/a.html'), or stop it first and try again
        """, code: .temporary)
    case .system, .noRegularFile:
      self.init("--map-file \(error)\(error.remedyAfterwards)", code: .inputOutput)
    case .noneUsable(.system, _), .interrupted:
      self.init("--map-file \(path): \(error)", code: .inputOutput)
    case .refused, .journalBroken, .outOfMemory, .tooManyURLs, .otherMapKey, .snapshotMissing, .noneUsable:
      self.init("--map-file \(path): \(error)", code: .badData)
    }
  }
}
