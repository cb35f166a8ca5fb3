/// Builds a trie aside, which nobody sees until it is published whole.
///
/// Keys that come in rising order are appended along the rightmost path: a node is written once, when the first
/// key comes that is not below it, at its final size and next to its children. From the first key that is out of
/// order on, keys are inserted one by one.
@safe
struct TrieBuilder: ~Copyable {
  enum Added {
    case added
    case duplicate
    case outOfMemory
  }

  /// A node on the rightmost path, not yet written.
  private struct Open {
    /// Bytes of `last` up to the end of the node's prefix.
    let end: Int
    let entry: MapEntry?
    /// Where its children begin in `bytes` and `refs`.
    let firstChild: Int
  }

  private var path: [Open] = []
  private var bytes: [UInt8] = []
  private var refs: [UInt32] = []
  private var last: [UInt8] = []
  private(set) var count = 0
  /// The root of what is written, once keys come out of order. A cell of its own, for `Trie.insert` to publish to.
  private let rootCell: UnsafeMutableRawPointer
  private var isSorted = true

  init() {
    unsafe rootCell = .allocate(byteCount: 4, alignment: 4)
    unsafe rootCell.storeBytes(of: 0, as: UInt32.self)
  }

  deinit {
    unsafe rootCell.deallocate()
  }

  /// Adds a key that must satisfy the map's limits. O(bytes of the key).
  mutating func add(_ key: UnsafeRawBufferPointer, _ entry: MapEntry, to trie: inout Trie) -> Added {
    guard isSorted else { return unsafe insert(key, entry, into: &trie) }
    if path.isEmpty {
      unsafe open(key, entry, sharing: 0)
      return .added
    }
    var common = 0
    let limit = min(key.count, last.count)
    while unsafe common < limit && key[common] == last[common] { common += 1 }
    if common == key.count && common == last.count { return .duplicate }
    let isAbove = unsafe common == last.count || (common < key.count && key[common] > last[common])
    guard isAbove else {
      guard finish(in: &trie) != nil else { return .outOfMemory }
      return unsafe insert(key, entry, into: &trie)
    }
    guard closePath(to: common, in: &trie) else { return .outOfMemory }
    unsafe open(key, entry, sharing: common)
    return .added
  }

  /// Writes what is still open. The root of all that was added (0: nothing was), or nil without memory.
  mutating func finish(in trie: inout Trie) -> UInt32? {
    if isSorted {
      while path.count > 1 {
        guard closeLast(in: &trie) else { return nil }
      }
      if !path.isEmpty {
        guard let root = writeLast(from: 0, in: &trie) else { return nil }
        path.removeLast()
        unsafe rootCell.storeBytes(of: root, as: UInt32.self)
      }
      isSorted = false
    }
    return unsafe rootCell.load(as: UInt32.self)
  }

  /// Gives back all that was written.
  mutating func abandon(in trie: inout Trie) {
    for ref in refs { trie.retireAll(below: ref) }
    trie.retireAll(below: unsafe rootCell.load(as: UInt32.self))
    refs.removeAll()
    bytes.removeAll()
    path.removeAll()
    unsafe rootCell.storeBytes(of: 0, as: UInt32.self)
  }

  /// Adds a key that may be there already: the later times and the sum of the visits hold. False without memory.
  mutating func merge(_ key: UnsafeRawBufferPointer, _ entry: MapEntry, in trie: inout Trie) -> Bool {
    guard finish(in: &trie) != nil else { return false }
    let (result, node) = unsafe trie.insert(key, entry, under: Slot(rootCell))
    switch result {
    case .added: count += 1
    case .known: node?.merge(entry)
    case .outOfMemory: return false
    }
    return true
  }

  private mutating func insert(
    _ key: UnsafeRawBufferPointer, _ entry: MapEntry, into trie: inout Trie
  ) -> Added {
    switch unsafe trie.insert(key, entry, under: Slot(rootCell)).result {
    case .added:
      count += 1
      return .added
    case .known: return .duplicate
    case .outOfMemory: return .outOfMemory
    }
  }

  private mutating func open(_ key: UnsafeRawBufferPointer, _ entry: MapEntry, sharing common: Int) {
    last.removeLast(last.count - common)
    unsafe last.append(contentsOf: key[common...])
    path.append(Open(end: key.count, entry: entry, firstChild: refs.count))
    count += 1
  }

  /// Writes the nodes that lie below the first `common` bytes of `last`; the path's last node then ends there.
  /// False without memory; then only `abandon` may follow.
  private mutating func closePath(to common: Int, in trie: inout Trie) -> Bool {
    while let top = path.last, top.end > common {
      if path.count > 1, path[path.count - 2].end >= common {
        guard closeLast(in: &trie) else { return false }
      } else {
        // The branch is inside this node's prefix: it becomes the child of a new node that ends there.
        guard let ref = writeLast(from: common + 1, in: &trie) else { return false }
        path.removeLast()
        path.append(Open(end: common, entry: nil, firstChild: top.firstChild))
        bytes.append(last[common])
        refs.append(ref)
      }
    }
    return true
  }

  /// Writes the path's last node and makes it a child of the one above.
  private mutating func closeLast(in trie: inout Trie) -> Bool {
    let above = path[path.count - 2].end
    guard let ref = writeLast(from: above + 1, in: &trie) else { return false }
    path.removeLast()
    bytes.append(last[above])
    refs.append(ref)
    return true
  }

  /// Writes the path's last node, whose prefix begins at byte `start` of `last`, and takes its children away.
  private mutating func writeLast(from start: Int, in trie: inout Trie) -> UInt32? {
    guard let open = path.last else { return nil }
    let children = open.firstChild..<refs.count
    let ref = unsafe last.withUnsafeBytes { key in
      unsafe trie.makeNode(
        UnsafeRawBufferPointer(rebasing: key[start..<open.end]), bytes.span.extracting(children),
        refs.span.extracting(children), entry: open.entry)
    }
    guard let ref else { return nil }
    bytes.removeSubrange(children)
    refs.removeSubrange(children)
    return ref
  }
}
