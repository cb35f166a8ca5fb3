import URLMap

/// So many URLs and the visits that the map answered for them.
struct Tally: Equatable, Sendable {
  var urls = 0
  var visits = 0

  static func += (tally: inout Tally, other: Tally) {
    tally.urls += other.urls
    tally.visits += other.visits
  }

  mutating func add(_ entry: MapEntry) {
    urls += 1
    visits += Int(entry.hits)
  }
}
