/// A walk over a trie's entries in the order of their keys (bytes, a prefix before what it begins).
///
/// It holds nodes: while it is used, the epoch must stay pinned, or the user be the writer and change nothing.
/// For a longer walk, stop, keep `key`, and `seek` again.
struct TrieWalk {
  private struct Frame {
    let node: Node
    let shape: Node.Shape
    /// Bytes of the key up to the end of the node's prefix.
    let end: Int
    var entryIsNext: Bool
    /// The byte of the child that was visited last; -1 before the first.
    var byte: Int
  }

  private let memory: ArenaMemory
  private var stack: [Frame] = []
  /// The key of the entry that `next` returned last.
  private(set) var key: [UInt8] = []

  init(_ memory: ArenaMemory) {
    self.memory = memory
  }

  /// Goes to the first entry whose key is not below `start` (`after`: is above it). O(bytes of `start`).
  mutating func seek(_ start: Span<UInt8>, after: Bool) {
    stack.removeAll(keepingCapacity: true)
    key.removeAll(keepingCapacity: true)
    var ref = memory.root.load()
    var position = 0
    while ref != 0 {
      let node = unsafe Node(ref, in: memory.base)
      let shape = node.shape
      let prefix = unsafe node.prefix(shape)
      var common = 0
      while common < prefix.count, position + common < start.count,
        unsafe prefix[common] == start[position + common]
      {
        common += 1
      }
      if common < prefix.count {
        if position + common < start.count, unsafe prefix[common] < start[position + common] { return }
        push(node, shape, entryIsNext: true)
        return
      }
      position += common
      if position == start.count {
        push(node, shape, entryIsNext: !after)
        return
      }
      push(node, shape, entryIsNext: false)
      let byte = start[position]
      stack[stack.count - 1].byte = Int(byte)
      guard let index = node.childIndex(shape, for: byte) else { return }
      key.append(byte)
      position += 1
      ref = node.child(shape, at: index).load()
    }
  }

  /// The next entry's node, or nil at the end; `key` is then its key.
  mutating func next() -> (node: Node, shape: Node.Shape)? {
    while let last = stack.indices.last {
      let frame = stack[last]
      key.removeLast(key.count - frame.end)
      if frame.entryIsNext {
        stack[last].entryIsNext = false
        if frame.shape.hasEntry { return (frame.node, frame.shape) }
      }
      guard let (index, byte) = frame.node.firstChild(frame.shape, above: frame.byte) else {
        stack.removeLast()
        continue
      }
      stack[last].byte = Int(byte)
      key.append(byte)
      let ref = frame.node.child(frame.shape, at: index).load()
      let node = unsafe Node(ref, in: memory.base)
      push(node, node.shape, entryIsNext: true)
    }
    return nil
  }

  private mutating func push(_ node: Node, _ shape: Node.Shape, entryIsNext: Bool) {
    unsafe key.append(contentsOf: node.prefix(shape))
    stack.append(Frame(node: node, shape: shape, end: key.count, entryIsNext: entryIsNext, byte: -1))
  }
}
