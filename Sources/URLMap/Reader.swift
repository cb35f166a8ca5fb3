extension URLMap {
  /// A thread's right to read: one for each event loop, used by that thread only. Look-ups take no lock, allocate
  /// nothing and never wait. It keeps the map's memory alive, not its writer.
  public struct Reader: ~Copyable {
    private let core: MapCore
    private let memory: ArenaMemory
    private let slot: ReaderSlot

    fileprivate init(_ core: MapCore) {
      self.core = core
      memory = core.memory
      slot = core.readers.takeSlot()
    }

    deinit {
      core.readers.giveBack(slot)
    }

    /// What is known of the URL with this key, or nil. With `countingHitAt` (seconds since 1970) it counts the visit:
    /// `hits` grows by one and `lastUsedAt` becomes that time; the entry returned is the one before.
    ///
    /// O(bytes of the key), however many URLs are known.
    public func lookup(_ key: RawSpan, countingHitAt now: UInt32?) -> MapEntry? {
      slot.enter(memory)
      let entry = unsafe key.withUnsafeBytes { bytes -> MapEntry? in
        guard let cell = unsafe Trie.find(bytes, in: memory) else { return nil }
        let entry = cell.entry
        if let now {
          cell.countVisits(1, at: now)
          slot.countVisit()
        }
        return entry
      }
      slot.leave()
      return entry
    }

    /// Fills `batch` with the entries that come after its last one, up to about `EntryBatch.limitBytes` of keys, pinned
    /// for that long only. False when there are no more.
    fileprivate func next(_ batch: inout EntryBatch, startingAt start: Span<UInt8>) -> Bool {
      slot.enter(memory)
      defer { slot.leave() }
      return batch.refill(startingAt: start)
    }
  }

  /// A reader for the thread that calls this. Takes a short lock: for the start of a thread, not for each look-up.
  public func makeReader() -> Reader {
    Reader(core)
  }

  /// Calls `body` with each entry whose key begins with `prefix`, in the order of the keys' bytes; with `after`, only
  /// those behind that key.
  ///
  /// It walks in steps and stops neither readers nor the writer: each step is consistent; what is learned or
  /// forgotten meanwhile may or may not be seen; what is known throughout is seen exactly once. `body` may take its
  /// time: nothing is held while it runs. It gives way to who waits for its processor (see `Turn`).
  public func forEachEntry<Failure: Error>(
    withPrefix prefix: [UInt8] = [], after: [UInt8]? = nil,
    _ body: (_ key: RawSpan, _ entry: MapEntry) throws(Failure) -> Void
  ) throws(Failure) {
    let reader = makeReader()
    var turn = Turn()
    var batch = EntryBatch(core.memory, after: after)
    while reader.next(&batch, startingAt: prefix.span) {
      var start = 0
      for item in batch.items {
        let key = batch.keys.span.extracting(start..<item.end)
        start = item.end
        guard hasPrefix(key, prefix.span) else { return }
        // Bytes have no padding, which is what makes a raw view of other elements unsafe.
        try body(unsafe key.bytes, item.entry)
      }
      turn.endIfLong()
    }
  }

  private func hasPrefix(_ key: Span<UInt8>, _ prefix: Span<UInt8>) -> Bool {
    guard key.count >= prefix.count else { return false }
    return prefix.indices.allSatisfy { key[$0] == prefix[$0] }
  }
}

/// The entries of one step of a walk, copied out of the trie.
private struct EntryBatch {
  static let limitEntries = 128
  static let limitBytes = 16 << 10

  private(set) var keys: [UInt8] = []
  /// Each entry and where its key ends in `keys`.
  private(set) var items: [(end: Int, entry: MapEntry)] = []
  private var walk: TrieWalk
  private var last: [UInt8] = []
  private var isFirst = true

  /// - Parameter after: a key; the walk begins behind it, if it is not before the start.
  init(_ memory: ArenaMemory, after: [UInt8]?) {
    walk = TrieWalk(memory)
    if let after { last = after }
  }

  mutating func refill(startingAt start: Span<UInt8>) -> Bool {
    keys.removeAll(keepingCapacity: true)
    items.removeAll(keepingCapacity: true)
    let from = last
    if isFirst, from.isEmpty || isBelow(from.span, start) {
      walk.seek(start, after: false)
    } else {
      walk.seek(from.span, after: true)
    }
    isFirst = false
    while items.count < EntryBatch.limitEntries, keys.count < EntryBatch.limitBytes,
      let cell = walk.next()
    {
      keys.append(contentsOf: walk.key)
      items.append((keys.count, cell.entry))
    }
    guard !items.isEmpty else { return false }
    let start = items.count > 1 ? items[items.count - 2].end : 0
    last.removeAll(keepingCapacity: true)
    last.append(contentsOf: keys[start...])
    return true
  }
}

/// Whether the bytes of `one` come before those of `other`.
private func isBelow(_ one: Span<UInt8>, _ other: Span<UInt8>) -> Bool {
  for index in 0..<min(one.count, other.count) where one[index] != other[index] {
    return one[index] < other[index]
  }
  return one.count < other.count
}
