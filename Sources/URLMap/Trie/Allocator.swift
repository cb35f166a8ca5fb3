/// Hands out the arena's cells and takes them back. The writer's own: no other thread uses it.
///
/// Blocks begin at a line of the processor's cache and are whole lines long, which keeps their look-ups to few lines.
/// Branches and leaves stand closely, in pages of their own: all of them together should stay in the caches.
///
/// A request takes a free cell of its size, else splits a larger one, else takes fresh memory at the end, which is always
/// at a line.
struct Allocator: ~Copyable {
  /// Removals need a little memory before they give some back, so learning leaves them this much.
  private static let keptForRemovalBytes = 256 << 10

  /// More than the changes take that one caller of `learn` applies.
  private static let atHandBytes = 256 << 10
  /// How much the branches and leaves get at a time.
  private static let nodePageBytes = 4096

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
    if let offset = nodes.take(cell) { return NodeRef(nodeAt: offset) }
    let page = FreeLines.cellBytes(for: max(cell, Allocator.nodePageBytes))
    if let offset = blocks.take(page) ?? takeFresh(page, forRemoval: forRemoval) {
      nodes.put(offset, page)
    } else {
      // The last resort: lines that no block needs.
      while let (offset, bytes) = blocks.takeAny() {
        nodes.put(offset, bytes)
        if bytes >= cell { break }
      }
    }
    return nodes.take(cell).map { NodeRef(nodeAt: $0) }
  }

  /// A cell for a block of `bytes`, or nil when the memory's limit is reached.
  mutating func allocateBlock(_ bytes: Int, forRemoval: Bool) -> NodeRef? {
    let cell = FreeLines.cellBytes(for: bytes)
    guard let offset = blocks.take(cell) ?? takeFresh(cell, forRemoval: forRemoval) else { return nil }
    return NodeRef(blockAt: offset, bytes: bytes)
  }

  private mutating func takeFresh(_ bytes: Int, forRemoval: Bool) -> Int? {
    let limit = forRemoval ? limitBytes : limitBytes - Allocator.keptForRemovalBytes
    guard touchedBytes + bytes <= limit else { return nil }
    while touchedBytes + bytes > usableBytes {
      guard addStep() else { return nil }
    }
    defer { touchedBytes += bytes }
    return touchedBytes
  }

  // MARK: Growing

  /// Whether a few changes find fresh memory without asking the system for it, which can take milliseconds: the kernel
  /// clears whole huge pages, and may first have to put them together.
  var hasRoomAtHand: Bool {
    usableBytes - touchedBytes >= Allocator.atHandBytes || usableBytes >= limitBytes
  }

  /// Asks the system for memory before it is needed. For a thread that nobody waits for.
  mutating func makeRoom() {
    guard usableBytes - touchedBytes < 2 * Allocator.atHandBytes, usableBytes < limitBytes else { return }
    let start = usableBytes
    if addStep() { memory.populate(from: start, to: usableBytes) }
  }

  private mutating func addStep() -> Bool {
    guard memory.makeUsable(from: usableBytes, to: usableBytes + ArenaMemory.stepBytes) else { return false }
    usableBytes += ArenaMemory.stepBytes
    return true
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
