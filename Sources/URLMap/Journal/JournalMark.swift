/// A segment of the journal, and so a place in it: where the segment begins.
struct JournalMark: Sendable, Equatable {
  /// Rises with each segment of a map file.
  var number: UInt32
  /// Drawn at random, so that a segment is never taken for that of another file with the same number.
  var id: UInt64

  /// The mark of a new segment, behind all with numbers up to `number`.
  static func new(after number: UInt32) -> JournalMark {
    JournalMark(number: number == .max ? .max : number + 1, id: .random(in: 1 ... .max))
  }
}

/// The segment that continues a snapshot, written or to be written, and the one that it comes after.
struct JournalPlace: Sendable, Equatable {
  var mark: JournalMark
  /// The id of the segment before; 0: there is none.
  var after: UInt64

  /// What a map begins with that has no snapshot, or one that names no segment.
  static let first = JournalPlace(mark: JournalMark(number: 1, id: 0), after: 0)
}

/// Where the segments of a map file's journal are: `path.journal.17`.
struct JournalFolder: Sendable {
  let path: String

  func path(_ number: UInt32) -> String { "\(path).journal.\(number)" }

  /// The numbers of the segments that are there, rising.
  func numbers() throws(SnapshotError) -> [UInt32] {
    let start = "\(Disk.name(of: path)).journal."
    let names = try Disk.names(inFolderOf: path)
    return names.compactMap { name in
      guard name.hasPrefix(start) else { return nil }
      let digits = name.dropFirst(start.count)
      // Only as it is written, so that the number leads back to the name.
      return UInt32(digits).flatMap { String($0) == digits ? $0 : nil }
    }.sorted()
  }
}
