import MapQueries
import URLMap

/// What a map tells about the migration, gathered in one walk.
struct MapSummary {
  struct Listed: Equatable {
    let key: [UInt8]
    let entry: MapEntry
  }

  /// When it was made, in seconds since 1970.
  let now: UInt32
  let tally: Tally
  let lastVisits: LastVisits
  /// The first and the last time that a URL was learned; nil for an empty map.
  let learned: ClosedRange<UInt32>?
  let concentration: Concentration
  let mostVisited: [Listed]
  /// Never visited since they were learned, those that were learned longest ago first.
  let longestUnvisited: [Listed]
  /// The tree of directories, bounded: see ``DirectoryTreeBuilder``.
  var root: Directory

  /// - Parameter listed: how many URLs each of the lists has at most.
  init(of map: URLMap, at now: UInt32, directoriesBy order: Directory.Order, listed: Int) {
    self.now = now
    var visits: [UInt32] = []
    var mostVisited = Largest<Place, Listed>(listed)
    var unvisited = Largest<Place, Listed>(listed)
    var tree = DirectoryTreeBuilder(by: order)
    var place = 0
    var tally = Tally()
    var lastVisits = LastVisits()
    var learned: ClosedRange<UInt32>?
    map.forEachEntry { key, entry in
      tally.add(entry)
      lastVisits.add(entry, at: now)
      let range = learned ?? entry.learnedAt...entry.learnedAt
      learned = min(range.lowerBound, entry.learnedAt)...max(range.upperBound, entry.learnedAt)
      if entry.hits > 0 {
        visits.append(entry.hits)
        mostVisited.offer(Place(figure: entry.hits, place: place), Listed(key, entry))
      } else {
        unvisited.offer(Place(figure: .max - entry.learnedAt, place: place), Listed(key, entry))
      }
      tree.add(key, entry)
      place += 1
    }
    self.tally = tally
    self.lastVisits = lastVisits
    self.learned = learned
    concentration = Concentration(visits: visits)
    self.mostVisited = mostVisited.sorted().map(\.value)
    longestUnvisited = unvisited.sorted().map(\.value)
    root = tree.finish()
  }

  var neverVisited: Int { lastVisits[.never].urls }
  var visited: Int { tally.urls - neverVisited }
}

extension MapSummary.Listed {
  init(_ key: RawSpan, _ entry: MapEntry) {
    self.init(key: unsafe key.withUnsafeBytes { unsafe [UInt8]($0) }, entry: entry)
  }
}
