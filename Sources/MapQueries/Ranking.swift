import URLMap

/// The entries of a map in the order of a figure, largest first; equal ones in the order of their keys.
///
/// No copy of the map is made: each walk through it keeps the next ``portion`` entries. The map must not change
/// between the walks.
public struct Ranking {
  /// Entries that are kept at a time: some 100 MB with their keys.
  public static let portion = 1_000_000

  private let map: URLMap
  private let prefix: [UInt8]
  private let portion: Int
  private let figure: (MapEntry) -> UInt32

  public init(
    map: URLMap, prefix: [UInt8] = [], portion: Int = Ranking.portion,
    by figure: @escaping (MapEntry) -> UInt32
  ) {
    self.map = map
    self.prefix = prefix
    self.portion = portion
    self.figure = figure
  }

  /// Calls `body` with the first `limit` entries. O(n log portion) for each portion.
  public func forEach(
    atMost limit: Int, _ body: (_ key: RawSpan, _ entry: MapEntry) throws -> Void
  ) rethrows {
    var last: Place?
    var rest = limit
    while rest > 0 {
      let ranked = next(min(rest, portion), after: last)
      for item in ranked {
        // Bytes have no padding, which is what makes a raw view of other elements unsafe.
        try body(unsafe item.value.key.span.bytes, item.value.entry)
      }
      guard ranked.count == portion else { return }
      rest -= ranked.count
      last = ranked.last?.rank
    }
  }

  private struct Entry {
    let key: [UInt8]
    let entry: MapEntry
  }

  private func next(_ count: Int, after last: Place?) -> [Largest<Place, Entry>.Item] {
    var largest = Largest<Place, Entry>(count)
    var place = 0
    map.forEachEntry(withPrefix: prefix) { key, entry in
      let rank = Place(figure: figure(entry), place: place)
      place += 1
      if let last, rank >= last { return }
      largest.offer(rank, Entry(key: unsafe key.withUnsafeBytes { unsafe [UInt8]($0) }, entry: entry))
    }
    return largest.sorted()
  }
}

/// Where an entry stands among others: by a figure, and by its place in the walk between equals.
public struct Place: Comparable, Sendable {
  let figure: UInt32
  let place: Int

  public init(figure: UInt32, place: Int) {
    self.figure = figure
    self.place = place
  }

  public static func < (one: Place, other: Place) -> Bool {
    one.figure != other.figure ? one.figure < other.figure : one.place > other.place
  }
}
