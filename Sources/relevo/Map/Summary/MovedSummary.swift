import MapQueries
import URLMap

/// What has moved to the new site, of that which was known to live on the old one.
struct MovedSummary {
  private(set) var urls = 0
  /// Of these, in the last seven days.
  private(set) var lastWeek = 0
  /// The first move that is known of, in seconds since 1970.
  private(set) var since: UInt32?
  /// The latest moves, the last one first; `learnedAt` is when the new site was found to have the page.
  private(set) var latest: [MapSummary.Listed] = []

  /// Nothing has moved.
  init() {}

  /// - Parameters:
  ///   - moved: each URL with the time of its move as `learnedAt`.
  ///   - known: what lives on the old site now: what has come back into it has not moved.
  init(of moved: URLMap, known: URLMap, at now: UInt32, listed: Int) {
    let reader = known.makeReader()
    var latest = Largest<Place, MapSummary.Listed>(listed)
    moved.forEachEntry { key, entry in
      guard reader.lookup(key, countingHitAt: nil) == nil else { return }
      if now < entry.learnedAt || now - entry.learnedAt < 7 * 86_400 { lastWeek += 1 }
      since = min(since ?? entry.learnedAt, entry.learnedAt)
      latest.offer(Place(figure: entry.learnedAt, place: urls), MapSummary.Listed(key, entry))
      urls += 1
    }
    self.latest = latest.sorted().map(\.value)
  }
}
