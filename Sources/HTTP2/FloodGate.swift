/// Weighs the frames that ask for no page against those that do. Each kind of frame is useful now and then, and can be had
/// by the million for next to nothing: pings, settings, windows a byte wider, bodies of empty frames, streams that end as
/// they begin.
struct FloodGate {
  /// What a connection may be ahead with its idle frames.
  private static let limit = 4_000
  /// What a request, and a frame of its answer, make up for: a client opens its windows as it reads.
  static let request = 16
  static let answerFrame = 4
  /// A frame that breaks the rules of its stream costs as much as a request, which it may have been.
  static let wrongFrame = 40

  private var debt = 0

  /// Counts a frame of no use in itself; false when there are too many.
  mutating func pass(_ weight: Int = 1) -> Bool {
    debt += weight
    return debt <= Self.limit
  }

  mutating func makeUp(_ weight: Int) { debt = max(0, debt - weight) }
}
