/// A leaf or a block, as one that holds URLs: the writer's view of the end of the way down.
struct Bucket {
  private enum Kind {
    case leaf(EntryCell)
    case block(Block)
  }

  private let node: Node
  private let shape: Node.Shape
  private let kind: Kind

  /// - Parameter node: a leaf or a block.
  init(_ node: Node) {
    self.node = node
    shape = node.shape
    kind = shape.isBlock ? .block(Block(node, shape)) : .leaf(node.cell(shape))
  }

  var prefix: UnsafeRawBufferPointer { unsafe node.prefix(shape) }

  var count: Int {
    switch kind {
    case .leaf: 1
    case .block(let block): block.count
    }
  }

  func cell(at index: Int) -> EntryCell {
    switch kind {
    case .leaf(let cell): cell
    case .block(let block): block.cell(at: index)
    }
  }

  /// What the item at `index` has behind the prefix: nothing, in a leaf.
  private func suffix(at index: Int) -> UnsafeRawBufferPointer {
    switch kind {
    case .leaf: unsafe .none
    case .block(let block): unsafe block.suffix(at: index)
    }
  }

  /// The item with this suffix.
  func index(of suffix: UnsafeRawBufferPointer) -> Int? {
    switch kind {
    case .leaf: suffix.count == 0 ? 0 : nil
    case .block(let block):
      // A rebased slice of a key has an address even when it is empty.
      unsafe suffix.baseAddress.flatMap { unsafe block.index(of: $0, suffix.count) }
    }
  }

  func find(_ suffix: UnsafeRawBufferPointer) -> EntryCell? {
    unsafe index(of: suffix).map { cell(at: $0) }
  }

  /// Where a new item belongs whose bytes are `tail`, when those that are there begin with `lead` (of which `tail` has not
  /// even the first byte in common) or, without one, have the prefix in common with it.
  func place(of tail: UnsafeRawBufferPointer, lead: UnsafeRawBufferPointer) -> Int {
    if let first = unsafe lead.first {
      return unsafe tail.first ?? 0 < first ? 0 : count
    }
    switch kind {
    case .leaf: return tail.count == 0 ? 0 : 1
    case .block(let block): return unsafe block.firstIndex(notBelow: tail)
    }
  }

  /// Appends the items of `range`, each behind `lead`, with what is known of them now.
  func append(_ range: Range<Int>, to items: inout BucketItems, lead: UnsafeRawBufferPointer) {
    for index in range {
      unsafe items.append(lead, suffix(at: index), cell(at: index).entry)
    }
  }
}

/// In what the items put together differ from those of the bucket that they replace.
enum BucketChange {
  /// One is new.
  case addition(at: Int)
  /// One that stood at this place is missing.
  case removal(at: Int)
  /// They are the same, under a longer prefix, because the branch above them goes.
  case lift
}

extension Trie {
  /// Puts what the items that are put together need in place of the bucket at `ref`, with `head` before their bytes. False
  /// without memory.
  mutating func replaceBucket(
    _ ref: NodeRef, in slot: Slot, head: UnsafeRawBufferPointer, _ change: BucketChange
  ) -> Bool {
    let forRemoval =
      switch change {
      case .addition: false
      case .removal, .lift: true
      }
    guard
      let new = unsafe allocator.makeSubtree(
        items, 0..<items.count, skipping: 0, head: head, forRemoval: forRemoval)
    else { return false }
    replace(ref, by: new, in: slot)
    unsafe carryVisits(from: Bucket(node(ref)), to: new, head: head, change)
    return true
  }

  /// Counts in the new nodes what was counted in the old bucket meanwhile; `head` comes before the items' bytes from `new` on.
  func carryVisits(
    from old: Bucket, to new: NodeRef, head: UnsafeRawBufferPointer, _ change: BucketChange
  ) {
    for oldIndex in 0..<old.count {
      let index: Int
      switch change {
      case .addition(let place): index = oldIndex < place ? oldIndex : oldIndex + 1
      case .removal(let place):
        if oldIndex == place { continue }
        index = oldIndex < place ? oldIndex : oldIndex - 1
      case .lift: index = oldIndex
      }
      let item = items.items[index]
      carryVisits(
        from: old.cell(at: oldIndex), seen: item.entry, to: unsafe find(item, head: head, below: new))
    }
  }

  private func find(_ item: BucketItems.Item, head: UnsafeRawBufferPointer, below root: NodeRef) -> EntryCell?
  {
    let key = unsafe Array(head) + items.bytes[item.start..<item.end]
    return unsafe key.withUnsafeBytes { unsafe Trie.find($0, below: root, in: memory) }
  }
}
