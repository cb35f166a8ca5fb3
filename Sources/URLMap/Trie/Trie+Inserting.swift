extension Trie {
  /// Adds `key` below `root` unless it is there. O(bytes of the key).
  mutating func insert(_ key: UnsafeRawBufferPointer, _ entry: MapEntry, under root: Slot) -> Inserted {
    var slot = root
    var above: (slot: Slot, ref: NodeRef, index: Int)?
    var rest = unsafe key
    while true {
      let ref = slot.load()
      if ref == .none {
        guard let leaf = unsafe allocator.makeNode(rest, .none, entry: entry) else { return .outOfMemory }
        slot.publish(leaf)
        return .added
      }
      let node = node(ref)
      let shape = node.shape
      let common = unsafe commonLength(node.prefix(shape), rest)
      if shape.isBucket {
        return unsafe insert(rest, entry, intoBucket: ref, common: common, in: slot, below: above)
      }
      if common == 0, let above { return unsafe addLeaf(rest, entry, beside: ref, below: above) }
      if common < shape.prefixLength {
        return unsafe split(ref, at: common, in: slot, for: rest, entry)
      }
      unsafe rest = UnsafeRawBufferPointer(rebasing: rest[common...])
      guard let byte = unsafe rest.first else {
        if shape.hasEntry { return .known(node.cell(shape)) }
        children.take(from: node, shape)
        return unsafe replaceBranch(ref, in: slot, node.prefix(shape), entry: entry) ? .added : .outOfMemory
      }
      let index = node.childIndex(shape, for: byte)
      above = (slot, ref, index)
      slot = node.child(shape, at: index)
    }
  }

  /// A branch stands where `rest` would belong, and its keys begin with another byte: a leaf comes beside it.
  private mutating func addLeaf(
    _ rest: UnsafeRawBufferPointer, _ entry: MapEntry, beside branch: NodeRef,
    below above: (slot: Slot, ref: NodeRef, index: Int)
  ) -> Inserted {
    let (parent, branch) = (node(above.ref), node(branch))
    let shape = parent.shape
    guard let byte = unsafe rest.first, let other = unsafe branch.prefix(branch.shape).first,
      let leaf = unsafe allocator.makeNode(rest, .none, entry: entry)
    else { return .outOfMemory }
    children.take(from: parent, shape)
    if byte > other {
      children.insert(byte, leaf, at: above.index + 1)
    } else {
      let lowest = children.bytes[above.index]
      children.setByte(other, at: above.index)
      children.insert(min(lowest, byte), leaf, at: above.index)
    }
    let seen = shape.hasEntry ? parent.cell(shape).entry : nil
    guard unsafe replaceBranch(above.ref, in: above.slot, parent.prefix(shape), entry: seen) else {
      allocator.freeTree(leaf)
      return .outOfMemory
    }
    return .added
  }

  /// Puts a branch with `prefix`, `entry` and the children that are put together in place of the one at `ref`. False
  /// without memory.
  mutating func replaceBranch(
    _ ref: NodeRef, in slot: Slot, _ prefix: UnsafeRawBufferPointer, entry: MapEntry?,
    forRemoval: Bool = false
  ) -> Bool {
    guard
      let copy = unsafe allocator.makeNode(
        prefix, .none, children, entry: entry, forRemoval: forRemoval)
    else { return false }
    replace(ref, by: copy, in: slot)
    let (old, new) = (node(ref), node(copy))
    if let entry, old.shape.hasEntry {
      carryVisits(from: old.cell(old.shape), seen: entry, to: new.cell(new.shape))
    }
    return true
  }

  /// Adds the URL that `rest` is from the slot on, of which the bucket's prefix has the first `common` bytes.
  private mutating func insert(
    _ rest: UnsafeRawBufferPointer, _ entry: MapEntry, intoBucket ref: NodeRef, common: Int, in slot: Slot,
    below above: (slot: Slot, ref: NodeRef, index: Int)?
  ) -> Inserted {
    let bucket = Bucket(node(ref))
    let prefix = unsafe bucket.prefix
    let tail = unsafe UnsafeRawBufferPointer(rebasing: rest[common...])
    if common == prefix.count, let known = unsafe bucket.find(tail) { return .known(known) }
    let lead = unsafe UnsafeRawBufferPointer(rebasing: prefix[common...])
    let place = unsafe bucket.place(of: tail, lead: lead)
    items.removeAll()
    unsafe bucket.append(0..<place, to: &items, lead: lead)
    unsafe items.append(tail, .none, entry)
    unsafe bucket.append(place..<bucket.count, to: &items, lead: lead)
    if common == 0, let above, !items.fitBlock(0..<items.count, depth: 0) {
      return divide(ref, at: place, below: above) ? .added : .outOfMemory
    }
    let head = unsafe UnsafeRawBufferPointer(rebasing: rest[..<common])
    return unsafe replaceBucket(ref, in: slot, head: head, .addition(at: place)) ? .added : .outOfMemory
  }

  /// Puts several children of the branch above into the place of a bucket with an item too many, whose items have not
  /// even their first byte in common. False without memory.
  private mutating func divide(
    _ bucket: NodeRef, at place: Int, below above: (slot: Slot, ref: NodeRef, index: Int)
  ) -> Bool {
    let all = 0..<items.count
    var parts = Children()
    guard allocator.addChildren(items, all, depth: 0, most: (all.count + 1) / 2, to: &parts) else {
      for ref in parts.refs { allocator.freeTree(ref) }
      return false
    }
    let parent = node(above.ref)
    let shape = parent.shape
    children.take(from: parent, shape)
    children.replace(at: above.index, with: parts)
    let seen = shape.hasEntry ? parent.cell(shape).entry : nil
    guard unsafe replaceBranch(above.ref, in: above.slot, parent.prefix(shape), entry: seen) else {
      for ref in parts.refs { allocator.freeTree(ref) }
      return false
    }
    retire(bucket)
    unsafe carryVisits(
      from: Bucket(node(bucket)), to: above.slot.load(), head: parent.prefix(shape), .addition(at: place))
    return true
  }

  /// The branch at `ref` agrees with `rest` for `common` bytes only: a new one takes these, with the old one's remainder
  /// and the rest of the key as children.
  private mutating func split(
    _ ref: NodeRef, at common: Int, in slot: Slot, for rest: UnsafeRawBufferPointer, _ entry: MapEntry
  ) -> Inserted {
    let node = node(ref)
    let shape = node.shape
    let prefix = unsafe node.prefix(shape)
    let seen = shape.hasEntry ? node.cell(shape).entry : nil
    children.take(from: node, shape)
    let lowerPrefix = unsafe UnsafeRawBufferPointer(rebasing: prefix[common...])
    guard
      let lower = unsafe allocator.makeNode(
        lowerPrefix, .none, children, entry: seen)
    else { return .outOfMemory }
    children.removeAll()
    unsafe children.append(prefix[common], lower)
    var leaf: NodeRef?
    if common < rest.count {
      let tail = unsafe UnsafeRawBufferPointer(rebasing: rest[common...])
      leaf = unsafe allocator.makeNode(tail, .none, entry: entry)
      guard let leaf else {
        allocator.free(lower)
        return .outOfMemory
      }
      unsafe children.insert(rest[common], leaf, at: rest[common] > prefix[common] ? 1 : 0)
    }
    let upperPrefix = unsafe UnsafeRawBufferPointer(rebasing: prefix[..<common])
    guard
      let upper = unsafe allocator.makeNode(
        upperPrefix, .none, children, entry: leaf == nil ? entry : nil)
    else {
      allocator.free(lower)
      if let leaf { allocator.freeTree(leaf) }
      return .outOfMemory
    }
    replace(ref, by: upper, in: slot)
    if let seen {
      let copy = self.node(lower)
      carryVisits(from: node.cell(shape), seen: seen, to: copy.cell(copy.shape))
    }
    return .added
  }
}
