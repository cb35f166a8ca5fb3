import Glibc

/// The journal as its owner writes it. For one thread, the keeper's.
///
/// A segment's file comes into being with the first change that it holds. Changes are on the disk when `write` returns;
/// those that could not be written are kept and written the next time, in the same place.
final class Journal {
  private let map: URLMap
  private let folder: JournalFolder
  private let disk: Disk
  /// The present segment, written or to be written.
  private(set) var place: JournalPlace
  /// The segment that the snapshot in place names.
  private var snapshotMark: JournalMark
  private var file: OpenFile?
  private var encoder = JournalFormat.Encoder()
  /// Bytes of the present segment that are on the disk.
  private var syncedBytes = 0
  /// Changes that stand in `encoder`.
  private var encoded: UInt64 = 0
  private var emptied: [[UInt8]] = []
  /// Changes were lost: the present segment is of no use behind them, and only a snapshot helps.
  private(set) var isBroken = false
  /// Changes written since the start.
  private(set) var written: UInt64 = 0
  /// Changes that found no room since the start.
  private(set) var lost: UInt64 = 0

  /// The journal of `map` and its file at `path`, whose snapshot names `snapshot`, and which goes on at `next`.
  init(_ map: URLMap, _ path: String, snapshot: JournalMark, next: JournalPlace, on disk: Disk) {
    self.map = map
    folder = JournalFolder(path: path)
    self.disk = disk
    place = next
    snapshotMark = snapshot
  }

  /// Brings to the disk what has changed until now. On an error nothing is lost, but for what then finds no room in the
  /// change log.
  func write() throws(SnapshotError) {
    let isFull = map.core.writer.withLock { writer in
      lost = writer.changes.lost
      return writer.changes.isFull
    }
    guard !isBroken else { return }
    // What is left of the last time, and what stands in the change log, are whole up to what was lost.
    defer { if isFull { isBroken = true } }
    try push()
    let chunks = map.core.writer.withLock { $0.changes.take(givingBack: emptied) }
    emptied = []
    guard !chunks.isEmpty else { return }
    if file == nil { encoder.append(JournalFormat.Head(place, mapKey: map.mapKey)) }
    for chunk in chunks { encode(chunk.span) }
    emptied = chunks
    try push()
  }

  private func encode(_ chunk: Span<UInt8>) {
    ChangeLog.forEachChange(in: chunk) { kind, key, time in
      encoder.append(kind, key, at: time)
      encoded += 1
    }
  }

  /// Writes what is encoded.
  private func push() throws(SnapshotError) {
    guard !encoder.bytes.isEmpty else { return }
    let path = folder.path(place.mark.number)
    var isNew = false
    let file: OpenFile
    if let present = self.file {
      file = present
    } else {
      file = try OpenFile(
        opening: path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_TRUNC, to: "create the journal", on: disk)
      isNew = true
    }
    guard file.descriptor.isInPlace else {
      isBroken = true
      throw .system(path: path, action: "go on with the journal", code: ENOENT)
    }
    let bytes = encoder.bytes
    try file.descriptor.write(bytes.span, at: syncedBytes)
    try file.descriptor.sync()
    if isNew { try disk.syncFolder(of: path) }
    self.file = file
    syncedBytes += bytes.count
    encoder.removeBytes()
    written += encoded
    encoded = 0
  }

  /// The place that a snapshot names which begins now: all that changes from here on stands behind it.
  ///
  /// It is a new segment if the present one holds what the snapshot in place does not have. After a snapshot that failed
  /// the present one serves again: what it holds beyond need does no harm.
  func beginSnapshot() -> (place: JournalPlace, failure: SnapshotError?) {
    var failure: SnapshotError?
    do throws(SnapshotError) { try write() } catch { failure = error }
    if isBroken {
      map.core.writer.withLock { $0.changes.startAfresh() }
      beginSegment()
      isBroken = false
    } else if failure == nil, file != nil, place.mark == snapshotMark {
      beginSegment()
    }
    return (place, failure)
  }

  private func beginSegment() {
    place = JournalPlace(mark: .new(after: place.mark.number), after: place.mark.id)
    file = nil
    encoder = JournalFormat.Encoder()
    syncedBytes = 0
    encoded = 0
  }

  /// The snapshot that names `place` is in place: the segments that not even the one before it needs go.
  func snapshotIsInPlace(_ place: JournalPlace) {
    let before = snapshotMark
    snapshotMark = place.mark
    for number in (try? folder.numbers()) ?? [] where number < before.number {
      disk.remove(folder.path(number))
    }
  }
}
