/// Nodes that nobody sees yet: written into cells of their own, to be published, or given back. All return nil when the
/// memory's limit is reached; nothing is left behind then. A prefix is given in two parts, of which any may be empty.
extension Allocator {
  /// A leaf (no children), or a branch with the children from `firstChild` on.
  mutating func makeNode(
    _ head: UnsafeRawBufferPointer, _ tail: UnsafeRawBufferPointer, _ children: Children = Children(),
    from firstChild: Int = 0, entry: MapEntry?, forRemoval: Bool = false
  ) -> NodeRef? {
    let shape = Node.Shape(
      prefixLength: head.count + tail.count, childCount: children.count - firstChild, hasEntry: entry != nil)
    guard shape.prefixLength <= Node.longestPrefix,
      let ref = allocateNode(shape.branchSize, forRemoval: forRemoval)
    else { return nil }
    let node = unsafe Node(ref, in: memory.base)
    node.start(shape)
    unsafe node.setPrefix(head, at: 0)
    unsafe node.setPrefix(tail, at: head.count)
    node.setChildren(
      shape, children.bytes.span.extracting(firstChild...), children.refs.span.extracting(firstChild...))
    if let entry { node.cell(shape).start(entry) }
    return ref
  }

  /// What the items of `range` need, without their first `skipped` bytes, which they have in common: a leaf, a block, or
  /// a branch above several of those. `head` comes before their bytes in the topmost prefix.
  ///
  /// Recurses once for each level of branches, each of which has more than one child or an entry: never deeper than there
  /// are items, which are a block's and one more.
  mutating func makeSubtree(
    _ list: BucketItems, _ range: Range<Int>, skipping skipped: Int, head: UnsafeRawBufferPointer,
    forRemoval: Bool = false
  ) -> NodeRef? {
    let first = list.items[range.lowerBound]
    let depth = range.count == 1 ? first.length : list.common(range)
    let prefix = list.bytes.span.extracting(first.start + skipped..<first.start + depth)
    // Bytes have no padding, and the list is not changed while they are used.
    return unsafe prefix.withUnsafeBytes { tail in
      if range.count == 1 {
        return unsafe makeNode(head, tail, entry: first.entry, forRemoval: forRemoval)
      }
      if list.fitBlock(range, depth: depth) {
        return unsafe makeBlock(list, range, depth: depth, head, tail, forRemoval: forRemoval)
      }
      return unsafe makeBranch(list, range, depth: depth, head, tail, forRemoval: forRemoval)
    }
  }

  private mutating func makeBlock(
    _ list: BucketItems, _ range: Range<Int>, depth: Int, _ head: UnsafeRawBufferPointer,
    _ tail: UnsafeRawBufferPointer, forRemoval: Bool
  ) -> NodeRef? {
    let shape = Node.Shape(prefixLength: head.count + tail.count, childCount: range.count, isBlock: true)
    let units = range.reduce(0) { $0 + Block.units(suffixBytes: list.items[$1].length - depth) }
    let size = Block.size(prefixLength: shape.prefixLength, count: range.count, units: units)
    guard shape.prefixLength <= Node.longestPrefix, let ref = allocateBlock(size, forRemoval: forRemoval)
    else {
      return nil
    }
    let node = unsafe Node(ref, in: memory.base)
    node.start(shape)
    unsafe node.setPrefix(head, at: 0)
    unsafe node.setPrefix(tail, at: head.count)
    let block = Block(node, shape)
    unsafe list.bytes.withUnsafeBytes { bytes in
      for index in range {
        let item = list.items[index]
        unsafe block.setItem(
          index - range.lowerBound, UnsafeRawBufferPointer(rebasing: bytes[(item.start + depth)..<item.end]),
          item.entry)
      }
    }
    return ref
  }

  private mutating func makeBranch(
    _ list: BucketItems, _ range: Range<Int>, depth: Int, _ head: UnsafeRawBufferPointer,
    _ tail: UnsafeRawBufferPointer, forRemoval: Bool
  ) -> NodeRef? {
    var children = Children()
    var rest = range
    var entry: MapEntry?
    if list.items[rest.lowerBound].length == depth {
      entry = list.items[rest.lowerBound].entry
      rest = rest.dropFirst()
    }
    // Halves: both have room for what comes next.
    let most = (rest.count + 1) / 2
    guard addChildren(list, rest, depth: depth, most: most, to: &children, forRemoval: forRemoval),
      let ref = unsafe makeNode(head, tail, children, entry: entry, forRemoval: forRemoval)
    else {
      for ref in children.refs { freeTree(ref) }
      return nil
    }
    return ref
  }

  /// Makes the children that the items of `range` need, which part `depth` bytes in: whole groups of the same byte, as many
  /// in one block as fit and are not more than `most`. False without memory.
  mutating func addChildren(
    _ list: BucketItems, _ range: Range<Int>, depth: Int, most: Int, to children: inout Children,
    forRemoval: Bool = false
  ) -> Bool {
    var first = range.lowerBound
    while first < range.upperBound {
      let run = list.run(from: first, below: range.upperBound, depth: depth, most: most)
      guard
        let ref = unsafe makeSubtree(list, run, skipping: depth, head: .none, forRemoval: forRemoval)
      else { return false }
      children.append(list.bytes[list.items[first].start + depth], ref)
      first = run.upperBound
    }
    return true
  }

  /// Gives back a whole subtree that was never published, or that nobody can reach any more.
  mutating func freeTree(_ root: NodeRef) {
    var stack = root == .none ? [] : [root]
    while let ref = stack.popLast() {
      let node = unsafe Node(ref, in: memory.base)
      let shape = node.shape
      if !shape.isBlock {
        for index in 0..<shape.childCount { stack.append(node.child(shape, at: index).load()) }
      }
      free(ref)
    }
  }
}

/// The children of a branch while they are put together, in the order of their bytes.
struct Children {
  private(set) var bytes: [UInt8] = []
  private(set) var refs: [NodeRef] = []

  var count: Int { refs.count }

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    refs.removeAll(keepingCapacity: true)
  }

  mutating func removeAll(from first: Int) {
    bytes.removeLast(bytes.count - first)
    refs.removeLast(refs.count - first)
  }

  /// Takes all children of a branch instead of those so far.
  mutating func take(from node: Node, _ shape: Node.Shape) {
    removeAll()
    node.appendChildBytes(shape, to: &bytes)
    for index in 0..<shape.childCount { refs.append(node.child(shape, at: index).load()) }
  }

  mutating func append(_ byte: UInt8, _ ref: NodeRef) {
    bytes.append(byte)
    refs.append(ref)
  }

  mutating func insert(_ byte: UInt8, _ ref: NodeRef, at index: Int) {
    bytes.insert(byte, at: index)
    refs.insert(ref, at: index)
  }

  /// Says from which byte on the child at `index` has the keys.
  mutating func setByte(_ byte: UInt8, at index: Int) {
    bytes[index] = byte
  }

  /// Puts other children into the place of the one at `index`, whose lowest byte the first of them gets.
  mutating func replace(at index: Int, with others: Children) {
    let lowest = bytes[index]
    bytes.replaceSubrange(index...index, with: others.bytes)
    refs.replaceSubrange(index...index, with: others.refs)
    bytes[index] = min(lowest, bytes[index])
  }

  mutating func remove(at index: Int) {
    bytes.remove(at: index)
    refs.remove(at: index)
  }
}

extension UnsafeRawBufferPointer {
  /// No bytes.
  static var none: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
}
