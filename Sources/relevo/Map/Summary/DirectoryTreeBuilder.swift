import Glibc
import URLMap

/// Gathers the tree of directories from the entries of a map, in one walk and in bounded memory.
///
/// The entries come in the order of their keys, so that all URLs below a directory come in a row: only the directories
/// on the way to the present URL are open. However many there are, at most ``limit`` of a directory's descendants are
/// kept, the largest ones; the rest is folded and counted.
struct DirectoryTreeBuilder {
  /// Deeper ones count as lying in the last that is told.
  static let depthLimit = 24
  /// Far more than anybody looks at, so that what is shown of them later is right.
  static let limit = 4096

  private struct Level {
    var directory: Directory
    /// Where its name ends in `path`.
    let end: Int
    /// Directories below it that are kept.
    var kept = 0
  }

  private let order: Directory.Order
  private let limit: Int
  /// The root, and each directory on the way to the last URL.
  private var levels = [Level(directory: Directory(name: []), end: 0)]
  /// The names of those, in a row.
  private var path: [UInt8] = []

  init(by order: Directory.Order, limit: Int = DirectoryTreeBuilder.limit) {
    self.order = order
    self.limit = limit
  }

  /// Counts the URL with this key, which is not below the last one's.
  mutating func add(_ key: RawSpan, _ entry: MapEntry) {
    unsafe key.withUnsafeBytes { key in
      let end = unsafe Self.directoryEnd(key)
      let isSame = unsafe end == path.count && path.elementsEqual(key[..<end])
      if !isSame { unsafe enter(UnsafeRawBufferPointer(rebasing: key[..<end])) }
    }
    levels[levels.count - 1].directory.own.add(entry)
  }

  /// The tree: the largest first everywhere.
  consuming func finish() -> Directory {
    while levels.count > 1 { leave() }
    var root = levels[0].directory
    root.tally += root.own
    root.joinOnlyDirectory()
    root.fold(to: limit, by: order)
    root.sort(by: order)
    return root
  }

  /// Where the directory of a key ends: behind the last slash before the query.
  private static func directoryEnd(_ key: UnsafeRawBufferPointer) -> Int {
    var end = 0
    var depth = 0
    for index in key.indices {
      let byte = unsafe key[index]
      if byte == UInt8(ascii: "?") { break }
      guard byte == UInt8(ascii: "/") else { continue }
      end = index + 1
      depth += 1
      if depth == depthLimit { break }
    }
    return end
  }

  /// Leaves the directories that `directory` is not in, and enters those that are left of it.
  private mutating func enter(_ directory: UnsafeRawBufferPointer) {
    var common = 0
    while common < min(path.count, directory.count), unsafe path[common] == directory[common] { common += 1 }
    while let last = levels.last, last.end > common { leave() }
    var start = levels[levels.count - 1].end
    for index in start..<directory.count where unsafe directory[index] == UInt8(ascii: "/") {
      let name = unsafe Array(directory[start...index])
      path.append(contentsOf: name)
      levels.append(Level(directory: Directory(name: name), end: index + 1))
      start = index + 1
    }
  }

  private mutating func leave() {
    var level = levels.removeLast()
    level.directory.tally += level.directory.own
    level.directory.joinOnlyDirectory()
    let last = levels.count - 1
    path.removeSubrange(levels[last].end...)
    levels[last].directory.tally += level.directory.tally
    levels[last].kept += 1 + level.directory.count
    levels[last].directory.directories.append(level.directory)
    if levels[last].kept > 2 * limit {
      // One more, because the root may yet be joined with the only directory below it.
      levels[last].directory.fold(to: limit + 1, by: order)
      levels[last].kept = levels[last].directory.count
    }
  }
}
