/// Fills an empty map with many URLs, several times as fast as ``URLMap/learn(_:at:)`` when they come in the order of their
/// keys' bytes. For a tool that has the map to itself: as long as this is open, nobody changes the map or loads a file into it.
///
/// They are put together aside; look-ups find them from ``finish()`` on. What was not finished is given back.
public final class Filling {
  public enum Added: Sendable, Equatable {
    case added
    /// It is there already, and stays as it is.
    case known
    /// The key is none (see ``URLMap``), or it would be too much for the map's limits. Nothing can be finished then.
    case refused
  }

  private let map: URLMap
  private var count = 0
  private var isOpen = true

  /// Nil if `map` is not empty.
  public init?(_ map: URLMap) {
    guard map.count == 0 else { return nil }
    self.map = map
    map.core.writer.withLock { $0.beginLoad() }
  }

  deinit {
    if isOpen { abandon() }
  }

  /// O(bytes of the key), and fastest for a key above all others.
  public func add(_ key: RawSpan, _ entry: MapEntry) -> Added {
    guard isOpen, map.isKey(key), count < map.maxURLs else { return .refused }
    let added = unsafe key.withUnsafeBytes { key in
      map.core.writer.withLock { unsafe $0.addLoaded(key, entry) }
    }
    switch added {
    case .added, .addedOutOfOrder:
      count += 1
      return .added
    case .duplicate: return .known
    case .outOfMemory:
      abandon()
      return .refused
    }
  }

  /// Makes what was added known. False if it does not fit into the map's memory; then nothing is.
  public func finish() -> Bool {
    guard isOpen else { return false }
    guard map.core.writer.withLock({ $0.publishLoad() }) else {
      abandon()
      return false
    }
    isOpen = false
    return true
  }

  private func abandon() {
    isOpen = false
    map.core.writer.withLock { $0.abandonLoad() }
  }
}
