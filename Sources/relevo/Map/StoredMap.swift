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
    map = URLMap(URLMap.Configuration(maxURLs: Self.mostURLs))
    do {
      let report = try SnapshotFile(path: path).read(into: map)
      guard report.source != .none || !report.journal.segments.isEmpty else { throw Self.missing(path) }
      mapKey = report.mapKey
      if let refused = report.refused {
        StandardStream.error.write("relevo: \(refused); what follows is from \(report.path)\n")
      }
    } catch let failure as CommandFailure {
      throw failure
    } catch {
      throw CommandFailure("--map-file \(path): \(error)", code: .badData)
    }
  }

  /// The files that there are.
  var files: [FileFacts] { [FileFacts(.snapshot, path: path)].compactMap { $0 } }

  /// As many as serve can be told to keep: no tool drops a URL that Relevo holds.
  private static let mostURLs = 100_000_000

  private static func missing(_ path: String) -> CommandFailure {
    CommandFailure(
      "--map-file \(path): there is no such file; serve --map-file writes it when it has learned a URL",
      code: .noInput)
  }
}
