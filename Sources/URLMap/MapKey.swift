/// Which part of a request's target is the key.
public enum MapKey: Sendable {
  /// The path and the query, byte for byte as sent: a query never speaks for its bare path.
  case pathAndQuery
  /// The path alone: all queries of a path share one entry.
  case path

  /// The name that flags and files use: `path-query` or `path`; nil for any other.
  public init?(flag: String) {
    switch flag {
    case "path-query": self = .pathAndQuery
    case "path": self = .path
    default: return nil
    }
  }

  /// How many of the first bytes of `target`, a request target in origin form, are the key.
  /// O(bytes of the target).
  public func keyLength(ofTarget target: RawSpan) -> Int {
    switch self {
    case .pathAndQuery: return target.byteCount
    case .path:
      let questionMark = UInt8(ascii: "?")
      for offset in target.byteOffsets
      where unsafe target.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
        == questionMark
      {
        return offset
      }
      return target.byteCount
    }
  }
}

/// What is known of one URL. Times are seconds since 1970.
public struct MapEntry: Sendable, Equatable {
  /// When the URL was last seen to exist on the old server without the map's help.
  public var learnedAt: UInt32
  /// The last visit that the map answered; the time of learning until then.
  public var lastUsedAt: UInt32
  /// Visits that the map answered. Two threads that count in the same instant may count once; the counter
  /// stays at its largest value.
  public var hits: UInt32

  public init(learnedAt: UInt32, lastUsedAt: UInt32, hits: UInt32) {
    self.learnedAt = learnedAt
    self.lastUsedAt = lastUsedAt
    self.hits = hits
  }

  /// The entry of a URL learned just now and never visited since.
  init(learnedAt now: UInt32) {
    self.init(learnedAt: now, lastUsedAt: now, hits: 0)
  }
}
