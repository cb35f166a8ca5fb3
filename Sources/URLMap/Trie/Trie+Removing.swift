extension Trie {
  /// Removes `key` from the published trie. O(bytes of the key).
  mutating func remove(_ key: UnsafeRawBufferPointer) -> Removed {
    var slot = memory.root
    var above: (slot: Slot, ref: NodeRef, index: Int)?
    var rest = unsafe key
    while true {
      let ref = slot.load()
      if ref == .none { return .unknown }
      let node = node(ref)
      let shape = node.shape
      if unsafe commonLength(node.prefix(shape), rest) < shape.prefixLength { return .unknown }
      unsafe rest = UnsafeRawBufferPointer(rebasing: rest[shape.prefixLength...])
      if shape.isBucket {
        let bucket = Bucket(node)
        guard let index = unsafe bucket.index(of: rest) else { return .unknown }
        if bucket.count == 1 { return removeBucket(ref, in: slot, below: above) }
        items.removeAll()
        unsafe bucket.append(0..<index, to: &items, lead: .none)
        unsafe bucket.append(index + 1..<bucket.count, to: &items, lead: .none)
        return unsafe replaceBucket(ref, in: slot, head: bucket.prefix, .removal(at: index))
          ? .removed : .outOfMemory
      }
      guard let byte = unsafe rest.first else {
        guard shape.hasEntry else { return .unknown }
        children.take(from: node, shape)
        return shrink(ref, in: slot, entry: nil)
      }
      let index = node.childIndex(shape, for: byte)
      above = (slot, ref, index)
      slot = node.child(shape, at: index)
    }
  }

  /// Takes a bucket away as a whole.
  private mutating func removeBucket(
    _ bucket: NodeRef, in slot: Slot, below above: (slot: Slot, ref: NodeRef, index: Int)?
  ) -> Removed {
    guard let above else {
      slot.publish(.none)
      retire(bucket)
      return .removed
    }
    let parent = node(above.ref)
    let shape = parent.shape
    children.take(from: parent, shape)
    children.remove(at: above.index)
    let result = shrink(above.ref, in: above.slot, entry: shape.hasEntry ? parent.cell(shape).entry : nil)
    if result == .removed { retire(bucket) }
    return result
  }

  /// Replaces the branch at `ref` by one with the children put together and `entry`; one that would only lead to a
  /// single child becomes one with it.
  private mutating func shrink(_ ref: NodeRef, in slot: Slot, entry: MapEntry?) -> Removed {
    let node = node(ref)
    let prefix = unsafe node.prefix(node.shape)
    guard entry == nil, children.count == 1 else {
      return unsafe replaceBranch(ref, in: slot, prefix, entry: entry, forRemoval: true)
        ? .removed : .outOfMemory
    }
    let childRef = children.refs[0]
    let merged =
      unsafe self.node(childRef).shape.isBucket
      ? lift(bucket: childRef, in: slot, head: prefix) : lift(branch: childRef, in: slot, head: prefix)
    guard merged else { return .outOfMemory }
    retire(ref)
    return .removed
  }

  /// Puts a copy of the bucket with a longer prefix into the place of the branch above it.
  private mutating func lift(bucket ref: NodeRef, in slot: Slot, head: UnsafeRawBufferPointer) -> Bool {
    let bucket = Bucket(node(ref))
    items.removeAll()
    unsafe bucket.append(0..<bucket.count, to: &items, lead: bucket.prefix)
    return unsafe replaceBucket(ref, in: slot, head: head, .lift)
  }

  private mutating func lift(branch ref: NodeRef, in slot: Slot, head: UnsafeRawBufferPointer) -> Bool {
    let node = node(ref)
    let shape = node.shape
    children.take(from: node, shape)
    let seen = shape.hasEntry ? node.cell(shape).entry : nil
    return unsafe (Array(head) + node.prefix(shape)).withUnsafeBytes { prefix in
      unsafe replaceBranch(ref, in: slot, prefix, entry: seen, forRemoval: true)
    }
  }
}
