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
    var next: Next
  }

  /// What of a node comes next.
  private enum Next {
    /// Its own entry, then its children.
    case entry
    case child(Int)
    /// The item of a block.
    case item(Int)
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
    while ref != .none {
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
        return push(node, shape, TrieWalk.first(shape))
      }
      position += common
      if shape.isBlock {
        let rest = start.extracting(position...)
        let index = unsafe rest.withUnsafeBytes {
          unsafe Block(node, shape).firstIndex(notBelow: $0, after: after)
        }
        return push(node, shape, .item(index))
      }
      if position == start.count { return push(node, shape, after ? .child(0) : .entry) }
      guard shape.childCount > 0 else { return }
      let index = node.childIndex(shape, for: start[position])
      push(node, shape, .child(index + 1))
      ref = node.child(shape, at: index).load()
    }
  }

  /// The next entry, or nil at the end; `key` is then its key.
  mutating func next() -> EntryCell? {
    while let last = stack.indices.last {
      let frame = stack[last]
      key.removeLast(key.count - frame.end)
      switch frame.next {
      case .entry:
        stack[last].next = .child(0)
        if frame.shape.hasEntry { return frame.node.cell(frame.shape) }
      case .child(let index):
        guard index < frame.shape.childCount else {
          stack.removeLast()
          continue
        }
        stack[last].next = .child(index + 1)
        let ref = frame.node.child(frame.shape, at: index).load()
        let node = unsafe Node(ref, in: memory.base)
        let shape = node.shape
        push(node, shape, TrieWalk.first(shape))
      case .item(let index):
        let block = Block(frame.node, frame.shape)
        guard index < block.count else {
          stack.removeLast()
          continue
        }
        stack[last].next = .item(index + 1)
        unsafe key.append(contentsOf: block.suffix(at: index))
        return block.cell(at: index)
      }
    }
    return nil
  }

  private static func first(_ shape: Node.Shape) -> Next {
    shape.isBlock ? .item(0) : .entry
  }

  private mutating func push(_ node: Node, _ shape: Node.Shape, _ next: Next) {
    unsafe key.append(contentsOf: node.prefix(shape))
    stack.append(Frame(node: node, shape: shape, end: key.count, next: next))
  }
}
