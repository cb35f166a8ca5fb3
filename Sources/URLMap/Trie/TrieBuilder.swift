/// Builds a trie aside, which nobody sees until it is published whole.
///
/// Keys that come in rising order are kept until it is clear which of them make a block: each node is then written once,
/// at its final size and next to its siblings. From the first key that is out of order on, keys are inserted one by one.
///
/// ```
///   depth 6  ├─ /docs/a/1          `stack`: the branchings on the way to the last key, each with the depth in bytes at
///            ├─ /docs/a/2                   which its keys part
///   depth 8  │  ├─ /docs/b/x       `kept`: the keys below them that are not written yet; a branching that closes with few
///            │  └─ /docs/b/y ← last  enough stays there, as the branching above it may still take it into its block
/// ```
@safe
struct TrieBuilder: ~Copyable {
  enum Added {
    case added
    /// Added as well, and the first that is not above the key before it: from here on each takes longer.
    case addedOutOfOrder
    /// It was there already.
    case duplicate
    case outOfMemory
  }

  /// A place on the way to the last key where keys part.
  private struct Branching {
    /// How many of their first bytes its keys have in common.
    let depth: Int
    /// Where its keys begin among those kept. When `isWritten`: those that came since.
    var firstKept: Int
    /// Where its children begin among those written.
    let firstChild: Int
    /// It has become a branch: something below it is too large for one block with the rest.
    var isWritten = false
    /// Its own entry, once it is a branch.
    var entry: MapEntry?
  }

  private var stack: [Branching] = []
  private var kept = BucketItems()
  private var written = Children()
  private var last: [UInt8] = []
  private(set) var count = 0
  /// The root of what is written, once keys come out of order. A cell of its own, for `Trie.insert` to publish to.
  private let rootCell: UnsafeMutableRawPointer
  private var isSorted = true

  init() {
    unsafe rootCell = .allocate(byteCount: 4, alignment: 4)
    root = .none
  }

  deinit {
    unsafe rootCell.deallocate()
  }

  private var root: NodeRef {
    get { unsafe Slot(rootCell).load() }
    nonmutating set { unsafe Slot(rootCell).publish(newValue) }
  }

  /// Adds a key that must satisfy the map's limits. O(bytes of the key).
  mutating func add(_ key: UnsafeRawBufferPointer, _ entry: MapEntry, to trie: inout Trie) -> Added {
    guard isSorted else { return unsafe insert(key, entry, into: &trie) }
    if count == 0 {
      unsafe keep(key, sharing: 0, entry)
      return .added
    }
    let common = unsafe last.withUnsafeBytes { unsafe commonLength(key, $0) }
    if common == key.count && common == last.count { return .duplicate }
    let isAbove = unsafe common == last.count || (common < key.count && key[common] > last[common])
    guard isAbove else {
      guard finish(in: &trie) != nil else { return .outOfMemory }
      let result = unsafe insert(key, entry, into: &trie)
      return result == .added ? .addedOutOfOrder : result
    }
    guard part(at: common, in: &trie) else { return .outOfMemory }
    unsafe keep(key, sharing: common, entry)
    return .added
  }

  private mutating func keep(_ key: UnsafeRawBufferPointer, sharing common: Int, _ entry: MapEntry) {
    unsafe kept.append(key, shared: common, entry)
    last.removeLast(last.count - common)
    unsafe last.append(contentsOf: key[common...])
    count += 1
  }

  /// The next key has the first `common` bytes of the last one: closes what lies deeper, and makes that depth the last on
  /// the stack. False without memory; then only `abandon` may follow.
  private mutating func part(at common: Int, in trie: inout Trie) -> Bool {
    var firstKept = kept.count - 1
    while let top = stack.last, top.depth > common {
      firstKept = top.firstKept
      let above = stack.count > 1 ? stack[stack.count - 2].depth : -1
      guard closeLast(below: max(above, common), in: &trie) else { return false }
    }
    guard let top = stack.last, top.depth == common else {
      stack.append(Branching(depth: common, firstKept: firstKept, firstChild: written.count))
      return true
    }
    // All below is closed, so what is too much for a block can go.
    return kept.count - top.firstKept <= Block.mostItems || write(stack.count - 1, in: &trie)
  }

  /// Closes the deepest branching. What it holds stays kept if it makes a block; else it is written as a branch, and the
  /// branching at `depth` above it (-1: there is none) is one too.
  private mutating func closeLast(below depth: Int, in trie: inout Trie) -> Bool {
    guard let top = stack.last else { return true }
    if !top.isWritten, kept.fitBlock(top.firstKept..<kept.count, depth: top.depth) {
      stack.removeLast()
      return true
    }
    guard write(stack.count - 1, in: &trie), let branch = stack.popLast() else { return false }
    let ref = unsafe last.withUnsafeBytes { last in
      unsafe trie.allocator.makeNode(
        UnsafeRawBufferPointer(rebasing: last[max(depth, 0)..<branch.depth]), .none, written,
        from: branch.firstChild, entry: branch.entry)
    }
    guard let ref else { return false }
    written.removeAll(from: branch.firstChild)
    if depth < 0 {
      root = ref
      return true
    }
    if stack.last?.depth != depth {
      stack.append(Branching(depth: depth, firstKept: kept.count, firstChild: written.count))
    }
    guard write(stack.count - 1, in: &trie) else {
      trie.allocator.freeTree(ref)
      return false
    }
    written.append(last[depth], ref)
    return true
  }

  /// Makes a branch of the branching at `index`, whose kept keys are the last that are kept: writes what it has of them.
  private mutating func write(_ index: Int, in trie: inout Trie) -> Bool {
    let depth = stack[index].depth
    var keys = stack[index].firstKept..<kept.count
    if let first = keys.first, kept.items[first].length == depth {
      stack[index].entry = kept.items[first].entry
      keys = keys.dropFirst()
    }
    stack[index].isWritten = true
    guard
      trie.allocator.addChildren(kept, keys, depth: depth, most: Block.mostItems, to: &written)
    else { return false }
    kept.removeAll(from: stack[index].firstKept)
    return true
  }

  /// Writes what is still kept. The root of all that was added (0: nothing was), or nil without memory.
  mutating func finish(in trie: inout Trie) -> NodeRef? {
    if isSorted {
      while !stack.isEmpty {
        let above = stack.count > 1 ? stack[stack.count - 2].depth : -1
        guard closeLast(below: above, in: &trie) else { return nil }
      }
      if kept.count > 0 {
        let all = 0..<kept.count
        guard let root = unsafe trie.allocator.makeSubtree(kept, all, skipping: 0, head: .none) else {
          return nil
        }
        kept.removeAll()
        self.root = root
      }
      isSorted = false
    }
    return root
  }

  /// Gives back all that was written.
  mutating func abandon(in trie: inout Trie) {
    for ref in written.refs { trie.allocator.freeTree(ref) }
    trie.allocator.freeTree(root)
    written.removeAll()
    kept.removeAll()
    stack.removeAll()
    root = .none
  }

  /// Adds a key that may be there already: the later times and the sum of the visits hold.
  mutating func merge(_ key: UnsafeRawBufferPointer, _ entry: MapEntry, in trie: inout Trie) -> Added {
    guard finish(in: &trie) != nil else { return .outOfMemory }
    switch unsafe put(key, entry, into: &trie) {
    case .added: return .added
    case .known(let cell):
      cell.merge(entry)
      return .duplicate
    case .outOfMemory: return .outOfMemory
    }
  }

  private mutating func put(_ key: UnsafeRawBufferPointer, _ entry: MapEntry, into trie: inout Trie)
    -> Trie.Inserted
  {
    let result = unsafe trie.insert(key, entry, under: Slot(rootCell))
    if case .added = result { count += 1 }
    // No reader has what was replaced here, and it would pile up.
    trie.reclaim()
    return result
  }

  private mutating func insert(
    _ key: UnsafeRawBufferPointer, _ entry: MapEntry, into trie: inout Trie
  ) -> Added {
    switch unsafe put(key, entry, into: &trie) {
    case .added: return .added
    case .known: return .duplicate
    case .outOfMemory: return .outOfMemory
    }
  }
}
