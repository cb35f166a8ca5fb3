import URLMap

/// What lies directly in one directory of the known URLs: the next step of a tree that is opened as one looks at it.
public struct DirectoryLevel: Sendable, Equatable {
  /// A directory, or a URL, within another.
  public struct Child: Sendable, Equatable {
    /// From the parent's path on; a directory's ends with its slash.
    public var name: [UInt8]
    public var urls = 0
    public var visits: UInt64 = 0
    /// Of any URL in it, in seconds since 1970; nil: none was visited since it was learned.
    public var lastVisitAt: UInt32?
    public var isDirectory: Bool
  }

  public private(set) var urls = 0
  public private(set) var visits: UInt64 = 0
  /// The largest, largest first.
  public private(set) var children: [Child] = []
  /// How many there are beside those, and what they hold together.
  public private(set) var others = (children: 0, urls: 0, visits: UInt64(0))

  /// The place of a child: by its URLs, then by its visits, then the first in the walk.
  private struct Weight: Comparable {
    let urls: Int
    let visits: UInt64
    let place: Int

    static func < (one: Weight, other: Weight) -> Bool {
      one.urls != other.urls
        ? one.urls < other.urls
        : one.visits != other.visits ? one.visits < other.visits : one.place > other.place
    }
  }

  /// Looks through all URLs below `prefix`. O(n), in memory for `limit` children.
  ///
  /// - Parameter prefix: a directory's path with its slash at the end; empty where keys begin with hosts.
  public init(of map: URLMap, prefix: [UInt8], limit: Int) {
    var largest = Largest<Weight, Child>(limit)
    var current: Child?
    var count = 0
    func finish(_ child: Child) {
      largest.offer(Weight(urls: child.urls, visits: child.visits, place: count), child)
      count += 1
    }
    map.forEachEntry(withPrefix: prefix) { key, entry in
      unsafe key.withUnsafeBytes { key in
        let (end, isDirectory) = unsafe Self.nameEnd(key, from: prefix.count)
        let name = unsafe UnsafeRawBufferPointer(rebasing: key[prefix.count..<end])
        if let present = current, isDirectory, present.isDirectory, unsafe present.name.elementsEqual(name) {
          return
        }
        if let current { finish(current) }
        current = unsafe Child(name: Array(name), isDirectory: isDirectory)
      }
      current?.add(entry)
      urls += 1
      visits += UInt64(entry.hits)
    }
    if let current { finish(current) }
    children = largest.sorted().map(\.value)
    others = (
      count - children.count, urls - children.reduce(0) { $0 + $1.urls },
      visits - children.reduce(0) { $0 + $1.visits }
    )
  }

  /// Where the name of a child ends: behind the first slash before the query, or with the key.
  private static func nameEnd(
    _ key: UnsafeRawBufferPointer, from start: Int
  ) -> (end: Int, isDirectory: Bool) {
    for index in start..<key.count {
      let byte = unsafe key[index]
      if byte == UInt8(ascii: "/") { return (index + 1, true) }
      if byte == UInt8(ascii: "?") { break }
    }
    return (key.count, false)
  }

  public static func == (one: DirectoryLevel, other: DirectoryLevel) -> Bool {
    one.urls == other.urls && one.visits == other.visits && one.children == other.children
      && one.others == other.others
  }
}

extension DirectoryLevel.Child {
  fileprivate mutating func add(_ entry: MapEntry) {
    urls += 1
    visits += UInt64(entry.hits)
    if entry.hits > 0 { lastVisitAt = max(lastVisitAt ?? 0, entry.lastUsedAt) }
  }
}
