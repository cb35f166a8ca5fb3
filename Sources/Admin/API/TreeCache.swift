import EventLoop
import MapQueries
import URLMap

/// Directories that were looked through a moment ago: a page that shows a tree asks for the same ones again and again.
final class TreeCache: Sendable {
  private struct Place: Hashable {
    let prefix: [UInt8]
    let limit: Int
  }

  /// How long one is good for, in milliseconds.
  private static let lifetimeMs: UInt64 = 5_000
  private static let limit = 32

  private let map: URLMap
  private let levels = Locked<[Place: (level: DirectoryLevel, ms: UInt64)]>([:])

  init(map: URLMap) {
    self.map = map
  }

  /// Forgets all: the map was changed by someone who will look.
  func clear() { levels.withLock { $0 = [:] } }

  /// What lies in a directory, perhaps as of a few seconds ago. O(n) if it has to be looked through.
  func level(prefix: [UInt8], limit: Int) -> DirectoryLevel {
    let place = Place(prefix: prefix, limit: limit)
    let nowMs = EventLoop.monotonicMs()
    let known = levels.withLock { levels in
      levels = levels.filter { nowMs - $1.ms < Self.lifetimeMs }
      return levels[place]?.level
    }
    if let known { return known }
    let level = DirectoryLevel(of: map, prefix: prefix, limit: limit)
    levels.withLock { levels in
      if levels.count >= Self.limit { levels = [:] }
      levels[place] = (level, EventLoop.monotonicMs())
    }
    return level
  }
}
