/// Hands out the arena's cells and takes them back. The writer's own: no other thread uses it.
///
/// Blocks begin at a line of the processor's cache and are whole lines long, which keeps their look-ups to few lines.
/// Branches and leaves stand closely.
///
/// A request takes a free cell of its size, else splits a larger one, else takes fresh memory at the end.
struct Allocator: ~Copyable {
  /// Removals need a little memory before they give some back, so learning leaves them this much.
  private static let keptForRemovalBytes = 256 << 10

  let memory: ArenaMemory
  private var nodes: FreeCells
  private var blocks: FreeLines
  private var usableBytes: Int
  /// Bytes of the arena that have been handed out at some time: what the process pays for.
  private(set) var touchedBytes: Int

  init(_ memory: ArenaMemory) {
    self.memory = memory
    nodes = FreeCells(memory)
    blocks = FreeLines(memory)
    usableBytes = ArenaMemory.stepBytes
    touchedBytes = ArenaMemory.headerBytes
  }

  /// Bytes in cells that are handed out now (a retired cell counts until its last reader has left).
  var usedBytes: Int { touchedBytes - nodes.freeBytes - blocks.freeBytes }
  /// The most that may be handed out.
  var limitBytes: Int { memory.reservedBytes }

  // MARK: Handing out

  /// A cell for a branch or a leaf of `bytes`, or nil when the memory's limit is reached.
  mutating func allocateNode(_ bytes: Int, forRemoval: Bool) -> NodeRef? {
    let cell = FreeCells.cellBytes(for: bytes)
    if let offset = nodes.take(cell) ?? takeFresh(cell, forRemoval: forRemoval) {
      return NodeRef(nodeAt: offset)
    }
    // The last resort: lines that no block needs.
    while let (offset, bytes) = blocks.takeAny() {
      nodes.put(offset, bytes)
      if let offset = nodes.take(cell) { return NodeRef(nodeAt: offset) }
    }
    return nil
  }

  /// A cell for a block of `bytes`, or nil when the memory's limit is reached.
  mutating func allocateBlock(_ bytes: Int, forRemoval: Bool) -> NodeRef? {
    let cell = FreeLines.cellBytes(for: bytes)
    if let offset = blocks.take(cell) { return NodeRef(blockAt: offset, bytes: bytes) }
    var gap = -touchedBytes & (ArenaMemory.lineBytes - 1)
    // A gap that no node fits into would be lost.
    if gap > 0, gap < FreeCells.smallestBytes { gap += ArenaMemory.lineBytes }
    guard let offset = takeFresh(gap + cell, forRemoval: forRemoval) else { return nil }
    nodes.put(offset, gap)
    return NodeRef(blockAt: offset + gap, bytes: bytes)
  }

  private mutating func takeFresh(_ bytes: Int, forRemoval: Bool) -> Int? {
    let limit = forRemoval ? limitBytes : limitBytes - Allocator.keptForRemovalBytes
    guard touchedBytes + bytes <= limit else { return nil }
    while touchedBytes + bytes > usableBytes {
      guard memory.makeUsable(from: usableBytes, to: usableBytes + ArenaMemory.stepBytes) else { return nil }
      usableBytes += ArenaMemory.stepBytes
    }
    defer { touchedBytes += bytes }
    return touchedBytes
  }

  // MARK: Taking back

  /// Takes back the cell of a node that no reader can reach any more.
  mutating func free(_ ref: NodeRef) {
    let bytes = unsafe Node(ref, in: memory.base).size
    if ref.isBlock {
      blocks.put(ref.offset, FreeLines.cellBytes(for: bytes))
    } else {
      nodes.put(ref.offset, FreeCells.cellBytes(for: bytes))
    }
  }
}
