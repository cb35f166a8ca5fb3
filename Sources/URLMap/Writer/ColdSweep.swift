/// Finds the coldest entries without sorting them all.
///
/// A hand goes round the keys in their order, a few entries for each URL that is learned near the bound. All it
/// sees is counted in a histogram of warmth; an entry goes when its warmth is among the coldest sixteenth of what
/// was seen in about the last round. So a scan's one-time URLs go long before the hand has to take one with
/// visits, wherever in the key order either stand.
struct ColdSweep {
  /// Levels: 0...31 never visited, by age, the oldest coldest; 32...63 visited, by what age left of the visits.
  private static let levels = 64
  /// After this long without a visit, half of an entry's visits no longer count.
  private static let halfLifeSeconds: UInt32 = 7 * 86_400

  private var seen = [Int](repeating: 0, count: levels)
  private var seenTotal = 0
  /// The key that was looked at last.
  private var hand: [UInt8] = []

  /// How warm an entry is at `now`.
  static func warmth(_ entry: MapEntry, at now: UInt32) -> Int {
    let age = now > entry.lastUsedAt ? now - entry.lastUsedAt : 0
    let halvings = age / halfLifeSeconds
    let visits = halvings < 32 ? entry.hits >> halvings : 0
    if visits == 0 { return 31 - (32 - (age | 1).leadingZeroBitCount - 1) }
    return 32 + min(31, 32 - visits.leadingZeroBitCount - 1)
  }

  /// Looks at up to `count` entries from the hand on, until `wanted` are found that may go: their keys. `always`:
  /// at least one, if there is any entry.
  mutating func step(
    _ memory: ArenaMemory, entries total: Int, examine count: Int, find wanted: Int, always: Bool = false,
    at now: UInt32
  ) -> [[UInt8]] {
    var walk = TrieWalk(memory)
    walk.seek(hand.span, after: true)
    var found: [[UInt8]] = []
    var coldest: (warmth: Int, key: [UInt8])?
    let limit = coldLimit
    var wrapped = false
    for _ in 0..<min(count, total) {
      var next = walk.next()
      if next == nil, !wrapped {
        wrapped = true
        walk.seek([UInt8]().span, after: false)
        next = walk.next()
      }
      guard let cell = next else { break }
      let warmth = ColdSweep.warmth(cell.entry, at: now)
      note(warmth, total)
      if warmth <= limit, found.count < wanted {
        found.append(walk.key)
        if found.count == wanted { break }
      } else if always, found.isEmpty, warmth < coldest?.warmth ?? .max {
        coldest = (warmth, walk.key)
      }
    }
    hand = walk.key
    if found.isEmpty, let coldest { return [coldest.key] }
    return found
  }

  private mutating func note(_ warmth: Int, _ total: Int) {
    seen[warmth] += 1
    seenTotal += 1
    guard seenTotal >= max(2 * total, 64) else { return }
    seenTotal = 0
    for level in seen.indices {
      seen[level] /= 2
      seenTotal += seen[level]
    }
  }

  /// The warmest level that may go: the lowest that, with all below, holds a sixteenth of what was seen; none with
  /// visits while the never visited are more than one in 256. -1 before anything was seen.
  private var coldLimit: Int {
    var sum = 0
    for (level, count) in seen.enumerated() {
      if level == 32, sum * 256 > seenTotal { return 31 }
      sum += count
      if sum * 16 >= seenTotal, sum > 0 { return level }
    }
    return -1
  }
}
