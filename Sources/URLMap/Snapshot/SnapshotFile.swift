import Glibc

/// The file that keeps a URL map: text, one URL a line, read by HAProxy and Apache as it stands.
///
/// Beside `path` there are `path.prev`, the snapshot before, `path.tmp` while one is written, `path.refused`, a broken
/// one that was found at the start, kept for inspection, and `path.lock` (see ``MapLock``).
public struct SnapshotFile: Sendable {
  public let path: String
  var previousPath: String { path + ".prev" }
  var temporaryPath: String { path + ".tmp" }
  var refusedPath: String { path + ".refused" }

  public init(path: String) {
    self.path = path
  }

  // MARK: Writing

  /// Writes all entries of `map` while it goes on being read and changed: beside the present file, synced, and renamed
  /// over it, so that at every instant there is a whole file. The present one is kept as `path.prev`.
  ///
  /// On an error the present file is as it was and the temporary one is removed. Blocks: not for an event loop. Memory:
  /// two buffers of 256 KiB at most.
  ///
  /// `mapKey` is what the keys consist of, in the words of `--map-key`; nil: what the map was made for.
  @discardableResult
  public func write(_ map: URLMap, mapKey: String? = nil) throws(SnapshotError) -> SnapshotReport {
    let start = ContinuousClock.now
    let written: (urls: Int, bytes: Int)
    do {
      written = try writeTemporary(map, mapKey: mapKey ?? map.mapKey)
      try rotate()
    } catch {
      _ = unsafe unlink(temporaryPath)
      throw error
    }
    try syncDirectory()
    return SnapshotReport(
      path: path, urls: written.urls, bytes: written.bytes, duration: ContinuousClock.now - start)
  }

  private func writeTemporary(
    _ map: URLMap, mapKey: String
  ) throws(SnapshotError) -> (urls: Int, bytes: Int) {
    let file = try FileDescriptor(
      opening: temporaryPath, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, to: "create the new URL map")
    let bufferBytes = 256 << 10
    var buffer = Array(SnapshotFormat.head(mapKey: mapKey).utf8)
    buffer.reserveCapacity(bufferBytes + map.maxKeyBytes + 2048)
    var checksum = CRC32()
    var urls = 0
    var bytes = 0
    try map.forEachEntry { key, entry throws(SnapshotError) in
      SnapshotFormat.append(key, entry, to: &buffer)
      urls += 1
      if buffer.count >= bufferBytes {
        checksum.update(buffer.span)
        try file.write(buffer.span)
        bytes += buffer.count
        buffer.removeAll(keepingCapacity: true)
      }
    }
    checksum.update(buffer.span)
    SnapshotFormat.appendEnd(urls: urls, checksum: checksum.value, to: &buffer)
    try file.write(buffer.span)
    try file.sync()
    return (urls, bytes + buffer.count)
  }

  /// Makes the present file the previous one and the temporary one the present. There is a whole file under `path` all the
  /// time, but on file systems without hard links, where for an instant `path.prev` alone is.
  private func rotate() throws(SnapshotError) {
    let link = previousPath + ".tmp"
    _ = unsafe unlink(link)
    if unsafe Glibc.link(path, link) == 0 {
      guard unsafe rename(link, previousPath) == 0 else {
        let code = errno
        _ = unsafe unlink(link)
        throw .system(path: previousPath, action: "keep the URL map so far", code: code)
      }
    } else if errno != ENOENT {
      guard unsafe rename(path, previousPath) == 0 else {
        throw .system(path: previousPath, action: "keep the URL map so far", code: errno)
      }
    }
    guard unsafe rename(temporaryPath, path) == 0 else {
      throw .system(path: path, action: "put the new URL map in place", code: errno)
    }
  }

  /// Throws when the folder is not there or can't be written to: better at the start than at the first snapshot.
  public func checkFolder() throws(SnapshotError) {
    guard unsafe access(directory, W_OK | X_OK) == 0 else {
      throw .system(path: directory, action: "write the URL map into this folder", code: errno)
    }
  }

  private var directory: String {
    switch path.utf8.lastIndex(of: UInt8(ascii: "/")) {
    case nil: "."
    case path.startIndex?: "/"
    case let slash?: String(path[..<slash])
    }
  }

  private func syncDirectory() throws(SnapshotError) {
    try FileDescriptor(opening: directory, O_RDONLY | O_DIRECTORY, to: "open the directory").sync()
  }

  // MARK: Loading

  /// Adds what the file holds to `map`: all of it in one step at the end, or, if it cannot be used, nothing.
  ///
  /// A broken or unreadable file is refused with its first wrong line, and `path.prev` is taken instead; the report says so,
  /// and the broken file becomes `path.refused`, so that it never takes the good one's place. No file at all is an empty
  /// map. Throws when neither file can be used.
  ///
  /// Look-ups go on meanwhile; changes wait in the queue, and those that find it full are refused. URLs that the map
  /// knows already stay, with the later times and the sum of the visits. O(bytes of the file); fastest when the keys
  /// are in order, as `write` leaves them.
  ///
  /// - Throws: also ``SnapshotError/otherMapKey(path:file:map:)``, when the map is for other keys.
  @discardableResult
  public func load(into map: URLMap) throws(SnapshotError) -> LoadReport {
    let report = try read(into: map, mapKey: map.mapKey)
    if case .refused = report.refused { _ = unsafe rename(path, refusedPath) }
    return report
  }

  /// As ``load(into:)``, for those who only look, at the file of a running Relevo as well: takes no lock, changes and
  /// renames nothing, and takes keys of any kind; the report says which they are.
  @discardableResult
  public func read(into map: URLMap) throws(SnapshotError) -> LoadReport {
    try read(into: map, mapKey: nil)
  }

  private func read(into map: URLMap, mapKey: String?) throws(SnapshotError) -> LoadReport {
    let start = ContinuousClock.now
    let failure: SnapshotError
    do {
      return try read(path, .current, into: map, mapKey: mapKey, since: start)
    } catch {
      switch error {
      case .outOfMemory, .otherMapKey: throw error
      case .refused, .system, .locked, .noneUsable: failure = error
      }
    }
    do {
      var report = try read(previousPath, .previous, into: map, mapKey: mapKey, since: start)
      report.refused = failure
      return report
    } catch {
      if failure.isMissing, error.isMissing {
        return LoadReport(
          source: .none, path: path, mapKey: map.mapKey, urls: 0, duration: ContinuousClock.now - start)
      }
      throw .noneUsable(current: failure, previous: error)
    }
  }

  private func read(
    _ path: String, _ source: LoadReport.Source, into map: URLMap, mapKey: String?,
    since start: ContinuousClock.Instant
  ) throws(SnapshotError) -> LoadReport {
    let loaded = try SnapshotLoader.load(path, into: map, mapKey: mapKey)
    return LoadReport(
      source: source, path: path, mapKey: loaded.mapKey, urls: loaded.urls,
      duration: ContinuousClock.now - start)
  }
}
