/// Hands out the arena's cells and takes them back. The writer's own: no other thread uses it.
///
/// A cell is as large as its node, in units of four bytes; above 1 KiB it is rounded up to an eighth of its power
/// of two. Each size has a list of free cells, linked through their first unit. A request takes a cell of its
/// size, else splits a larger one whose rest can still hold a node, else takes fresh memory at the end. All in
/// O(1): which sizes have free cells is a bitmap.
struct Allocator: ~Copyable {
  /// The smallest node (a leaf without a prefix) takes 16 bytes; a smaller rest would be lost for good.
  private static let smallestUnits = 4
  private static let exactUnits = 256
  private static let classCount = exactUnits + 1 + 8 * 12

  let memory: ArenaMemory
  private var nextUnit: Int
  private var usableUnits: Int
  private let limitUnits: Int
  private let insertLimitUnits: Int
  private var freeHeads: [UInt32]
  private var nonEmpty: [UInt64]
  private(set) var freeBytes = 0

  /// Removals need a little memory before they give some back, so learning leaves them this much.
  private static let keptForRemovalBytes = 256 << 10

  init(_ memory: ArenaMemory) {
    self.memory = memory
    nextUnit = ArenaMemory.headerBytes / ArenaMemory.unitBytes
    usableUnits = ArenaMemory.stepBytes / ArenaMemory.unitBytes
    limitUnits = memory.reservedBytes / ArenaMemory.unitBytes
    insertLimitUnits = limitUnits - Allocator.keptForRemovalBytes / ArenaMemory.unitBytes
    freeHeads = [UInt32](repeating: 0, count: Allocator.classCount)
    nonEmpty = [UInt64](repeating: 0, count: (Allocator.classCount + 63) / 64)
  }

  /// Bytes of the arena that have been handed out at some time: what the process pays for.
  var touchedBytes: Int { nextUnit * ArenaMemory.unitBytes }
  /// Bytes in cells that are handed out now (a retired cell counts until its last reader has left).
  var usedBytes: Int { touchedBytes - freeBytes }
  /// The most that may be handed out.
  var limitBytes: Int { limitUnits * ArenaMemory.unitBytes }

  /// A cell for `bytes`, or nil when the memory's limit is reached.
  mutating func allocate(_ bytes: Int, forRemoval: Bool) -> UInt32? {
    let (units, index) = Allocator.sizeClass(bytes)
    if freeHeads[index] != 0 { return popFree(index, units: units) }
    if let larger = firstNonEmpty(from: Allocator.classIndex(units + Allocator.smallestUnits)) {
      let cellUnits = Allocator.units(ofClass: larger)
      let ref = popFree(larger, units: cellUnits)
      pushFree(ref + UInt32(units), units: cellUnits - units)
      return ref
    }
    guard nextUnit + units <= (forRemoval ? limitUnits : insertLimitUnits) else { return nil }
    while nextUnit + units > usableUnits {
      let stepUnits = ArenaMemory.stepBytes / ArenaMemory.unitBytes
      let from = usableUnits * ArenaMemory.unitBytes
      guard memory.makeUsable(from: from, to: from + ArenaMemory.stepBytes) else { return nil }
      usableUnits += stepUnits
    }
    let ref = UInt32(nextUnit)
    nextUnit += units
    return ref
  }

  /// Takes back the cell at `ref`, which was handed out for `bytes` and which no reader can reach any more.
  mutating func free(_ ref: UInt32, _ bytes: Int) {
    pushFree(ref, units: Allocator.sizeClass(bytes).units)
  }

  private mutating func popFree(_ index: Int, units: Int) -> UInt32 {
    let ref = freeHeads[index]
    let next = unsafe memory.base.load(fromByteOffset: Int(ref) * ArenaMemory.unitBytes, as: UInt32.self)
    freeHeads[index] = next
    if next == 0 { nonEmpty[index >> 6] &= ~(1 << UInt64(index & 63)) }
    freeBytes -= units * ArenaMemory.unitBytes
    return ref
  }

  private mutating func pushFree(_ ref: UInt32, units: Int) {
    // The rest of a split may lie between two rounded sizes: it is then listed as the one below, and what that
    // leaves is listed for itself.
    var ref = ref
    var units = units
    while units >= Allocator.smallestUnits {
      var index = Allocator.classIndex(units)
      if Allocator.units(ofClass: index) > units { index -= 1 }
      var cellUnits = Allocator.units(ofClass: index)
      if units - cellUnits > 0, units - cellUnits < Allocator.smallestUnits {
        index -= 1
        cellUnits = Allocator.units(ofClass: index)
      }
      let offset = Int(ref) * ArenaMemory.unitBytes
      unsafe memory.base.storeBytes(of: freeHeads[index], toByteOffset: offset, as: UInt32.self)
      freeHeads[index] = ref
      nonEmpty[index >> 6] |= 1 << UInt64(index & 63)
      freeBytes += cellUnits * ArenaMemory.unitBytes
      ref += UInt32(cellUnits)
      units -= cellUnits
    }
  }

  private func firstNonEmpty(from index: Int) -> Int? {
    guard index < Allocator.classCount else { return nil }
    var word = index >> 6
    var bits = nonEmpty[word] & (UInt64.max << UInt64(index & 63))
    while bits == 0 {
      word += 1
      guard word < nonEmpty.count else { return nil }
      bits = nonEmpty[word]
    }
    return word << 6 + bits.trailingZeroBitCount
  }

  // MARK: Size classes

  private static func sizeClass(_ bytes: Int) -> (units: Int, index: Int) {
    let index = classIndex((bytes + ArenaMemory.unitBytes - 1) / ArenaMemory.unitBytes)
    return (units(ofClass: index), index)
  }

  /// The class of the smallest cells that hold `units`.
  private static func classIndex(_ units: Int) -> Int {
    if units <= exactUnits { return units }
    let last = units - 1
    let power = Int.bitWidth - 1 - last.leadingZeroBitCount
    let eighth = (last >> (power - 3)) & 7
    return exactUnits + 1 + (power - 8) * 8 + eighth
  }

  private static func units(ofClass index: Int) -> Int {
    if index <= exactUnits { return index }
    let (octave, eighth) = (index - exactUnits - 1).quotientAndRemainder(dividingBy: 8)
    return (9 + eighth) << (octave + 5)
  }
}
