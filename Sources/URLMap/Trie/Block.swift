import Glibc

/// A node that holds two to 32 URLs whole: the end of the way down, where most URLs stand.
///
/// ```
///   "/noticias/2014/" + three URLs       ┌──────┬─────────────────┬─────┬─────┬─┬──────┬──────┬──────┐
///        ├── 3/indice.html               │header│ /noticias/2014/ │h h h│e e e│ │ item │ item │ item │
///        ├── 3/sucesos.html              └──────┴─────────────────┴─────┴─────┴─┴──────┴──────┴──────┘
///        └── 4/indice.html                4      prefixLength      3     3   pad
///
///   an item                              ┌───────────┬────────────┬──────┬─────────────────┬─┐
///                                        │ learnedAt │ lastUsedAt │ hits │ 3/indice.html   │0│
///                                        └───────────┴────────────┴──────┴─────────────────┴─┘
///                                         4           4            4      the suffix      pad
/// ```
/// - h, the fingerprints: one byte of a hash of each suffix. A look-up compares eight at a time and goes on to the one item
///   that it finds: two or three reads of memory where a node for each branching would have taken a read each.
/// - e: where the items end, in units of four bytes from the first item on. Items stand in the order of their suffixes.
/// - A suffix is filled up with zeros, which no key holds, so its length need not be stored.
/// - What the suffixes have in common is in the prefix. That neighbours repeat some of each other's bytes is bounded by
///   ``repeatedBytesPerItem``; past that a branch is made, which stores them once.
///
/// Only the entries change after the node is published. Safe to use while its cell is held, as a ``Node`` is.
@safe
struct Block {
  /// More go into blocks of their own, below a branch.
  static let mostItems = 32
  /// What an end can tell: items take at most 1020 bytes together.
  static let mostUnits = 255
  /// How many bytes an item may repeat of the one before it, in the mean: about what a node of its own would take.
  static let repeatedBytesPerItem = 12

  private let address: UnsafeMutableRawPointer
  private let prefixLength: Int
  let count: Int

  @inline(__always)
  init(_ node: Node, _ shape: Node.Shape) {
    unsafe address = node.address
    prefixLength = shape.prefixLength
    count = shape.childCount
  }

  @inline(__always)
  private var fingerprintsOffset: Int { Node.headerBytes &+ prefixLength }
  @inline(__always)
  private var endsOffset: Int { fingerprintsOffset &+ count }
  @inline(__always)
  private var itemsOffset: Int { Block.itemsOffset(prefixLength: prefixLength, count: count) }

  @inline(__always)
  private static func itemsOffset(prefixLength: Int, count: Int) -> Int {
    (Node.headerBytes &+ prefixLength &+ 2 &* count &+ 3) & ~3
  }

  var size: Int { itemsOffset + end(of: count - 1) }

  static func size(prefixLength: Int, count: Int, units: Int) -> Int {
    itemsOffset(prefixLength: prefixLength, count: count) + units * ArenaMemory.unitBytes
  }

  /// How many units an item with a suffix of so many bytes takes.
  @inline(__always)
  static func units(suffixBytes: Int) -> Int {
    EntryCell.bytes / ArenaMemory.unitBytes &+ (suffixBytes &+ 3) >> 2
  }

  /// Bytes from the first item's start to the end of the item at `index`; 0 for -1.
  @inline(__always)
  private func end(of index: Int) -> Int {
    if index < 0 { return 0 }
    let units = unsafe address.load(fromByteOffset: endsOffset &+ index, as: UInt8.self)
    return Int(units) &* ArenaMemory.unitBytes
  }

  // MARK: Reading

  @inline(__always)
  func cell(at index: Int) -> EntryCell {
    unsafe EntryCell(address + itemsOffset + end(of: index &- 1))
  }

  func suffix(at index: Int) -> UnsafeRawBufferPointer {
    let start = itemsOffset + end(of: index - 1) + EntryCell.bytes
    var end = itemsOffset + end(of: index)
    while end > start, unsafe address.load(fromByteOffset: end - 1, as: UInt8.self) == 0 { end -= 1 }
    return unsafe UnsafeRawBufferPointer(start: address + start, count: end - start)
  }

  /// The item whose suffix the `length` bytes at `bytes` are.
  @inline(__always)
  func index(of bytes: UnsafeRawPointer, _ length: Int) -> Int? {
    let wanted = unsafe Block.fingerprint(bytes, length)
    let fingerprints = unsafe address + fingerprintsOffset
    guard count >= 8 else {
      for index in 0..<count
      where unsafe fingerprints.load(fromByteOffset: index, as: UInt8.self) == wanted
        && isItem(index, bytes, length)
      {
        return index
      }
      return nil
    }
    let ones: UInt64 = 0x0101_0101_0101_0101
    let pattern = ones &* UInt64(wanted)
    var next = 0
    while next < count {
      // The last eight overlap those before: nothing past the fingerprints is read.
      let first = min(next, count &- 8)
      let differing =
        unsafe UInt64(littleEndian: fingerprints.loadUnaligned(fromByteOffset: first, as: UInt64.self))
        ^ pattern
      // A high bit for each byte that is 0, and perhaps for some above one; `isItem` sorts those out.
      var found = (differing &- ones) & ~differing & (ones &<< 7)
      while found != 0 {
        let index = first &+ found.trailingZeroBitCount >> 3
        if unsafe isItem(index, bytes, length) { return index }
        found &= found &- 1
      }
      next &+= 8
    }
    return nil
  }

  @inline(__always)
  private func isItem(_ index: Int, _ bytes: UnsafeRawPointer, _ length: Int) -> Bool {
    let start = end(of: index &- 1) &+ EntryCell.bytes
    let room = end(of: index) &- start
    guard room == (length &+ 3) & ~3 else { return false }
    let suffix = unsafe address + itemsOffset + start
    guard unsafe length == 0 || equalBytes(suffix, bytes, length) else { return false }
    return unsafe room == length || suffix.load(fromByteOffset: length, as: UInt8.self) == 0
  }

  /// A byte that depends on all of the bytes.
  @inline(__always)
  static func fingerprint(_ bytes: UnsafeRawPointer, _ length: Int) -> UInt8 {
    let factor: UInt64 = 0x9E37_79B9_7F4A_7C15
    var hash = UInt64(truncatingIfNeeded: length)
    func mix(_ word: UInt64) {
      hash = (hash ^ word) &* factor
      hash ^= hash &>> 29
    }
    if length >= 8 {
      var offset = 0
      while offset < length &- 8 {
        unsafe mix(bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        offset &+= 8
      }
      unsafe mix(bytes.loadUnaligned(fromByteOffset: length &- 8, as: UInt64.self))
    } else if length >= 4 {
      let first = unsafe bytes.loadUnaligned(as: UInt32.self)
      let last = unsafe bytes.loadUnaligned(fromByteOffset: length &- 4, as: UInt32.self)
      mix(UInt64(first) << 32 | UInt64(last))
    } else if length > 0 {
      let first = unsafe bytes.load(as: UInt8.self)
      let middle = unsafe bytes.load(fromByteOffset: length >> 1, as: UInt8.self)
      let last = unsafe bytes.load(fromByteOffset: length &- 1, as: UInt8.self)
      mix(UInt64(first) << 16 | UInt64(middle) << 8 | UInt64(last))
    }
    return UInt8(truncatingIfNeeded: hash &>> 56)
  }

  /// The first item whose suffix is not below `start` (`after`: is above it); `count` if there is none.
  func firstIndex(notBelow start: UnsafeRawBufferPointer, after: Bool = false) -> Int {
    for index in 0..<count {
      let suffix = unsafe suffix(at: index)
      let order = unsafe memcmpOrder(suffix, start)
      if order > 0 || (order == 0 && !after) { return index }
    }
    return count
  }

  private func memcmpOrder(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int {
    if let first = a.baseAddress, let second = b.baseAddress {
      let order = unsafe memcmp(first, second, min(a.count, b.count))
      if order != 0 { return Int(order) }
    }
    return a.count - b.count
  }

  // MARK: Writing, before the node is published

  /// Writes the item at `index`, which the one before it must precede.
  func setItem(_ index: Int, _ suffix: UnsafeRawBufferPointer, _ entry: MapEntry) {
    let start = end(of: index - 1)
    let units = Block.units(suffixBytes: suffix.count)
    let endUnits = start / ArenaMemory.unitBytes + units
    unsafe address.storeBytes(
      of: UInt8(truncatingIfNeeded: endUnits), toByteOffset: endsOffset + index, as: UInt8.self)
    let item = unsafe address + itemsOffset + start
    unsafe EntryCell(item).start(entry)
    guard let bytes = suffix.baseAddress, suffix.count > 0 else {
      unsafe setFingerprint(index, Block.fingerprint(UnsafeRawPointer(item), 0))
      return
    }
    // The last unit first: what the suffix leaves of it stays zero.
    unsafe item.storeBytes(of: 0, toByteOffset: (units - 1) * ArenaMemory.unitBytes, as: UInt32.self)
    unsafe (item + EntryCell.bytes).copyMemory(from: bytes, byteCount: suffix.count)
    unsafe setFingerprint(index, Block.fingerprint(bytes, suffix.count))
  }

  private func setFingerprint(_ index: Int, _ value: UInt8) {
    unsafe address.storeBytes(of: value, toByteOffset: fingerprintsOffset + index, as: UInt8.self)
  }
}
