import Glibc

/// The file that keeps a URL map: text, one URL a line, read by HAProxy and Apache as it stands.
///
/// Beside `path` there are
/// - `path.prev`, the snapshot before, and `path.tmp` while one is written,
/// - `path.journal.1`, `.2` and so on, the segments of the journal: what has changed since those two (see ``MapKeeper``),
/// - `path.refused` and `path.journal.1.refused`, what was found broken or out of place at a start, kept for inspection,
/// - `path.migrated`, what has moved to the new site (see ``MigrationFile``),
/// - `path.lock` (see ``MapLock``).
///
/// Loading is in `SnapshotFile+Loading.swift`.
public struct SnapshotFile: Sendable {
  public let path: String
  /// Tests put their own behind it.
  let disk: Disk
  var previousPath: String { path + ".prev" }
  var temporaryPath: String { path + ".tmp" }
  var refusedPath: String { path + ".refused" }
  var journal: JournalFolder { JournalFolder(path: path) }

  public init(path: String) {
    self.init(path: path, on: Disk())
  }

  init(path: String, on disk: Disk) {
    self.path = path
    self.disk = disk
  }

  /// How many bytes are written before they are brought to the disk, so that no sync takes long, the last one neither.
  private static let syncBytes = 16 << 20

  /// Writes all entries of `map` while it goes on being read and changed: beside the present file, synced, and renamed
  /// over it, so that at every instant there is a whole file. The present one is kept as `path.prev`. What a journal
  /// holds is taken for known to the map: the new file is not continued by it.
  ///
  /// On an error the present file is as it was and the temporary one is removed. Blocks: not for an event loop. Memory:
  /// two buffers of 64 KiB at most.
  ///
  /// `mapKey` is what the keys consist of, in the words of `--map-key`; nil: what the map was made for.
  @discardableResult
  public func write(_ map: URLMap, mapKey: String? = nil) throws(SnapshotError) -> SnapshotReport {
    let place = JournalPlace(mark: .new(after: (try? journal.numbers())?.last ?? 0), after: 0)
    return try write(map, mapKey: mapKey ?? map.mapKey, continuedAt: place) {}
  }

  /// As above, for a file that the journal continues at `place`. `step` is called every few milliseconds.
  func write(
    _ map: URLMap, mapKey: String, continuedAt place: JournalPlace, step: () -> Void
  ) throws(SnapshotError) -> SnapshotReport {
    let start = ContinuousClock.now
    let written: (urls: Int, bytes: Int)
    do {
      written = try writeTemporary(map, SnapshotFormat.head(mapKey: mapKey, place), step)
      try rotate()
    } catch {
      disk.remove(temporaryPath)
      throw error
    }
    try disk.syncFolder(of: path)
    return SnapshotReport(
      path: path, urls: written.urls, bytes: written.bytes, duration: ContinuousClock.now - start)
  }

  private func writeTemporary(
    _ map: URLMap, _ head: String, _ step: () -> Void
  ) throws(SnapshotError) -> (urls: Int, bytes: Int) {
    let file = try FileDescriptor(
      opening: temporaryPath, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, to: "create the new URL map",
      on: disk)
    let bufferBytes = 64 << 10
    var buffer = Array(head.utf8)
    buffer.reserveCapacity(bufferBytes + map.maxKeyBytes + 2048)
    var checksum = CRC32()
    var urls = 0
    var bytes = 0
    var syncedBytes = 0
    try map.forEachEntry { key, entry throws(SnapshotError) in
      SnapshotFormat.append(key, entry, to: &buffer)
      urls += 1
      guard buffer.count >= bufferBytes else { return }
      checksum.update(buffer.span)
      try file.write(buffer.span)
      bytes += buffer.count
      buffer.removeAll(keepingCapacity: true)
      if bytes - syncedBytes >= SnapshotFile.syncBytes {
        try file.sync()
        syncedBytes = bytes
      }
      step()
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
    let keeping = "keep the URL map so far"
    let link = previousPath + ".tmp"
    disk.remove(link)
    do throws(SnapshotError) {
      try disk.link(path, to: link, keeping)
      do throws(SnapshotError) {
        try disk.rename(link, to: previousPath, keeping)
      } catch {
        disk.remove(link)
        throw error
      }
    } catch {
      switch error {
      case .system(_, _, ENOENT): break
      case .system(link, _, EPERM), .system(link, _, EOPNOTSUPP), .system(link, _, EMLINK):
        try disk.rename(path, to: previousPath, keeping)
      default: throw error
      }
    }
    try disk.rename(temporaryPath, to: path, "put the new URL map in place")
  }

  /// Throws when the folder is not there or can't be written to, or when the path is no file's: better at the start than
  /// at the first snapshot.
  public func checkFolder() throws(SnapshotError) {
    let folder = Disk.folder(of: path)
    let action = "write the URL map into this folder"
    guard let kind = Disk.kind(of: folder) else { throw .system(path: folder, action: action, code: errno) }
    guard kind == S_IFDIR else { throw .system(path: folder, action: action, code: ENOTDIR) }
    guard unsafe access(folder, W_OK | X_OK) == 0 else {
      throw .system(path: folder, action: action, code: errno)
    }
    switch Disk.kind(of: path) {
    case nil, S_IFREG: break
    case S_IFDIR: throw .system(path: path, action: "keep the URL map in it", code: EISDIR)
    case _?: throw .noRegularFile(path: path)
    }
  }
}
