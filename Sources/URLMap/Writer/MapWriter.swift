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
  private var sweep = ColdSweep()
  private let counters: Counters
  private let maxURLs: Int
  private var count = 0
  private var addedSinceLook = 0

  init(_ trie: consuming Trie, _ counters: Counters, maxURLs: Int) {
    self.trie = trie
    self.counters = counters
    self.maxURLs = max(1, maxURLs)
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
      keepWithinBounds(at: now)
    case .known(let cell):
      cell.renew(learnedAt: now)
      counters.renewed.add()
    case .outOfMemory:
      counters.droppedByFullMemory.add()
    }
  }

  mutating func forget(_ key: UnsafeRawBufferPointer) {
    switch unsafe trie.remove(key) {
    case .removed:
      setCount(count - 1)
      counters.forgotten.add()
    case .unknown: break
    case .outOfMemory: counters.droppedByFullMemory.add()
    }
  }

  /// Publishes what `builder` holds, with what was learned meanwhile or before, in one step.
  /// False when it does not fit; nothing has changed then.
  mutating func publish(_ builder: inout TrieBuilder, at now: UInt32) -> Bool {
    guard addPresent(to: &builder), let root = builder.finish(in: &trie) else {
      abandon(&builder)
      return false
    }
    trie.replaceAll(by: root)
    setCount(builder.count)
    if count > maxURLs {
      _ = sweep.step(trie.memory, entries: count, examine: count, find: 0, at: now)
      while count > maxURLs, evict(min(1024, count - maxURLs), at: now, always: true) { trie.reclaim() }
    }
    settle()
    return true
  }

  mutating func abandon(_ builder: inout TrieBuilder) {
    builder.abandon(in: &trie)
    settle()
  }

  /// What is already known joins what was built: the later times and the sum of the visits hold.
  private mutating func addPresent(to builder: inout TrieBuilder) -> Bool {
    guard count > 0 else { return true }
    var walk = TrieWalk(trie.memory)
    walk.seek([UInt8]().span, after: false)
    while let entry = walk.next()?.entry {
      let fits = unsafe walk.key.withUnsafeBytes { unsafe builder.merge($0, entry, in: &trie) }
      guard fits else { return false }
    }
    return true
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
    for key in keys where unsafe key.withUnsafeBytes({ unsafe trie.remove($0) }) == .removed { removed += 1 }
    setCount(count - removed)
    counters.evicted.add(UInt64(removed))
    return removed > 0
  }
}
