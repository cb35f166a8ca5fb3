import Glibc

/// The path-compressed trie, as its one writer sees it.
///
/// A change never alters a node that readers may be in: it writes a new one beside it, publishes that with one
/// store into the parent's reference, and retires the old one. Only references and counters change in place.
/// A node without an entry has at least two children, so there are never more inner nodes than entries. Nothing
/// recurses: what is deep is walked in a loop.
struct Trie: ~Copyable {
  enum Inserted: Equatable {
    case added
    case known
    /// The memory's limit is reached; nothing was changed.
    case outOfMemory
  }

  enum Removed: Equatable {
    case removed
    case unknown
    case outOfMemory
  }

  let memory: ArenaMemory
  private(set) var allocator: Allocator
  private let readers: ReaderRegistry
  private var epoch: UInt64 = 1
  /// Unlinked since the epoch last advanced.
  private var retired: [UInt32] = []
  /// Unlinked before that; free as soon as the readers of `epoch - 1` have left.
  private var waiting: [UInt32] = []
  // Room to put a node's children together in.
  private var childBytes: [UInt8] = []
  private var childRefs: [UInt32] = []

  init(_ memory: ArenaMemory, _ readers: ReaderRegistry) {
    self.memory = memory
    self.readers = readers
    allocator = Allocator(memory)
    unsafe memory.epoch.pointee.store(epoch, ordering: .sequentiallyConsistent)
    childBytes.reserveCapacity(96)
    childRefs.reserveCapacity(96)
  }

  @inline(__always)
  func node(_ ref: UInt32) -> Node {
    unsafe Node(ref, in: memory.base)
  }

  /// The node of `key` if it has an entry. O(bytes of the key). Readers must be pinned.
  @inline(__always)
  static func find(_ key: UnsafeRawBufferPointer, in memory: ArenaMemory) -> Node? {
    guard var bytes = key.baseAddress else { return nil }
    var remaining = key.count
    let base = unsafe memory.base
    var ref = memory.root.load()
    while ref != 0 {
      let node = unsafe Node(ref, in: base)
      let shape = node.shape
      guard unsafe node.prefixMatches(shape, bytes, remaining: remaining) else { return nil }
      unsafe bytes += shape.prefixLength
      remaining &-= shape.prefixLength
      if remaining == 0 { return shape.hasEntry ? node : nil }
      guard let index = unsafe node.childIndex(shape, for: bytes.load(as: UInt8.self)) else { return nil }
      unsafe bytes += 1
      remaining &-= 1
      ref = node.child(shape, at: index).load()
    }
    return nil
  }

  // MARK: Inserting

  /// Adds `key` below `root` unless it is there. O(bytes of the key).
  mutating func insert(
    _ key: UnsafeRawBufferPointer, _ entry: MapEntry, under root: Slot
  ) -> (result: Inserted, node: Node?) {
    var slot = root
    var position = 0
    while true {
      let ref = slot.load()
      let rest = unsafe UnsafeRawBufferPointer(rebasing: key[position...])
      if ref == 0 {
        clearChildren()
        guard let leaf = unsafe makeNode(rest, entry: entry) else { return (.outOfMemory, nil) }
        slot.publish(leaf)
        return (.added, node(leaf))
      }
      let node = node(ref)
      let shape = node.shape
      let common = unsafe commonLength(node.prefix(shape), rest)
      if common < shape.prefixLength {
        return unsafe split(ref, at: common, in: slot, for: rest, entry)
      }
      position += common
      if position == key.count {
        if shape.hasEntry { return (.known, node) }
        takeChildren(of: node, shape)
        guard let copy = unsafe makeNode(node.prefix(shape), entry: entry) else { return (.outOfMemory, nil) }
        replace(ref, by: copy, in: slot)
        return (.added, self.node(copy))
      }
      let byte = unsafe key[position]
      position += 1
      if let index = node.childIndex(shape, for: byte) {
        slot = node.child(shape, at: index)
        continue
      }
      clearChildren()
      let tail = unsafe UnsafeRawBufferPointer(rebasing: key[position...])
      guard let leaf = unsafe makeNode(tail, entry: entry) else { return (.outOfMemory, nil) }
      takeChildren(of: node, shape)
      addChild(byte, leaf)
      let seen = shape.hasEntry ? node.entry(shape) : nil
      guard let copy = unsafe makeNode(node.prefix(shape), entry: seen) else {
        discard(leaf)
        return (.outOfMemory, nil)
      }
      replace(ref, by: copy, in: slot, carrying: seen)
      return (.added, self.node(leaf))
    }
  }

  /// The prefix of the node at `ref` agrees with `rest` for `common` bytes only: a new node takes these, with the
  /// old one's remainder and the rest of the key as children.
  private mutating func split(
    _ ref: UInt32, at common: Int, in slot: Slot, for rest: UnsafeRawBufferPointer, _ entry: MapEntry
  ) -> (result: Inserted, node: Node?) {
    let node = node(ref)
    let shape = node.shape
    let prefix = unsafe node.prefix(shape)
    let seen = shape.hasEntry ? node.entry(shape) : nil
    takeChildren(of: node, shape)
    let lowerPrefix = unsafe UnsafeRawBufferPointer(rebasing: prefix[(common + 1)...])
    guard let lower = unsafe makeNode(lowerPrefix, entry: seen) else { return (.outOfMemory, nil) }
    clearChildren()
    var leaf: UInt32 = 0
    if common < rest.count {
      let tail = unsafe UnsafeRawBufferPointer(rebasing: rest[(common + 1)...])
      guard let made = unsafe makeNode(tail, entry: entry) else {
        discard(lower)
        return (.outOfMemory, nil)
      }
      leaf = made
    }
    unsafe addChild(prefix[common], lower)
    if leaf != 0 { unsafe addChild(rest[common], leaf) }
    let upperPrefix = unsafe UnsafeRawBufferPointer(rebasing: prefix[..<common])
    guard let upper = unsafe makeNode(upperPrefix, entry: leaf == 0 ? entry : nil) else {
      discard(lower)
      if leaf != 0 { discard(leaf) }
      return (.outOfMemory, nil)
    }
    slot.publish(upper)
    if let seen { carry(from: node, to: self.node(lower), seen: seen) }
    retired.append(ref)
    return (.added, self.node(leaf == 0 ? upper : leaf))
  }

  // MARK: Removing

  /// Removes `key` from the published trie. O(bytes of the key).
  mutating func remove(_ key: UnsafeRawBufferPointer) -> Removed {
    var slot = memory.root
    var above: (slot: Slot, ref: UInt32, index: Int)?
    var position = 0
    while true {
      let ref = slot.load()
      if ref == 0 { return .unknown }
      let node = node(ref)
      let shape = node.shape
      let rest = unsafe UnsafeRawBufferPointer(rebasing: key[position...])
      if unsafe commonLength(node.prefix(shape), rest) < shape.prefixLength { return .unknown }
      position += shape.prefixLength
      if position == key.count {
        guard shape.hasEntry else { return .unknown }
        if shape.childCount == 0 { return removeLeaf(ref, in: slot, below: above) }
        takeChildren(of: node, shape)
        return shrink(ref, in: slot, entry: nil)
      }
      guard let index = unsafe node.childIndex(shape, for: key[position]) else { return .unknown }
      position += 1
      above = (slot, ref, index)
      slot = node.child(shape, at: index)
    }
  }

  private mutating func removeLeaf(
    _ leaf: UInt32, in slot: Slot, below above: (slot: Slot, ref: UInt32, index: Int)?
  ) -> Removed {
    guard let above else {
      slot.publish(0)
      retired.append(leaf)
      return .removed
    }
    let parent = node(above.ref)
    let shape = parent.shape
    takeChildren(of: parent, shape)
    childBytes.remove(at: above.index)
    childRefs.remove(at: above.index)
    let result = shrink(above.ref, in: above.slot, entry: shape.hasEntry ? parent.entry(shape) : nil)
    if result == .removed { retired.append(leaf) }
    return result
  }

  /// Replaces the node at `ref` by one with the children put together and `entry`; one that would only lead to a
  /// single child becomes one with it.
  private mutating func shrink(_ ref: UInt32, in slot: Slot, entry: MapEntry?) -> Removed {
    let node = node(ref)
    let prefix = unsafe node.prefix(node.shape)
    guard entry == nil, childRefs.count == 1 else {
      guard let copy = unsafe makeNode(prefix, entry: entry, forRemoval: true) else { return .outOfMemory }
      replace(ref, by: copy, in: slot, carrying: entry)
      return .removed
    }
    let (byte, childRef) = (childBytes[0], childRefs[0])
    let child = self.node(childRef)
    let shape = child.shape
    let seen = shape.hasEntry ? child.entry(shape) : nil
    takeChildren(of: child, shape)
    guard
      let merged = unsafe makeNode(prefix, byte, child.prefix(shape), entry: seen, forRemoval: true)
    else { return .outOfMemory }
    slot.publish(merged)
    if let seen { carry(from: child, to: self.node(merged), seen: seen) }
    retired.append(ref)
    retired.append(childRef)
    return .removed
  }

  // MARK: Nodes

  private mutating func clearChildren() {
    childBytes.removeAll(keepingCapacity: true)
    childRefs.removeAll(keepingCapacity: true)
  }

  private mutating func takeChildren(of node: Node, _ shape: Node.Shape) {
    clearChildren()
    var byte = -1
    while let (index, key) = node.firstChild(shape, above: byte) {
      childBytes.append(key)
      childRefs.append(node.child(shape, at: index).load())
      byte = Int(key)
    }
  }

  private mutating func addChild(_ byte: UInt8, _ ref: UInt32) {
    let index = childBytes.firstIndex { $0 > byte } ?? childBytes.count
    childBytes.insert(byte, at: index)
    childRefs.insert(ref, at: index)
  }

  /// A node that nobody sees yet, with `prefix` (then `byte` and `more`), `entry` and the children that are put
  /// together. Nil when the memory's limit is reached.
  private mutating func makeNode(
    _ prefix: UnsafeRawBufferPointer, _ byte: UInt8? = nil, _ more: UnsafeRawBufferPointer? = nil,
    entry: MapEntry?, forRemoval: Bool = false
  ) -> UInt32? {
    let (bytes, refs) = (childBytes, childRefs)
    return unsafe Trie.makeNode(
      &allocator, prefix, byte, more, bytes.span, refs.span, entry: entry, forRemoval: forRemoval)
  }

  /// As above, with the children given: for building aside.
  mutating func makeNode(
    _ prefix: UnsafeRawBufferPointer, _ bytes: Span<UInt8>, _ refs: Span<UInt32>, entry: MapEntry?
  ) -> UInt32? {
    unsafe Trie.makeNode(&allocator, prefix, nil, nil, bytes, refs, entry: entry, forRemoval: false)
  }

  private static func makeNode(
    _ allocator: inout Allocator, _ prefix: UnsafeRawBufferPointer, _ byte: UInt8?,
    _ more: UnsafeRawBufferPointer?, _ bytes: Span<UInt8>, _ refs: Span<UInt32>, entry: MapEntry?,
    forRemoval: Bool
  ) -> UInt32? {
    let moreCount = unsafe more?.count ?? 0
    let prefixLength = prefix.count + (byte == nil ? 0 : 1) + moreCount
    let shape = Node.Shape(prefixLength: prefixLength, childCount: refs.count, hasEntry: entry != nil)
    guard prefixLength <= Node.longestPrefix,
      let ref = allocator.allocate(shape.size, forRemoval: forRemoval)
    else { return nil }
    let node = unsafe Node(ref, in: allocator.memory.base)
    node.start(shape)
    unsafe node.setPrefix(prefix, at: 0)
    if let byte { node.setPrefix(byte: byte, at: prefix.count) }
    if let more = unsafe more { unsafe node.setPrefix(more, at: prefixLength - more.count) }
    node.setChildren(shape, bytes, refs)
    if let entry { node.setEntry(shape, entry) }
    return ref
  }

  /// Gives back a node that was never published.
  mutating func discard(_ ref: UInt32) {
    let size = node(ref).shape.size
    allocator.free(ref, size)
  }

  /// Publishes `new` in place of `old`, which may be in readers' hands.
  private mutating func replace(_ old: UInt32, by new: UInt32, in slot: Slot, carrying seen: MapEntry? = nil)
  {
    slot.publish(new)
    if let seen { carry(from: node(old), to: node(new), seen: seen) }
    retired.append(old)
  }

  /// A visit may have been counted in the old node between its copying (`seen`) and the publishing of the new one:
  /// it is counted in the new one too. What a reader that is still in the old node counts after this is lost.
  private func carry(from old: Node, to new: Node, seen: MapEntry) {
    let late = old.entry(old.shape)
    guard late.hits != seen.hits || late.lastUsedAt != seen.lastUsedAt else { return }
    new.countVisits(new.shape, late.hits &- seen.hits, at: late.lastUsedAt)
  }

  private func commonLength(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int {
    let limit = min(a.count, b.count)
    var length = 0
    while unsafe length < limit && a[length] == b[length] { length += 1 }
    return length
  }

  // MARK: Memory

  /// Makes way for a whole trie that was built aside: publishes `root` and retires all that was there.
  mutating func replaceAll(by root: UInt32) {
    let old = memory.root.load()
    memory.root.publish(root)
    retireAll(below: old)
  }

  /// Retires a whole trie that is no longer published, or never was. O(its nodes).
  mutating func retireAll(below root: UInt32) {
    var stack = root == 0 ? [] : [root]
    while let ref = stack.popLast() {
      let node = node(ref)
      let shape = node.shape
      for index in 0..<shape.childCount { stack.append(node.child(shape, at: index).load()) }
      retired.append(ref)
    }
  }

  /// Whether cells wait for readers to leave.
  var hasRetired: Bool { !retired.isEmpty || !waiting.isEmpty }

  /// Gives back the cells that no reader can be in any more. Never waits: what a reader still holds is left for
  /// the next time.
  mutating func reclaim() {
    if !waiting.isEmpty { freeWaiting() }
    guard waiting.isEmpty, !retired.isEmpty else { return }
    swap(&waiting, &retired)
    epoch += 1
    unsafe memory.epoch.pointee.store(epoch, ordering: .sequentiallyConsistent)
    freeWaiting()
  }

  private mutating func freeWaiting() {
    guard readers.allHaveLeft(epoch - 1) else { return }
    for ref in waiting { discard(ref) }
    // After the retirement of a whole trie the list itself would be a burden.
    waiting.removeAll(keepingCapacity: waiting.count < 1 << 16)
  }
}
