import Glibc
import Synchronization

/// One node of the trie, where it lies in the arena: a branch, a leaf, or what a ``Block`` says of itself.
///
/// ```
///   "/noticias/2014/"                   a branch with a prefix, three children, no entry:
///        ├── '0' …'1'                   ┌──────┬─────────────────┬─────┬─┬─────┬─────┬─────┐
///        ├── '2' …'e'                   │header│ /noticias/2014/ │0 2 f│ │ ref │ ref │ ref │
///        └── 'f' …                      └──────┴─────────────────┴─────┴─┴─────┴─────┴─────┘
///                                        4      prefixLength      3   pad 4     4     4
///   "…/2014/" + "foto.html"             a leaf: no children, an entry:
///                                       ┌──────┬───────────┬─┬───────────┬────────────┬──────┐
///                                       │header│ foto.html │ │ learnedAt │ lastUsedAt │ hits │
///                                       └──────┴───────────┴─┴───────────┴────────────┴──────┘
///                                        4      prefix    pad 4           4            4
/// ```
/// - header: bits 0…6 the number of children (of a block: items), bit 7 whether there is an entry, bit 8 whether it is a
///   block, bits 16…31 `prefixLength`.
/// - A child has all keys below its parent whose next byte is not below its own byte and below the next child's (the
///   first: all that are lower, too). A branch below has one such byte, with which its prefix begins; a block may have
///   several, so that few URLs with many different bytes still make one full block. What a child holds says whether a key
///   is there: its byte only leads to it.
/// - Up to `listedChildren` bytes are listed in rising order, in four or eight places; more are a bitmap of the 96 bytes
///   from 0x20, 12 bytes long. In both, the child is found by counting bits, without a branch for the processor to guess.
/// - Everything but the references and the entry is written before the node is published and never again. A
///   reference changes in place when the child is replaced; the entry is counted in place by readers.
/// - Cells are multiples of four bytes, so references and entries are aligned for atomic access.
///
/// A value of this type is safe to use while its cell is held: by a pinned epoch (readers) or by being the
/// writer.
@safe
struct Node {
  static let listedChildren = 8
  static let bitmapBytes = 12
  static let headerBytes = 4
  /// The largest prefix that the header can tell of.
  static let longestPrefix = Int(UInt16.max)
  /// Keys hold no byte below 0x21, and none from 0x7F.
  static let firstBitmapByte: UInt8 = 0x20
  private static let unusedPlaces: UInt64 = 0x7F7F_7F7F

  let address: UnsafeMutableRawPointer

  @inline(__always)
  init(_ ref: NodeRef, in base: UnsafeMutableRawPointer) {
    unsafe address = base + ref.offset
  }

  /// What a node's header says of where its parts are.
  struct Shape {
    let prefixLength: Int
    let childCount: Int
    let hasEntry: Bool
    let isBlock: Bool

    @inline(__always)
    init(prefixLength: Int, childCount: Int, hasEntry: Bool = false, isBlock: Bool = false) {
      self.prefixLength = prefixLength
      self.childCount = childCount
      self.hasEntry = hasEntry
      self.isBlock = isBlock
    }

    @inline(__always)
    init(header: UInt32) {
      prefixLength = Int(header >> 16)
      childCount = Int(header & 0x7F)
      hasEntry = header & 0x80 != 0
      isBlock = header & 0x100 != 0
    }

    @inline(__always)
    var header: UInt32 {
      UInt32(truncatingIfNeeded: prefixLength) << 16 | UInt32(truncatingIfNeeded: childCount)
        | (hasEntry ? 0x80 : 0) | (isBlock ? 0x100 : 0)
    }

    /// Whether nothing is below it: a leaf or a block.
    @inline(__always)
    var isBucket: Bool { isBlock || childCount == 0 }

    @inline(__always)
    var isListed: Bool { childCount <= Node.listedChildren }

    @inline(__always)
    var keysOffset: Int { Node.headerBytes &+ prefixLength }

    /// What the children's bytes take: a list of four or eight places, or a bitmap.
    @inline(__always)
    var keysBytes: Int {
      if childCount > Node.listedChildren { return Node.bitmapBytes }
      return childCount > 4 ? 8 : childCount > 0 ? 4 : 0
    }

    @inline(__always)
    var childrenOffset: Int { (keysOffset &+ keysBytes &+ 3) & ~3 }

    @inline(__always)
    var entryOffset: Int { childrenOffset &+ childCount &* 4 }

    /// Bytes of a branch or a leaf.
    @inline(__always)
    var branchSize: Int { entryOffset &+ (hasEntry ? EntryCell.bytes : 0) }
  }

  @inline(__always)
  var shape: Shape {
    unsafe Shape(header: address.load(as: UInt32.self))
  }

  // MARK: Reading

  @inline(__always)
  func prefix(_ shape: Shape) -> UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: address + Node.headerBytes, count: shape.prefixLength)
  }

  /// Whether the prefix stands at the beginning of the `remaining` bytes at `bytes`.
  @inline(__always)
  func prefixMatches(_ shape: Shape, _ bytes: UnsafeRawPointer, remaining: Int) -> Bool {
    if shape.prefixLength > remaining { return false }
    if shape.prefixLength == 0 { return true }
    return unsafe equalBytes(address + Node.headerBytes, bytes, shape.prefixLength)
  }

  /// The child that `byte` leads to: of those whose first byte is not above it the last, else the first of all.
  @inline(__always)
  func childIndex(_ shape: Shape, for byte: UInt8) -> Int {
    let keys = unsafe address + shape.keysOffset
    let notAbove: Int
    if shape.isListed {
      // For each listed byte the difference keeps its high bit if it is not above: no borrow leaves a byte, as all are
      // below 0x80. Places that are not used hold 0x7F, which is above all that keys hold.
      let ones: UInt64 = 0x0101_0101_0101_0101
      let listed =
        unsafe shape.childCount > 4
        ? keys.loadUnaligned(as: UInt64.self)
        : UInt64(keys.loadUnaligned(as: UInt32.self)) | Node.unusedPlaces &<< 32
      let differences = ones &* UInt64(min(byte, 0x7E) | 0x80) &- listed
      notAbove = (differences & (ones &<< 7)).nonzeroBitCount
    } else {
      let bit = min(max(byte, Node.firstBitmapByte) &- Node.firstBitmapByte, 95)
      let low = unsafe keys.loadUnaligned(as: UInt64.self)
      if bit < 64 {
        notAbove = (low & (UInt64.max &>> UInt64(63 &- bit))).nonzeroBitCount
      } else {
        let high = unsafe keys.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
        notAbove = low.nonzeroBitCount &+ (high & (UInt32.max &>> UInt32(95 &- bit))).nonzeroBitCount
      }
    }
    return max(notAbove, 1) &- 1
  }

  /// The bytes of the children, in order.
  func appendChildBytes(_ shape: Shape, to bytes: inout [UInt8]) {
    let keys = unsafe address + shape.keysOffset
    if shape.isListed {
      unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(start: keys, count: shape.childCount))
      return
    }
    var low = unsafe keys.loadUnaligned(as: UInt64.self)
    var high = unsafe keys.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
    while low != 0 {
      bytes.append(Node.firstBitmapByte + UInt8(low.trailingZeroBitCount))
      low &= low - 1
    }
    while high != 0 {
      bytes.append(Node.firstBitmapByte + 64 + UInt8(high.trailingZeroBitCount))
      high &= high - 1
    }
  }

  @inline(__always)
  func child(_ shape: Shape, at index: Int) -> Slot {
    unsafe Slot(address + shape.childrenOffset + index &* 4)
  }

  /// The entry of a branch or a leaf that has one.
  @inline(__always)
  func cell(_ shape: Shape) -> EntryCell {
    unsafe EntryCell(address + shape.entryOffset)
  }

  /// Bytes of the whole node.
  var size: Int {
    let shape = shape
    return shape.isBlock ? Block(self, shape).size : shape.branchSize
  }

  // MARK: Writing, before the node is published

  func start(_ shape: Shape) {
    unsafe address.storeBytes(of: shape.header, as: UInt32.self)
  }

  func setPrefix(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
    if let source = bytes.baseAddress {
      unsafe (address + Node.headerBytes + offset).copyMemory(from: source, byteCount: bytes.count)
    }
  }

  func setChildren(_ shape: Shape, _ bytes: Span<UInt8>, _ refs: Span<NodeRef>) {
    let keys = unsafe address + shape.keysOffset
    if shape.childCount == 0 { return }
    if shape.isListed {
      unsafe keys.initializeMemory(as: UInt8.self, repeating: 0x7F, count: shape.keysBytes)
      for index in bytes.indices {
        unsafe keys.storeBytes(of: bytes[index], toByteOffset: index, as: UInt8.self)
      }
    } else {
      var low: UInt64 = 0
      var high: UInt32 = 0
      for index in bytes.indices {
        let bit = bytes[index] - Node.firstBitmapByte
        if bit < 64 { low |= 1 << UInt64(bit) } else { high |= 1 << UInt32(bit - 64) }
      }
      unsafe keys.storeBytes(of: low, as: UInt64.self)
      unsafe keys.storeBytes(of: high, toByteOffset: 8, as: UInt32.self)
    }
    for index in refs.indices {
      unsafe address.storeBytes(
        of: refs[index].bits, toByteOffset: shape.childrenOffset + index * 4, as: UInt32.self)
    }
  }
}

/// Whether `count` bytes, one at least, are the same. What keys are compared by is short: a call would cost more than this.
@inline(__always)
func equalBytes(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ count: Int) -> Bool {
  @inline(__always)
  func differ<Word: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _: Word.Type) -> Word {
    unsafe a.loadUnaligned(fromByteOffset: offset, as: Word.self)
      ^ b.loadUnaligned(fromByteOffset: offset, as: Word.self)
  }
  if count >= 8 {
    var offset = 0
    while offset < count &- 8 {
      if differ(offset, UInt64.self) != 0 { return false }
      offset &+= 8
    }
    return differ(count &- 8, UInt64.self) == 0
  }
  if count >= 4 { return differ(0, UInt32.self) | differ(count &- 4, UInt32.self) == 0 }
  if count >= 2 { return differ(0, UInt16.self) | differ(count &- 2, UInt16.self) == 0 }
  return differ(0, UInt8.self) == 0
}

/// How many of their first bytes are the same.
func commonLength(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int {
  let limit = min(a.count, b.count)
  var length = 0
  while unsafe length < limit && a[length] == b[length] { length += 1 }
  return length
}
