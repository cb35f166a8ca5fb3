import URLMap

/// A map file in the hands of this process alone, from now until it is let go: to be changed, and written back as a whole.
struct MapEdit {
  let map: URLMap
  /// What the keys consist of, in the words of `--map-key`.
  let mapKey: String
  private let file: SnapshotFile
  /// Held as long as this is.
  private let lock: MapLock

  /// Takes the file and loads what it holds, as a start of Relevo would: a broken file is put aside and the one before it
  /// is used.
  ///
  /// - Parameter newMapKey: what the keys of a file consist of that is not there yet; nil: it has to be there.
  /// - Throws: ``CommandFailure`` when a process holds the file, when it is missing, and when none can be used.
  init(path: String, newMapKey: String?) throws(CommandFailure) {
    file = SnapshotFile(path: path)
    let report: LoadReport
    do {
      try file.checkFolder()
      lock = try MapLock(mapPath: path)
      (map, report) = try Self.load(file, mapKey: newMapKey ?? Defaults.mapKey.rawValue)
    } catch {
      throw CommandFailure(error, path: path)
    }
    guard newMapKey != nil || !report.isOfNothing else { throw StoredMap.missing(path) }
    StoredMap.warn(of: report)
    mapKey = report.mapKey
  }

  /// The file says what its keys consist of, and it has to be loaded into a map of the same.
  private static func load(
    _ file: SnapshotFile, mapKey: String
  ) throws(SnapshotError) -> (URLMap, LoadReport) {
    var meter = ProgressMeter(loading: file.path)
    defer { meter.finish() }
    func load(_ mapKey: String) throws(SnapshotError) -> (URLMap, LoadReport) {
      let map = StoredMap.emptyMap(mapKey: mapKey)
      return (map, try file.load(into: map) { meter.update(doneBytes: $0) })
    }
    do {
      return try load(mapKey)
    } catch .otherMapKey(_, let actual, _) {
      return try load(actual)
    }
  }

  /// Learns `key`, or learns it again.
  func learn(_ key: [UInt8], at now: UInt32) throws(CommandFailure) {
    // Bytes have no padding, which is what makes a raw view of other elements unsafe.
    try change(key) { unsafe map.learn(key.span.bytes, at: now) }
  }

  func forget(_ key: [UInt8]) throws(CommandFailure) {
    try change(key) { unsafe map.forget(key.span.bytes) }
  }

  /// A full queue is waited for; whatever refuses the key then would always refuse it.
  private func change(_ key: [UInt8], _ apply: () -> Bool) throws(CommandFailure) {
    if apply() { return }
    map.waitUntilApplied()
    if apply() { return }
    throw CommandFailure("\(String(decoding: key, as: UTF8.self)) is no key of a map", code: .badData)
  }

  /// Writes the file. Until this returns it is as it was.
  func save() throws(CommandFailure) {
    map.waitUntilApplied()
    do {
      try file.write(map)
    } catch {
      throw CommandFailure(error, path: file.path)
    }
  }
}
