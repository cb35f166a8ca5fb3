import CPrefetch
import Glibc

/// The trie, as its one writer sees it: branches above blocks and leaves.
///
/// A change never alters a node that readers may be in: it writes a new one beside it, publishes that with one
/// store into the parent's reference, and retires the old one. Only references and entries change in place.
/// A branch without an entry has at least two children, so there are never more branches than entries. What is deep is
/// walked in a loop.
///
/// A map that has shrunk keeps its branches above ever smaller blocks; they join again when it is loaded the next time.
struct Trie: ~Copyable {
  enum Inserted {
    case added
    /// The key was there already: what is known of it.
    case known(EntryCell)
    /// The memory's limit is reached; nothing was changed.
    case outOfMemory
  }

  enum Removed: Equatable {
    case removed
    case unknown
    case outOfMemory
  }

  let memory: ArenaMemory
  var allocator: Allocator
  private let readers: ReaderRegistry
  private var epoch: UInt64 = 1
  /// Unlinked since the epoch last advanced.
  private var retired: [NodeRef] = []
  /// Unlinked before that; free as soon as the readers of `epoch - 1` have left.
  private var waiting: [NodeRef] = []
  // Room to put nodes together in.
  var children = Children()
  var items = BucketItems()

  init(_ memory: ArenaMemory, _ readers: ReaderRegistry) {
    self.memory = memory
    self.readers = readers
    allocator = Allocator(memory)
    unsafe memory.epoch.pointee.store(epoch, ordering: .sequentiallyConsistent)
  }

  @inline(__always)
  func node(_ ref: NodeRef) -> Node {
    unsafe Node(ref, in: memory.base)
  }

  /// What is known of `key`, if anything. O(bytes of the key). Readers must be pinned.
  @inline(__always)
  static func find(_ key: UnsafeRawBufferPointer, in memory: ArenaMemory) -> EntryCell? {
    unsafe find(key, below: memory.root.load(), in: memory)
  }

  /// As above, of the subtree at `root`.
  @inline(__always)
  static func find(_ key: UnsafeRawBufferPointer, below root: NodeRef, in memory: ArenaMemory) -> EntryCell? {
    guard var bytes = key.baseAddress else { return nil }
    var remaining = key.count
    let base = unsafe memory.base
    var ref = root
    while ref != .none {
      let node = unsafe Node(ref, in: base)
      let shape = node.shape
      guard unsafe node.prefixMatches(shape, bytes, remaining: remaining) else { return nil }
      unsafe bytes += shape.prefixLength
      remaining &-= shape.prefixLength
      if shape.isBlock {
        let block = Block(node, shape)
        guard let index = unsafe block.index(of: bytes, remaining) else { return nil }
        return block.cell(at: index)
      }
      if remaining == 0 { return shape.hasEntry ? node.cell(shape) : nil }
      if shape.childCount == 0 { return nil }
      let index = unsafe node.childIndex(shape, for: bytes.load(as: UInt8.self))
      ref = node.child(shape, at: index).load()
      if ref.isBlock { unsafe fetch(ref, in: base) }
    }
    return nil
  }

  /// Asks for all lines of a block at once: to wait for one after the other would take three times as long.
  @inline(__always)
  private static func fetch(_ block: NodeRef, in base: UnsafeMutableRawPointer) {
    let start = unsafe base + block.offset
    for line in 0..<block.lines { unsafe prefetch_line(start + line &* ArenaMemory.lineBytes) }
  }

  // MARK: Replacing

  /// Publishes `new` in place of `old`, which may be in readers' hands.
  mutating func replace(_ old: NodeRef, by new: NodeRef, in slot: Slot) {
    slot.publish(new)
    retire(old)
  }

  mutating func retire(_ ref: NodeRef) {
    retired.append(ref)
  }

  /// A visit may have been counted in an old cell between its copying (`seen`) and the publishing of the new node: it is
  /// counted in the new one too, a moment after readers see that. What a reader that is still in the old node counts after
  /// this is lost.
  func carryVisits(from old: EntryCell, seen: MapEntry, to new: @autoclosure () -> EntryCell?) {
    let late = old.entry
    guard late.hits != seen.hits || late.lastUsedAt != seen.lastUsedAt else { return }
    // Fewer than before: a reader that was stopped between its load and its store.
    new()?.countVisits(late.hits > seen.hits ? late.hits - seen.hits : 0, at: late.lastUsedAt)
  }

  // MARK: Memory

  /// Makes way for a whole trie that was built aside: publishes `root` and retires all that was there.
  mutating func replaceAll(by root: NodeRef) {
    let old = memory.root.load()
    memory.root.publish(root)
    retireAll(below: old)
  }

  /// Retires a whole trie that is no longer published. O(its nodes).
  private mutating func retireAll(below root: NodeRef) {
    var stack = root == .none ? [] : [root]
    while let ref = stack.popLast() {
      let node = node(ref)
      let shape = node.shape
      if !shape.isBlock {
        for index in 0..<shape.childCount { stack.append(node.child(shape, at: index).load()) }
      }
      retire(ref)
    }
  }

  /// Gives back cells that no reader can be in any more, up to `most` of them. Never waits: what a reader still holds is
  /// left for the next time.
  mutating func reclaim(atMost most: Int = .max) {
    if !waiting.isEmpty { freeWaiting(atMost: most) }
    guard waiting.isEmpty, !retired.isEmpty else { return }
    swap(&waiting, &retired)
    epoch += 1
    unsafe memory.epoch.pointee.store(epoch, ordering: .sequentiallyConsistent)
    freeWaiting(atMost: most)
  }

  private mutating func freeWaiting(atMost most: Int) {
    guard readers.allHaveLeft(epoch - 1) else { return }
    for ref in waiting.suffix(most) { allocator.free(ref) }
    waiting.removeLast(min(most, waiting.count))
    // After the retirement of a whole trie the list itself would be a burden.
    if waiting.isEmpty, waiting.capacity > 1 << 16 { waiting = [] }
  }
}
