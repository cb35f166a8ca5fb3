/// The name of a node: where in the arena it lies, and whether it is a block, so that a look-up knows before it reads it.
///
/// ```
///   0 │ 31 bits: the place, in units of four bytes             a branch or a leaf; all zero: none
///   1 │ 4 bits: lines │ 27 bits: the place, in lines of 64      a block; its length in lines, 15 for that and more
/// ```
struct NodeRef: Equatable, Sendable {
  /// What is stored where a parent names its child.
  let bits: UInt32

  /// No node.
  static let none = NodeRef(bits: 0)
  /// The bytes that a place can name: 8 GiB.
  static let largestBytes = 1 << 33

  private static let blockBit: UInt32 = 1 << 31
  private static let lineBits: UInt32 = 27
  private static let mostLines = 15

  @inline(__always)
  init(bits: UInt32) {
    self.bits = bits
  }

  /// A branch or a leaf at `offset`, a multiple of four.
  init(nodeAt offset: Int) {
    bits = UInt32(truncatingIfNeeded: offset / ArenaMemory.unitBytes)
  }

  /// A block of `bytes` bytes at `offset`, a multiple of 64.
  init(blockAt offset: Int, bytes: Int) {
    let lines = min((bytes + ArenaMemory.lineBytes - 1) / ArenaMemory.lineBytes, NodeRef.mostLines)
    bits =
      NodeRef.blockBit | UInt32(truncatingIfNeeded: lines) << NodeRef.lineBits
      | UInt32(truncatingIfNeeded: offset / ArenaMemory.lineBytes)
  }

  @inline(__always)
  var isBlock: Bool { bits >= NodeRef.blockBit }

  /// Bytes from the arena's start.
  @inline(__always)
  var offset: Int {
    isBlock
      ? Int(bits & (1 &<< NodeRef.lineBits &- 1)) &* ArenaMemory.lineBytes
      : Int(bits) &* ArenaMemory.unitBytes
  }

  /// How many lines of a block are worth fetching together.
  @inline(__always)
  var lines: Int { Int(bits &>> NodeRef.lineBits & 15) }
}
