import Glibc

/// What was found in a journal.
public struct JournalReport: Sendable, Equatable {
  /// The segments that were read, whole or in part.
  public var segments: [String] = []
  /// Changes that they hold, all applied.
  public var changes = 0
  /// Bytes behind the last whole line of a segment: the process was killed while it wrote them.
  public var tornBytes = 0
  /// Segments that are broken: the first wrong line, and what is wrong with it. What stands above it was applied.
  public var refused: [SnapshotError] = []
  /// Segments that do not continue the snapshot that was loaded; not applied.
  public var foreign: [String] = []
}

/// The segments of a journal that may continue a snapshot, opened at one moment.
final class JournalReader {
  private struct Segment {
    let number: UInt32
    let path: String
    let file: OpenFile
  }

  private let segments: [Segment]
  private let start: JournalPlace
  private let maxKeyBytes: Int
  /// What the keys must consist of; nil: anything.
  private let wantedMapKey: String?
  /// What they do consist of, as the last segment says it; nil without one.
  private(set) var mapKey: String?
  private let highest: UInt32
  /// The last segment that belongs to the snapshot; its own mark before the first.
  private var last: JournalMark
  private(set) var report = JournalReport()
  private(set) var changes = JournalChanges()

  private static let readBytes = 256 << 10

  /// Opens the segments from `start` on. One that goes at this moment is an error that `isMissing`.
  init(
    _ folder: JournalFolder, from start: JournalPlace, mapKey: String?, maxKeyBytes: Int
  ) throws(SnapshotError) {
    let numbers = try folder.numbers()
    var segments: [Segment] = []
    for number in numbers where number >= start.mark.number {
      let path = folder.path(number)
      let file = try OpenFile(opening: path, O_RDONLY, to: "open the journal")
      segments.append(Segment(number: number, path: path, file: file))
    }
    self.segments = segments
    self.start = start
    wantedMapKey = mapKey
    self.maxKeyBytes = maxKeyBytes
    highest = numbers.last ?? 0
    last = start.mark
  }

  /// Where the journal goes on behind all that is there.
  var next: JournalPlace {
    if highest < start.mark.number { return start }
    return JournalPlace(mark: .new(after: highest), after: last.id)
  }

  /// Reads what continues the snapshot. O(n log n) in the number of changes.
  func read() throws(SnapshotError) {
    for segment in segments {
      try read(segment)
      if let mapKey, let wantedMapKey, mapKey != wantedMapKey {
        throw .otherMapKey(path: segment.path, file: mapKey, map: wantedMapKey)
      }
    }
    changes.settle()
  }

  /// What `applied(to:)` of the changes says.
  func applied(to entry: MapEntry, _ key: UnsafeRawBufferPointer) -> MapEntry? {
    unsafe changes.applied(to: entry, key)
  }

  private func read(_ segment: Segment) throws(SnapshotError) {
    var decoder = JournalFormat.Decoder()
    var buffer: [UInt8] = []
    var line = 0
    while true {
      let rest = buffer.count
      buffer = try segment.file.descriptor.read(JournalReader.readBytes, behind: buffer.span)
      if buffer.count == rest { break }
      var start = 0
      while let end = Lines.end(in: buffer.span, from: start) {
        line += 1
        do throws(SnapshotFormat.BadLine) {
          let content = buffer.span.extracting(start..<end)
          let checked = content.extracting(try decoder.checked(content))
          if line > 1 {
            try take(checked)
          } else if try !begins(segment, checked) {
            report.foreign.append(segment.path)
            return
          }
        } catch {
          report.refused.append(.journalBroken(path: segment.path, line: line, reason: error.reason))
          return
        }
        start = end + 1
      }
      buffer.removeSubrange(..<start)
    }
    report.tornBytes += buffer.count
  }

  /// Whether the segment with this first line continues what was read so far.
  private func begins(_ segment: Segment, _ line: Span<UInt8>) throws(SnapshotFormat.BadLine) -> Bool {
    let head = try JournalFormat.parseHead(line)
    let isFirst = report.segments.isEmpty && head.mark == start.mark
    guard head.mark.number == segment.number, isFirst || head.after == last.id else { return false }
    last = head.mark
    mapKey = head.mapKey
    report.segments.append(segment.path)
    return true
  }

  private func take(_ line: Span<UInt8>) throws(SnapshotFormat.BadLine) {
    let change = try JournalFormat.parseChange(line, maxKeyBytes: maxKeyBytes)
    changes.append(change.kind, line.extracting(change.key), at: change.time)
    report.changes += 1
  }
}
