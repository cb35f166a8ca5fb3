import Glibc
import Synchronization

/// One node of the trie, where it lies in the arena.
///
/// ```
///   "/noticias/2014/"                   a node with a prefix, three children, no entry:
///        ├── '0'  …                     ┌──────┬─────────────────┬─────┬─┬─────┬─────┬─────┐
///        ├── '1'  …                     │header│ /noticias/2014/ │0 1 2│ │ ref │ ref │ ref │
///        └── '2'  …                     └──────┴─────────────────┴─────┴─┴─────┴─────┴─────┘
///                                        4      prefixLength      3   pad 4     4     4
///   "…/2014/1" + "2/indice.html"        a leaf: no children, an entry:
///                                       ┌──────┬───────────────┬─┬─────────┬──────────┬──────┐
///                                       │header│ 2/indice.html │ │learnedAt│lastUsedAt│ hits │
///                                       └──────┴───────────────┴─┴─────────┴──────────┴──────┘
///                                        4      prefixLength  pad 4         4          4
/// ```
/// - header: bits 0…6 the number of children, bit 7 whether there is an entry, bits 16…31 `prefixLength`.
/// - The byte that leads to a child stands in its parent, so it is not in the child's prefix. Up to
///   `listedChildren` of them are listed in rising order; more are a bitmap of the 96 bytes from 0x20, 12 bytes
///   long, in which the number of ones below a byte's bit is its child's index.
/// - Everything but the references and the entry is written before the node is published and never again. A
///   reference changes in place when the child is replaced; the entry is counted in place by readers.
/// - Cells are multiples of four bytes, so references and entries are aligned for atomic access.
///
/// A value of this type is safe to use while its cell is held: by a pinned epoch (readers) or by being the
/// writer.
@safe
struct Node {
  static let listedChildren = 12
  static let bitmapBytes = 12
  static let entryBytes = 12
  static let headerBytes = 4
  /// The largest prefix that the header can tell of.
  static let longestPrefix = Int(UInt16.max)
  /// Keys hold no byte below 0x21, and none from 0x7F.
  static let firstBitmapByte: UInt8 = 0x20

  private let address: UnsafeMutableRawPointer

  @inline(__always)
  init(_ ref: UInt32, in base: UnsafeMutableRawPointer) {
    unsafe address = base + Int(ref) * ArenaMemory.unitBytes
  }

  /// What a node's header says of where its parts are.
  struct Shape {
    let prefixLength: Int
    let childCount: Int
    let hasEntry: Bool

    @inline(__always)
    init(prefixLength: Int, childCount: Int, hasEntry: Bool) {
      self.prefixLength = prefixLength
      self.childCount = childCount
      self.hasEntry = hasEntry
    }

    @inline(__always)
    init(header: UInt32) {
      prefixLength = Int(header >> 16)
      childCount = Int(header & 0x7F)
      hasEntry = header & 0x80 != 0
    }

    @inline(__always)
    var header: UInt32 {
      UInt32(truncatingIfNeeded: prefixLength) << 16 | UInt32(truncatingIfNeeded: childCount)
        | (hasEntry ? 0x80 : 0)
    }

    @inline(__always)
    var isListed: Bool { childCount <= Node.listedChildren }

    @inline(__always)
    var keysOffset: Int { Node.headerBytes &+ prefixLength }

    @inline(__always)
    var childrenOffset: Int {
      (keysOffset &+ (isListed ? childCount : Node.bitmapBytes) &+ 3) & ~3
    }

    @inline(__always)
    var entryOffset: Int { childrenOffset &+ childCount &* 4 }

    @inline(__always)
    var size: Int { entryOffset &+ (hasEntry ? Node.entryBytes : 0) }
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
    return unsafe memcmp(address + Node.headerBytes, bytes, shape.prefixLength) == 0
  }

  /// The index of the child that `byte` leads to, or nil.
  @inline(__always)
  func childIndex(_ shape: Shape, for byte: UInt8) -> Int? {
    let keys = unsafe address + shape.keysOffset
    if shape.isListed {
      for index in 0..<shape.childCount where unsafe keys.load(fromByteOffset: index, as: UInt8.self) == byte
      {
        return index
      }
      return nil
    }
    let bit = byte &- Node.firstBitmapByte
    guard bit < 96 else { return nil }
    let low = unsafe keys.loadUnaligned(as: UInt64.self)
    if bit < 64 {
      let mask = 1 as UInt64 &<< UInt64(bit)
      return low & mask == 0 ? nil : (low & (mask &- 1)).nonzeroBitCount
    }
    let high = unsafe keys.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
    let mask = 1 as UInt32 &<< UInt32(bit &- 64)
    return high & mask == 0 ? nil : low.nonzeroBitCount &+ (high & (mask &- 1)).nonzeroBitCount
  }

  /// The first child whose byte is larger than `byte` (any child for -1).
  func firstChild(_ shape: Shape, above byte: Int) -> (index: Int, byte: UInt8)? {
    let keys = unsafe address + shape.keysOffset
    if shape.isListed {
      for index in 0..<shape.childCount {
        let key = unsafe keys.load(fromByteOffset: index, as: UInt8.self)
        if Int(key) > byte { return (index, key) }
      }
      return nil
    }
    let low = unsafe keys.loadUnaligned(as: UInt64.self)
    let high = unsafe keys.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
    let from = max(0, byte + 1 - Int(Node.firstBitmapByte))
    let lowRest = from < 64 ? low & (UInt64.max << UInt64(from)) : 0
    if lowRest != 0 {
      let bit = lowRest.trailingZeroBitCount
      return ((low & ((1 << UInt64(bit)) - 1)).nonzeroBitCount, Node.firstBitmapByte + UInt8(bit))
    }
    let highFrom = max(0, from - 64)
    let highRest = highFrom < 32 ? high & (UInt32.max << UInt32(highFrom)) : 0
    guard highRest != 0 else { return nil }
    let bit = highRest.trailingZeroBitCount
    let below = (high & ((1 << UInt32(bit)) - 1)).nonzeroBitCount
    return (low.nonzeroBitCount + below, Node.firstBitmapByte + 64 + UInt8(bit))
  }

  @inline(__always)
  func child(_ shape: Shape, at index: Int) -> Slot {
    unsafe Slot(address + shape.childrenOffset + index &* 4)
  }

  // MARK: The entry

  @inline(__always)
  private func field(_ shape: Shape, _ index: Int) -> UnsafeMutablePointer<Atomic<UInt32>> {
    unsafe (address + shape.entryOffset + index &* 4).assumingMemoryBound(to: Atomic<UInt32>.self)
  }

  /// Each number is whole; the three may be of different instants.
  @inline(__always)
  func entry(_ shape: Shape) -> MapEntry {
    unsafe MapEntry(
      learnedAt: field(shape, 0).pointee.load(ordering: .relaxed),
      lastUsedAt: field(shape, 1).pointee.load(ordering: .relaxed),
      hits: field(shape, 2).pointee.load(ordering: .relaxed))
  }

  /// From any thread. A load and a store instead of one locked addition: a visit that another thread counts
  /// in the same instant may be lost, and threads that read the same page do not wait for each other.
  @inline(__always)
  func countVisits(_ shape: Shape, _ count: UInt32, at now: UInt32) {
    let hits = unsafe field(shape, 2).pointee.load(ordering: .relaxed)
    if hits != .max {
      let (sum, overflow) = hits.addingReportingOverflow(count)
      unsafe field(shape, 2).pointee.store(overflow ? .max : sum, ordering: .relaxed)
    }
    // A page visited a thousand times a second is written for its time once.
    if unsafe field(shape, 1).pointee.load(ordering: .relaxed) != now {
      unsafe field(shape, 1).pointee.store(now, ordering: .relaxed)
    }
  }

  /// Writer only.
  func renew(_ shape: Shape, learnedAt now: UInt32) {
    unsafe field(shape, 0).pointee.store(now, ordering: .relaxed)
  }

  /// Writer only.
  func merge(_ other: MapEntry) {
    let shape = shape
    let own = entry(shape)
    countVisits(shape, other.hits, at: max(own.lastUsedAt, other.lastUsedAt))
    renew(shape, learnedAt: max(own.learnedAt, other.learnedAt))
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

  func setPrefix(byte: UInt8, at offset: Int) {
    unsafe address.storeBytes(of: byte, toByteOffset: Node.headerBytes + offset, as: UInt8.self)
  }

  func setChildren(_ shape: Shape, _ bytes: Span<UInt8>, _ refs: Span<UInt32>) {
    let keys = unsafe address + shape.keysOffset
    if shape.isListed {
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
        of: refs[index], toByteOffset: shape.childrenOffset + index * 4, as: UInt32.self)
    }
  }

  func setEntry(_ shape: Shape, _ entry: MapEntry) {
    unsafe address.storeBytes(of: entry.learnedAt, toByteOffset: shape.entryOffset, as: UInt32.self)
    unsafe address.storeBytes(of: entry.lastUsedAt, toByteOffset: shape.entryOffset + 4, as: UInt32.self)
    unsafe address.storeBytes(of: entry.hits, toByteOffset: shape.entryOffset + 8, as: UInt32.self)
  }
}
