import Glibc

/// What has moved to the new site, for the people who follow the migration: beside a map file, `path.migrated`, a URL a line,
/// the earliest first.
///
/// ```
///   1763912535 /noexiste.html
/// ```
/// The time is when the new site was found to have the page, in seconds since 1970. It is a record for reading, not part of
/// the map: it is appended to and not synced, and a line that a kill has cut off is passed over. At `limitBytes` it becomes
/// `path.migrated.prev` and a new one begins, so that both together have a bound.
public struct MigrationFile: Sendable {
  /// Some 350,000 URLs.
  static let limitBytes = 16 << 20
  /// What a line has beside its key: the time, the space and the line's end.
  static let longestRest = 10 + 1 + 1
  private static let readBytes = 256 << 10

  public let path: String
  var previousPath: String { path + ".prev" }
  private let disk: Disk

  /// That of the map file at `mapPath`.
  public init(mapPath: String) {
    self.init(mapPath: mapPath, on: Disk())
  }

  init(mapPath: String, on disk: Disk) {
    path = mapPath + ".migrated"
    self.disk = disk
  }

  /// Appends whole lines. On an error none of them counts as written.
  func append(_ lines: [UInt8], limitBytes: Int = MigrationFile.limitBytes) throws(SnapshotError) {
    var status = stat()
    let size = unsafe stat(path, &status) == 0 ? Int(status.st_size) : 0
    if size > 0, size + lines.count > limitBytes {
      try disk.rename(path, to: previousPath, "begin a new record of what has moved")
    }
    let file = try FileDescriptor(
      opening: path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, to: "write down what has moved", on: disk)
    // A line that a kill has cut off must not be continued, nor pass for a whole one with a shorter URL: no key holds a
    // space.
    let isTorn = size > 0 ? try file.byte(at: size - 1) != UInt8(ascii: "\n") : false
    let bytes = isTorn ? Array(" \n".utf8) + lines : lines
    try file.write(bytes.span)
  }

  /// Learns what the file and the one before it hold into `map`, whose `learnedAt` are then the times of the moves, the last
  /// one of each URL. Lines that are none are passed over; a file that is not there is empty.
  public func read(into map: URLMap) throws(SnapshotError) {
    for path in [previousPath, path] {
      do {
        try MigrationFile.read(path, into: map)
      } catch {
        guard error.isMissing else { throw error }
      }
    }
    map.waitUntilApplied()
  }

  private static func read(_ path: String, into map: URLMap) throws(SnapshotError) {
    let file = try FileDescriptor(opening: path, O_RDONLY, to: "read what has moved")
    var buffer: [UInt8] = []
    while true {
      let rest = buffer.count
      buffer = try file.read(readBytes, behind: buffer.span)
      if buffer.count == rest { return }
      var start = 0
      while let end = Lines.end(in: buffer.span, from: start) {
        take(buffer.span.extracting(start..<end), into: map)
        start = end + 1
      }
      // A line longer than any key is none: without its beginning it passes for none too.
      buffer.removeSubrange(..<(buffer.count - start > map.maxKeyBytes + longestRest ? buffer.count : start))
    }
  }

  private static func take(_ line: Span<UInt8>, into map: URLMap) {
    var position = 0
    guard let time = Digits.number(line, &position), position < line.count,
      line[position] == UInt8(ascii: " ")
    else { return }
    let key = line.extracting((position + 1)...)
    // Bytes have no padding, which is what makes a raw view of other elements unsafe.
    guard unsafe map.isKey(key.bytes) else { return }
    while unsafe !map.learn(key.bytes, at: time), !map.core.isStopping { map.waitUntilApplied() }
  }
}
