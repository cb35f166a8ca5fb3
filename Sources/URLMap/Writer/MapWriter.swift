import Synchronization

/// What the map has counted. Written by the writer but for the refusals, read by anyone.
final class Counters: Sendable {
  let urls = Atomic<Int>(0)
  let learned = Atomic<UInt64>(0)
  let renewed = Atomic<UInt64>(0)
  let forgotten = Atomic<UInt64>(0)
  let evicted = Atomic<UInt64>(0)
  let droppedByFullMemory = Atomic<UInt64>(0)
  let arenaBytes = Atomic<Int>(0)
  let arenaBytesInUse = Atomic<Int>(0)
  let droppedByFullQueue = Atomic<UInt64>(0)
  let refusedKeys = Atomic<UInt64>(0)
}

extension Atomic<UInt64> {
  /// For counters with many readers; relaxed.
  func add(_ count: UInt64 = 1) {
    wrappingAdd(count, ordering: .relaxed)
  }
}

/// Applies changes to the trie and keeps it within its bounds. Whoever holds the lock around it is the writer.
struct MapWriter: ~Copyable {
  var trie: Trie
  /// What the journal is to have next.
  var changes = ChangeLog()
  private var load = LoadState()
  private var sweep = ColdSweep()
  private let counters: Counters
  private let maxURLs: Int
  private var count = 0
  private var addedSinceLook = 0

  init(_ trie: consuming Trie, _ counters: Counters, maxURLs: Int) {
    self.trie = trie
    self.counters = counters
    self.maxURLs = maxURLs
  }

  /// From here on the coldest go: a 64th below the bound, so that there is time to look for them.
  private var softLimit: Int { maxURLs - maxURLs / 64 }
  /// From here on the sweep watches, to know what is cold when it must choose.
  private var watchLimit: Int { maxURLs - maxURLs / 8 }

  // MARK: Changes

  mutating func learn(_ key: UnsafeRawBufferPointer, at now: UInt32) {
    var result = unsafe trie.insert(key, MapEntry(learnedAt: now), under: trie.memory.root)
    if case .outOfMemory = result {
      evict(32, at: now, always: true)
      trie.reclaim()
      result = unsafe trie.insert(key, MapEntry(learnedAt: now), under: trie.memory.root)
    }
    switch result {
    case .added:
      setCount(count + 1)
      counters.learned.add()
      unsafe noteLearned(key, at: now)
      keepWithinBounds(at: now)
    case .known(let cell):
      cell.renew(learnedAt: now)
      counters.renewed.add()
      unsafe noteLearned(key, at: now)
    case .outOfMemory:
      counters.droppedByFullMemory.add()
    }
  }

  private mutating func noteLearned(_ key: UnsafeRawBufferPointer, at now: UInt32) {
    if changes.isOn { unsafe changes.append(.learned, key, at: now) }
    if load.phase != .none { unsafe load.noteLearned(key, at: now, in: &trie) }
  }

  mutating func forget(_ key: UnsafeRawBufferPointer, at now: UInt32) {
    // It may be in the file that is being loaded, too.
    if load.phase != .none { unsafe load.noteForgotten(key) }
    switch unsafe trie.remove(key) {
    case .removed:
      setCount(count - 1)
      counters.forgotten.add()
      if changes.isOn { unsafe changes.append(.forgotten, key, at: now) }
    case .unknown: break
    case .outOfMemory: counters.droppedByFullMemory.add()
    }
  }

  /// After a batch of changes: gives back memory that nobody reads any more, up to `most` nodes, and tells the figures.
  mutating func settle(freeing most: Int = .max) {
    trie.reclaim(atMost: most)
    counters.arenaBytes.store(trie.allocator.touchedBytes, ordering: .relaxed)
    counters.arenaBytesInUse.store(trie.allocator.usedBytes, ordering: .relaxed)
  }

  private mutating func setCount(_ count: Int) {
    self.count = count
    counters.urls.store(count, ordering: .relaxed)
  }

  // MARK: Bounds

  private mutating func keepWithinBounds(at now: UInt32) {
    addedSinceLook += 1
    if count > softLimit || isShortOfMemory {
      addedSinceLook = 0
      let over = count > softLimit ? count - softLimit : 32
      evict(min(32, over), at: now, always: false)
      while count > maxURLs, evict(count - maxURLs, at: now, always: true) {}
    } else if count > watchLimit, addedSinceLook >= 16 {
      addedSinceLook = 0
      _ = sweep.step(trie.memory, entries: count, examine: 256, find: 0, at: now)
    }
  }

  private var isShortOfMemory: Bool {
    trie.allocator.usedBytes > trie.allocator.limitBytes / 16 * 15
  }

  /// Removes up to `wanted` of the coldest entries near the sweep's hand. Whether any went.
  @discardableResult
  private mutating func evict(_ wanted: Int, at now: UInt32, always: Bool) -> Bool {
    let keys = sweep.step(
      trie.memory, entries: count, examine: max(128, wanted * 4), find: wanted, always: always, at: now)
    var removed = 0
    for key in keys where unsafe key.withUnsafeBytes({ unsafe trie.remove($0) }) == .removed {
      removed += 1
      if changes.isOn { unsafe key.withUnsafeBytes { unsafe changes.append(.forgotten, $0, at: now) } }
    }
    setCount(count - removed)
    counters.evicted.add(UInt64(removed))
    return removed > 0
  }

  // MARK: Loading

  /// What follows is called by one loader, in this order, each call a short hold of the lock around the writer; changes go
  /// on between.
  mutating func beginLoad() {
    load = LoadState()
    load.phase = .building
  }

  /// Adds entries aside. Fastest in the order of their keys.
  mutating func addLoaded(_ key: UnsafeRawBufferPointer, _ entry: MapEntry) -> TrieBuilder.Added {
    unsafe load.builder.add(key, entry, to: &trie)
  }

  /// As `addLoaded`, for a key that may be there, once all others are.
  mutating func mergeLoaded(_ key: UnsafeRawBufferPointer, _ entry: MapEntry) -> TrieBuilder.Added {
    unsafe load.builder.merge(key, entry, in: &trie)
  }

  /// A few of the URLs learned meanwhile join what was loaded: the later times and the sum of the visits hold. `last` is
  /// where the step before ended; nil after the last step.
  mutating func mergePresent(after last: inout [UInt8]?) -> Bool {
    let isFirst = load.phase == .building
    load.phase = .merging
    var walk = TrieWalk(trie.memory)
    let start = last ?? []
    walk.seek(start.span, after: !isFirst)
    last = nil
    for _ in 0..<128 {
      guard let entry = walk.next()?.entry else { return true }
      let merged = unsafe walk.key.withUnsafeBytes { unsafe load.builder.merge($0, entry, in: &trie) }
      guard merged != .outOfMemory else { return false }
    }
    last = walk.key
    return true
  }

  /// Publishes what was loaded, in one step. False when it does not fit; only `abandonLoad` may follow.
  mutating func publishLoad() -> Bool {
    guard !load.isShortOfMemory, let root = load.builder.finish(in: &trie) else { return false }
    trie.replaceAll(by: root)
    var added = load.builder.count
    for key in load.forgotten where unsafe key.withUnsafeBytes({ unsafe trie.remove($0) }) == .removed {
      added -= 1
    }
    setCount(added)
    load = LoadState()
    settle()
    return true
  }

  /// Gives back what was loaded.
  mutating func abandonLoad() {
    load.builder.abandon(in: &trie)
    load = LoadState()
    settle()
  }

  /// Looks at some of the entries, so that the sweep knows what is cold. Whether the map is above its bound.
  mutating func surveyIfOver(_ entries: Int, at now: UInt32) -> Bool {
    guard count > maxURLs else { return false }
    _ = sweep.step(trie.memory, entries: count, examine: entries, find: 0, at: now)
    return true
  }

  /// Removes some of what is above the bound. Whether there is more.
  mutating func trim(at now: UInt32) -> Bool {
    guard count > maxURLs, evict(min(256, count - maxURLs), at: now, always: true) else { return false }
    settle()
    return count > maxURLs
  }
}
