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
  public init(learnedAt now: UInt32) {
    self.init(learnedAt: now, lastUsedAt: now, hits: 0)
  }
}
